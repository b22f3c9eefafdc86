"""Try dl4art's robustness at length: mutants of files, faults, large plates, repeated runs.

Writes `utils/results/robustness.json` and a table beside it. Bounded in time (`--minutes`): what is left out when the
time is up is told. Of what is not asked for (`--parts`, `--only`), the figures of an earlier run stay. The short form
of each part is among the tests, `tests/robustness`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from robustness import faults, memory, repeat  # noqa: E402
from robustness.doors import DOORS  # noqa: E402
from robustness.fuzz import LIMIT_S, OUTCOMES, Outcome, work  # noqa: E402
from robustness.readers import READERS  # noqa: E402

from dl4art.utils.provenance import versions  # noqa: E402

PARTS = ("mutants", "faults", "memory", "repeatability")
_SHARES = {"mutants": 0.45, "faults": 0.75, "memory": 0.93, "repeatability": 1.0}
"""Of the time, by when each part must be done."""
_GRACE_S = 15.0  # beyond the limit of a reader, for one that cannot be stopped from inside


def main() -> int:
    """Run the parts that are asked for and write down what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="which of them, with commas (default: all)")
    parser.add_argument(
        "--only",
        type=lambda text: [name.strip() for name in text.split(",")],
        metavar="NAME,...",
        help="doors (segment, train craquelure; train for all of train) and formats of mutants (TIFF) to try",
    )
    parser.add_argument("--mutants", type=int, default=12_000, help="over all formats (default: 12000)")
    parser.add_argument("--faults", type=int, default=280, help="over all doors (default: 280)")
    parser.add_argument("--side", type=int, default=32_768, help="of the large plates, px (default: 32768)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="processes that read mutants (default: 2)")
    parser.add_argument("--minutes", type=float, default=115, help="in all (default: 115)")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "utils" / "results" / "robustness.json")
    args = parser.parse_args()
    known = {*FORMATS, *(door.name for door in DOORS), *memory.DOORS, *repeat.DOORS}
    if strange := [name for name in args.only or () if not _named(known, [name])]:
        parser.error(f"{' and '.join(strange)}: neither a door nor a format ({', '.join(sorted(known))})")
    began = time.monotonic()
    # what was found before stays for the parts that are not asked for now
    found: dict[str, Any] = json.loads(args.output.read_text(encoding="utf-8")) if args.output.exists() else {}
    for part in (part for part in PARTS if part in args.parts.split(",")):
        end = began + 60 * args.minutes * _SHARES[part]
        print(f"{part} ...", file=sys.stderr, flush=True)
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="dl4art-suite-") as folder:
            new = _RUN[part](args, Path(folder), end)
        if new is None:  # nothing of it was asked for
            continue
        found[part] = _merged(found.get(part, {}), new) if args.only else new
        found[part] |= {"minutes": round((time.monotonic() - start) / 60, 1), "seed": args.seed}
        found["made"] = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "versions": versions()}
        args.output.parent.mkdir(exist_ok=True)
        args.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        args.output.with_suffix(".md").write_text(table(found), encoding="utf-8")
    print(table(found))
    return int(any(found.get(part, {}).get("problems") for part in PARTS))


FORMATS = tuple(dict.fromkeys(reader.format for reader in READERS))


def _named(names: Iterable[str], only: Sequence[str] | None) -> list[str]:
    """Those that are asked for, by their whole names or their first words; all if nothing is."""
    return [name for name in names if only is None or any(name == one or name.startswith(f"{one} ") for one in only)]


