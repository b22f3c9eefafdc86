"""From weights fine-tuned on plates of one's own to a model folder: tested on canvases held out, with its card."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.siamese.comparer import DEFAULT_MODEL
from dl4art.siamese.comparison import CALIBRATED
from dl4art.siamese.encoder import EncoderSettings, PairNetwork, encode_frames, pair_logits
from dl4art.siamese.false_matches import KEY
from dl4art.siamese.losses import KnownCrops, evaluate_pairs, scorer
from dl4art.siamese.own_card import own_card
from dl4art.siamese.own_plates import FramedPlate, Split, canvas_rows
from dl4art.siamese.own_training import SHARD, OwnSettings, Trained, data_fingerprint
from dl4art.siamese.samples import frame_families, simulate_families
from dl4art.simulation.families import FamilyPlan
from dl4art.utils.checkpoints import CURVE
from dl4art.utils.errors import ModelError
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.model_files import ModelKind, check_fit
from dl4art.utils.models import ModelFolder, find_model, write_model
from dl4art.utils.provenance import versions

Tell = Callable[[str], None]
PLAN = FamilyPlan(cloths=4, plates=2, crops=3, size_px=300)
"""What is drawn of a simulated family to test on: enough to see whether something is forgotten."""


@dataclass(frozen=True, eq=False)
class _Crops:
    """Crops of one's own plates; all are of one family, as all may be compared with all."""

    family: npt.NDArray[np.int32]
    cloth: npt.NDArray[np.int32]
    plate: npt.NDArray[np.int32]


COMPARER = ModelKind("comparer", "siamese", side="crop_px", px=300)
"""What a model folder of this room is."""


def find_own_base(model: str | Path) -> tuple[ModelFolder, EncoderSettings]:
    """Find a comparer to start from, and the sizes of its networks.

    Parameters
    ----------
    model : str or path
        ``shipped``, the name of a shipped comparer, or a model folder.

    Raises
    ------
    ModelError
        If there is none, it is not whole, or it does not fit this version.
    """
    folder = find_model(DEFAULT_MODEL if model == "shipped" else model, room="siamese")
    check_fit(folder, (COMPARER,))
    return folder, _made_of(folder)


def _made_of(folder: ModelFolder) -> EncoderSettings:
    try:
        sizes: dict[str, Any] = folder.config["network"]
        made_of: dict[str, Any] = {n: tuple(size) if isinstance(size, list) else size for n, size in sizes.items()}
        return EncoderSettings(**made_of)
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{folder.path}: config.json states no sizes of networks ({error}). Copy the whole folder again."
        ) from error


def finish_own(
    settings: OwnSettings,
    split: Split,
    folder: str | Path,
    base: ModelFolder,
    trained: Trained,
    *,
    left_out: Sequence[FramedPlate] = (),
    workers: int = 2,
    tell: Tell = print,
) -> Path:
    """Make a model folder of a finished training on plates of one's own: test, write the card.

    Similarities and verdicts stay calibrated as the base's are: what a promise about one pair in 250 rests on, so few
    canvases cannot give. The card and every comparison say so.

    Parameters
    ----------
    settings : OwnSettings
        The recipe.
    split : mapping
        Plates by what they serve.
    folder : path
        The training's folder; the model goes into its subfolder ``model``.
    base : ModelFolder
        What it started from.
    trained : Trained
        From `dl4art.siamese.own_training.train_own`.
    left_out : sequence of FramedPlate
        Plates that could not be used, which the card names.
    workers : int
        Processes that simulate.
    tell : callable
        Told what goes on.

    Returns
    -------
    Path
        The model folder.
    """
    folder = Path(folder)
    model = folder / "model"
    make_folder(model)
    plates = [framed.plate for part in split.values() for framed in part]
    config = {
        **{name: value for name, value in base.config.items() if name != "sha256"},
        "settings": {**asdict(settings), "data": data_fingerprint(plates)},
        "versions": versions(),
        "dl4art": __version__,
    }
    canvases = len({plate.canvas for plate in plates})
    calibration = dict(base.calibration)
    if trained.helped:
        # that was tested with other weights
        calibration.pop(KEY, None)
        calibration[CALIBRATED] = (
            f"The network has learnt from {canvases} real canvases, but similarity and verdict are still calibrated as "
            f"those of {settings.base} were, on simulated canvases: nobody has calibrated them for this network."
        )
    tell("tests")
    sets = {"own": _own(split["test"]), "simulated": _simulated(settings, folder / "crops", workers)}
    weights = trained.weights if trained.helped else base.weights
    results: dict[str, Any] = {"helped": trained.helped}
    for when, source in (("before", base.weights), ("after", weights)):
        comparison = PairNetwork(_made_of(base))
        comparison.load_weights(source)
        results[when] = {name: _tested(comparison, *known) for name, known in sets.items()}
    with atomic_path(folder / "results.json") as path:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    with atomic_path(model / "model.weights.h5") as path:
        shutil.copyfile(weights, path)
    curve = list(csv.DictReader((folder / CURVE).read_text(encoding="utf-8").splitlines()))
    card = own_card(settings, canvas_rows(split), results, curve, [(p.plate.name, p.message) for p in left_out])
    write_model(model, config=config, calibration=calibration, card=card)
    return model


Known = tuple[KnownCrops, Sequence[npt.NDArray[Any]], npt.NDArray[np.float32]]
"""Crops of which it is known what they show, their frames and their densities."""


def _own(plates: Sequence[FramedPlate]) -> Known:
    names = sorted({framed.plate.canvas for framed in plates})
    of_plate = np.repeat(np.arange(len(plates)), [len(framed) for framed in plates]).astype(np.int32)
    cloth = np.array([names.index(framed.plate.canvas) for framed in plates], np.int32)[of_plate]
    frames = [frame for framed in plates for frame in framed.frames]
    return _Crops(np.zeros_like(cloth), cloth, of_plate), frames, np.concatenate([p.density for p in plates])


def _simulated(settings: OwnSettings, folder: Path, workers: int) -> Known:
    samples = simulate_families(folder, "test", settings.check, PLAN, workers=workers, shard=SHARD)
    frames = frame_families(folder, "test", settings.check, PLAN, workers=workers, shard=SHARD)
    return samples, frames.each(), frames.density


def _tested(
    comparison: PairNetwork, known: KnownCrops, frames: Sequence[npt.NDArray[Any]], density: npt.NDArray[np.float32]
) -> Mapping[str, Any]:
    """How well cloths are told apart, and what log odds pairs of plates come to: calibrations rest on these."""
    score = scorer(encode_frames(comparison.encoder, frames, density), comparison.head)
    same, other = [], []
    for family in np.unique(known.family):
        chosen = np.flatnonzero(known.family == family)
        logits = pair_logits(score(chosen))
        plate, cloth = known.plate[chosen], known.cloth[chosen]
        above, alike = plate[:, None] < plate, cloth[:, None] == cloth
        same.append(logits[above & alike])
        other.append(logits[above & ~alike])
    odds = {"same": float(np.median(np.concatenate(same))), "other": float(np.median(np.concatenate(other)))}
    return {**evaluate_pairs(known, score).to_dict(), "log_odds": odds}
