"""How often do the 95 % intervals hold the truth? `python -m benchmarks.coverage [--quick] [--check]`

Simulated test sides as small as the real ones: 13 + 15 patients (C-NMC's preliminary phase), 47 + 26 (its training phase), 60 + 41
(both), cells whose scores correlate by 0.3 within a patient, patients with unequal numbers of cells. For each interval the
share of simulations in which it holds the true value, which is known from the normal distribution; beside it what the same
data give when cells are taken as independent.

Bar: in each design the intervals over patients of AUROC, sensitivity and specificity hold their value in 93 to 97 % of simulations. 200 of
them (--quick) can't tell, and are not judged. The last line is JSON. With --check, exits 1 where the bar is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time

import numpy as np
from scipy.stats import norm

from allcore.metrics import bootstrap, compare, intervals

DESIGNS = ((13, 15), (47, 26), (60, 41))
CORRELATION, CELLS = 0.3, 25
SHIFT, BETTER = 1.6, 1.9
"""Distance of the classes' means for one run, and for a second one whose errors correlate with the first's."""
FIRST_TRUE = {
    "AUROC": norm.cdf(SHIFT / math.sqrt(2)),
    "sensitivity": norm.cdf(SHIFT / 2),
    "specificity": norm.cdf(SHIFT / 2),
    "balanced accuracy": norm.cdf(SHIFT / 2),
}
LEAST, MOST = 0.93, 0.97
JUDGED = ("AUROC", "sensitivity", "specificity")
"""Those that the range of 93 to 97 % is asked of; the others are reported."""


def simulated(random: np.random.Generator, sick: int, well: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Truth (n,), two runs' scores (n,), patients (n,)."""
    counts = np.maximum(2, random.negative_binomial(2, 2 / (2 + CELLS), sick + well))
    who = np.repeat(np.arange(sick + well), counts)
    truth = who < sick

    def noise() -> np.ndarray:
        own = random.normal(size=sick + well)[who]
        return math.sqrt(CORRELATION) * own + math.sqrt(1 - CORRELATION) * random.normal(size=len(who))

    shared = noise()
    first, second = (math.sqrt(0.6) * shared + math.sqrt(0.4) * noise() for _ in range(2))
    return truth, truth * SHIFT + first, truth * BETTER + second, who


def weighted_f1_true(sick: int, well: int) -> float:
    """Weighted F1 of an endless test side with the design's expected shares of cells."""
    right, share = norm.cdf(SHIFT / 2), sick / (sick + well)
    table = np.array([[(1 - share) * right, (1 - share) * (1 - right)], [share * (1 - right), share * right]])
    support, called = table.sum(1), table.sum(0)
    return float((2 * np.diag(table) / (support + called) * support).sum())


def covered(sick: int, well: int, times: int, seed: int = 0) -> dict[str, tuple[float, float | None]]:
    """For each figure the share of simulations whose interval holds the truth: over patients, and over cells taken as independent."""
    random = np.random.default_rng(seed)
    true = {**FIRST_TRUE, "weighted F1": weighted_f1_true(sick, well)}
    difference = norm.cdf(SHIFT / math.sqrt(2)) - norm.cdf(BETTER / math.sqrt(2))
    held = {name: [0, 0] for name in (*true, "difference of AUROC", "difference of balanced accuracy")}
    for _ in range(times):
        truth, first, second, who = simulated(random, sick, well)
        correct = (first >= SHIFT / 2) == truth
        second_correct = (second >= BETTER / 2) == truth
        labels = truth.astype(int)
        for place, codes in enumerate((who, None)):
            mine = (None, None) if codes is None else (who[truth], who[~truth])
            found = {
                "AUROC": intervals.auroc(truth, first, codes),
                "sensitivity": intervals.share(correct[truth], mine[0]),
                "specificity": intervals.share(correct[~truth], mine[1]),
                "balanced accuracy": intervals.balanced_accuracy(labels, correct, codes),
                "weighted F1": bootstrap.weighted_f1(labels, np.where(correct, labels, 1 - labels), codes, classes=2),
            }
            for name, one in found.items():
                held[name][place] += one.low <= true[name] <= one.high
            area = compare.auroc(truth, first, second, codes).interval
            held["difference of AUROC"][place] += area.low <= difference <= area.high
            recall = compare.balanced_accuracy(labels, correct, second_correct, codes).interval
            held["difference of balanced accuracy"][place] += recall.low <= norm.cdf(SHIFT / 2) - norm.cdf(BETTER / 2) <= recall.high
    return {name: (one / times, other / times) for name, (one, other) in held.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="200 simulations a design instead of 4,000; the range is then not judged")
    parser.add_argument("--check", action="store_true", help="exit 1 where the range is missed")
    options = parser.parse_args()
    times, missed, designs = 200 if options.quick else 4000, [], {}
    print(f"{times:,} simulations a design; correlation within a patient {CORRELATION}; over patients (as if cells were independent)")
    for sick, well in DESIGNS:
        began = time.perf_counter()
        design = f"{sick} + {well} patients"
        print(design)
        found = covered(sick, well, times)
        for name, (over, plain) in found.items():
            outside = name in JUDGED and not LEAST <= over <= MOST
            missed += [f"{name}, {design}: {over:.3f}"] if outside and not options.quick else []
            print(f"  {name:32} {over:.3f}  ({plain:.3f}){f'  outside {LEAST}-{MOST}' if outside else ''}")
        designs[design] = {name: round(over, 4) for name, (over, _) in found.items()}
        print(f"  {time.perf_counter() - began:.0f} s")
    judged = not options.quick
    print(json.dumps({"benchmark": "coverage", "simulations": times, "covered": designs, "judged": judged, "missed": missed}))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
