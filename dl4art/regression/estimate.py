"""What a counter says of one crop."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "no-estimate"]


@dataclass(frozen=True)
class ThreadEstimate:
    """Thread densities of one crop, with 95 % intervals.

    Densities are in threads per centimetre, measured across the threads (one definition: the mean length of the
    gradient of the thread phase); tilts in degrees away from the picture's vertical and horizontal, counter-clockwise
    as seen in the picture. With `status` ``no-estimate`` all numbers are None and `message` says why.
    """

    status: Status
    vertical_per_cm: float | None = None
    horizontal_per_cm: float | None = None
    vertical_low: float | None = None
    vertical_high: float | None = None
    horizontal_low: float | None = None
    horizontal_high: float | None = None
    vertical_tilt: float | None = None
    horizontal_tilt: float | None = None
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a plain dictionary."""
        return asdict(self)
