"""How fast an uploaded file is answered, against the least that it could take and against Keras.

    python -m benchmarks.serving [--check] [--models proposed_cnn,resnet50,vgg16,allnet] [--rounds 7] [--images 1000] [--quick]

Makes a small drawn data set, trains each network for one epoch (its weights do not matter here, its graph does), and takes turns:

- one picture, from the bytes of a 450x450 bitmap (C-NMC's real ones where ALLCORE_REAL_DATA has them) to all that the page says of
  it: calibrated probabilities, the guard's verdict, the set; against decoding and ONNX Runtime alone, as a user writes that with Pillow
  and the graph of the run, and by our own decoder, which is faster; and against `model.predict` and `model.predict_on_batch` on the
  array, decoded before, in a process of their own, since no server has TensorFlow beside our answers
- so many pictures in one upload, against ONNX Runtime alone on arrays decoded before, in batches of the same size
- thirty clients at once, each sending one file after another to `allcore serve`: the 95th percentile, and whether any failed

Bars: one picture at most 1.4 times decoding and ONNX Runtime alone, either way; `predict` at least 5 times as slow (4 for VGG-16); the
upload of many at least 0.85 of ONNX Runtime's speed alone, for the paper's networks (AllNet answers faster than a bitmap is decoded:
told, not judged); AllNet at least 5 times as fast as the 10-convolution network; none of thirty clients fails. Medians over the rounds.
The last line is JSON. With --check, exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import http.client
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

MODELS = ("proposed_cnn", "resnet50", "vgg16", "allnet")
TO_FLOOR, TO_PREDICT, TO_PREDICT_VGG, MANY = 1.4, 5.0, 4.0, 0.85
ALLNET_BAR = 5.0
CLIENTS, EACH, PORT = 30, 5, 8653
SIZE = 70
TOLD = "seconds "


def pictures(count: int) -> list[bytes]:
    """So many bitmaps, no two alike."""
    from PIL import Image

    from benchmarks.import_images import sources

    cells, made = sources(), []
    for number in range(count):
        cell = cells[number % len(cells)].copy()
        cell[225, 225] = number % 256, number // 256, 1
        out = io.BytesIO()
        Image.fromarray(cell).save(out, "BMP")
        made.append(out.getvalue())
    return made


def command(root: Path, *words: str) -> dict[str, Any]:
    """What `allcore WORDS --json` says."""
    environment = {**os.environ, "ALLCORE_ARTIFACTS": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-m", "allcore", *words, "--json"], capture_output=True, text=True, env=environment, check=True)
    return json.loads(done.stdout)


def trained(root: Path, model: str) -> str:
    """A run's id."""
    return command(root, "train", "--data", "drawn", "--model", model, "--set", "epochs=1", "--set", f"input_size={SIZE}", "--wait")["id"]


def seconds(work: Callable[[], object], least: float = 0.3) -> float:
    """A call's, from as many as fill a window of `least` seconds."""
    began, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - began < least:
        work()
        calls += 1
    return (time.perf_counter() - began) / calls


