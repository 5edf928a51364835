"""From what a user asks for to a job's folder. Everything that can be refused is refused here, before a job exists."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

from allcore.base import fileio, locks, people
from allcore.base.errors import BadInput, Conflict
from allcore.base.paths import Artifacts, DatasetPaths, JobPaths
from allcore.data import archives, growing, importers, paired, records, splits
from allcore.data.importers import Options, medmnist, options
from allcore.data.importers.listing import as_label
from allcore.data.phantom import PhantomSpec
from allcore.data.splits import Certificate, Split, SplitSpec
from allcore.jobs import cluster, queue, slots
from allcore.models import presets, registry
from allcore.models.classical import limits
from allcore.models.cnn import imagenet, knobs
from allcore.models.spec import CLASSICAL
from allcore.runs import allotment, spec, store
from allcore.runs.leakage import QUICK
from allcore.runs.spec import Tags, TrainSpec


def queued(
    artifacts: Artifacts,
    kind: str,
    params: Mapping[str, Any],
    *,
    name: str,
    tags: Tags | None = None,
    prepared: Callable[[JobPaths], None] | None = None,
) -> JobPaths:
    """As `spec.written`, within what one person may have waiting. Raises Conflict where that would be more."""
    if queue.Limits.from_environment().waiting is None:
        return spec.written(artifacts, kind, params, name=name, tags=tags, prepared=prepared)
    artifacts.root.mkdir(parents=True, exist_ok=True)
    with locks.hold(artifacts.queue_lock, timeout=60):
        queue.require_room(artifacts, (tags and tags.owner) or people.local().name)
        return spec.written(artifacts, kind, params, name=name, tags=tags, prepared=prepared)


Sides = Callable[[DatasetPaths, SplitSpec], Split]


def planned(
    artifacts: Artifacts,
    *,
    data: str,
    model: str,
    preset: str = presets.DEFAULT,
    split: str | None = None,
    calibrate: float | None = None,
    folds: int = 0,
    fold: int = 0,
    seed: int | None = None,
    split_seed: int | None = None,
    changed: Mapping[str, Any] | None = None,
    sides: Sides = splits.of_dataset,
) -> tuple[TrainSpec, Certificate]:
    """What a training would do, and on which sides; nothing is written.

    `split`, `seed` and `calibrate`, the share of all images kept for what is calibrated, replace the preset's; `folds` and `fold` make it
    one fold of a cross-validation; `changed` maps knobs to values, which may be text. The split goes by `split_seed`, by `seed` where that
    is None. `sides` splits the data; who plans many trainings gives one that remembers.

    Raises BadInput (NotFound for a name) with the setting's name and its range.
    """
    card = registry.card(model)
    chosen = card.preset(preset)
    wanted = dict(changed or {})
    if seed is not None:
        wanted["seed"] = seed
    settings = card.settings(chosen, wanted)
    dealt = settings["seed"] if split_seed is None else split_seed
    others = {"level": split or chosen.split.level, "calibrate": chosen.split.calibrate if calibrate is None else calibrate}
    rule = replace(chosen.split, seed=dealt, folds=folds, fold=fold, **others)
    return _possible(artifacts, data, model, preset, rule, settings, sides)


def repeated(artifacts: Artifacts, run: str, changed: Mapping[str, Any] | None = None) -> tuple[TrainSpec, Certificate]:
    """What training `run` once more would do: its data, its split, its settings but for those in `changed`; nothing is written.

    Raises BadInput (NotFound for the run or its data), also where the data set is no longer the one it was trained on.
    """
    before = TrainSpec.from_params(spec.read(artifacts.run(run)).params)
    card = registry.card(before.model)
    wanted = {**before.settings, **(changed or {})}
    if wanted.get("threads") == 0:
        wanted["threads"] = _threads_of(artifacts, run)
    settings = card.settings(card.preset(before.preset), wanted)
    plan, certificate = _possible(artifacts, before.data, before.model, before.preset, before.split, settings)
    if plan.data_fingerprint != before.data_fingerprint:
        raise BadInput(f"Data set '{before.data}' has changed since {run} was trained.", "Train on it as it is now, without --from.")
    return plan, certificate


def continued(artifacts: Artifacts, run: str, plan: TrainSpec, *, tags: Tags | None = None) -> JobPaths:
    """Queue `plan`, which `repeated` gave for `run`, as a run that takes up where that one ended.

    Raises BadInput where there is no checkpoint, nothing is left to do, or a setting would make it another training.
    """
    source = artifacts.run(run)
    before = TrainSpec.from_params(spec.read(source).params)
    try:
        state = fileio.read_json(source.checkpoint / _STATE)
    except FileNotFoundError:
        raise BadInput(f"{run} has no checkpoint to go on from.", "Only networks have one, once an epoch has ended.") from None
    done, patience = state["epoch"], before.settings.get("patience", 0)
    if patience and done - max(state["best_epoch"], state.get("since", 0)) >= patience:
        state["since"] = done  # it would be out of patience at once
    unsaid = {knob.name: knob.default for knob in registry.card(plan.model).knobs}  # of settings that there were not yet
    same = {**unsaid, **before.settings, **({"threads": _threads_of(artifacts, run)} if before.settings.get("threads") == 0 else {})}
    others = sorted(name for name, value in plan.settings.items() if value != same[name] and name not in _MAY_CHANGE)
    if others:
        raise BadInput(f"{', '.join(others)} can't change in a training that goes on.", f"May change: {', '.join(_MAY_CHANGE)}.")
    if plan.settings["epochs"] <= done:
        raise BadInput(f"{run} has done {done} epochs already.", f"Set epochs to more than {done}.")

    def take_over(paths: JobPaths) -> None:
        paths.checkpoint.mkdir()
        for file in source.checkpoint.iterdir():
            shutil.copyfile(file, paths.checkpoint / file.name)
        fileio.write_json(paths.checkpoint / _STATE, state)
        shutil.copyfile(source.events, paths.events)

    return queued(artifacts, spec.TRAIN, plan.to_params(), name=plan.model, tags=tags, prepared=take_over)


def _threads_of(artifacts: Artifacts, run: str) -> int:
    """The threads that a run was given by the queue: to repeat it with another number would change its last digits."""
    given = allotment.read(artifacts.run(run))
    return given.threads if given else 0


_STATE = "state.json"
_MAY_CHANGE = ("epochs", "keep", "learning_rate", "patience", "schedule")


def _possible(
    artifacts: Artifacts,
    data: str,
    model: str,
    preset: str,
    rule: SplitSpec,
    settings: dict[str, Any],
    sides: Sides = splits.of_dataset,
) -> tuple[TrainSpec, Certificate]:
    """The plan, once all has been looked at that could make it fail."""
    dataset = artifacts.dataset(data)
    data_card = records.read_card(dataset)
    made = sides(dataset, rule)
    if len(data_card.class_names) < 2:
        raise BadInput(
            f"Data set '{data}' has one class: '{data_card.class_names[0]}'.", "A model tells classes apart: choose data with two at least."
        )
    if registry.card(model).family == CLASSICAL:
        limits.require(model, settings, images=made.certificate.sides["train"].images)
    if not rule.tune:
        if settings.get("keep") == "best":
            raise BadInput("keep can't be 'best' without a tune side.", "Choose 'last', or a preset that has one.")
        if settings.get("patience"):
            raise BadInput(f"patience can't be {settings['patience']} without a tune side.", "Choose 0, or a preset that has one.")
    if settings.get("start") == knobs.IMAGENET:
        imagenet.weights_file(settings, registry.module(model).WEIGHTS_FILE)
    _require_gpus(settings)
    return TrainSpec(data, data_card.fingerprint, model, preset, rule, settings), made.certificate


def _require_gpus(settings: Mapping[str, Any]) -> None:
    """Raises BadInput where a training asks for more GPUs than it can have; for one it may always ask, with none here too."""
    gpus = slots.wanted({"settings": settings})
    if gpus == 1:
        return
    if settings["batch_size"] < gpus:
        raise BadInput(
            f"gpus can't be {gpus} with a batch of {settings['batch_size']}: each needs an image.", "Choose a larger batch_size."
        )
    if os.environ.get(cluster.VARIABLE, "").strip():
        raise BadInput(f"gpus can't be {gpus} on a Dask cluster: a training has one GPU of a worker there.", "Set gpus to 1.")
    found = slots.gpus()
    if found < gpus:
        raise BadInput(f"gpus can't be {gpus}: this machine has {found or 'none'}.", f"Set gpus to {max(1, found)}.")


def training(artifacts: Artifacts, plan: TrainSpec, *, tags: Tags | None = None, run: str = "") -> JobPaths:
    """Queue a training, under an id that names the model, within what one person may have waiting.

    With `run` it gets that id, and whoever gave it has seen to it that there is room. Raises
    FileExistsError where there is that run already.
    """
    if run:
        return spec.written(artifacts, spec.TRAIN, plan.to_params(), job_id=run, tags=tags)
    return queued(artifacts, spec.TRAIN, plan.to_params(), name=plan.model, tags=tags)


def phantom(artifacts: Artifacts, name: str, drawing: PhantomSpec, *, tags: Tags | None = None) -> JobPaths:
    """Queue the drawing of a synthetic data set. Raises Conflict where the name is taken."""
    _require_free(artifacts, name)
    return queued(artifacts, spec.PHANTOM, {"name": name, "phantom": asdict(drawing)}, name=f"phantom-{name}", tags=tags)


def importing(
    artifacts: Artifacts,
    name: str,
    source: Path,
    layout: str = importers.AUTO,
    said: Options = importers.AS_FOUND,
    *,
    tags: Tags | None = None,
) -> JobPaths:
    """Queue an import of a folder, a zip, a table or an `.npz` file.

    Raises BadInput where there is nothing to import, or an option can't be, Conflict where the name is taken.
    """
    _require_free(artifacts, name)
    _require_sense(layout, said)
    if not source.exists():
        raise BadInput(f"There is no folder or file {source}.", "Check the path.")
    if archives.is_archive(source):
        archives.checked(source)
    params = {"name": name, "source": str(source), "layout": layout, "options": said.to_params()}
    return queued(artifacts, spec.IMPORT, params, name=f"import-{name}", tags=tags)


def mapping(artifacts: Artifacts, name: str, *, tags: Tags | None = None) -> JobPaths:
    """Queue the laying out of a data set's map. Raises NotFound."""
    records.read_card(artifacts.dataset(name))
    return queued(artifacts, spec.MAP, {"name": name}, name=f"map-{name}", tags=tags)


