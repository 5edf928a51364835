"""Where the training of a network stands, kept so that it can go on from there."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from allcore.base import fileio
from allcore.base.errors import AllcoreError


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands; the record is written last, so that it never names a file that isn't there."""

    epoch: int = 0
    """Whole epochs done."""
    step: int = 0
    """Steps done of the epoch after them."""
    sums: tuple[tuple[float, ...], ...] = ()
    """What Keras has added up of that epoch's loss and accuracy."""
    best_epoch: int = 0
    best_loss: float | None = None
    seconds: tuple[float, ...] = ()
    """Of each whole epoch."""
    spent: float = 0.0
    """Seconds spent on the epoch that is under way."""
    since: int = 0
    """Whole epochs that another run had done before it ran out of patience, and this one took them over: patience counts from there."""

    @staticmethod
    def read(folder: Path) -> Checkpoint:
        try:
            document = fileio.read_json(folder / "state.json")
        except FileNotFoundError:
            return Checkpoint()
        fields = {name: document[name] for name in Checkpoint.__dataclass_fields__ if name != "since"}
        fields["since"] = document.get("since", 0)  # older checkpoints have none
        return Checkpoint(**{**fields, "seconds": tuple(fields["seconds"]), "sums": tuple(map(tuple, fields["sums"]))})

    @property
    def has_model(self) -> bool:
        return bool(self.epoch or self.step)

    def model_file(self, folder: Path) -> Path:
        return folder / f"epoch-{self.epoch}-{self.step}.npz"

    def best_file(self, folder: Path) -> Path:
        return folder / f"best-{self.best_epoch}.weights.h5"

    def model(self, folder: Path) -> tuple[keras.Model, list[np.ndarray]]:
        """The model as it was, not compiled, and the state of its optimiser. Raises AllcoreError where they can't be read."""
        try:
            with np.load(self.model_file(folder), allow_pickle=False) as kept:
                model = keras.saving.deserialize_keras_object(json.loads(kept["architecture"].item()))
                for number, variable in enumerate(model.variables):
                    variable.assign(kept[f"{_MODEL}-{number}"])
                return model, [kept[name] for name in kept.files if name.startswith(_OPTIMIZER)]
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            name = self.model_file(folder).name
            raise AllcoreError(
                f"The checkpoint {name} is missing, damaged or of an earlier version: the run can't go on from it.",
                "Train anew with the same settings; `train --from RUN` takes them over.",
            ) from error

    def write(self, folder: Path, model: keras.Model, *, is_best: bool = False) -> None:
        """Weights and optimiser, then this record, then away with what it replaces."""
        folder.mkdir(exist_ok=True)
        before = Checkpoint.read(folder)
        try:
            _save(model, self.model_file(folder))
            fileio.sync(self.model_file(folder))
            if is_best:
                model.save_weights(self.best_file(folder))
                fileio.sync(self.best_file(folder))
            fileio.write_json(folder / "state.json", asdict(self))
        except Exception:  # a full disk: half a file would take the room that is needed to say so
            for file in {self.model_file(folder), self.best_file(folder)} - {before.model_file(folder), before.best_file(folder)}:
                file.unlink(missing_ok=True)
            raise
        kept = {self.model_file(folder), self.best_file(folder), folder / "state.json"}
        for file in folder.iterdir():
            if file not in kept:
                file.unlink()


_MODEL, _OPTIMIZER = "model", "optimizer"


def _save(model: keras.Model, path: Path) -> None:
    """One variable after the other: Keras's own format has all of them in memory once more while it is written."""
    architecture = keras.saving.serialize_keras_object(model)
    architecture.pop("compile_config", None)  # the run's settings say how it learns
    of_model = {f"{_MODEL}-{number}": variable for number, variable in enumerate(model.variables)}
    of_optimizer = {f"{_OPTIMIZER}-{number}": variable for number, variable in enumerate(model.optimizer.variables)}
    np.savez(path, architecture=json.dumps(architecture), **of_model, **of_optimizer)
