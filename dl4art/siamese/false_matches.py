"""How many pairs of different cloths a collection has to expect among those that are called compatible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scipy import stats

KEY = "false_matches"
"""Under which ``calibration.json`` tells how many strangers were called compatible, of how many: on test canvases."""


@dataclass(frozen=True)
class Expected:
    """False matches to expect if no two canvases were of one cloth; None where the model was not tested for it.

    `high` are the upper ends of the 95 % intervals, as only so many strangers were tested.
    """

    pairs: int
    left_open: int | None
    """Pairs that the densities do not exclude; None where that was not looked at."""
    of_any_densities: float | None
    of_any_densities_high: float | None
    """If the densities of the canvases lie as far from each other as those of the cloths that the test drew."""
    of_like_densities: float | None
    of_like_densities_high: float | None
    """If all pairs that are left open are of nearly the same densities."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, and the same in words."""
        return {**asdict(self), "meaning": self.in_words()}

    def in_words(self) -> str:
        """Say it in sentences."""
        if self.of_any_densities is None or self.of_like_densities is None:
            return "How many false matches to expect is not known: this model was not tested for it."
        some, more = _told(self.of_any_densities), _told(self.of_like_densities)
        ways, plural = self.pairs, "s" if self.pairs != 1 else ""
        alike = "they" if self.left_open is None else f"all that the densities leave open ({self.left_open})"
        return (
            f"Expected false matches, were no two of one cloth: {some} in {ways} pair{plural} of canvases "
            f"of any densities (95 %: at most {_at_most(self.of_any_densities_high or 0)}), and {more} if "
            f"{alike} are of nearly the same densities (at most {_at_most(self.of_like_densities_high or 0)}). "
            "Measured on simulated canvases."
        )


def expected_matches(calibration: Mapping[str, Any], pairs: int, left_open: int | None = None) -> Expected:
    """Tell how many strangers among so many pairs will be called compatible.

    Parameters
    ----------
    calibration : mapping
        Of the model folder. Under `KEY` it holds, for ``any`` and ``like`` densities, two numbers: how many pairs of
        test canvases of different cloths were called compatible, and how many there were.
    pairs, left_open : int
        How many are compared, and how many of these the densities do not exclude; all of them, if left out.
    """
    tested = calibration.get(KEY)
    if not tested or not all(pairs for _, pairs in tested.values()):
        return Expected(pairs, left_open, None, None, None, None)
    most = pairs if left_open is None else left_open
    any_, like = (_share(*tested[name]) for name in ("any", "like"))
    return Expected(pairs, left_open, *(pairs * share for share in any_), *(most * share for share in like))


def matches_of_tests(results: Mapping[str, Any]) -> dict[str, list[int]]:
    """Count them in the results of a comparer's tests, all families together, as `expected_matches` reads them."""
    found = {}
    for name, kind in (("any", "strangers"), ("like", "canvases")):
        tests = [result[kind]["different"] for result in results.values() if "different" in result[kind]]
        wrong = sum(round(test["compatible"] * test["pairs"]) for test in tests)
        found[name] = [wrong, sum(test["pairs"] for test in tests)]
    return found


def _share(wrong: int, tested: int) -> tuple[float, float]:
    """Share, and the upper end of its interval by Clopper and Pearson."""
    high = float(stats.beta.ppf(0.975, wrong + 1, tested - wrong)) if wrong < tested else 1.0
    return wrong / tested, high


def _told(number: float) -> str:
    if 0 < number < 0.05:
        return "fewer than 0.1"
    return f"{number:.0f}" if number >= 9.5 or number == 0 else f"{number:.1f}"


def _at_most(number: float) -> str:
    return f"{math.ceil(number)}" if number >= 9.5 or number == 0 else f"{math.ceil(10 * number) / 10:.1f}"
