"""A training that is on disk after each epoch: it goes on after a kill as if nothing had happened."""

from __future__ import annotations

import csv
import io
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dl4art.utils.errors import Dl4artError, InputError
from dl4art.utils.files import atomic_path

BEST = "model.weights.h5"
CURVE = "curve.csv"
_STATE = "training.json"
_HDF5_BYTES = 4096  # that an array takes up in a file beside its values, at most


class Checkpoints(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps model, optimiser, learning curve and best weights after each epoch, and stops early.

    After an epoch the folder holds ``model.weights.h5`` (the best epoch), ``curve.csv``, the state to go on from, and
    ``training.json``, which names it: written last, it makes the epoch count. Random layers (dropout) are seeded anew
    in each epoch, since Keras does not save their state.

    Parameters
    ----------
    folder : path
        Exists already.
    epochs : int
        Of the whole training.
    patience : int
        Epochs without a better `monitor` after which to stop; zero for never.
    seed : int
        Of the random layers.
    monitor : str
        What is to become small.
    large : bool
        It is to become large instead.
    tell : callable
        Told after each epoch how it went and about how long the rest takes.
    """

    def __init__(
        self,
        folder: str | Path,
        epochs: int,
        *,
        patience: int = 0,
        seed: int = 0,
        monitor: str = "val_loss",
        large: bool = False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.folder, self.epochs, self.patience, self.seed = Path(folder), epochs, patience, seed
        self.monitor, self.tell = monitor, tell
        self._best = np.argmax if large else np.argmin
        self.rows: list[dict[str, float]] = []
        self._state = ""
        self._began = 0.0
        if (path := self.folder / _STATE).exists():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                self.rows, self._state = [dict(row) for row in kept["curve"]], str(kept["state"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path}: cannot be read ({error}), so that this training cannot go on. Choose another folder with "
                    "-o, or delete this one."
                ) from error

    @property
    def done(self) -> int:
        """Epochs that are finished."""
        return len(self.rows)

    @property
    def best(self) -> int:
        """Number of the best epoch, from zero."""
        return int(self._best([row[self.monitor] for row in self.rows]))

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or enough without a better one."""
        return self.done >= self.epochs or bool(self.rows and 0 < self.patience <= self.done - 1 - self.best)

    def restore(self, model: keras.Model) -> None:
        """Bring a compiled model to where the last finished epoch left it.

        Raises
        ------
        InputError
            If what was kept is not of such a model.
        """
        if not self.rows:
            return
        model.optimizer.build(model.trainable_variables)
        try:
            load_weights(model, self.folder / self._state)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{self.folder / self._state}: cannot be loaded ({error}), so that this training cannot go on. Choose "
                "another folder with -o, or delete this one."
            ) from error
        self.tell(f"{self.done} of {self.epochs} epochs are done; going on from there")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Seed the random layers."""
        self._began = time.monotonic()
        random = [layer for layer in inner_layers(self.model) if hasattr(layer, "seed_generator")]
        for number, layer in enumerate(random):
            state = np.random.default_rng([self.seed, epoch, number]).integers(2**31, size=2)
            layer.seed_generator.state.assign(state)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Stop when the loss is no number."""
        self._check((logs or {}).get("loss", 0.0))

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise Dl4artError(
                f"the loss is no number any more in epoch {self.done + 1}. What is in {self.folder} ends with epoch "
                f"{self.done}. Look whether a crop's labels are wrong, or train with another --seed in another folder."
            )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep what there is now."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        self._check(values[self.monitor])
        self.rows.append({"epoch": float(epoch), **values})
        state, before = f"state-{epoch + 1:04d}.weights.h5", self._state
        names = [state, BEST] if self.best == self.done - 1 else [state]
        for name in names:
            save_weights(self.model, self.folder / name)
        self._state = state
        with atomic_path(self.folder / CURVE) as path:
            path.write_text(self._curve(), encoding="utf-8")
        with atomic_path(self.folder / _STATE) as path:
            path.write_text(json.dumps({"state": state, "curve": self.rows}, indent=1), encoding="utf-8")
        if before and before != state:
            (self.folder / before).unlink(missing_ok=True)
        left = (time.monotonic() - self._began) * (self.epochs - self.done)
        figures = ", ".join(f"{name} {value:.4f}" for name, value in self.rows[-1].items() if name != "epoch")
        self.tell(f"epoch {self.done} of {self.epochs}: {figures}; at most {math.ceil(left / 60)} min left")
        if self.over and self.done < self.epochs:
            self.model.stop_training = True
            self.tell(f"no better for {self.patience} epochs: the best is epoch {self.best + 1}")

    def _curve(self) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "epoch": int(row["epoch"])} for row in self.rows)
        return text.getvalue()


def save_weights(model: Any, target: Path) -> None:
    """Write a model's weights, and its optimiser's if it is compiled, whole or not at all; OutputError if it cannot be.

    HDF5 may take the whole program with it where a disk is full, so that the room is taken before it begins.
    """
    known = [*model.variables, *getattr(getattr(model, "optimizer", None), "variables", [])]
    room = sum(_HDF5_BYTES + 4 * math.prod(variable.shape) for variable in known)
    with atomic_path(target) as path:
        path.write_bytes(bytes(room))
        model.save_weights(path)


def load_weights(model: keras.Model, path: str | Path) -> None:
    """Load weights; OSError, KeyError or ValueError if they cannot be read or are of another network."""
    with warnings.catch_warnings():
        # Keras only warns of layers that it leaves as they are
        warnings.simplefilter("error", UserWarning)
        try:
            model.load_weights(path)
        except UserWarning as warning:
            raise ValueError(str(warning)) from warning


def inner_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield all layers of a model, those of models in it too."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from inner_layers(layer)
