"""How like the real cells of C-NMC 2019 the drawn ones are.

    python -m benchmarks.phantom_likeness [--check] [--images 600]

Reads the real training images under the folder that ALLCORE_REAL_DATA names (default: ../shared/data beside the checkout), draws a
set with the default difficulty and habits and C-NMC's 101 patients, and compares both, class by class, at 450 and at 70 pixels a side
(real images by exact area average). Bars: each synthetic mean within 0.5 of the real standard deviation; ratio of standard deviations
0.5 to 2; where the real difference between the classes is clear (|t| > 2), the synthetic one of the same sign. The last line is JSON.
With --check, exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from allcore.data.phantom import PhantomSpec, draw, plan

SIZES = (450, 70)
PATIENTS = 101
FEATURES = ("area", "solidity", "eccentricity", "red", "green", "blue", "contrast", "homogeneity", "edge_red", "edge_green", "light_share")
WITHOUT_BAR = ("edge_red", "edge_green", "light_share")
MEAN_BAR, SD_BAR, T_BAR = 0.5, 2.0, 2.0
LEVELS = 64


def real_folder() -> Path:
    """The folder of real images, of which this reads `cnmc/`."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("ALLCORE_REAL_DATA", beside)) / "cnmc"


def averaged(image: np.ndarray, size: int) -> np.ndarray:
    """A square uint8 image at `size` pixels a side, each the mean over its area (fractions of pixels included), rounded."""
    side = image.shape[0]
    edges = np.linspace(0, side, size + 1)
    pixels = np.arange(side)
    overlap = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    weights = np.clip(overlap, 0, None) * size / side
    return np.rint(np.einsum("iy,yxc,jx->ijc", weights, image.astype(float), weights, optimize=True)).astype(np.uint8)


def measure(image: np.ndarray) -> dict[str, float]:
    """Features of one cell on black, uint8 RGB; areas and lengths in pixels of a 450-pixel frame whatever the image's size.

    area, solidity, eccentricity: of the pixels that are not black. red, green, blue: means over them.
    contrast, homogeneity: of the co-occurrence matrix (Haralick 1973) of the channels' mean in 64 levels, at a distance of 6 pixels of
    450, or 1 of 70, in four directions, within the cell and away from its edge. edge_red, edge_green: mean over a ring along the edge
    over that of the centre. light_share: pixels 1.5 times as green as the median.
    """
    from scipy import ndimage
    from skimage.feature import graycomatrix, graycoprops
    from skimage.measure import label, regionprops

    size = image.shape[0]
    rows, columns = np.nonzero(image.max(axis=2))
    image = np.pad(image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], ((1, 1), (1, 1), (0, 0)))
    cell = image.max(axis=2) > 0
    region = max(regionprops(label(cell)), key=lambda part: part.area)
    depth = ndimage.distance_transform_edt(cell) * 450 / size
    grey = np.where(depth > 7, 1 + image.mean(axis=2) * (LEVELS - 1) / 256, 0).astype(np.uint8)
    angles = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
    pairs = graycomatrix(grey, [round(size / 70)], angles, levels=LEVELS, symmetric=True)[1:, 1:].astype(float)
    pairs /= pairs.sum(axis=(0, 1))
    radius = 450 / size * np.sqrt(cell.sum() / np.pi)
    ring, centre = (depth > 8) & (depth < 0.25 * radius), depth > 0.5 * radius
    red, green, blue = (image[..., channel].astype(float) for channel in range(3))
    return {
        "area": cell.sum() * (450 / size) ** 2,
        "solidity": region.solidity,
        "eccentricity": region.eccentricity,
        "red": red[cell].mean(),
        "green": green[cell].mean(),
        "blue": blue[cell].mean(),
        "contrast": graycoprops(pairs, "contrast").mean(),
        "homogeneity": graycoprops(pairs, "homogeneity").mean(),
        "edge_red": red[ring].mean() / red[centre].mean(),
        "edge_green": green[ring].mean() / green[centre].mean(),
        "light_share": np.mean(green[cell] > 1.5 * np.median(green[cell])),
    }


def real_cells(folder: Path, size: int) -> pd.DataFrame:
    """Features, class and subject of each labelled real image."""
    from PIL import Image

    rows = []
    for path in sorted(folder.rglob("UID_*.bmp")):
        image = np.asarray(Image.open(path).convert("RGB"))
        _, subject, *_, ending = path.stem.split("_")
        label = {"all": "leukemia", "hem": "healthy"}[ending]
        rows.append({**measure(image if size == 450 else averaged(image, size)), "label": label, "subject": subject.upper()})
    return pd.DataFrame(rows)


