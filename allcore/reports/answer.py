"""Classify image files with the model beside this file. Needs numpy, Pillow and ONNX Runtime, and nothing of allcore.

    python answer.py PICTURE... > answers.jsonl

One JSON document a line: path, label, probabilities (mended by the temperature of calibration.json, where there is one) and
raw_probabilities, the graph's own, which the threshold goes by. Whether a picture is like those that the model was trained on is
not asked here. For teaching and research, not for diagnosis.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent


def prepared(path: str, size: int) -> np.ndarray:
    """An image file as the model was trained on it: uint8 RGB (size, size, 3)."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;16"):
            grey = np.rint(np.asarray(image).astype(np.float32) / 257).astype(np.uint8)
            image = Image.fromarray(np.repeat(grey[..., None], 3, axis=2))
        if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
            over = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", over.size, (0, 0, 0, 255)), over)
        image = image.convert("RGB")
    if image.width != image.height:
        side = max(image.size)
        square = Image.new("RGB", (side, side))
        square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        image = square
    if image.width < size:
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    elif image.width > size:
        # Along the rows first, then along the columns, rounded after each.
        image = image.resize((size, image.height), Image.Resampling.BOX).resize((size, size), Image.Resampling.BOX)
    return np.asarray(image)


def vector(image: np.ndarray, kind: str) -> np.ndarray:
    """A classifier's feature vector, float32 (1, d)."""
    if kind == "cell-v1":
        from cell_features import vectors  # needs scikit-image too

        return vectors(image[None])
    flat = image.reshape(1, -1)
    if kind == "pixels-v1":
        return flat.astype(np.float32) / np.float32(255)
    with np.load(HERE / "features.npz", allow_pickle=False) as learned:
        return ((flat / 255.0 - learned["mean"]) @ learned["components"].T).astype(np.float32)


def mended(shares: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (classes,) of log-odds divided by the temperature."""
    logs = np.log(np.clip(shares.astype(np.float64), 1e-7, 1))
    found = np.exp((logs - logs.max()) / temperature)
    return found / found.sum()


def document(name: str) -> dict:
    """A JSON file beside this one; {} where there is none."""
    path = HERE / name
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def main(paths: list[str]) -> None:
    card = document("model.json")
    names, positive = card["class_names"], card["class_names"].index(card["positive"])
    threshold = document("threshold.json").get("threshold")
    temperature = (document("calibration.json").get("temperature") or {}).get("value", 1.0)
    session = onnxruntime.InferenceSession(str(HERE / "model.onnx"), providers=["CPUExecutionProvider"])
    for path in paths:
        image = prepared(path, card["input_size"])
        given = vector(image, card["features"]) if card["features"] else image[None]
        shares = np.clip(session.run(["probabilities"], {session.get_inputs()[0].name: given})[0][0], 0, 1)
        shares = shares / shares.sum()
        label = int(shares.argmax())
        if threshold is not None and len(names) == 2:
            label = positive if shares[positive] >= threshold else 1 - positive
        kinds = {"probabilities": mended(shares, temperature), "raw_probabilities": shares}
        told = {key: dict(zip(names, map(float, values), strict=True)) for key, values in kinds.items()}
        told = {"path": path, "label": names[label], **told}
        print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
