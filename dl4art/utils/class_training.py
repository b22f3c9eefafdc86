"""From a folder of classes to what a classifier of windows is worth on them, and to its model folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dl4art import __version__
from dl4art.utils.class_folders import ClassFolders, check_pictures
from dl4art.utils.cross_validation import Curve, cross_validate, data_fingerprint
from dl4art.utils.evaluation import Evaluation, Probabilities, write_evaluation
from dl4art.utils.evaluation_figures import draw_answers, draw_curves
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.fine_tuning import DATA, claim
from dl4art.utils.folds import Fold, make_folds
from dl4art.utils.holding import held
from dl4art.utils.pages import png
from dl4art.utils.provenance import versions
from dl4art.utils.tables import write_csv
from dl4art.utils.window_classifier import Network, WindowClassifier, answer_windows, save_classifier
from dl4art.utils.windows import Place, Source, Windows, cut_to_disk, even_places, random_places

Tell = Callable[[str], None]
Train = Callable[..., tuple[Network, Curve]]
"""Arguments and result of `dl4art.utils.window_training.train_on_windows`, less `build` and `recipe`."""
_SHOWN = 24
"""Pictures on the sheet of right and wrong ones, of each."""
_CARD = """---
summary: {what}
authors: trained by the user
licence: that of the pictures
base_model: {base}
tags: [{kind}, classification]
---

# {what}

Classes: {classes}. {pictures} pictures in {groups} groups, of which {left_out} files were left out. Trained by dl4art
{version} on {learnt}.

## What it is worth

{tested}

```
{report}
```

## Limits

- It knows the classes that it was shown, and names one of them whatever the picture is.
- What few pictures, of few paintings, can mean is little: look at the spread over the folds, and at the share of the
  most frequent class.