def drawn_cells(spec: PhantomSpec) -> pd.DataFrame:
    """The same of each drawn image."""
    return pd.DataFrame(
        [{**measure(draw(spec, index)), "label": cell.label, "subject": cell.subject} for index, cell in enumerate(plan(spec))]
    )


def compare(real: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """One row for each feature and class; `passes` is whether its bars are met."""
    from scipy.stats import ttest_ind

    rows = []
    for feature in FEATURES:
        values = {
            (name, label): group[feature] for name, cells in (("real", real), ("drawn", drawn)) for label, group in cells.groupby("label")
        }
        t_real, t_drawn = (
            ttest_ind(values[name, "leukemia"], values[name, "healthy"], equal_var=False).statistic for name in ("real", "drawn")
        )
        for label in ("leukemia", "healthy"):
            a, b = values["real", label], values["drawn", label]
            shift, ratio = (b.mean() - a.mean()) / a.std(), b.std() / a.std()
            near = abs(shift) <= MEAN_BAR and 1 / SD_BAR <= ratio <= SD_BAR
            passes = near and (abs(t_real) <= T_BAR or t_real * t_drawn > 0)
            row = {
                "feature": feature,
                "label": label,
                "real_mean": a.mean(),
                "real_sd": a.std(),
                "drawn_mean": b.mean(),
                "drawn_sd": b.std(),
            }
            row |= {"shift": shift, "sd_ratio": ratio, "t_real": t_real, "t_drawn": t_drawn}
            rows.append(row | {"passes": bool(passes), "barred": feature not in WITHOUT_BAR})
    return pd.DataFrame(rows)


def auroc_of_drawn(real: pd.DataFrame, drawn: pd.DataFrame) -> float:
    """How well a random forest tells drawn from real by the features, cross-validated by patient; 0.5: not at all."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    both = pd.concat([real, drawn], ignore_index=True)
    is_drawn = np.repeat([0, 1], [len(real), len(drawn)])
    groups = np.char.add(np.where(is_drawn, "drawn ", "real "), both["subject"].to_numpy(str))
    forest = RandomForestClassifier(300, class_weight="balanced", min_samples_leaf=3, random_state=0)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    scores = cross_val_predict(forest, both[list(FEATURES)], is_drawn, groups=groups, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(is_drawn, scores))


def auroc_on(train: pd.DataFrame, test: pd.DataFrame, features: list[str]) -> float:
    """AUROC on `test` of a logistic regression that learnt the classes from `train`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)).fit(train[features], train["label"])
    return float(roc_auc_score(test["label"] == "leukemia", model.predict_proba(test[features])[:, list(model.classes_).index("leukemia")]))


def main() -> int:
    parser = argparse.ArgumentParser(description="How like the real cells of C-NMC 2019 the drawn ones are.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--images", type=int, default=600, help="how many cells to draw (default 600)")
    options = parser.parse_args()
    folder = real_folder()
    if not folder.is_dir():
        print(f"No real images in {folder}. Name their folder in ALLCORE_REAL_DATA.", file=sys.stderr)
        return 2
    figures: dict[str, object] = {"benchmark": "phantom_likeness", "images": options.images, "patients": PATIENTS}
    missed = 0
    for size in SIZES:
        real, drawn = real_cells(folder, size), drawn_cells(PhantomSpec(images=options.images, patients=PATIENTS, size=size))
        table = compare(real, drawn)
        print(f"\n{size} pixels a side: {len(real)} real, {len(drawn)} drawn")
        print(table.to_string(index=False, float_format=lambda value: f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"))
        everything = list(FEATURES)
        figures[f"at_{size}"] = {
            "largest_shift": round(float(table[table.barred]["shift"].abs().max()), 3),
            "sd_ratios": [round(float(value), 3) for value in table[table.barred]["sd_ratio"].agg(["min", "max"])],
            "missed": [f"{row.feature} {row.label}" for row in table.itertuples() if row.barred and not row.passes],
            "auroc_drawn_from_real": round(auroc_of_drawn(real, drawn), 3),
            "auroc_trained_on_drawn_tested_on_real": round(auroc_on(drawn, real, everything), 3),
            "auroc_area_real": round(auroc_on(real, real, ["area"]), 3),
            "auroc_area_drawn": round(auroc_on(drawn, drawn, ["area"]), 3),
            "auroc_colour_drawn": round(auroc_on(drawn, drawn, ["red", "green", "blue"]), 3),
        }
        missed += int((table.barred & ~table.passes).sum())
    figures["passes"] = missed == 0
    print(json.dumps(figures))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
