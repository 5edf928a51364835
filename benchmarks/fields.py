"""How many white cells of smears are found, and how many outlines are of none.

    python -m benchmarks.fields [--check] [--quick] [--pictures FOLDER]

Reads the 364 fields of BCCD under the folder that ALLCORE_REAL_DATA names (default: ../shared/data beside the checkout), in two halves
by a hash of the name. The constants of `allcore/inference/stains.py` and `segmentation.py` were set while looking at the first half; the
second is reported.

- *Found*: white cells whose box overlaps one of BCCD's boxes by an intersection over union of 0.5 or more, one to one, the best pairs
  first. Bars, on the second half: precision at least 0.95, recall at least 0.97. Every box counts as it stands, right or wrong.
- *None*: 30 drawn fields of red cells alone give no white cell.
- *Kinds*: what C-NMC's cells, PBC's crops and BCCD's fields are taken for; told, no bar.

--quick looks at every fifth field. --pictures writes each field that has an error: BCCD's boxes green, ours yellow. The last line is
JSON. With --check, exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from allcore.data import smears
from allcore.inference import fields, kinds

HALVES = ("tuned on", "reported")
LEAST_PRECISION, LEAST_RECALL, OVERLAP = 0.95, 0.97, 0.5
Box = tuple[int, int, int, int]


def real_folder() -> Path:
    """The folder of real images."""
    return Path(os.environ.get("ALLCORE_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def half(name: str) -> str:
    """Which half a field is in, by its name without the ending."""
    return HALVES[hashlib.sha256(name.encode()).digest()[0] % 2]


def pixels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file).convert("RGB"))


def boxes(file: Path) -> list[Box]:
    """White cells' boxes of a VOC annotation: left, top, right, bottom."""
    found = []
    for one in ElementTree.parse(file).getroot().iter("object"):
        if one.findtext("name") == "WBC":
            found.append(tuple(int(one.findtext(f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")))
    return found


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    sides = [min(one[2 + axis], other[2 + axis]) - max(one[axis], other[axis]) for axis in (0, 1)]
    both = max(sides[0], 0) * max(sides[1], 0)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (area - both)


def matched(truth: list[Box], found: list[Box]) -> list[float]:
    """Overlaps of the pairs, one to one, the best first, from OVERLAP up."""
    pairs = sorted(((overlap(one, other), i, j) for i, one in enumerate(truth) for j, other in enumerate(found)), reverse=True)
    used: set[tuple[str, int]] = set()
    kept = []
    for value, i, j in pairs:
        if value >= OVERLAP and not used & {("truth", i), ("found", j)}:
            used |= {("truth", i), ("found", j)}
            kept.append(value)
    return kept


def drawn(file: Path, truth: list[Box], found: fields.Field) -> Image.Image:
    """A field with BCCD's boxes in green, and our outlines and boxes in yellow."""
    picture = Image.open(file).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for box in truth:
        pen.rectangle(box, outline="lime", width=3)
    for cell in found.cells:
        pen.rectangle(cell.box, outline="yellow")
        pen.line([tuple(point) for point in cell.polygon()], fill="yellow", width=2)
    return picture


def judged(folder: Path, step: int, pictures: Path | None) -> dict[str, dict[str, float]]:
    """Figures of both halves."""
    counts = {name: Counter() for name in HALVES}
    overlaps: dict[str, list[float]] = {name: [] for name in HALVES}
    for file in sorted((folder / "JPEGImages").glob("*.jpg"))[::step]:
        truth, picture = boxes(folder / "Annotations" / f"{file.stem}.xml"), pixels(file)
        begun = time.process_time()
        field = fields.search(picture)
        seconds = time.process_time() - begun
        pairs = matched(truth, [cell.box for cell in field.cells])
        mine = half(file.stem)
        counts[mine].update(fields=1, boxes=len(truth), found=len(field.cells), right=len(pairs), milliseconds=round(1000 * seconds))
        overlaps[mine] += pairs
        if not len(pairs) == len(truth) == len(field.cells):
            print(f"  {file.stem} ({mine}): {len(truth)} boxes, {len(field.cells)} found, {len(pairs)} right")
            if pictures:
                pictures.mkdir(parents=True, exist_ok=True)
                drawn(file, truth, field).save(pictures / f"{mine.split()[0]}-{file.stem}.png")
    return {
        name: {
            **{what: count[what] for what in ("fields", "boxes", "found", "right")},
            "precision": count["right"] / max(count["found"], 1),
            "recall": count["right"] / max(count["boxes"], 1),
            "mean_overlap": float(np.mean(overlaps[name])),
            "seconds_a_field": count["milliseconds"] / 1000 / count["fields"],
        }
        for name, count in counts.items()
    }


def guessed(root: Path, step: int) -> dict[str, dict[str, int]]:
    """What pictures of each kind are taken for."""
    rng = random.Random(0)
    sets = {
        "C-NMC": sorted((root / "cnmc").rglob("*.bmp")),
        "PBC": [file for kind in sorted((root / "pbc").iterdir()) if kind.is_dir() for file in rng.sample(sorted(kind.iterdir()), 20)],
        "BCCD": sorted((root / "bccd" / "JPEGImages").glob("*.jpg"))[::4],
    }
    return {name: dict(Counter(kinds.of(pixels(file)).kind for file in files[::step])) for name, files in sets.items()}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--check", action="store_true")
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--pictures", type=Path)
    options = asked.parse_args()
    root = real_folder()
    if not (root / "bccd").is_dir():
        sys.exit(f"No BCCD in {root}: ALLCORE_REAL_DATA names the folder that holds 'bccd'.")
    step = 5 if options.quick else 1
    figures = judged(root / "bccd", step, options.pictures)
    for name, one in figures.items():
        print(
            f"{name}: {one['fields']} fields, {one['boxes']} boxes, {one['found']} found; precision {one['precision']:.3f}, "
            f"recall {one['recall']:.3f}, mean overlap {one['mean_overlap']:.3f}, {one['seconds_a_field']:.2f} s of processor time a field"
        )
    blank = sum(len(fields.search(smears.draw_field(smears.SmearSpec(white=0, seed=seed)).pixels).cells) for seed in range(30))
    print(f"none: {blank} white cells in 30 drawn fields without any")
    kind = guessed(root, step)
    for name, counts in kind.items():
        print(f"kinds: {name} {counts}")
    missed = []
    if figures["reported"]["precision"] < LEAST_PRECISION:
        missed.append("precision")
    if figures["reported"]["recall"] < LEAST_RECALL:
        missed.append("recall")
    if blank:
        missed.append("none")
    print(json.dumps({"halves": figures, "blank": blank, "kinds": kind, "missed": missed}))
    if options.check and missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
