"""Whether a Dask worker may be given jobs: it must see the same folder, the same locks, the same time and the same programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_SECONDS_APART = 3.0
"""Between the clocks: a job's process is judged by the age of its last sign of life."""
FOR_DASK = ("distributed", "dask", "cloudpickle", "msgpack", "tornado")
"""What scheduler, worker and runner must have in equal versions to understand each other."""
FOR_JOBS = (
    "tensorflow", "keras", "scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "pillow", "scikit-image", "onnx", "onnxruntime",
)  # fmt: skip
"""What must be the same so that a job comes out the same wherever it runs."""


def of_worker(there: Mapping[str, Any], here: Mapping[str, Any], *, apart: float) -> str:
    """What keeps a worker from being used, and what to do about it; '' where nothing does.

    `there` and `here` are what `on_worker.looked_around` gave on the worker and at the runner; `apart` is by how many seconds the
    worker's clock is ahead.
    """
    root = there["root"]
    if there["token"] is None:
        return (
            f"It can't see the artifacts folder at {root}. Mount it there, or name its place in ALLCORE_ARTIFACTS before the worker starts."
        )
    if there["token"] != here["token"]:
        return f"Its folder {root} is another one than the runner's. Mount the runner's there, or name its place in ALLCORE_ARTIFACTS."
    if not there["writable"]:
        return f"It can't write to the artifacts folder at {root}. Mount it writable, and run the worker as the runner's user."
    if not there["locked"]:
        return (
            f"Locks on files in {root} do not reach it, so that a job could be done twice at once. "
            "Mount the folder with locks: NFS version 4, or Lustre with the option flock."
        )
    if not there["code"]:
        return "It can't import allcore. Put the folder of this software into PYTHONPATH before the worker starts."
    if there["code"] != here["code"]:
        return "Its copy of allcore is another one than the runner's. Bring both to the same version and start the worker anew."
    if abs(apart) > MOST_SECONDS_APART:
        return f"Its clock is {abs(apart):.0f} s {'ahead' if apart > 0 else 'behind'}. Set both clocks by NTP."
    return ""


def of_versions(there: Mapping[str, str | None], here: Mapping[str, str | None], names: tuple[str, ...]) -> str:
    """What differs between two sets of packages, as `Client.get_versions` tells them; '' where nothing does."""
    python = [".".join(str(found.get("python")).split(".")[:2]) for found in (there, here)]
    differing = [f"Python {python[0]}, not {python[1]}"] if python[0] != python[1] else []
    for name in names:
        if there.get(name) != here.get(name):
            differing.append(f"{name} {there.get(name) or 'missing'}, not {here.get(name) or 'missing'}")
    if not differing:
        return ""
    return f"It has {'; '.join(differing)}. Install what requirements.txt pins, as the runner has it."
