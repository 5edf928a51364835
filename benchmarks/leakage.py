"""How often is leakage found where there is none, and where there is? `python -m benchmarks.leakage [--sets 40] [--splits 10] [--check]`

Drawn data sets (800 cells of 40 patients by default, each of another seed) with patients' habits off (0), as in the demo (0.5) and full
(1). On each the quick pair of the Leakage page is run. With habits off the gap is truly 0: its interval may exclude 0 in at most
10 % of the sets. With habits on, the mean gap over the sets must lie above 0 by its own 95 % interval; how often a single set shows it
is told. Beside it, what the same answers give when splits are not taken for clusters. The last line is JSON; with --check, exits 1 where
a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import stats

from allcore.base.paths import Artifacts
from allcore.data import cache, importing, paired, records
from allcore.data.phantom import PhantomSpec
from allcore.metrics import compare, leakage
from allcore.training import leakage as measuring

SIZE = 36
FALSE_BAR = 0.10


def drawn(folder: Path, habits: float, seed: int, *, images: int, patients: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, classes and patients of one set."""
    artifacts, name = Artifacts(folder), f"set-{round(10 * habits)}-{seed}"
    importing.make_phantom(artifacts, name, PhantomSpec(images=images, patients=patients, habits=habits, size=SIZE, seed=seed))
    paths = artifacts.dataset(name)
    return np.array(cache.opened(paths)), *records.labels_and_subjects(records.read_records(paths), records.read_card(paths))


def measured(pixels: np.ndarray, labels: np.ndarray, subjects: np.ndarray, *, splits: int) -> tuple[leakage.Leakage, compare.Difference]:
    """The page's answer, and the same answers clustered by patient alone."""
    learn = measuring.quick(pixels, labels)
    designs = [paired.design(labels, subjects, seed=number) for number in range(splits)]
    found = [measuring.answered(labels, one, learn, seed=number) for number, one in enumerate(designs)]
    rows, knew, did_not = (np.concatenate(part) for part in zip(*found, strict=True))
    codes = np.unique(subjects[rows], return_inverse=True)[1]
    return leakage.concluded(found, labels, subjects), compare.balanced_accuracy(labels[rows], knew, did_not, codes)


def over_sets(gaps: list[float]) -> tuple[float, float, float]:
    """Their mean, and its 95 % interval by t, nan for a single one."""
    reach = stats.sem(gaps) * stats.t.ppf(0.975, len(gaps) - 1) if len(gaps) > 1 else float("nan")
    return float(np.mean(gaps)), float(np.mean(gaps) - reach), float(np.mean(gaps) + reach)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=40, help="with habits off; half as many with habits on")
    for name, usual in (("images", 800), ("patients", 40), ("splits", 10)):
        parser.add_argument(f"--{name}", type=int, default=usual, help="of each set")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    told, missed = {}, []
    for habits in (0.0, 0.5, 1.0):
        sets, began = asked.sets if habits == 0 else max(1, asked.sets // 2), time.perf_counter()
        both, alone = [], []
        for seed in range(sets):
            with tempfile.TemporaryDirectory() as folder:
                cells = drawn(Path(folder), habits, seed, images=asked.images, patients=asked.patients)
                one, by_patient = measured(*cells, splits=asked.splits)
            both.append(one.gap)
            alone.append(by_patient.interval)
        excluded, above, plain = (
            np.mean([test(gap) for gap in gaps])
            for gaps, test in (
                (both, lambda gap: gap.low > 0 or gap.high < 0),
                (both, lambda gap: gap.low > 0),
                (alone, lambda gap: gap.low > 0 or gap.high < 0),
            )
        )
        mean, low, high = over_sets([gap.estimate for gap in both])
        print(
            f"habits {habits:g}: {sets} sets, mean gap {mean:+.4f} ({low:+.4f} to {high:+.4f}); "
            f"excludes 0 in {excluded:.1%}, above 0 in {above:.1%}; by patient alone in {plain:.1%}; "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )
        shares = {"excluded": float(excluded), "above": float(above), "patients_alone": float(plain)}
        told[f"{habits:g}"] = {"sets": sets, "gap": mean, "low": low, "high": high, **shares}
    if told["0"]["excluded"] > FALSE_BAR:
        missed.append(f"with habits off 0 is excluded in {told['0']['excluded']:.1%}, bar {FALSE_BAR:.0%}")
    missed += [f"with habits {habits} the mean gap is not above 0" for habits in ("0.5", "1") if not told[habits]["low"] > 0]
    for one in missed:
        print(f"Missed: {one}")
    print(json.dumps(told))
    return 1 if missed and asked.check else 0


if __name__ == "__main__":
    sys.exit(main())
