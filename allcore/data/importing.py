"""A listing becomes a data set: every file read once, hashed, decoded, resized and checked, all or nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from allcore.base import clock, fileio, locks
from allcore.base.errors import BadInput, Conflict, Unreadable
from allcore.base.paths import Artifacts, DatasetPaths
from allcore.data import cache, images, importers, phantom, records
from allcore.data.importers.listing import Listing, table
from allcore.data.records import DatasetCard

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done; may raise to stop the work."""

_AT_ONCE = 64


def silent(_share: float, _what: str) -> None:
    """A Progress for those who don't watch."""


def import_folder(
    artifacts: Artifacts, source: Path, name: str, *, layout: str = importers.AUTO, job: str = "", progress: Progress = silent
) -> DatasetCard:
    """Make data set `name` of the images below `source`, which stay where they are; `job` is the id of the job that does it.

    Raises BadInput where nothing can be read, Conflict where the name is taken or being taken. Nothing is left behind in either case.
    """
    paths = _free(artifacts, name)
    progress(0.0, "Looking for images")
    listing = importers.listed(source.expanduser().resolve(), layout)
    with _new_folder(paths) as folder:
        return _built(DatasetPaths(folder), paths.id, listing, job, progress)


def make_phantom(artifacts: Artifacts, name: str, spec: phantom.PhantomSpec, *, job: str = "", progress: Progress = silent) -> DatasetCard:
    """Draw a synthetic data set; its image files are PNGs within the data set's own folder; `job` is the id of the job that does it.

    Raises Conflict where the name is taken or being taken.
    """
    from joblib import Parallel, delayed

    paths = _free(artifacts, name)
    cells = phantom.plan(spec)
    with _new_folder(paths) as folder:
        building = DatasetPaths(folder)
        rows = []
        for cell in cells:
            (building.images / cell.label).mkdir(parents=True, exist_ok=True)
            rows.append((f"{cell.label}/{cell.name}.png", cell.label, cell.subject, "", cell.fold))
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
        card = _built(building, paths.id, listing, job, lambda share, what: progress(0.8 + 0.2 * share, what))
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


def _built(building: DatasetPaths, dataset_id: str, listing: Listing, job: str, progress: Progress) -> DatasetCard:
    import pandas as pd

    found = listing.images
    array = building.pixels(cache.key(cache.DEFAULT_SIZE))
    pixels = cache.created(array, len(found), cache.DEFAULT_SIZE)
    seen: list[dict[str, Any]] = []
    unreadable: list[dict[str, str]] = []
    for index, outcome in enumerate(_read_all(listing.root, found["image_id"].tolist())):
        image_id = found["image_id"].iloc[index]
        if isinstance(outcome, Unreadable):
            unreadable.append({"path": image_id, "reason": outcome.message})
        else:
            facts, small = outcome
            pixels[len(seen)] = small
            seen.append({"image_id": image_id, **facts})
        if index % _AT_ONCE == 0:
            progress(index / len(found), f"Reading images: {index:,} of {len(found):,}")
    if not seen:
        reason = unreadable[0]["reason"] if unreadable else ""
        raise BadInput(f"None of the {len(found)} images in {listing.root} could be read.", reason)
    pixels.flush()
    del pixels
    if unreadable:
        _shorten(array, len(seen))
    table_ = records.typed(found.merge(pd.DataFrame(seen), on="image_id", how="inner"))
    class_names = tuple(name for name in listing.class_names if (table_["label"] == name).any())
    if len(class_names) < 2:
        raise BadInput(f"Images of only one class were found in {listing.root}.", "A data set needs two classes at least.")
    card = DatasetCard(
        id=dataset_id,
        layout=listing.layout,
        root=str(listing.root),
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
        unreadable=tuple(unreadable),
        job=job,
    )
    with fileio.replacing(building.records) as aside:
        table_.to_parquet(aside)
    fileio.write_json(building.card, card.to_dict())
    progress(1.0, "Done")
    return card


def _read_all(root: Path, image_ids: list[str]) -> Iterator[tuple[dict[str, Any], np.ndarray] | Unreadable]:
    """Outcomes in order, a bounded number of files in memory at a time; Pillow and hashlib leave the other threads free to run."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, len(image_ids), _AT_ONCE):
            yield from pool.map(lambda image_id: _read(root / image_id), image_ids[start : start + _AT_ONCE])


def _read(path: Path) -> tuple[dict[str, Any], np.ndarray] | Unreadable:
    try:
        content = path.read_bytes()
    except OSError as error:
        return Unreadable(f"The file can't be opened ({error.strerror}).")
    try:
        picture = images.decoded(content)
    except Unreadable as error:
        return error
    facts = {
        "width": picture.width,
        "height": picture.height,
        "bytes": len(content),
        "format": picture.format,
        "mode": picture.mode,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return facts, images.resized(picture.pixels, cache.DEFAULT_SIZE)


def _shorten(array: Path, count: int) -> None:
    whole = np.load(array, mmap_mode="r")
    with fileio.replacing(array) as aside:
        kept = cache.created(aside, count, whole.shape[1])
        kept[:] = whole[:count]
        kept.flush()
