"""From a folder of painters to what a classifier is worth on them, beside its rivals, and to its model folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.paintings.autoencoder import answer
from dl4art.paintings.autoencoder_training import (
    AutoencoderSettings,
    hold_out,
    open_autoencoder,
    train_autoencoder,
)
from dl4art.paintings.baselines import evaluate_baselines, squared_distances
from dl4art.paintings.heads import (
    Features,
    HeadSettings,
    build_pooling,
    compile_classifier,
    fit_early,
    memory_bytes,
    pooled_features,
    train_head,
)
from dl4art.paintings.painters import KIND, PainterClassifier, join_classifier, save_painters
from dl4art.paintings.reconstruction_figure import SHOWN, draw_reconstructions
from dl4art.paintings.standard import Pictures, read_all
from dl4art.utils.class_folders import ClassFolders, check_pictures
from dl4art.utils.cross_validation import Curve, cross_validate, data_fingerprint
from dl4art.utils.evaluation import Evaluation, Probabilities, write_evaluation
from dl4art.utils.evaluation_figures import draw_answers, draw_curves
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.fine_tuning import DATA, claim
from dl4art.utils.folds import Fold, make_folds
from dl4art.utils.holding import held
from dl4art.utils.models import open_model
from dl4art.utils.pages import png
from dl4art.utils.progress import progress
from dl4art.utils.provenance import versions
from dl4art.utils.tables import text_table, write_csv

Tell = Callable[[str], None]
CLASSIFIER = "classifier"
_HERE = "taught here, without labels, on all pictures"
_SHEET = 24
_LARGEST_FEATURES = 2_000_000_000
_THAWED = 30.0
"""How many times smaller the rate is for an encoder that knows something."""


@dataclass(frozen=True)
class PainterSettings:
    """How a classifier of painters is trained and tested.

    Attributes
    ----------
    head : HeadSettings
        What is put on the encoder.
    autoencoder : AutoencoderSettings
        How the encoder is taught, unless there is one.
    folds, repeats : int
        Of the cross-validation.
    seed : int
        Of everything but the encoder.
    """

    head: HeadSettings = field(default_factory=HeadSettings)
    autoencoder: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    folds: int = 10
    repeats: int = 1
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Described:
    """What all folds share: the pictures, and what a frozen encoder says of them.

    Attributes
    ----------
    settings : PainterSettings
        How they learn.
    found : ClassFolders
        Painters and paintings.
    pictures : ndarray of uint8, shape (n, px, px, 3)
        In the order of `found`.
    features : ndarray, shape (n, ...)
        From `pooled_features`.
    encoder : keras.Model
        That gave them.
    """

    settings: PainterSettings
    found: ClassFolders
    pictures: Pictures = field(repr=False)
    features: Features = field(repr=False)
    encoder: keras.Model = field(repr=False)


def train_painters(
    settings: PainterSettings,
    found: ClassFolders,
    output: str | Path,
    *,
    encoder: str | Path | None = None,
    tell: Tell = print,
    quiet: bool = True,
) -> Path:
    """Teach an encoder without labels, test classifiers on it in folds beside their rivals, and fit one on everything.

    Parameters
    ----------
    settings : PainterSettings
        How.
    found : ClassFolders
        The pictures, a class for each painter.
    output : path
        Gets ``evaluation.json`` and the like (see `write_evaluation`), ``baselines.csv`` and ``.txt``, ``curves.png``,
        ``right_and_wrong.png``, ``reconstructions.png``, ``left_out.csv``, and the folders ``autoencoder``, ``folds``
        and ``model``. What an interrupted run has left there is used.
    encoder : path, optional
        Model folder of an autoencoder, which then is taught no more. Otherwise one is taught on all pictures, those
        that are tested on too: without labels, but it has seen them.
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
        If the folder holds another training, or there are too few pictures.
    ModelError
        If the encoder is none.
    """
    output = Path(output)
    folds = make_folds(found, settings.folds, seed=settings.seed, repeats=settings.repeats)
    make_folder(output)
    with held(output):
        return _train(settings, found, folds, output, encoder, tell=tell, quiet=quiet)


def _train(
    settings: PainterSettings,
    found: ClassFolders,
    folds: list[Fold],
    output: Path,
    encoder: str | Path | None,
    *,
    tell: Tell,
    quiet: bool,
) -> Path:
    taught = _HERE if encoder is None else open_model(encoder).sha256
    used = settings.autoencoder if encoder is None else open_autoencoder(encoder)[0]
    claim(output, {**_facts(settings, used), "encoder": taught, DATA: data_fingerprint(found)}, "other pictures")
    left_out = [{"file": str(path), "why": why} for path, why in found.left_out]
    write_csv(output / "left_out.csv", ("file", "why"), left_out)
    with progress(len(found.pictures), "reading", quiet=quiet) as advance:
        pictures = read_all([picture.path for picture in found.pictures], used.px, used.fit, advance=advance)
    check_pictures(found)
    if encoder is None:
        trained = train_autoencoder(
            used, pictures, found.groups, output / "autoencoder", fingerprint=data_fingerprint(found), tell=tell,
            quiet=quiet,
        )  # fmt: skip
        encoder = trained.path
    _, autoencoder, network = open_autoencoder(encoder)
    write_reconstructions(autoencoder, pictures[spread(len(pictures))], output)

    head = settings.head
    dense, kept = memory_bytes(head, used.px, used.filters[1], len(pictures))
    tell(f"memory: {dense / 1e6:.0f} MB for the first dense layer while it learns, {kept / 1e6:.0f} MB for features")
    features = pooled_features(network, build_pooling(head.pooling), pictures)
    known = Described(settings, found, pictures, features, network)

    def learn(fold: Fold, number: int) -> tuple[Probabilities, Curve]:
        classifier, curve = train_classifier(known, fold.train, number)
        return answer(classifier, pictures[fold.test]), curve

    evaluation, curves = cross_validate(found, folds, learn, output / "folds", tell=tell)
    names = [picture.path.relative_to(found.folder).as_posix() for picture in found.pictures]
    facts = {**_facts(settings, used), "encoder": taught}
    write_evaluation(evaluation, output, names, {"program": f"dl4art {__version__}", **facts})
    rivals = compare(known, folds, evaluation)
    write_csv(output / "baselines.csv", tuple(rivals[0]), rivals)
    with atomic_path(output / "baselines.txt") as path:
        path.write_text(baseline_table(rivals) + "\n", encoding="utf-8")
    _draw(evaluation, curves, pictures, names, output)
    tell("fitting the model on all pictures")
    final, _ = train_classifier(known, np.arange(len(pictures)), len(folds))
    saved = save_painters(
        PainterClassifier(final, found.classes, used.px, used.fit),
        output / "model",
        filters=used.filters,
        head=head,
        config={"recipe": facts, "versions": versions()},
        tests={**evaluation.to_dict(), "baselines": rivals},
        card=_card(facts, found, evaluation, rivals),
    )
    return saved.path


def _facts(settings: PainterSettings, used: AutoencoderSettings) -> dict[str, Any]:
    counts = {"folds": settings.folds, "repeats": settings.repeats, "seed": settings.seed}
    return {"kind": KIND, **counts, "head": asdict(settings.head), "autoencoder": asdict(used)}


def train_classifier(known: Described, numbers: npt.NDArray[np.intp], turn: int) -> tuple[keras.Model, Curve]:
    """Train a fresh classifier.

    Parameters
    ----------
    known : Described
        The pictures.
    numbers : ndarray of int
        Which to learn from; some paintings of each painter among them tell when to stop.
    turn : int
        Each has a seed of its own.

    Returns
    -------
    network : keras.Model
        Pictures to probabilities, with an encoder of its own.
    curve : dict
        Losses and accuracies after each epoch.
    """
    settings, found = known.settings.head, known.found
    seed = int(np.random.default_rng([known.settings.seed, turn]).integers(2**31))
    labels = np.array(found.labels, np.intp)[numbers]
    groups = np.array(found.groups)[numbers]
    stop = np.zeros(len(numbers), bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        # of one painting alone, some of its pictures have to do
        members = groups[own].tolist() if len({*groups[own]}) > 1 else list(map(str, own))
        if len(own) > 1:
            stop[own] = hold_out(members, settings.held, seed)
    classes = len(found.classes)
    head, curve = train_head(settings, known.features[numbers], labels.tolist(), stop, classes=classes, seed=seed)
    # a copy: a graph keeps all that was ever built on its layers
    encoder = keras.models.clone_model(known.encoder)
    encoder.set_weights(known.encoder.get_weights())
    network = join_classifier(encoder, build_pooling(settings.pooling), head)
    if not settings.thaw:
        return network, curve
    compile_classifier(network, settings.rate / _THAWED)
    truth = np.eye(classes, dtype=np.float32)[labels]
    more = fit_early(network, settings, (known.pictures[numbers], truth), stop, max(1, settings.epochs // 5))
    return network, {name: [*values, *more[name]] for name, values in curve.items()}


def compare(known: Described, folds: list[Fold], evaluation: Evaluation) -> list[dict[str, Any]]:
    """Test the rivals in the same folds; a row for the classifier and one for each of them.

    On features as they are they are left out where those of all pictures would take more than 2 GB.
    """
    found, px = known.found, known.pictures.shape[1]
    pooled = pooled_features(known.encoder, build_pooling("texture"), known.pictures)
    even = (pooled - pooled.mean(axis=0)) / np.maximum(pooled.std(axis=0), 1e-6)
    described: dict[str, npt.NDArray[Any]] = {"pixels": known.pictures}
    if memory_bytes(HeadSettings("flat"), px, pooled.shape[1], len(pooled))[1] <= _LARGEST_FEATURES:
        described["features"] = pooled_features(known.encoder, None, known.pictures)
    described["pooled features"] = even
    rows = [_figures(CLASSIFIER, evaluation)]
    for what, values in described.items():
        answers = evaluate_baselines(squared_distances(values), found.labels, folds, len(found.classes))
        for name, said in answers.items():
            rows.append(_figures(f"{name} on {what}", Evaluation(found.classes, found.labels, found.groups, said)))
    return rows


def _figures(name: str, evaluation: Evaluation) -> dict[str, Any]:
    mean = evaluation.report()["macro avg"]
    return {
        "method": name,
        "accuracy": round(float(evaluation.accuracies.mean()), 4),
        "standard error": round(evaluation.standard_error, 4),
        "accuracy by group": round(evaluation.group_accuracy, 4),
        "precision": round(mean["precision"], 4),
        "recall": round(mean["recall"], 4),
        "F1": round(mean["f1-score"], 4),
    }


def baseline_table(rows: list[dict[str, Any]]) -> str:
    """Lay the figures of all methods out for a terminal."""
    header = tuple(rows[0])
    lines = [(row["method"], *(f"{row[name]:.3f}" for name in header[1:])) for row in rows]
    return text_table([header, *lines], numeric=range(1, len(header)))


def write_reconstructions(autoencoder: keras.Model, pictures: Pictures, output: str | Path) -> None:
    """Write ``reconstructions.png``: pictures, and what the autoencoder makes of them."""
    shown = answer(autoencoder, pictures, 2)
    with atomic_path(Path(output) / "reconstructions.png") as path:
        path.write_bytes(png(draw_reconstructions(pictures, shown)))


def spread(count: int) -> npt.NDArray[np.intp]:
    """Numbers of a few pictures from beginning to end."""
    return np.unique(np.linspace(0, count - 1, SHOWN).astype(np.intp))


def _draw(evaluation: Evaluation, curves: list[Curve], pictures: Pictures, names: list[str], output: Path) -> None:
    with atomic_path(output / "curves.png") as path:
        path.write_bytes(png(draw_curves(curves)))
    shown = evaluation.sample(_SHEET)
    with atomic_path(output / "right_and_wrong.png") as path:
        path.write_bytes(png(draw_answers([pictures[number] for number, _ in shown], shown, evaluation, names)))


def _card(facts: Mapping[str, Any], found: ClassFolders, evaluation: Evaluation, rivals: list[dict[str, Any]]) -> str:
    head, taught = facts["head"], facts["autoencoder"]
    seen = "" if facts["encoder"] != _HERE else (
        " The encoder has seen the pictures tested on, though not whose they are; with an encoder taught on others the "
        "figures may be lower."
    )  # fmt: skip
    return _CARD.format(
        classes=", ".join(found.classes),
        pictures=len(found.pictures),
        groups=len({*found.groups}),
        left_out=len(found.left_out),
        version=__version__,
        filters=" and ".join(map(str, taught["filters"])),
        px=taught["px"],
        fit=taught["fit"],
        pooling=head["pooling"],
        state="taught further with the rest" if head["thaw"] else "frozen",
        folds=len(evaluation.answers),
        seen=seen,
        report=evaluation.report_text(),
        rivals=baseline_table(rivals),
    )


_CARD = """---
summary: Painters by their pictures, on the features of a convolutional autoencoder
authors: trained by the user
licence: that of the pictures
tags: [painter, classification]
---

# Painters by their pictures

Painters: {classes}. {pictures} pictures of {groups} paintings; {left_out} files were left out. Trained by dl4art
{version}: pictures made squares of {px} px ({fit}), an encoder of two convolutions with {filters} filters ({state}),
{pooling} features, two dense layers.

## What it is worth

Tested in {folds} folds on pictures that were not learnt from, a fresh classifier in each; views of one painting were
never on both sides.{seen} The model itself, fitted on all pictures (some of them tell when to stop), has been tested
on nothing.

```
{report}
```

Beside its rivals in the same folds:

```
{rivals}
```

## Limits

- It knows the painters that it was shown, and names one of them whatever the picture is. It is no attribution.
- Photographs of one collection have one camera and light: what it tells apart may be these.
- What few pictures can mean is little: look at the standard error, and at the share of the most frequent painter.
"""