"""


@dataclass(frozen=True)
class Plan:
    """What a training on a folder of classes does.

    Attributes
    ----------
    kind, what : str
        Of the model, for programs and for people.
    opened : callable
        Opens a picture.
    train : callable
        Trains a fresh network.
    side : int
        Of the windows, px.
    cuts : int
        Windows of each picture to learn from, at random places.
    looks : int
        Windows of each picture over which its answer is averaged.
    recipe : mapping
        JSON values that tell how it learns.
    folds, repeats : int
        Of the cross-validation.
    blocks : bool
        See `make_folds`.
    seed : int
        Of everything.
    config : mapping
        JSON values that tell what the network is like, for the model folder.
    base : str
        What the weights start from.
    """

    kind: str
    what: str
    opened: Callable[[Path], Source]
    train: Train
    side: int
    cuts: int
    looks: int
    recipe: Mapping[str, Any]
    folds: int = 5
    repeats: int = 1
    blocks: bool = False
    seed: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    base: str = "none"

    def facts(self) -> dict[str, Any]:
        """All that decides what comes out, as JSON values."""
        counts = {name: getattr(self, name) for name in ("side", "cuts", "looks", "folds", "repeats", "blocks", "seed")}
        return {"kind": self.kind, "base": self.base, **counts, **self.recipe, **self.config}


def train_on_classes(
    plan: Plan, found: ClassFolders, output: str | Path, *, final: bool = False, tell: Tell = print, quiet: bool = True
) -> Path:
    """Test a classifier in folds, fit it on everything, and write down what it is worth.

    Parameters
    ----------
    plan : Plan
        How.
    found : ClassFolders
        The pictures.
    output : path
        Gets ``evaluation.json`` and the like (see `write_evaluation`), ``curves.png``, ``right_and_wrong.png``,
        ``left_out.csv``, and the folders ``folds`` and ``model``. What an interrupted run has left there is used.
    final : bool
        Fit the model on the pictures to test on, too, where the folder says which they are. In folds, each of which
        has a model of its own, the last one is fitted on everything always.
    tell : callable
        Told what goes on.
    quiet : bool
        No progress bar.

    Returns
    -------
    Path
        The model folder.

    Raises
    ------
    InputError
        If the folder holds another training, or the folds are impossible.
    Dl4artError, OutputError
        As `train_on_windows`, and if something cannot be written.
    """
    output = Path(output)
    folds = make_folds(found, plan.folds, seed=plan.seed, repeats=plan.repeats, blocks=plan.blocks)
    make_folder(output)
    with held(output):
        return _train(plan, found, folds, output, final=final, tell=tell, quiet=quiet)


def _train(
    plan: Plan, found: ClassFolders, folds: Sequence[Fold], output: Path, *, final: bool, tell: Tell, quiet: bool
) -> Path:
    claim(output, {**plan.facts(), DATA: data_fingerprint(found)}, "other pictures")
    names = [picture.path.relative_to(found.folder).as_posix() for picture in found.pictures]
    left_out = [{"file": str(path), "why": why} for path, why in found.left_out]
    write_csv(output / "left_out.csv", ("file", "why"), left_out)
    tell(f"cutting windows of {plan.side} px from {len(names)} pictures")
    learn_from, look_at = _cut(plan, found, output)
    check_pictures(found)

    def train(windows: Windows, number: int, tested: Windows | None = None) -> tuple[Network, Curve]:
        seed = int(np.random.default_rng([plan.seed, number]).integers(2**31))
        return plan.train(windows, found.labels, len(found.classes), seed=seed, held=tested, quiet=quiet)

    def learn(fold: Fold, number: int) -> tuple[Probabilities, Curve]:
        tested = look_at.of(fold.test)
        network, curve = train(learn_from.of(fold.train), number, tested)
        return tested.means(answer_windows(network, tested), fold.test.tolist()), curve

    evaluation, curves = cross_validate(found, folds, learn, output / "folds", tell=tell)
    write_evaluation(evaluation, output, names, {"program": f"dl4art {__version__}", **plan.facts()})
    _draw(evaluation, curves, look_at, names, output)
    alone = len(folds) == 1 and not final
    tell(f"fitting the model on {_learnt(alone)}")
    # of one fold it is the network that was tested: the same seed gives it again
    network, _ = train(learn_from.of(folds[0].train), 0) if alone else train(learn_from, len(folds))
    classifier = WindowClassifier(network, found.classes, plan.side)
    config = {**plan.config, "recipe": plan.facts(), "versions": versions()}
    save_classifier(
        classifier,
        output / "model",
        kind=plan.kind,
        config=config,
        tests=evaluation.to_dict(),
        card=_card(plan, found, evaluation, alone=alone),
    )
    for path in output.glob("windows-*.bin"):
        path.unlink()
    return output / "model"


def _cut(plan: Plan, found: ClassFolders, output: Path) -> tuple[Windows, Windows]:
    """Cut the windows to learn from and those to look at; none of a picture to test on is learnt from."""

    def drawn(source: Source, number: int) -> list[Place]:
        return random_places(source.shape, plan.side, plan.cuts, np.random.default_rng([plan.seed, 1, number]))

    def even(source: Source, _: int) -> list[Place]:
        return even_places(source.shape, plan.side, plan.looks)

    cut = []
    for name, places in (("learn", drawn), ("look", even)):
        sources = (plan.opened(picture.path) for picture in found.pictures)
        placed = ((source, places(source, number)) for number, source in enumerate(sources))
        cut.append(cut_to_disk(output / f"windows-{name}.bin", placed, plan.side))
    return cut[0], cut[1]


def _draw(evaluation: Evaluation, curves: list[Curve], windows: Windows, names: list[str], output: Path) -> None:
    if any(curves):
        with atomic_path(output / "curves.png") as path:
            path.write_bytes(png(draw_curves(curves)))
    shown = evaluation.sample(_SHOWN)
    pictures = [windows.of([number]).window(0) for number, _ in shown]
    with atomic_path(output / "right_and_wrong.png") as path:
        path.write_bytes(png(draw_answers(pictures, shown, evaluation, names)))


def _learnt(alone: bool) -> str:
    return "the pictures in train" if alone else "all pictures"


def _card(plan: Plan, found: ClassFolders, evaluation: Evaluation, *, alone: bool) -> str:
    tested = (
        f"Tested in {len(evaluation.answers)} folds on pictures that were not learnt from; pictures that belong "
        "together were never on both sides. The model itself, fitted on everything, has been tested on nothing."
        if len(evaluation.answers) > 1
        else "Tested on the pictures in test"
        + ("." if alone else ", before it was fitted on these, too; the model itself has been tested on nothing.")
    )
    return _CARD.format(
        what=plan.what,
        kind=plan.kind,
        base=plan.base,
        classes=", ".join(found.classes),
        pictures=len(found.pictures),
        groups=len({*found.groups}),
        left_out=len(found.left_out),
        version=__version__,
        learnt=_learnt(alone),
        tested=tested,
        report=evaluation.report_text(),
    )
