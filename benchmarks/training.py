"""How fast a training job is, against the scripts that its user would write instead.

    python -m benchmarks.training [--check] [--models proposed_cnn,resnet50,vgg16,allnet] [--rounds 5] [--quick] [--without-onednn]

For each network three processes take turns, an epoch of some seconds each (320 images, of AllNet ten times as many), in one run; images/s
are medians over the rounds, the first of each (compilation) left out:
  ours   a training job as the worker does it: its variables, batches, schedule, progress, heartbeat, events, checkpoints
  plain  what a Keras user writes: float32 arrays, `model.fit` with Keras's and TensorFlow's defaults; with --without-onednn as on a
         processor for which TensorFlow does not switch oneDNN on by itself
  bare   the fastest plain Keras loop known to us: uint8 images from tf.data, its tuner off, oneDNN on, `fit`, and a job's own variables for
         glibc, which keep the memory of each step for the next
Each then ends as it would: the job with all that a run holds, the scripts with the model saved and asked about the images; peak memory is
with that end. Then two jobs of one thread each side by side, against the same two one after the other, and against one on all threads,
which is how two jobs would go one after the other if each had the machine: the harder question, judged of the 10-convolution network.
Bars: ours/plain >= 1.25 where oneDNN is off by default, 0.97 elsewhere; ours/bare >= 0.95; side by side >= 1.1 times; peak memory no
higher than plain's. The share of the processor's floor (6 operations a multiply-add by the best matrix product) is told.
The last line is JSON. With --check, exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from allcore.base.processes import GENEROUS

MODELS = ("proposed_cnn", "resnet50", "vgg16", "allnet")
BATCH = 32
IMAGES, OF_ALLNET = 320, 3200
"""An epoch's: a shorter one would measure how an epoch begins and ends."""
PLAIN_BAR, PLAIN_BAR_WHERE_ON, BARE_BAR, PAIR_BAR = 1.25, 0.97, 0.95, 1.1
ALLNET_BAR = 15.0


