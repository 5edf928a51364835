"""What the checks find, what they name wrongly, and how long they take.

    python -m benchmarks.checks [--check] [--quick]

Reads the real images under the folder that ALLCORE_REAL_DATA names (default: ../shared/data beside the checkout), and drawn cells.

- *Copies*: pictures of PBC, Taleqani, C-NMC and drawn ones, copied as a quarter turn, a mirror image, saved anew, turned by any angle, or
  cropped to 98 %; how many stand in one group with what they were copied from. Bars: all of the first three, 98 % of the last two.
- *Wrongly named*: PBC's images that are called near copies. Bar: 1 %. Copies that people have seen with their own eyes are not wrong;
  `docs/checks.md` names them.
- *Probes*: nuisance rings on Taleqani and on a planted stain, not on the C-NMC sample nor on drawn cells with balanced stains; identity is
  above its permutation interval with the drawn patients' habits, within it without.
- *Speed*: a whole check of 15,115 drawn images, C-NMC's number; 2,000 with --quick.

The last line is JSON. With --check, exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from allcore.base.paths import Artifacts
from allcore.checks import duplicates, identity, nuisance, pictures, run
from allcore.data import cache, images, importing, records
from allcore.data.phantom import PhantomSpec

ALWAYS = ("turned 90", "turned 180", "turned 270", "mirrored left-right", "mirrored top-bottom", "JPEG 75", "JPEG 90", "PNG", "WebP 90")
MOSTLY = ("turned by any angle", "cropped to 98 %")
SEEN = {frozenset({"basophil/BA_435917.jpg", "basophil/BA_858229.jpg"})}
"""Real copies among PBC's images, seen by eye."""


@dataclass(frozen=True)
class Set:
    """A data set, opened."""

    card: records.DatasetCard
    table: pd.DataFrame
    pixels: np.ndarray
    root: Path