def in_turns(works: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of what each tells: seconds a call. The first of each is left out."""
    told: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            told[name].append(work())
    return {name: statistics.median(values[1:]) for name, values in told.items()}


class InKeras:
    """A network in a process with Keras, asked by the name of a method of its for the seconds that a call takes."""

    def __init__(self, model: str) -> None:
        command = [sys.executable, "-m", "benchmarks.serving", "--child", "--models", model]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )

    def ask(self, method: str) -> float:
        """Raises RuntimeError where the process has ended."""
        self._process.stdin.write(f"{method}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(TOLD):
                return float(line.removeprefix(TOLD))
        raise RuntimeError(f"Keras ended with code {self._process.wait()}.")

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(60)


def in_keras(model: str) -> None:
    """Be asked."""
    from allcore.data import images
    from allcore.models import registry

    module = registry.module(model)
    net = module.build(module.CARD.settings(module.CARD.preset("paper"), {"input_size": SIZE}), classes=2, seed=0)
    decoded = [images.prepared(content, SIZE)[None] for content in pictures(100)]
    turn = itertools.cycle(decoded)
    works = {"predict": lambda: net.predict(next(turn), verbose=0), "predict_on_batch": lambda: net.predict_on_batch(next(turn))}
    for asked in sys.stdin:
        print(f"{TOLD}{seconds(works[asked.strip()])}", flush=True)


def compared(root: Path, run: str, model: str, sent: list[bytes], rounds: int) -> dict[str, Any]:
    """One network: one picture and many."""
    import onnxruntime
    from PIL import Image

    from allcore.base.paths import Artifacts
    from allcore.data import images
    from allcore.inference import answers, served, uploads
    from allcore.inference.uploads import Upload

    artifacts = Artifacts(root)
    ready, adviser = served.load(artifacts.run(run)), answers.adviser(artifacts, artifacts.run(run))
    keras = InKeras(model)
    decoded = np.stack([images.prepared(content, SIZE) for content in sent])
    turn = itertools.cycle(range(len(sent)))

    def ours() -> None:
        number = next(turn)
        (found,) = uploads.answered(ready, [Upload("cell.bmp", sent[number])], adviser=adviser)
        assert found.probabilities

    session = onnxruntime.InferenceSession(artifacts.run(run).onnx)
    entry = session.get_inputs()[0].name

    def plain() -> None:
        picture = Image.open(io.BytesIO(sent[next(turn)])).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX)
        session.run([served.PROBABILITIES, served.EMBEDDING], {entry: np.asarray(picture)[None]})

    one = in_turns(
        {
            "ours": lambda: seconds(ours),
            "plain": lambda: seconds(plain),
            "floor": lambda: seconds(lambda: ready.answer(images.prepared(sent[next(turn)], SIZE)[None])),
            "predict": lambda: keras.ask("predict"),
            "predict_on_batch": lambda: keras.ask("predict_on_batch"),
        },
        rounds,
    )
    keras.end()
    files = [Upload(f"{number}.bmp", content) for number, content in enumerate(sent)]
    many = in_turns(
        {
            "ours": lambda: seconds(lambda: list(uploads.answered(ready, files, adviser=adviser))),
            "alone": lambda: seconds(lambda: ready.answer(decoded, batch=uploads.BATCH)),
        },
        max(2, rounds // 2),
    )
    return {
        "model": model,
        "one_picture_ms": {name: round(1000 * value, 2) for name, value in one.items()},
        "to_plain": round(one["ours"] / one["plain"], 2),
        "to_floor": round(one["ours"] / one["floor"], 2),
        "predict_to_ours": round(one["predict"] / one["ours"], 2),
        "predict_on_batch_to_ours": round(one["predict_on_batch"] / one["ours"], 2),
        "many_images_s": {name: round(len(sent) / value, 1) for name, value in many.items()},
        "many_to_alone": round(many["alone"] / many["ours"], 3),
    }


def crowd(root: Path, run: str, sent: list[bytes]) -> dict[str, Any]:
    """Thirty clients of `allcore serve` at once."""
    environment = {**os.environ, "ALLCORE_ARTIFACTS": str(root)}
    server = subprocess.Popen(
        [sys.executable, "-m", "allcore", "serve", "--port", str(PORT)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_health()
        _posted(run, sent[0])  # the model is loaded once, for all

        def client(number: int) -> list[float | None]:
            return [_posted(run, sent[(number * EACH + turn) % len(sent)]) for turn in range(EACH)]

        with ThreadPoolExecutor(CLIENTS) as pool:
            told = [value for values in pool.map(client, range(CLIENTS)) for value in values]
    finally:
        server.terminate()
        server.wait(30)
    answered = [value for value in told if value is not None]
    return {
        "clients": CLIENTS,
        "requests": len(told),
        "failed": len(told) - len(answered),
        "median_ms": round(1000 * statistics.median(answered)) if answered else None,
        "p95_ms": round(1000 * float(np.quantile(answered, 0.95))) if answered else None,
    }


def _await_health() -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The endpoint did not come up.")


def _posted(run: str, content: bytes) -> float | None:
    """Seconds until the answer; None where there was none."""
    edge = "a1b2c3d4"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="cell.bmp"\r\nContent-Type: image/bmp\r\n\r\n'
    body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
    began = time.perf_counter()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        connection.request("POST", f"/predict?run={run}", body, {"Content-Type": f"multipart/form-data; boundary={edge}"})
        told = json.loads(connection.getresponse().read())
    except (OSError, ValueError):
        return None
    return time.perf_counter() - began if len(told.get("results", [])) == 1 else None


def main() -> int:
    parser = argparse.ArgumentParser(description="How fast an uploaded file is answered.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="two networks, three rounds, 200 images")
    options = parser.parse_args()
    if options.child:
        in_keras(options.models)
        return 0
    models, rounds, count = tuple(options.models.split(",")), options.rounds, options.images
    if options.quick:
        models, rounds, count = ("proposed_cnn", "allnet"), 3, 200
    found, missed = [], []
    with tempfile.TemporaryDirectory() as folder:
        root, sent = Path(folder), pictures(count)
        command(root, "data", "phantom", "--name", "drawn", "--images", "120", "--size", "450")
        runs = {model: trained(root, model) for model in models}
        command(root, "jobs", "stop")
        for model, run in runs.items():
            one = compared(root, run, model, sent, rounds)
            found.append(one)
            print(one, flush=True)
            missed += [f"{model}: {alone}" for alone in ("plain", "floor") if one[f"to_{alone}"] > TO_FLOOR]
            if model != "allnet":
                bar = TO_PREDICT_VGG if model == "vgg16" else TO_PREDICT
                missed += [f"{model}: predict"] * (one["predict_to_ours"] < bar)
                missed += [f"{model}: many"] * (one["many_to_alone"] < MANY)
        together = crowd(root, runs[models[0]], sent)
        print(together)
        missed += ["thirty clients"] * (together["failed"] > 0)
    speeds = {one["model"]: one["one_picture_ms"]["ours"] for one in found}
    figures: dict[str, Any] = {"benchmark": "serving", "models": found, "together": together}
    if {"allnet", "proposed_cnn"} <= speeds.keys():
        figures["allnet_to_proposed_cnn"] = round(speeds["proposed_cnn"] / speeds["allnet"], 1)
        missed += ["allnet: 5 times proposed_cnn"] * (figures["allnet_to_proposed_cnn"] < ALLNET_BAR)
    print(f"Missed: {', '.join(missed) or 'none'}")
    print(json.dumps({**figures, "missed": missed, "passes": not missed}))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