class Contender:
    """A process that trains one epoch each time it is told to, and says how many images a second that were, and its peak so far."""

    def __init__(
        self, kind: str, model: str, images: int, *, epochs: int, threads: int = 0, environment: dict[str, str] | None = None
    ) -> None:
        command = [sys.executable, "-m", "benchmarks.training", "--child", kind, "--models", model, "--images", str(images)]
        self._process = subprocess.Popen(
            [*command, "--epochs", str(epochs), "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **(environment or {}), "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self.result()  # ready

    def say(self, word: str) -> None:
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"A contender ended with code {self._process.wait()}.")

    def epoch(self) -> dict[str, Any]:
        self.say(GO)
        return self.result()

    def finish(self) -> dict[str, Any]:
        """After the last epoch: what is done with a trained network."""
        self.say(FINISH)
        return self.result()

    def end(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


GO, FINISH = "go", "finish"


def _say(**values: Any) -> None:
    import resource

    print(json.dumps({**values, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)


def _word() -> str:
    """GO, FINISH, or '' where there is no more to do."""
    return sys.stdin.readline().strip()


def child(kind: str, model: str, images: int, *, epochs: int, threads: int) -> None:
    """Be a contender."""
    if kind == "ours":
        _ours(model, images, epochs, threads)
    else:
        _keras(kind, model, images)


def _ours(model: str, images: int, epochs: int, threads: int) -> None:
    from allcore.base.paths import Artifacts
    from allcore.data import importing
    from allcore.data.phantom import PhantomSpec
    from allcore.jobs import submit
    from allcore.runs import attempt as attempts
    from allcore.runs import events, status
    from allcore.runs.attempt import Attempt, Interrupted
    from allcore.training import run

    with tempfile.TemporaryDirectory() as folder:
        artifacts = Artifacts(Path(folder))
        importing.make_phantom(artifacts, "cells", PhantomSpec(images=round(images / 0.8)))
        changed = {"batch_size": BATCH, "epochs": epochs, "threads": threads}
        plan, _ = submit.planned(artifacts, data="cells", model=model, preset="paper", changed=changed)
        paths = submit.training(artifacts, plan)
        number = status.change(paths, status.STARTING).attempt

        class Paced(Attempt):
            """An attempt whose every epoch waits for the word."""

            is_ready = False

            def progress(self, share: float, doing: str) -> None:
                super().progress(share, doing)
                if not self.is_ready and doing.startswith("Epoch 1 "):
                    self.is_ready = True
                    _say(ready=True)
                    self._await_word()

            def event(self, event: str, **values: Any) -> None:
                super().event(event, **values)
                if event == events.EPOCH:
                    _say(speed=values["images_per_second"])
                    self._await_word()

            def _await_word(self) -> None:
                if not _word():
                    raise Interrupted(attempts.STOPPED)

        with attempts.held(artifacts, paths, number) as attempt:
            attempt.__class__ = Paced
            attempt.become(status.RUNNING)
            try:
                run.train(attempt)
            except Interrupted:
                return
            _say(finished=True)


def _keras(kind: str, model: str, images: int) -> None:
    if kind == "bare":
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    import keras
    import numpy as np
    import tensorflow as tf

    from allcore.models import registry

    module = registry.module(model)
    net = module.build(module.CARD.settings(module.CARD.preset("paper"), {}), classes=2, seed=0)
    dice = np.random.default_rng(0)
    pixels, labels = dice.integers(0, 256, (images, 70, 70, 3), dtype=np.uint8), dice.integers(0, 2, images)
    if kind == "plain":
        pixels = pixels.astype(np.float32)
        net = keras.models.clone_model(net, input_tensors=keras.Input((70, 70, 3)))
        data: dict[str, Any] = {"x": pixels, "y": labels, "batch_size": BATCH}
    else:
        # Arrays handed to `fit` cost a wait at each epoch's end: TensorFlow's tuner of input pipelines sleeps up to five seconds.
        options = tf.data.Options()
        options.autotune.enabled = False
        data = {"x": tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(BATCH).with_options(options)}
    jit = {"jit_compile": False} if kind == "bare" else {}
    net.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"], **jit)
    _say(ready=True)
    while (word := _word()) == GO:
        began = time.perf_counter()
        net.fit(**data, verbose=0)
        _say(speed=images / (time.perf_counter() - began))
    if word == FINISH:
        with tempfile.TemporaryDirectory() as folder:
            net.save(Path(folder) / "model.keras")
        net.predict(pixels, batch_size=BATCH, verbose=0)
        _say(finished=True)


def best_matrix_product() -> float:
    """Multiply-adds a second of the best of a few float32 matrix products."""
    import numpy as np

    best = 0.0
    for side in (1024, 2048):
        left = np.random.default_rng(0).standard_normal((side, side)).astype(np.float32)
        for _ in range(5):
            began = time.perf_counter()
            left @ left
            best = max(best, side**3 / (time.perf_counter() - began))
    return best


def compare(model: str, *, rounds: int, images: int, plain: dict[str, str]) -> dict[str, Any]:
    """Medians of interleaved epochs, and the bars' ratios. `plain`: further variables of the plain script's environment."""
    kinds = ("ours", "plain", "bare")
    contenders = {
        kind: Contender(kind, model, images, epochs=rounds + 1, environment=plain if kind == "plain" else GENEROUS) for kind in kinds
    }
    told: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for _ in range(rounds + 1):
        for kind, contender in contenders.items():
            told[kind].append(contender.epoch())
    speed = {kind: statistics.median(one["speed"] for one in told[kind][1:]) for kind in kinds}
    training = {kind: told[kind][-1]["peak_mb"] for kind in kinds}
    peak = {kind: contender.finish()["peak_mb"] for kind, contender in contenders.items()}
    for contender in contenders.values():
        contender.end()
    return {
        "model": model,
        **{f"{kind}_images_s": round(speed[kind], 1) for kind in kinds},
        "ours_to_plain": round(speed["ours"] / speed["plain"], 3),
        "ours_to_bare": round(speed["ours"] / speed["bare"], 3),
        "training_peak_mb": {kind: round(training[kind]) for kind in kinds},
        "peak_mb": {kind: round(peak[kind]) for kind in kinds},
        "memory_to_plain": round(peak["ours"] / peak["plain"], 3),
    }


def side_by_side(model: str, *, rounds: int, images: int) -> dict[str, Any]:
    """Two jobs of one thread together, one of them alone, and one on all threads, in turns."""
    whole = Contender("ours", model, images, epochs=rounds + 1, environment=GENEROUS)
    halves = [Contender("ours", model, images, epochs=2 * (rounds + 1), threads=1, environment=_ONE_THREAD) for _ in range(2)]
    told: dict[str, list[float]] = {"all_threads": [], "together": [], "alone": []}
    for _ in range(rounds + 1):
        told["all_threads"].append(whole.epoch()["speed"])
        for half in halves:
            half.say(GO)
        told["together"].append(sum(half.result()["speed"] for half in halves))
        told["alone"].append(statistics.mean(half.epoch()["speed"] for half in halves))
    for contender in (whole, *halves):
        contender.end()
    speed = {name: statistics.median(speeds[1:]) for name, speeds in told.items()}
    return {
        "model": model,
        **{f"{name}_images_s": round(value, 1) for name, value in speed.items()},
        "to_one_after_the_other": round(speed["together"] / speed["alone"], 3),
        "to_all_threads": round(speed["together"] / speed["all_threads"], 3),
    }


_ONE_THREAD = {**GENEROUS, "OMP_NUM_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


FOR_NETWORKS = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}
"""Instructions of a processor, by Linux's names, with which TensorFlow 2.21 switches oneDNN on by itself (its util/util.cc)."""


def is_on_by_default() -> bool:
    """Whether TensorFlow switches oneDNN on by itself on this processor."""
    try:
        return not FOR_NETWORKS.isdisjoint(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return True


def main() -> int:
    parser = argparse.ArgumentParser(description="How fast a training job is, against scripts that a user would write.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="our network alone, two rounds")
    parser.add_argument("--without-onednn", action="store_true", help="let the plain script do without oneDNN")
    parser.add_argument("--child", choices=("ours", "plain", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.models, options.images, epochs=options.epochs, threads=options.threads)
        return 0
    models, rounds = (("allnet",), 2) if options.quick else (tuple(options.models.split(",")), options.rounds)
    product = best_matrix_product()
    is_on = is_on_by_default() and not options.without_onednn
    bar, plain = (PLAIN_BAR_WHERE_ON, {}) if is_on else (PLAIN_BAR, {"TF_ENABLE_ONEDNN_OPTS": "0"})
    found, missed = [], []
    for model in models:
        one = compare(model, rounds=rounds, images=_images(model), plain=plain)
        one["share_of_floor"] = round(one["ours_images_s"] * 3 * _multiply_adds(model) / product, 3)
        found.append(one)
        print(one, flush=True)
        missed += [f"{model}: plain"] * (one["ours_to_plain"] < bar)
        missed += [f"{model}: bare"] * (one["ours_to_bare"] < BARE_BAR)
        missed += [f"{model}: memory"] * (one["memory_to_plain"] > 1)
    speeds = {one["model"]: one["ours_images_s"] for one in found}
    figures: dict[str, Any] = {"benchmark": "training", "matrix_product_gmac_s": round(product / 1e9, 1), "models": found}
    if {"allnet", "proposed_cnn"} <= speeds.keys():
        figures["allnet_to_proposed_cnn"] = round(speeds["allnet"] / speeds["proposed_cnn"], 1)
        missed += ["allnet: 15 times proposed_cnn"] * (figures["allnet_to_proposed_cnn"] < ALLNET_BAR)
    pairs = []
    for model in models:
        pair = side_by_side(model, rounds=rounds, images=_images(model))
        pairs.append(pair)
        print(pair, flush=True)
        missed += [f"{model}: side by side"] * (pair["to_one_after_the_other"] < PAIR_BAR)
        missed += [f"{model}: side by side, to all threads"] * (model == "proposed_cnn" and pair["to_all_threads"] < PAIR_BAR)
    print(f"Missed: {', '.join(missed) or 'none'}")
    print(json.dumps({**figures, "side_by_side": pairs, "missed": missed, "passes": not missed}))
    return 1 if options.check and missed else 0


def _images(model: str) -> int:
    return OF_ALLNET if model == "allnet" else IMAGES


def _multiply_adds(model: str) -> float:
    from allcore.models import registry

    return registry.card(model).multiply_adds


if __name__ == "__main__":
    sys.exit(main())