def real_folder() -> Path:
    """The folder of real images."""
    return Path(os.environ.get("ALLCORE_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def opened(artifacts: Artifacts, name: str) -> Set:
    paths = artifacts.dataset(name)
    card = records.read_card(paths)
    return Set(card, records.read_records(paths), np.asarray(cache.opened(paths)), records.image_root(paths, card))


def copies(file: Path, rng: np.random.Generator) -> dict[str, bytes]:
    """One picture, copied in every way; what was JPEG is saved as JPEG of quality 95, the rest as PNG."""
    picture = Image.open(file)
    lossy = picture.format == "JPEG"
    picture = picture.convert("RGB")
    width, height = picture.size
    left, top = rng.integers(0, round(0.02 * width) + 1), rng.integers(0, round(0.02 * height) + 1)

    def saved(made: Image.Image, form: str = "JPEG" if lossy else "PNG", quality: int = 95) -> bytes:
        out = io.BytesIO()
        made.save(out, form, **({} if form == "PNG" else {"quality": quality}))
        return out.getvalue()

    turned = {f"turned {angle}": saved(picture.rotate(angle, expand=True)) for angle in (90, 180, 270)}
    return {
        **turned,
        "mirrored left-right": saved(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        "mirrored top-bottom": saved(picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
        "JPEG 75": saved(picture, "JPEG", 75),
        "JPEG 90": saved(picture, "JPEG", 90),
        "PNG": saved(picture, "PNG"),
        "WebP 90": saved(picture, "WEBP", 90),
        "turned by any angle": saved(picture.rotate(float(rng.uniform(0, 360)), resample=Image.Resampling.BICUBIC)),
        "cropped to 98 %": saved(picture.crop((left, top, left + round(0.98 * width), top + round(0.98 * height)))),
    }


def found_copies(data: Set, *, among: int, number: int) -> dict[str, tuple[int, int]]:
    """For each way of copying, (found, planted): `number` pictures copied into `among` of the set's."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(data.pixels))[:among]
    chosen = rows[:number]
    made = [copies(data.root / data.table["image_id"].iloc[row], rng) for row in chosen]
    counts = {}
    for kind in (*ALWAYS, *MOSTLY):
        planted = np.stack([images.prepared(one[kind], data.pixels.shape[1]) for one in made])
        names = [str(place) for place in range(len(rows) + len(planted))]  # no bytes are alike
        groups = duplicates.found(np.concatenate([data.pixels[rows], planted]), names).groups
        counts[kind] = (int((groups[len(rows) :] == groups[: len(chosen)]).sum()), len(chosen))
    return counts


def wrongly_named(data: Set) -> tuple[list[tuple[str, str, float]], float]:
    """Near copies that nobody has confirmed, as pairs of names with their likeness; and their images' share."""
    ids = data.table["image_id"].tolist()
    found = duplicates.found(data.pixels, data.table["sha256"].tolist())
    pairs = [(ids[pair.one], ids[pair.other], pair.likeness) for pair in found.pairs if {ids[pair.one], ids[pair.other]} not in SEEN]
    return pairs, len({name for pair in pairs for name in pair[:2]}) / len(ids)


def probed(data: Set, pixels: np.ndarray | None = None) -> tuple[nuisance.Nuisance, identity.Identity | None]:
    """Both probes, as a check makes them; `pixels` in place of the set's own."""
    looks = pictures.measured(data.pixels if pixels is None else pixels, data.table)
    labels = np.array([data.card.class_names.index(label) for label in data.table["label"]])
    subjects = data.table["subject"].to_numpy()
    groups = duplicates.held_together(subjects, np.arange(len(labels)))
    positive = data.card.class_names.index(data.card.positive)
    told = nuisance.probed(looks, data.table, labels, groups, patients=data.card.has_subjects, positive=positive)
    return told, identity.probed(looks, data.table["label"].to_numpy(), subjects, np.arange(len(labels)))


def stained(data: Set) -> np.ndarray:
    """The pixels, with one class a little redder."""
    pixels = data.pixels.astype(np.float32)
    pixels[(data.table["label"] == data.card.positive).to_numpy()] *= np.array([1.15, 1.0, 0.95], np.float32)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def main() -> int:
    parser = argparse.ArgumentParser(description="What the checks find, what they name wrongly, and how long they take.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--quick", action="store_true", help="fewer copies and images: about a minute")
    options = parser.parse_args()
    folder = real_folder()
    if not folder.is_dir():
        print(f"No real images in {folder}. Name their folder in ALLCORE_REAL_DATA.", file=sys.stderr)
        return 2
    among, number, many = (300, 25, 2000) if options.quick else (2400, 400, 15_115)
    figures: dict[str, object] = {"benchmark": "checks", "quick": options.quick}
    missed: list[str] = []

    def bar(name: str, holds: bool) -> None:
        print(f"  {'holds ' if holds else 'MISSED'} {name}")
        if not holds:
            missed.append(name)

    with tempfile.TemporaryDirectory() as made:
        artifacts = Artifacts(Path(made))
        sources = {"pbc": "pbc", "taleqani": "taleqani", "cnmc": "cnmc/C-NMC_Leukemia"}
        for name, path in sources.items():
            importing.import_folder(artifacts, folder / path, name)
        importing.make_phantom(artifacts, "drawn", PhantomSpec(images=1000, patients=40))
        importing.make_phantom(artifacts, "no-habits", PhantomSpec(images=1000, patients=40, habits=0.0))
        data = {name: opened(artifacts, name) for name in (*sources, "drawn", "no-habits")}
        for name in (*sources, "drawn"):
            counts = found_copies(data[name], among=among, number=min(number, len(data[name].pixels)))
            print(f"\nCopies planted among {name}'s images")
            print(
                pd.DataFrame([(kind, *pair) for kind, pair in counts.items()], columns=["copy", "found", "planted"]).to_string(index=False)
            )
            figures[f"found_{name}"] = {kind: pair[0] / pair[1] for kind, pair in counts.items()}
            bar(f"{name}: every quarter turn, mirror image and file saved anew", all(np.diff(counts[kind])[0] == 0 for kind in ALWAYS))
            bar(f"{name}: 98 % of other turns and crops", all(counts[kind][0] >= 0.98 * counts[kind][1] for kind in MOSTLY))
        pairs, share = wrongly_named(data["pbc"])
        print(f"\nNear copies in PBC that nobody confirmed: {len(pairs)} pairs, {share:.2%} of the images", *pairs, sep="\n  ")
        figures["wrong_pbc"] = share
        bar("at most 1 % of PBC's images wrongly named", share <= 0.01)
        print("\nProbes")
        for name, pixels, rings in (
            ("taleqani", None, True),
            ("cnmc", None, False),
            ("drawn", None, False),
            ("drawn, one class stained", stained(data["drawn"]), True),
            ("no-habits", None, False),
        ):
            told, whose = probed(data[name.split(",")[0]], pixels)
            areas = {sign: one.auroc for sign, one in told.probes.items()}
            figures[f"nuisance {name}"] = {sign: [area.estimate, area.low, area.high] for sign, area in areas.items()}
            bar(f"{name}: nuisance {'rings' if rings else 'is quiet'} ({', '.join(told.rings) or 'none'})", bool(told.rings) == rings)
            if whose and pixels is None and name != "cnmc":
                figures[f"identity {name}"] = [whose.share, whose.low, whose.high]
                words = f"{name}: identity {whose.share:.3f} against {whose.low:.3f} to {whose.high:.3f}"
                bar(words, whose.share > 2 * whose.high if name == "drawn" else whose.low <= whose.share <= whose.high)
        importing.make_phantom(artifacts, "many", PhantomSpec(images=many, patients=118))
        begun, worked = time.monotonic(), time.process_time()
        report = run.check(artifacts, "many")
        seconds, processor = time.monotonic() - begun, time.process_time() - worked
        wrong = len(duplicates.stored(artifacts.dataset("many"))) / many
        print(f"\nA check of {many:,} drawn images: {seconds:.0f} s, of which {processor:.0f} s of one processor")
        figures["speed"] = {"images": many, "seconds": round(seconds, 1), "processor_seconds": round(processor, 1)}
        figures["wrong_drawn"] = wrong
        bar(f"at most 1 % of drawn cells, no two of which are the same, named as copies ({wrong:.2%})", wrong <= 0.01)
        figures["findings"] = [one.title for one in report.findings if one.severity != "good"]
    figures["passes"], figures["missed"] = not missed, missed
    print(json.dumps(figures))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
