"""How fast images are imported, against TensorFlow's reader and one thread of Pillow, and how near the floor that is.

    python -m benchmarks.import_images [--quick] [--check] [--images 4000] [--folder FOLDER]

Writes bitmaps of cells on black, 450x450 as C-NMC's are (the real ones under ALLCORE_REAL_DATA, each made another by one pixel, else drawn
cells), into FOLDER (default: a temporary one, 2.4 GB), reads them once so that all run from memory alike, then takes turns:

- *import*: what `data import` does: read, hash, decode, shrink to 70 pixels by area average, check, write; a whole data set each time
- *area*: `keras.utils.image_dataset_from_directory(interpolation='area')`, which neither hashes nor checks nor keeps
- *bilinear*: the same with its default interpolation, which aliases; for the record
- *pillow*: one thread of Pillow: open, convert, resize by its box filter
- the floor: bytes read; hash alone; decode alone, by Pillow, each with as many threads as the import

Bars: import at least 0.8 of *area* and 1.5 of *pillow* (medians over the turns); a data set of 15,115 images opened in under 0.2 s; the
resize within 1 grey level of the exact area average, on average, over the pixels of cells. For the record: how long a second import takes,
which reads no file, and processor time, all threads together, which says something on a busy machine too. The last line is JSON. With
--check, exits 1 where a bar is missed. --quick takes 600 images and two turns: about a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

SIDE, SIZE, WHOLE = 450, 70, 15_115
OF_AREA, OF_PILLOW, OPENING, GREY_LEVELS = 0.8, 1.5, 0.2, 1.0
ROUNDS, QUICK = (5, 4000), (2, 600)


def sources() -> list[np.ndarray]:
    """uint8 (450, 450, 3) cells on black."""
    from PIL import Image

    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ALLCORE_REAL_DATA", beside)) / "cnmc"
    real = sorted(folder.rglob("UID_*.bmp"))[:60]
    if real:
        return [np.asarray(Image.open(path).convert("RGB")) for path in real]
    from allcore.data.phantom import PhantomSpec, draw

    spec = PhantomSpec(images=60, size=SIDE)
    return [draw(spec, index) for index in range(60)]


def written(folder: Path, count: int) -> None:
    """So many bitmaps, no two alike, half of them in each class."""
    from PIL import Image

    cells = sources()
    for kind in ("all", "hem"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        cell = cells[number % len(cells)].copy()
        cell[SIDE // 2, SIDE // 2] = number % 256, number // 256, 1
        Image.fromarray(cell).save(folder / ("all", "hem")[number % 2] / f"{number:05d}.bmp")


def imported(folder: Path, name: str, artifacts: object) -> None:
    from allcore.data import importing

    importing.import_folder(artifacts, folder, name, layout="folders")


def by_keras(folder: Path, interpolation: str) -> None:
    import keras

    data = keras.utils.image_dataset_from_directory(
        folder, image_size=(SIZE, SIZE), interpolation=interpolation, batch_size=64, shuffle=False, verbose=False
    )
    for _ in data:
        pass


def by_pillow(files: list[Path]) -> None:
    from PIL import Image

    for file in files:
        with Image.open(file) as image:
            np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX))


def in_threads(work: Callable[[Any], object], files: list[Any]) -> None:
    from allcore.data import reading

    with ThreadPoolExecutor(reading.cores()) as pool:
        for _ in pool.map(lambda some: [work(file) for file in some], [files[start : start + 16] for start in range(0, len(files), 16)]):
            pass


def floors(files: list[Path]) -> dict[str, Callable[[], None]]:
    """What can't be left out, each alone, by the import's own means."""
    from PIL import Image

    from allcore.data import reading

    contents = [file.read_bytes() for file in files[:300]]  # in memory, for what starts there

    def alone(work: Callable[[bytes], object]) -> Callable[[], None]:
        rounds = -(-len(files) // len(contents))
        return lambda: in_threads(
            lambda number: work(contents[number]), [n for _ in range(rounds) for n in range(len(contents))][: len(files)]
        )

    return {
        "read alone": lambda: in_threads(lambda file: len(reading._content(str(file))), files),
        "hash alone": alone(lambda content: hashlib.sha256(content).digest()),
        "decode alone": alone(lambda content: Image.open(io.BytesIO(content)).load()),
    }


def exactness(folder: Path) -> float:
    """Mean absolute difference from the exact area average, in grey levels, over the pixels of cells (on black all are right)."""
    from PIL import Image

    from allcore.data import images
    from benchmarks.phantom_likeness import averaged

    differences = []
    for file in sorted(folder.rglob("*.bmp"))[:60]:
        exact = averaged(np.asarray(Image.open(file).convert("RGB")), SIZE).astype(int)
        ours = images.prepared(file.read_bytes(), SIZE).astype(int)
        differences.append(np.abs(exact - ours)[exact.max(axis=2) > 0].mean())
    return float(np.mean(differences))


def opening(folder: Path) -> float:
    """Seconds to open records and pixels of a data set of 15,115 images, the median of five: a process has to do it once."""
    from PIL import Image

    from allcore.base.paths import Artifacts
    from allcore.data import cache, importing, records

    artifacts = Artifacts(folder / "artifacts-whole")
    source = folder / "whole"
    seed = folder / "seed.bmp"
    Image.new("RGB", (16, 16)).save(seed)
    for kind in ("all", "hem"):
        (source / kind).mkdir(parents=True)
    for number in range(WHOLE):
        os.link(seed, source / ("all", "hem")[number % 2] / f"{number:05d}.bmp")
    importing.import_folder(artifacts, source, "whole")
    paths = artifacts.dataset("whole")
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        table, pixels = records.read_records(paths), cache.opened(paths)
        assert len(table) == len(pixels) == WHOLE
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def measured(folder: Path, rounds: int, count: int) -> dict[str, object]:
    from allcore.base.paths import Artifacts
    from allcore.data import importing

    artifacts = Artifacts(folder / "artifacts")
    source = folder / "cells"
    written(source, count)
    files = sorted(source.rglob("*.bmp"))
    for file in files:
        file.read_bytes()

    def whole_import() -> None:
        imported(source, "mine", artifacts)

    contestants: dict[str, Callable[[], None]] = {
        "import": whole_import,
        "area": lambda: by_keras(source, "area"),
        "bilinear": lambda: by_keras(source, "bilinear"),
        "pillow": lambda: by_pillow(files),
        **floors(files),
    }
    by_keras(source, "area")  # its first call traces and compiles
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    busy: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds):
        for name in list(contestants)[:: 1 if turn % 2 else -1]:
            began, cpu = time.perf_counter(), time.process_time()
            contestants[name]()
            seconds[name].append(time.perf_counter() - began)
            busy[name].append(time.process_time() - cpu)
            if name == "import":
                importing.delete(artifacts, "mine")
    speed = {name: count / statistics.median(took) for name, took in seconds.items()}
    work = {name: 1000 * statistics.median(took) / count for name, took in busy.items()}

    imported(source, "one", artifacts)
    began = time.perf_counter()
    imported(source, "two", artifacts)
    again = time.perf_counter() - began

    print(f"{count:,} bitmaps of {SIDE}x{SIDE}, {rounds} turns, on {len(os.sched_getaffinity(0))} cores\n")
    print(f"{'':14}{'images/s':>10}{'of area':>10}{'of pillow':>10}{'CPU ms':>10}")
    for name, value in speed.items():
        print(f"{name:14}{value:10,.0f}{value / speed['area']:10.2f}{value / speed['pillow']:10.2f}{work[name]:10.2f}")
    floor = 1 / sum(1 / speed[name] for name in speed if name.endswith("alone"))
    print(
        f"{'floor':14}{floor:10,.0f}   reading, hashing and decoding one after the other; the import: {speed['import'] / floor:.0%} of it"
    )
    return {
        "images": count,
        "images_per_second": {name: round(value) for name, value in speed.items()},
        "cpu_milliseconds": {name: round(value, 2) for name, value in work.items()},
        "of_area": round(speed["import"] / speed["area"], 2),
        "of_pillow": round(speed["import"] / speed["pillow"], 2),
        "of_floor": round(speed["import"] / floor, 2),
        "second_import_seconds": round(again, 3),
        "second_import_images_per_second": round(count / again),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="How fast images are imported.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--quick", action="store_true", help="fewer images and turns: about a minute")
    parser.add_argument("--images", type=int, default=None, help="how many bitmaps (default 4000, 600 with --quick)")
    parser.add_argument("--folder", type=Path, default=None, help="where to put them (default: a temporary folder)")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rounds, count = QUICK if options.quick else ROUNDS
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        figures: dict[str, object] = {"benchmark": "import_images", **measured(folder, rounds, options.images or count)}
        figures["grey_levels_from_exact"] = round(exactness(folder / "cells"), 3)
        figures["opening_seconds"] = round(opening(folder), 3)
    missed = [
        words
        for words, met in (
            (f"at least {OF_AREA} of keras' area", figures["of_area"] >= OF_AREA),
            (f"at least {OF_PILLOW} of one thread of Pillow", figures["of_pillow"] >= OF_PILLOW),
            (f"opened in under {OPENING} s", figures["opening_seconds"] < OPENING),
            (f"within {GREY_LEVELS} grey level of the exact average", figures["grey_levels_from_exact"] <= GREY_LEVELS),
        )
        if not met
    ]
    print(f"\nopening {WHOLE:,} images: {figures['opening_seconds']} s")
    print(f"from the exact average: {figures['grey_levels_from_exact']} grey levels")
    print(f"missed: {', '.join(missed) or 'nothing'}")
    print(json.dumps({**figures, "missed": missed, "passes": not missed}))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
