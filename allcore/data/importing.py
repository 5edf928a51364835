"""A listing becomes a data set: every file read once, hashed, decoded, resized and checked, all or nothing."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from allcore.base import clock, fileio, locks
from allcore.base.errors import AllcoreError, BadInput, Conflict, Unreadable
from allcore.base.paths import Artifacts, DatasetPaths
from allcore.data import archives, cache, importers, official, phantom, reading, records, reuse
from allcore.data.importers import Options, cnmc
from allcore.data.importers.listing import Listing, table
from allcore.data.progress import Progress, part, silent
from allcore.data.records import DatasetCard
from allcore.data.reuse import Known, Packed

_TOLD_EACH = 64


@dataclass(frozen=True)
class _Brought:
    """What an import has found, before any image is read."""

    listing: Listing
    known: Known | None
    """A data set that knows some of the images already."""
    packed: dict[str, Any] = field(default_factory=dict)
    """Of the file that the images were unpacked from."""


def import_folder(
    artifacts: Artifacts,
    source: Path,
    name: str,
    *,
    layout: str = importers.AUTO,
    options: Options = importers.AS_FOUND,
    called: str = "",
    job: str = "",
    progress: Progress = silent,
) -> DatasetCard:
    """Make data set `name` of the images below a folder, or named by a table: they stay where they are. From a zip or an `.npz` file
    they are unpacked into the data set's own folder.

    `called` is the file's name where `source` is an upload's; `job` is the id of the job that does it.

    Raises BadInput where nothing can be read, Conflict where the name is taken or being taken, AllcoreError where the disk is full.
    Nothing is left behind in any case.
    """
    importers.require_layout(layout)
    paths = _free(artifacts, name)
    source = source.expanduser().resolve()
    with _full_disk_told(), _new_folder(paths) as folder:
        building = DatasetPaths(folder)
        progress(0.0, "Looking for images")
        if archives.is_archive(source):
            brought, begun = _unpacked(artifacts, building, source, called or source.name, layout, options, part(progress, 0.0, 0.5)), 0.5
        else:
            listing = importers.listed(source, layout, options)
            if listing.container:
                brought, begun = _extracted(artifacts, building, listing, listing.container, part(progress, 0.0, 0.5)), 0.5
            else:
                ids = listing.images["image_id"].tolist()
                brought, begun = _Brought(listing, reuse.known(artifacts, listing.root, ids, reuse.stamps_of(listing.root, ids))), 0.0
        return _built(building, paths.id, brought, job, part(progress, begun, 1.0))


def make_phantom(artifacts: Artifacts, name: str, spec: phantom.PhantomSpec, *, job: str = "", progress: Progress = silent) -> DatasetCard:
    """Draw a synthetic data set; its image files (PNG, a twin's BMP) lie in its own folder; `job` is the id of the job that does it.

    Raises Conflict where the name is taken or being taken.
    """
    from joblib import Parallel, delayed

    paths = _free(artifacts, name)
    cells = phantom.plan(spec)
    with _new_folder(paths) as folder:
        building = DatasetPaths(folder)
        rows = []
        for cell in cells:
            (building.images / cell.path).parent.mkdir(parents=True, exist_ok=True)
            rows.append(cell.row)
        if spec.like:
            path, text = phantom.twin_labels()
            (building.images / path).write_text(text)
        chunks = np.array_split(np.arange(len(cells)), max(1, len(cells) // 50))
        files = [building.images / row[0] for row in rows]
        work = (delayed(_draw)(spec, chunk.tolist(), [files[i] for i in chunk]) for chunk in chunks)
        # A process pool costs 2 s to start: not worth it for a handful of cells.
        jobs = 1 if len(cells) * spec.size**2 < 500 * 70**2 else -1
        # Its processes outlive one that is killed by so many seconds, 300 if nothing is said.
        pool = Parallel(n_jobs=jobs, return_as="generator", idle_worker_timeout=10)
        for done, _ in enumerate(pool(work), 1):
            progress(0.8 * done / len(chunks), "Drawing cells")
        listing = Listing(
            layout="phantom",
            root=building.images,
            images=table(rows),
            class_names=("healthy", "leukemia"),
            positive="leukemia",
            about="Drawn cells, after the look of C-NMC 2019. Not one of them was ever alive.",
            licence="CC0 1.0",
            source="allcore.data.phantom",
        )
        card = _built(building, paths.id, _Brought(listing, None), job, lambda share, what: progress(0.8 + 0.2 * share, what))
        card = replace(card, root="", synthetic=True, drawn_with=_settings(spec))
        fileio.write_json(building.card, card.to_dict())
        return card


def delete(artifacts: Artifacts, name: str) -> None:
    """Remove a data set's folder; imported images, which lie elsewhere, stay. Raises NotFound."""
    paths = artifacts.dataset(name)
    records.read_card(paths)
    fileio.remove_folder(paths.folder)


def _settings(spec: phantom.PhantomSpec) -> dict[str, Any]:
    return {field: getattr(spec, field) for field in spec.__dataclass_fields__}


def _draw(spec: phantom.PhantomSpec, indices: list[int], files: list[Path]) -> None:
    from PIL import Image

    for index, file in zip(indices, files, strict=True):
        Image.fromarray(phantom.draw(spec, index)).save(file)


def _free(artifacts: Artifacts, name: str) -> DatasetPaths:
    paths = artifacts.dataset(name)
    if paths.folder.exists():
        raise _taken(name)
    return paths


def _taken(name: str) -> Conflict:
    return Conflict(f"There is already a data set '{name}'.", "Choose another name, or delete that one first.")


@contextmanager
def _new_folder(paths: DatasetPaths) -> Iterator[Path]:
    """A folder that becomes the data set's, held against all others who make one of this name."""
    parent = paths.folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    lock_file = parent / f".{paths.id}.lock"
    lock = locks.holder(lock_file, timeout=0)
    try:
        lock.acquire()
    except locks.Timeout:
        raise Conflict(f"A data set '{paths.id}' is being made at this moment.", "Wait for it, or choose another name.") from None
    try:
        for left in parent.glob(f".{paths.id}.*.tmp"):  # by one that was killed
            shutil.rmtree(left, ignore_errors=True)
        with fileio.replacing_folder(paths.folder) as folder:
            yield folder
    except FileExistsError:
        raise _taken(paths.id) from None
    finally:
        with suppress(OSError):  # Windows keeps what is open
            lock_file.unlink()
        lock.release()


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise AllcoreError("The disk is full; of this data set nothing was kept.", "Make room and try again.") from error


def _unpacked(
    artifacts: Artifacts, building: DatasetPaths, archive: Path, called: str, layout: str, options: Options, progress: Progress
) -> _Brought:
    """A zip's content as the data set's own images; linked instead of unpacked where a data set has it already."""
    packed = Packed.of(archive, artifacts, name=called)
    before = reuse.unpacked_before(artifacts, packed)
    folder = building.folder / "unpacked"
    try:
        if before:
            reuse.link_tree(artifacts.dataset(before.id).images, folder)
        else:
            archives.unpack(archive, folder, progress=part(progress, 0.0, 0.9))
        listing = importers.listed(folder, layout, options)
    except BadInput as error:  # the person knows the zip, not where it is being unpacked
        raise BadInput(error.message.replace(str(folder), called).replace(archive.name, called), error.hint) from error
    if listing.extract:  # an .npz in a zip
        listing.extract(building.images, part(progress, 0.9, 1.0))
        shutil.rmtree(folder)
        return _Brought(replace(listing, root=building.images), None)
    os.rename(folder, building.images)
    listing = replace(listing, root=building.images)
    return _Brought(listing, _known_of(artifacts, before, listing), packed.to_dict())


def _extracted(artifacts: Artifacts, building: DatasetPaths, listing: Listing, container: Path, progress: Progress) -> _Brought:
    """The images within one file as the data set's own image files."""
    packed = Packed.of(container, artifacts)
    before = reuse.unpacked_before(artifacts, packed)
    if before:
        reuse.link_tree(artifacts.dataset(before.id).images, building.images)
    elif listing.extract:
        listing.extract(building.images, progress)
    listing = replace(listing, root=building.images)
    return _Brought(listing, _known_of(artifacts, before, listing), packed.to_dict())


def _known_of(artifacts: Artifacts, before: DatasetCard | None, listing: Listing) -> Known | None:
    return reuse.known_by_content(artifacts.dataset(before.id), listing.images["image_id"].tolist()) if before else None


def _built(building: DatasetPaths, dataset_id: str, brought: _Brought, job: str, progress: Progress) -> DatasetCard:
    import pandas as pd

    listing = brought.listing
    found = listing.images
    image_ids = found["image_id"].tolist()
    stamps = reuse.stamps_of(listing.root, image_ids)  # before the reading: who changes a file meanwhile is found out the next time
    facts, unreadable = _pixels_and_facts(building, listing.root, image_ids, brought.known, progress)
    if not facts:
        reason = unreadable[0]["reason"] if unreadable else ""
        raise BadInput(f"None of the {len(found)} images in {_place(building, listing)} could be read.", reason)
    table_ = records.typed(found.merge(pd.DataFrame(facts), on="image_id", how="inner"))
    listing = _as_published(listing, set(table_["sha256"]))
    class_names = tuple(name for name in listing.class_names if (table_["label"] == name).any())
    if len(class_names) < 2:
        raise BadInput(f"Images of only one class were found in {_place(building, listing)}.", "A data set needs two classes at least.")
    card = DatasetCard(
        id=dataset_id,
        layout=listing.layout,
        root="" if listing.root == building.images else str(listing.root),
        class_names=class_names,
        positive=listing.positive if listing.positive in class_names else records.positive_class(class_names),
        images=len(table_),
        **records.counted(table_, class_names),
        fingerprint=records.fingerprint(table_),
        synthetic=False,
        created=clock.now(),
        about=listing.about,
        licence=listing.licence,
        source=listing.source,
        packed=brought.packed,
        unreadable=tuple(unreadable),
        job=job,
    )
    with fileio.replacing(building.stamps) as aside, open(aside, "wb") as file:
        np.save(file, stamps[found["image_id"].isin(table_["image_id"]).to_numpy()])
    with fileio.replacing(building.records) as aside:
        table_.to_parquet(aside)
    fileio.write_json(building.card, card.to_dict())
    progress(1.0, "Done")
    return card


def _as_published(listing: Listing, hashes: set[str]) -> Listing:
    """C-NMC's licence and source are those of the published images alone: drawn cells can bear the same names, and copies be changed."""
    if listing.layout != cnmc.NAME:
        return listing
    known = len(hashes & set(official.cnmc()["sha256"]))
    if known == len(hashes):
        return listing
    if known:
        return replace(listing, about=f"{listing.about} Only {known:,} of the {len(hashes):,} images here are as published.")
    return replace(
        listing,
        about="Images with the names of C-NMC 2019's. None is as published: converted, changed, or drawn.",
        licence="" if listing.licence == cnmc.LICENCE else listing.licence,
        source="" if listing.source == cnmc.SOURCE else listing.source,
    )


def _place(building: DatasetPaths, listing: Listing) -> str:
    return "it" if listing.root == building.images else str(listing.root)


def _pixels_and_facts(
    building: DatasetPaths, root: Path, image_ids: list[str], known: Known | None, progress: Progress
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Write the pixels of all images that can be read, in the order of the ids; what the files say, and what could not be read."""
    array = building.pixels(cache.key(cache.DEFAULT_SIZE))
    rows = known.rows if known else np.full(len(image_ids), -1, np.int64)
    readable = np.ones(len(image_ids), bool)
    facts: dict[int, dict[str, Any]] = {}
    unreadable: list[dict[str, str]] = []
    fresh = np.flatnonzero(rows < 0)
    pixels = None
    for done, (index, outcome) in enumerate(zip(fresh.tolist(), reading.read_all(root, [image_ids[i] for i in fresh]), strict=True)):
        if isinstance(outcome, Unreadable):
            unreadable.append({"path": image_ids[index], "reason": outcome.message})
            readable[index] = False
        else:
            if pixels is None:
                pixels = cache.created(array, len(image_ids), cache.DEFAULT_SIZE)
            facts[index], pixels[index] = {"image_id": image_ids[index], **outcome.facts}, outcome.pixels
        if done % _TOLD_EACH == 0:
            progress(done / len(fresh), f"Reading images: {done:,} of {len(fresh):,}")
    if known:
        theirs = known.records[list(reading.FACTS)].to_dict("records")
        facts |= {index: {"image_id": image_ids[index], **theirs[rows[index]]} for index in np.flatnonzero(rows >= 0).tolist()}
    if known and pixels is None and known.covers(readable):
        for file in known.paths.folder.glob("pixels-*.npy"):
            reuse.link(file, building.folder / file.name)
    elif facts:
        if pixels is None:
            pixels = cache.created(array, len(image_ids), cache.DEFAULT_SIZE)
        if known:
            pixels[rows >= 0] = cache.opened(known.paths)[rows[rows >= 0]]
        pixels.flush()
        del pixels
        if not readable.all():
            _shorten(array, readable)
    return [facts[index] for index in sorted(facts)], unreadable


def _shorten(array: Path, kept: np.ndarray) -> None:
    """Leave the kept rows (bool, one a row) alone."""
    whole = np.load(array, mmap_mode="r")
    with fileio.replacing(array) as aside:
        fewer = cache.created(aside, int(kept.sum()), whole.shape[1])
        fewer[:] = whole[kept]
        fewer.flush()