def _merged(before: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Put what was found now into what was found before; problems go with the door or format that they are of."""
    of = "format" if "formats" in new else "door"
    rows = {name for key in ("formats", "survived") for name in new.get(key, ())}
    rows |= {row["door"] for key in ("doors", "ways") for row in new.get(key, ())}
    merged = before | new
    for key in ("formats", "survived"):
        if key in new:
            merged[key] = before.get(key, {}) | new[key]
    for key in ("doors", "ways", "problems"):
        if key in new:
            merged[key] = [row for row in before.get(key, ()) if row[of] not in rows] + new[key]
    # what had been left out for want of time is as it was
    for key, table in (("tried", "formats"), ("injected", "survived")):
        if key in new:
            total = sum(_counted(row) for row in merged[table].values())
            merged |= {key: total, "wanted": total + new["wanted"] - new[key]}
    return merged


def _counted(row: dict[str, Any]) -> int:
    """Mutants of a format, or faults of a door."""
    return sum(row[kind] for kind in OUTCOMES) if "read" in row else sum(struck for _, struck in row.values())


# Mutants


def try_mutants(args: argparse.Namespace, folder: Path, end: float) -> dict[str, Any] | None:
    """Let every reader read its share of mutants, in processes that may hang or crash."""
    quick = sum(not reader.slow for reader in READERS)
    each = -(-args.mutants // quick)
    first = args.seed * 1_000_000
    asked = _named(FORMATS, args.only)
    jobs = [(index, range(first, first + (each if not reader.slow else max(5, int(each * reader.share)))))
            for index, reader in enumerate(READERS) if reader.format in asked]  # fmt: skip
    if not jobs:
        return None
    with ThreadPoolExecutor(args.workers) as pool:
        tried = list(pool.map(lambda job: list(_read(job[0], job[1], folder / str(job[0]), end)), jobs))
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    slowest: dict[str, float] = defaultdict(float)
    most: dict[str, int] = defaultdict(int)
    problems = []
    for (index, _), outcomes in zip(jobs, tried, strict=True):
        reader = READERS[index]
        for seed, outcome in outcomes:
            rows[reader.format][outcome.kind] += 1
            slowest[reader.format] = max(slowest[reader.format], outcome.seconds)
            most[reader.format] = max(most[reader.format], outcome.bytes)
            if outcome.kind not in OUTCOMES[:2]:
                problems.append({"format": reader.format, "reader": reader.name, "seed": seed, **asdict(outcome)})
    formats = {
        name: {**{kind: counts[kind] for kind in OUTCOMES}, "slowest_s": slowest[name], "most_mb": most[name] / 1e6}
        for name, counts in rows.items()
    }
    return {"tried": sum(map(len, tried)), "wanted": sum(len(seeds) for _, seeds in jobs), "formats": formats,
            "problems": problems}  # fmt: skip


def _read(index: int, seeds: range, folder: Path, end: float) -> Iterator[tuple[int, Outcome]]:
    """Read mutants in one process after the other: a new one whenever one is lost."""
    folder.mkdir()
    context = multiprocessing.get_context("spawn")
    left = seeds
    while left and time.monotonic() < end:
        here, there = context.Pipe()
        process = context.Process(target=work, args=(there, index, left, str(folder)), daemon=True)
        process.start()
        there.close()
        try:
            # the first answer waits for imports
            yield from _answers(here, end, 240.0)
            left = left[:0]
        except _LostError as lost:
            if lost.seed is not None:
                yield lost.seed, Outcome(lost.kind, lost.detail)
            left = range((lost.seed if lost.seed is not None else left.stop) + 1, left.stop)
        finally:
            process.kill()
            process.join()
            here.close()


class _LostError(Exception):
    def __init__(self, seed: int | None, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.seed, self.kind, self.detail = seed, kind, detail


def _answers(here: Any, end: float, patience: float) -> Iterator[tuple[int, Outcome]]:
    seed: int | None = None
    while time.monotonic() < end:
        try:
            if not here.poll(patience):
                raise _LostError(seed, "hang", f"no answer within {patience:g} s")
            told = here.recv()
        except (EOFError, ConnectionError) as error:
            raise _LostError(seed, "crash", "the process is gone") from error
        if told is None:
            return
        if isinstance(told, Outcome):
            yield seed or 0, told
        else:
            seed, patience = told, LIMIT_S + _GRACE_S


# Faults


def inject_faults(args: argparse.Namespace, folder: Path, end: float) -> dict[str, Any] | None:
    """Strike every door: at each of its writes, and at random moments."""
    rng = random.Random(args.seed)
    asked = _named([door.name for door in DOORS], args.only)
    if not asked:
        return None
    scenes = [faults.Scene(door, folder / door.name) for door in DOORS if door.name in asked]
    plan: list[tuple[faults.Scene, str, float]] = []
    share = args.faults / (len(DOORS) * len(faults.KINDS))
    for scene in scenes:
        for kind in faults.KINDS:
            count = max(1, round(share))
            every = {"disk full": scene.reference.writes}
            if not scene.door.network:  # whose processes take seconds to begin
                every["kill -9 at a step"] = scene.reference.steps
            count = max(count, every.get(kind, 0))  # each once
            if kind.startswith("input") and not any(scene.inputs.iterdir()):
                continue
            places = [(number + 0.5) / count for number in range(count)] if kind in every else [
                rng.random() for _ in range(count)
            ]  # fmt: skip
            plan += [(scene, kind, at) for at in places]
    rng.shuffle(plan)
    found = []
    for scene, kind, at in plan:
        if time.monotonic() > end:
            break
        found.append(scene.strike(kind, at, rng))
    survived = {
        name: {
            kind: [sum(f.door == name and f.kind == kind and not f.problem for f in found),
                   sum(f.door == name and f.kind == kind for f in found)]
            for kind in faults.KINDS
        }
        for name in asked
    }  # fmt: skip
    return {"injected": len(found), "wanted": len(plan), "survived": survived,
            "problems": [asdict(fault) for fault in found if fault.problem]}  # fmt: skip


def measure_memory(args: argparse.Namespace, folder: Path, end: float) -> dict[str, Any] | None:
    """Run doors over plates and photographs of a gigapixel."""
    found: list[dict[str, Any]] = []
    asked = [door for door in memory.DOORS if _named([door.partition(",")[0]], args.only)]
    if not asked:
        return None
    for measured in memory.measure_all(folder, args.side, asked):
        found.append(asdict(measured))
        if time.monotonic() > end:
            break
    return {"doors": found, "problems": [row for row in found if row["code"]]}


def repeat_runs(args: argparse.Namespace, _folder: Path, _end: float) -> dict[str, Any] | None:
    """Compute the same numbers in several ways."""
    asked = _named(repeat.DOORS, args.only)
    if not asked:
        return None
    found = repeat.repeat_all(asked)
    wrong = [asdict(way) for way in found if way.off > repeat.TOLERANCE or not way.same_answers]
    return {"ways": [asdict(way) for way in found], "tolerance": repeat.TOLERANCE, "problems": wrong}


_RUN = {
    "mutants": try_mutants,
    "faults": inject_faults,
    "memory": measure_memory,
    "repeatability": repeat_runs,
}


def table(found: dict[str, Any]) -> str:
    """Tell what was found, as Markdown."""
    lines = [
        f"Made {found['made']['when']} by `python utils/long_suite.py`, dl4art {found['made']['versions']['dl4art']}."
    ]
    if mutants := found.get("mutants"):
        lines += ["", f"**Mutants**: {mutants['tried']:,} tried of {mutants['wanted']:,}.", ""]
        lines += [
            f"| format | {' | '.join(OUTCOMES)} | slowest | most memory |",
            f"|---|{'---|' * (len(OUTCOMES) + 2)}",
        ]
        for name, row in mutants["formats"].items():
            counts = " | ".join(str(row[kind]) for kind in OUTCOMES)
            lines.append(f"| {name} | {counts} | {row['slowest_s']:.2f} s | {row['most_mb']:.0f} MB |")
    if struck := found.get("faults"):
        lines += ["", f"**Faults**: {struck['injected']} injected of {struck['wanted']}; survived of injected:", ""]
        lines += _head("door", *faults.KINDS)
        for name, row in struck["survived"].items():
            # earlier runs may not have known all kinds
            survived = ("/".join(map(str, row[kind])) if kind in row else "" for kind in faults.KINDS)
            lines.append(f"| {name} | {' | '.join(survived)} |")
    if measured := found.get("memory"):
        lines += ["", "**Memory**:", "", *_head("door", "megapixels", "peak", "time", "exit code")]
        for row in measured["doors"]:
            peak = f"{row['peak_bytes'] / 1e9:.2f} GB"
            lines.append(
                f"| {row['door']} | {row['megapixels']:,.0f} | {peak} | {row['seconds']:.0f} s | {row['code']} |"
            )
    if repeated := found.get("repeatability"):
        lines += [
            "",
            "**Repeatability**, against a first run:",
            "",
            *_head("door", "way", "off", "same answers"),
        ]
        for row in repeated["ways"]:
            same = "yes" if row["same_answers"] else "no"
            lines.append(f"| {row['door']} | {row['way']} | {row['off']:.1e} {row['unit']} | {same} |")
    problems = sum(len(found.get(part, {}).get("problems", ())) for part in PARTS)
    return "\n".join([*lines, "", f"Problems: {problems}.", ""])


def _head(*names: str) -> list[str]:
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