def importing_upload(
    artifacts: Artifacts,
    name: str,
    sent: BinaryIO,
    called: str,
    layout: str = importers.AUTO,
    said: Options = importers.AS_FOUND,
    *,
    tags: Tags | None = None,
) -> JobPaths:
    """Queue an import of a zip or an `.npz` file that was sent; `called` is the sender's name for it, the job's folder keeps it.

    Raises BadInput where it is neither or would not be unpacked, or an option can't be, Conflict where the name is taken.
    """
    _require_free(artifacts, name)
    _require_sense(layout, said)
    stem, ending = os.path.splitext(called.replace("\\", "/").rsplit("/", 1)[-1])
    if ending.lower() not in (archives.SUFFIX, medmnist.SUFFIX):
        raise BadInput(f"{called} is neither a zip nor an .npz file.", "Put the images into one zip, the folders of the classes with them.")
    kept = f"{as_label(stem)[:60] or 'upload'}{ending.lower()}"  # never the sender's own name

    def keep(building: JobPaths) -> None:
        building.upload.mkdir()
        with open(building.upload / kept, "wb") as file:
            shutil.copyfileobj(sent, file)
        if archives.is_archive(building.upload / kept):
            archives.checked(building.upload / kept)

    params = {"name": name, "upload": kept, "called": called, "layout": layout, "options": said.to_params()}
    return queued(artifacts, spec.IMPORT, params, name=f"import-{name}", tags=tags, prepared=keep)


