"""Labels against the counter: whether a person sees as many threads as the network."""

from __future__ import annotations

from dl4art.cropping.label_check import Finding
from dl4art.cropping.labels import ThreadLabels
from dl4art.cropping.threads import DIRECTIONS, mean_density
from dl4art.regression.count_file import FileCount
from dl4art.utils.errors import InputError

TOLERANCE = 0.05
"""How far labels and counter may be apart, as a share of the counter's density."""


def compare_labels(file: str, labels: ThreadLabels, count: FileCount) -> list[Finding]:
    """Compare the densities of labels with those that were counted.

    Parameters
    ----------
    file : str
        The labels, as findings are to name them.
    labels : ThreadLabels
        The threads as they were labelled. A direction with fewer than two threads is left out.
    count : FileCount
        What was counted in their picture.

    Returns
    -------
    list of Finding
        One for each direction that differs by more than `TOLERANCE`; none where there is no estimate.
    """
    if count.status == "failed":
        return [Finding(file, "not counted", f"{count.file}: {count.message}")]
    findings = []
    for direction in DIRECTIONS:
        lines = getattr(labels, direction)
        counted = getattr(count, f"{direction}_per_cm")
        if counted is None or count.px_per_cm is None or len(lines) < 2:
            continue
        try:
            drawn = mean_density(lines, labels.shape, count.px_per_cm, direction=direction)
        except InputError as error:
            findings.append(Finding(file, "no density", f"{error}."))
            continue
        if abs(drawn / counted - 1) > TOLERANCE:
            threads = getattr(count, f"{direction}_threads")
            message = (
                f"{direction} threads: {drawn:.2f} per cm as drawn ({len(lines)} threads), {counted:.2f} as counted "
                f"(about {threads:.0f}), {drawn / counted - 1:+.0%}. Is a thread missing, or one too many?"
            )
            findings.append(Finding(file, "unlike the count", message))
    return findings
