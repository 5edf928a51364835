"""Where the training of a network stands, kept so that it can go on from there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import keras

from allcore.base import fileio


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

    @staticmethod
    def read(folder: Path) -> Checkpoint:
        try:
            document = fileio.read_json(folder / "state.json")
        except FileNotFoundError:
            return Checkpoint()
        fields = {name: document[name] for name in Checkpoint.__dataclass_fields__}
        return Checkpoint(**{**fields, "seconds": tuple(fields["seconds"]), "sums": tuple(map(tuple, fields["sums"]))})

    @property
    def has_model(self) -> bool:
        return bool(self.epoch or self.step)

    def model_file(self, folder: Path) -> Path:
        return folder / f"epoch-{self.epoch}-{self.step}.keras"

    def best_file(self, folder: Path) -> Path:
        return folder / f"best-{self.best_epoch}.weights.h5"

    def write(self, folder: Path, model: keras.Model, *, is_best: bool = False) -> None:
        """Weights and optimiser, then this record, then away with what it replaces."""
        folder.mkdir(exist_ok=True)
        before = Checkpoint.read(folder)
        try:
            model.save(self.model_file(folder))
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
