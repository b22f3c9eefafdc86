"""What is said of a compared collection, and of a search, on the screen."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

import numpy as np

from dl4art.siamese.collection import PairResult
from dl4art.siamese.collection_encoding import KeptCanvas
from dl4art.siamese.collection_files import ComparedCollection
from dl4art.siamese.collection_run import Found
from dl4art.siamese.comparison import limits_of
from dl4art.utils.tables import plain_text, text_table

_MOST = 20  # rows of a table; the files have all
_NUMBERS = ("similarity", "95 %", "verdict", "apart")


def collection_text(found: ComparedCollection) -> str:
    """Say in short what a collection has shown."""
    pairs, names = found.pairs, found.names
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in found.verdicts.items() if count)
    first, second = np.triu_indices(len(names), 1)
    order = np.lexsort((-pairs.similarity[first, second], pairs.has("excluded")[first, second]))[: _MOST // 2]
    rows: list[tuple[str, ...]] = [("most alike", "", *_NUMBERS)]
    rows += [(names[a], names[b], *_cells(pairs.pair(a, b))) for a, b in zip(first[order], second[order], strict=True)]
    return "\n\n".join(
        [
            _shortened(_canvas_rows(found.canvases), "collection.json", numeric=(1, 2)),
            f"pairs       {len(names) * (len(names) - 1) // 2}: {verdicts}",
            text_table([tuple(map(plain_text, row)) for row in rows], numeric=(2,)),
            _groups(found),
            wrapped(" ".join([found.expected.in_words(), *limits_of(found.calibration)])),
            *_remarks(found.remarks, "collection.json"),
        ]
    )


def search_text(found: Found, canvas: KeptCanvas) -> str:
    """Say what a search has found."""
    rows: list[tuple[str, ...]] = [("", "canvas", *_NUMBERS)]
    rows += [
        (str(rank), neighbour.entry.name, *_cells(neighbour.result))
        for rank, neighbour in enumerate(found.neighbours, start=1)
    ]
    remarks = list(
        dict.fromkeys([*found.warnings, *(text for neighbour in found.neighbours for text in neighbour.warnings)])
    )
    return "\n\n".join(
        [
            text_table(_canvas_rows([canvas]), numeric=(1, 2)),
            f"nearest of {found.searched} canvases in the catalogue\n"
            + text_table([tuple(map(plain_text, row)) for row in rows], numeric=(0, 2)),
            wrapped(" ".join([*([found.expected.in_words()] if found.expected else []), *found.limits])),
            *_remarks(remarks, "what -o writes"),
        ]
    )


def wrapped(text: str, indent: int = 0) -> str:
    """Fold a paragraph to the width of the terminal."""
    width = max(60, min(100, shutil.get_terminal_size().columns))
    return textwrap.fill(text, width, subsequent_indent=" " * indent, break_on_hyphens=False)


def _canvas_rows(canvases: Sequence[KeptCanvas]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("canvas", "plates", "crops", "vertical/cm", "horizontal/cm", "like itself")]
    for canvas in canvases:
        record = canvas.encoded.record
        rows.append(
            (
                plain_text(canvas.name),
                str(len(canvas.files)),
                str(record.crops),
                f"{record.vertical_per_cm:.2f} ± {record.vertical_sd:.2f}",
                f"{record.horizontal_per_cm:.2f} ± {record.horizontal_sd:.2f}",
                f"{record.control.similarity:.2f}",
            )
        )
    return rows


def _cells(result: PairResult) -> tuple[str, ...]:
    interval = f"{result.low:.2f} to {result.high:.2f}" if np.isfinite(result.low) else ""
    return f"{result.similarity:.2f}", interval, result.verdict, f"{result.apart:.1f}"


def _groups(found: ComparedCollection) -> str:
    if not found.groups:
        return "groups      none: no two canvases are compatible"
    lines = [
        f"{number:6d}      {', '.join(found.names[place] for place in group)}"
        for number, group in enumerate(found.groups[:_MOST], start=1)
    ]
    head = f"groups      {len(found.groups)}, in each of which every canvas is compatible with every other"
    more = [f"            and {len(found.groups) - _MOST} more in collection.json"] if len(found.groups) > _MOST else []
    return "\n".join([head, *(wrapped(plain_text(line), 12) for line in lines), *more])


def _shortened(rows: Sequence[Sequence[str]], where: str, numeric: Sequence[int]) -> str:
    more = len(rows) - 1 - _MOST
    table = text_table(rows[: _MOST + 1], numeric)
    return f"{table}\nand {more} more in {where}" if more > 0 else table


def _remarks(texts: Sequence[str], where: str) -> list[str]:
    lines = [wrapped(f"- {plain_text(text)}", indent=2) for text in texts[:_MOST]]
    if len(texts) > _MOST:
        lines.append(f"- and {len(texts) - _MOST} more in {where}")
    return ["\n".join(lines)] if lines else []
