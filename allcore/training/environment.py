"""What a run was trained with: kept so that a figure can be traced and repeated."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from allcore.base import gpus

PACKAGES = (
    "tensorflow",
    "keras",
    "scikit-learn",
    "scikit-image",
    "numpy",
    "scipy",
    "pandas",
    "pillow",
    "joblib",
    "onnx",
    "onnxruntime",
    "skl2onnx",
)


def described(*, seed: int, split_seed: int, threads: int, fingerprint: str, split: str) -> dict[str, Any]:
    """Versions, processor, GPUs, memory, threads, seeds, data, split and commit. Nothing that names a person, a machine or a path.

    `threads` is what it computed with, where 0 means all; `fingerprint` and `split` are the hashes of data set and certificate.
    """
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads or os.cpu_count(),
        "seed": seed,
        "split_seed": split_seed,
        "data_fingerprint": fingerprint,
        "split_hash": split,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "gpus": gpus.names(gpus.mine()),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _commit() -> str:
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
