"""From what a user asks for to a job's folder. Everything that can be refused is refused here, before a job exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from allcore.base.errors import BadInput, Conflict
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importers, records, splits
from allcore.data.phantom import PhantomSpec
from allcore.data.splits import Certificate
from allcore.models import presets, registry
from allcore.runs import spec
from allcore.runs.spec import TrainSpec


def planned(
    artifacts: Artifacts,
    *,
    data: str,
    model: str,
    preset: str = presets.DEFAULT,
    split: str | None = None,
    seed: int | None = None,
    changed: Mapping[str, Any] | None = None,
) -> tuple[TrainSpec, Certificate]:
    """What a training would do, and on which sides; nothing is written.

    `split` and `seed` replace the preset's; `changed` maps knobs to values, which may be text.

    Raises BadInput (NotFound for a name) with the setting's name and its range.
    """
    card = registry.card(model)
    chosen = card.preset(preset)
    wanted = dict(changed or {})
    if seed is not None:
        wanted["seed"] = seed
    settings = card.settings(chosen, wanted)
    dataset = artifacts.dataset(data)
    data_card = records.read_card(dataset)
    rule = replace(chosen.split, seed=settings["seed"], **({"level": split} if split else {}))
    made = splits.split(records.read_records(dataset), data_card, rule)
    if not rule.tune:
        if settings.get("keep") == "best":
            raise BadInput("keep can't be 'best' without a tune side.", "Choose 'last', or a preset that has one.")
        if settings.get("patience"):
            raise BadInput(f"patience can't be {settings['patience']} without a tune side.", "Choose 0, or a preset that has one.")
    return TrainSpec(data, data_card.fingerprint, model, preset, rule, settings), made.certificate


def training(artifacts: Artifacts, plan: TrainSpec) -> JobPaths:
    """Queue a training. Its id names the model."""
    return spec.written(artifacts, spec.TRAIN, plan.to_params(), name=plan.model)


def phantom(artifacts: Artifacts, name: str, drawing: PhantomSpec) -> JobPaths:
    """Queue the drawing of a synthetic data set. Raises Conflict where the name is taken."""
    _require_free(artifacts, name)
    return spec.written(artifacts, spec.PHANTOM, {"name": name, "phantom": asdict(drawing)}, name=f"phantom-{name}")


def importing(artifacts: Artifacts, name: str, source: Path, layout: str = importers.AUTO) -> JobPaths:
    """Queue an import. Raises BadInput where there is nothing to import, Conflict where the name is taken."""
    _require_free(artifacts, name)
    if not source.is_dir():
        raise BadInput(f"There is no folder {source}.", "Check the path.")
    params = {"name": name, "source": str(source), "layout": layout}
    return spec.written(artifacts, spec.IMPORT, params, name=f"import-{name}")


def _require_free(artifacts: Artifacts, name: str) -> None:
    if artifacts.dataset(name).folder.exists():
        raise Conflict(f"There is already a data set '{name}'.", "Choose another name, or delete that one first.")