def _require_sense(layout: str, said: Options) -> None:
    importers.require_layout(layout)
    if said.patient_pattern:
        options.compiled(said.patient_pattern)


def checking(artifacts: Artifacts, name: str, *, tags: Tags | None = None) -> JobPaths:
    """Queue the checks of a data set. Raises NotFound where there is none, Conflict where its checks already wait or run."""
    records.read_card(artifacts.dataset(name))
    if any(job.spec.kind == spec.CHECK and job.spec.params["name"] == name for job in store.active(artifacts)):
        raise Conflict(f"Data set '{name}' is being checked already.", "The page Jobs shows how far it is.")
    return queued(artifacts, spec.CHECK, {"name": name}, name=f"check-{name}", tags=tags)


def leakage(artifacts: Artifacts, name: str, *, repeats: int = 10, model: str = QUICK, seed: int = 0, tags: Tags | None = None) -> JobPaths:
    """Queue the measuring of leakage in data set `name`: `repeats` (10 to 100) pairs of quick models, or of a network by its id.

    Raises BadInput where patients are unknown or too few, or `model` is no network.
    """
    if not 10 <= repeats <= 100:
        raise BadInput(f"repeats can't be {repeats}.", "Allowed: 10 to 100.")
    networks = [card.id for card in registry.networks()]
    if model not in (QUICK, *networks):
        raise BadInput(f"Leakage can't be measured by '{model}'.", f"Choose one of: {', '.join((QUICK, *networks))}.")
    kind = spec.LEAKAGE if model == QUICK else spec.LEAKAGE_NETWORK
    form = {} if model == QUICK else {"form": registry.card(model).form(presets.FIRST_LESSON)}
    return _over_patients(artifacts, kind, name, paired.design, {"repeats": repeats, "seed": seed, "model": model, **form}, tags)


def growth(artifacts: Artifacts, name: str, *, draws: int = 5, seed: int = 0, tags: Tags | None = None) -> JobPaths:
    """Queue a learning curve over the patients of data set `name`: `draws` (2 to 50) of who is trained on.

    Raises BadInput where patients are unknown or too few.
    """
    if not 2 <= draws <= 50:
        raise BadInput(f"draws can't be {draws}.", "Allowed: 2 to 50.")
    return _over_patients(artifacts, spec.GROWTH, name, growing.design, {"draws": draws, "seed": seed}, tags)


def _over_patients(
    artifacts: Artifacts, kind: str, name: str, design: Callable[..., object], asked: Mapping[str, Any], tags: Tags | None
) -> JobPaths:
    """Queue what needs the patients of a data set, once `design` has found that there are enough of them."""
    dataset = artifacts.dataset(name)
    card = records.read_card(dataset)
    design(*records.labels_and_subjects(records.read_records(dataset), card), seed=asked["seed"])
    params = {"name": name, "data_fingerprint": card.fingerprint, **asked}
    return queued(artifacts, kind, params, name=f"{kind}-{name}", tags=tags)


def _require_free(artifacts: Artifacts, name: str) -> None:
    if artifacts.dataset(name).folder.exists():
        raise Conflict(f"There is already a data set '{name}'.", "Choose another name, or delete that one first.")
