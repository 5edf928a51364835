"""How much processor time the server takes for the results page: `python -m benchmarks.results_page [--quick]`

Two laboratories are written as folders, as trainings would leave them: eight runs on 2,506 test images of 101 patients, and a thousand
runs of 333. Measured is a page's whole script in Streamlit's own test harness, in this process, without a browser. Processor time, so
that neighbours do not count:

- the first view of a run among eight: under 1.5 s (bands and intervals are computed in it);
- a threshold moved, which in the app draws one part of the page again and here the whole of it: under 0.15 s;
- the leaderboard of a thousand runs: reading, filtering, sorting and building the table, when another page has read the folders before:
  under 0.5 s; cold, from the files, is reported beside it.

The last line is JSON. With --check, exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from allcore.base import fileio
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts
from allcore.data.splits import Certificate, Side
from allcore.metrics import classification
from allcore.runs import spec, status, summary

ROOT = Path(__file__).resolve().parents[1]
BARS = {"first view of eight runs": 1.5, "threshold moved": 0.15, "leaderboard of a thousand runs": 0.5}
CLASSES = ("healthy", "leukemia")


def written(artifacts: Artifacts, *, runs: int, images: int, patients: int, seed: int = 0) -> list[str]:
    """Finished runs of one data set that differ in their answers; their ids."""
    random = np.random.default_rng(seed)
    who = np.sort(random.integers(0, patients, 2 * images))
    truth = who < 0.6 * patients
    side = np.where(np.arange(2 * images) % 2, "calibrate", "test")
    ids = [f"cell-{number:05d}.png" for number in range(2 * images)]
    half = {
        name: Side(images, patients, {"healthy": int((~truth[side == name]).sum()), "leukemia": int(truth[side == name].sum())}, {})
        for name in ("calibrate", "test")
    }
    certificate = Certificate("patient", seed, {"train": half["test"], **half}, 0, 0, 0, 0, f"hash-{seed}")
    test = side == "test"
    test_side = summary.side_hash(np.array(ids)[test], data_fingerprint="f")
    subjects = np.array([f"P{one:03d}" for one in who])
    made = []
    metrics = None
    for number in range(runs):
        if metrics is None or runs <= 20:
            odds = np.where(truth, 1.0, -1.0) + 0.6 * random.normal(size=patients)[who] + random.normal(0, 1, 2 * images)
            p = 1 / (1 + np.exp(-odds))
            both = np.c_[1 - p, p]
            scores = classification.evaluate(
                truth[test].astype(int), both[test], classes=CLASSES, positive="leukemia", subjects=subjects[test].tolist()
            )
            labels = truth.astype(int)
            metrics = {
                "test": scores.to_dict(),
                "constant": classification.constant(labels[test], labels, classes=CLASSES).to_dict(),
                "onnx_parity": {"class_agreement": 1.0, "images": images, "largest_difference": 0.0},
                "training": {
                    "parameters": 440_000, "epochs": 12, "epoch_seconds": 8.0, "seconds": 100.0, "model_bytes": 1_800_000,
                    "images_per_second": 400.0,
                },
            }  # fmt: skip
            short = summary.of(metrics, certificate, test_side=test_side).to_dict()
        settings = {"level": "patient", "seed": seed, "test": 0.2, "tune": 0.1, "calibrate": 0.1, "stratified": True}
        params = {
            "data": "bench", "data_fingerprint": "f", "model": ("random_forest", "proposed_cnn")[number % 2], "preset": "patient",
            "split": settings, "settings": {"input_size": 70},
        }  # fmt: skip
        paths = spec.written(artifacts, spec.TRAIN, params, name=f"bench-{number}")
        for state in (status.STARTING, status.RUNNING, status.FINISHING, status.DONE):
            status.change(paths, state)
        fileio.write_json(paths.metrics, metrics)
        fileio.write_json(paths.summary, short)
        fileio.write_json(paths.certificate, {**certificate.to_dict(), "verdict": certificate.verdict()})
        card = {
            "run": paths.id, "model": params["model"], "family": "cnn", "class_names": list(CLASSES), "positive": "leukemia",
            "input_size": 70, "transform": "t", "features": "", "data": "bench", "synthetic": False,
        }  # fmt: skip
        fileio.write_json(paths.model_card, card)
        if runs <= 20:
            table = {"image_id": ids, "subject": subjects, "side": side, "fold": 0, "label": np.array(CLASSES)[truth.astype(int)]}
            pd.DataFrame({**table, "p_healthy": both[:, 0], "p_leukemia": both[:, 1]}).to_parquet(paths.predictions)
        made.append(paths.id)
    return made


def eight(folder: Path, *, moves: int) -> dict[str, float]:
    """Seconds of the first view, and of a threshold's move (median)."""
    from streamlit.testing.v1 import AppTest

    made = written(Artifacts(folder), runs=8, images=2506, patients=101)
    os.environ[ENVIRONMENT_VARIABLE] = str(folder)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.run()  # home: imports, and what the server keeps
    app.switch_page("pages/results.py")
    app.query_params["run"] = made[0]
    began = time.process_time()
    app.run()
    first = time.process_time() - began
    assert not app.exception, app.exception
    seconds = []
    for number in range(moves):
        app.slider(key="threshold").set_value(round(0.3 + 0.4 * (number + 1) / moves, 3))
        began = time.process_time()
        app.run()
        seconds.append(time.process_time() - began)
    assert "optimistic" in " ".join(one.value for one in app.caption)
    return {"first view of eight runs": first, "threshold moved": statistics.median(seconds)}


def thousand(folder: Path, *, runs: int) -> dict[str, float]:
    """Seconds to read and tabulate a thousand runs, from the files and from what is remembered."""
    from pages.ui import board, widgets

    written(Artifacts(folder), runs=runs, images=333, patients=30)
    os.environ[ENVIRONMENT_VARIABLE] = str(folder)

    def listed() -> float:
        began = time.process_time()
        done = widgets.finished()
        wanted = board.wanted(board.best_first(done))
        board.table(wanted, wanted[0], board.test_sides(wanted))
        assert len(wanted) == runs
        return time.process_time() - began

    cold = listed()
    return {"leaderboard of a thousand runs": statistics.median(listed() for _ in range(3)), "the same, cold": cold}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer moves of the threshold")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        found = {**eight(Path(one), moves=5 if options.quick else 25), **thousand(Path(other), runs=1000)}
    missed = [name for name, bar in BARS.items() if found[name] > bar]
    for name, seconds in found.items():
        bar = f" (bar {BARS[name]} s)" if name in BARS else ""
        print(f"{name}: {seconds:.3f} s{bar}{'  missed' if name in missed else ''}")
    print(json.dumps({name: round(seconds, 4) for name, seconds in found.items()}))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
