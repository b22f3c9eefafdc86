"""The report of a comparison: what was found, the evidence to look at, and what it allows to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.plate import Plate
from dl4art.regression.counter import ThreadCounter
from dl4art.regression.maps import map_threads
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.comparison import CanvasRecord, Comparison
from dl4art.siamese.comparison_figures import (
    COLOURS,
    draw_crop_pair,
    draw_densities,
    draw_pair_scores,
    draw_plate,
    draw_standing,
)
from dl4art.siamese.encoded import EncodedCanvas
from dl4art.siamese.weave_figure import draw_match
from dl4art.siamese.weave_match import WeaveMatch, match_weaves
from dl4art.siamese.weave_profiles import WeaveMap
from dl4art.utils.pages import drawing, write_page

SHOWN = 3
"""Pairs of crops that are shown of the most alike ones, and of the least."""
_HEAD = ("", "file", "size, cm", "crops", "vertical/cm", "horizontal/cm", "like itself")
_CONCLUSIONS = {
    "compatible": (
        "Neither the thread densities nor the weave speak against one cloth.",
        "It cannot be concluded that they are one: another cloth from the same loom may look the same.",
    ),
    "unlike": (
        "The thread densities do not exclude one cloth; the weave looks like that of another.",
        "This holds for the parts that were compared: a canvas may be pieced together of more than one cloth.",
    ),
    "excluded": (
        "The thread densities differ by more than one bolt of cloth shows, so that the parts compared are not of one "
        "bolt.",
        "This stands or falls with the scale of both plates. Check that the sizes in cm are those of the paintings.",
    ),
    "undecided": (
        "Neither can be concluded: the evidence is too weak, or points both ways.",
        "More crops, or a plate of another part of each canvas, may decide it.",
    ),
}


@dataclass(frozen=True, eq=False)
class WovenPlates:
    """The weave maps of two plates, and how they match."""

    first: WeaveMap
    second: WeaveMap
    match: WeaveMatch


def write_comparison(
    path: str | Path,
    comparer: FabricComparer,
    plates: Sequence[Plate],
    canvases: Sequence[EncodedCanvas],
    result: Comparison,
    *,
    about: Mapping[str, Any],
    weave: WovenPlates | None = None,
) -> None:
    """Write the report as a page of HTML, pictures inside.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    comparer : FabricComparer
        What compared them.
    plates : two Plate
        The plates, from which crops are shown.
    canvases : two EncodedCanvas
        The same, from `FabricComparer.encode`.
    result : Comparison
        What they came to.
    about : mapping
        Provenance.
    weave : WovenPlates, optional
        Their weave match, from `match_plates`.
    """
    vectors = comparer.meant(*canvases)
    scores = comparer.pair_scores(vectors[0], vectors[1])
    controls = [comparer.pair_scores(own, own) for own in vectors]
    # canvases lie one way to each other in all their crops
    logits = scores.turned if result.turned else scores.straight
    records = result.a, result.b
    say = "The crops used are marked."
    shown = zip("ab", plates, records, strict=True)
    write_page(
        path,
        "siamese/templates/comparison.html",
        about,
        title=f"{_name(result.a)} and {_name(result.b)}",
        verdict=result.verdict.capitalize(),
        meaning=result.meaning,
        facts=_facts(result),
        conclusions=[*_CONCLUSIONS[result.verdict], *result.in_words()],
        warnings=result.warnings,
        plates=[
            drawing(
                _name(record), f"{letter.upper()}: {_name(record)}. {say}", draw_plate(plate, record, COLOURS[letter])
            )
            for letter, plate, record in shown
        ],
        head=_HEAD,
        rows=[_row(letter, record) for letter, record in zip("AB", records, strict=True)],
        figures=[
            drawing(
                "Thread densities",
                "Thick: the 95 % interval of the mean. Thin: one standard deviation of the crops either way.",
                draw_densities(result),
            ),
            drawing(
                "Among known canvases",
                "How simulated canvases fall of which it is known whether they are one cloth, in shares of a hundred "
                "(upwards of 4 % the scale is logarithmic), and where these two do.",
                draw_standing(result, comparer.calibration),
            ),
            drawing(
                "Pairs of crops",
                f"Scores of the {result.pairs} pairs of crops of the two canvases and, as a control, of the crops of "
                "each canvas among themselves. These also share film and exposure, and look more alike than crops of "
                "one cloth on two plates.",
                draw_pair_scores(scores, controls, comparer.calibration),
            ),
        ],
        most=_pairs(plates, records, logits, most=True),
        least=_pairs(plates, records, logits, most=False),
        weave=_woven(weave, records) if weave else None,
    )


def match_plates(
    plates: Sequence[Plate],
    network: ThreadCounter,
    *,
    seed: int = 0,
    advance: Callable[[float], None] = lambda _share: None,
) -> WovenPlates:
    """Map the threads of two plates and match the maps.

    Parameters
    ----------
    plates : two Plate
        The plates.
    network : ThreadCounter
        What maps them.
    seed : int
        Of chance.
    advance : callable
        Told now and then what share of the work has just been done.
    """
    maps = [
        WeaveMap.of(map_threads(plate, network, advance=lambda share: advance(share / len(plates)))) for plate in plates
    ]
    return WovenPlates(maps[0], maps[1], match_weaves(maps[0], maps[1], seed=seed))


def _woven(weave: WovenPlates, records: Sequence[CanvasRecord]) -> dict[str, Any]:
    best = weave.match.best
    if best is None:
        return {"sentence": _sentence(weave.match), "figures": []}
    names = _name(records[0]), _name(records[1])
    caption = (
        "Maps of both canvases, their means taken off, the second laid so that it agrees best; below, the profiles "
        "across the threads. Grey: the overlap."
    )
    figures = [drawing("aligned maps", caption, draw_match(weave.first, weave.second, best, names))]
    return {"sentence": _sentence(weave.match), "figures": figures}


def _sentence(match: WeaveMatch) -> str:
    return match.sentence[0].upper() + match.sentence[1:]


def extreme_pairs(logits: npt.NDArray[np.float64], count: int, *, most: bool) -> list[tuple[int, int]]:
    """Choose the pairs with the highest scores, or the lowest, each crop in one pair only."""
    left = np.array(logits if most else -logits, np.float64)
    chosen: list[tuple[int, int]] = []
    for _ in range(min(count, *left.shape)):
        row, col = np.unravel_index(int(left.argmax()), left.shape)
        chosen.append((int(row), int(col)))
        left[row], left[:, col] = -np.inf, -np.inf
    return chosen


def _pairs(
    plates: Sequence[Plate], records: Sequence[CanvasRecord], logits: npt.NDArray[np.float64], *, most: bool
) -> list[dict[str, str]]:
    pictures = []
    for both in extreme_pairs(logits, SHOWN, most=most):
        places = [record.positions_cm[index] for record, index in zip(records, both, strict=True)]
        crops = [
            plate.sample(*place, record.crop_cm, record.crop_cm)
            for plate, place, record in zip(plates, places, records, strict=True)
        ]
        where = "; ".join(f"{letter} at {x:.1f}, {y:.1f} cm" for letter, (x, y) in zip("AB", places, strict=True))
        caption = f"{where}. Log odds {logits[both]:.1f}."
        pictures.append(drawing("two crops", caption, draw_crop_pair(crops[0], crops[1])))
    return pictures


def _facts(result: Comparison) -> list[tuple[str, str]]:
    differences = [
        f"{abs(getattr(result.a, name) - getattr(result.b, name)):.2f} {kind}"
        for name, kind in (("vertical_per_cm", "vertical"), ("horizontal_per_cm", "horizontal"))
    ]
    return [
        (
            "Similarity",
            f"{result.similarity:.2f} (95 % interval {result.low:.2f} to {result.high:.2f}), on a scale of 0 to 1",
        ),
        ("Compared", f"{result.pairs} pairs of crops of {result.a.crop_cm:g} cm"),
        ("Densities differ by", f"{' and '.join(differences)} threads per cm"),
        ("Model", f"{result.model}, counted by {result.counter}"),
    ]


def _name(record: CanvasRecord) -> str:
    return Path(record.file).name


def _row(letter: str, record: CanvasRecord) -> tuple[str, ...]:
    return (
        letter,
        _name(record),
        f"{record.width_cm:.1f} x {record.height_cm:.1f}",
        f"{record.crops} of {record.looked_at}",
        f"{record.vertical_per_cm:.2f} ± {record.vertical_sd:.2f}",
        f"{record.horizontal_per_cm:.2f} ± {record.horizontal_sd:.2f}",
        f"{record.control.similarity:.2f}",
    )
