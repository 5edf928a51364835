"""What a Dask worker does for us. Sent there by value, so that a worker without this package can still say that it lacks it.

Nothing of ours is imported outside the functions.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_VARIABLE = "ALLCORE_ARTIFACTS"


def looked_around(artifacts: str, token: str, lock: str) -> dict[str, Any]:
    """What this process sees of the artifacts folder (`artifacts`, unless its own environment names another place for it).

    `token` and `lock` are names of files there. Gives `host`, `time` (seconds since 1970), `python`, `root`, `token` (the file's
    content, None where it can't be read), `writable`, `locked` (whether the lock is seen to be held by another), `code` (SHA-256
    over the sources of this package, '' where it can't be imported) and `jobs` (id and attempt of each that it has a process for).
    """
    root = Path(os.environ.get(_VARIABLE) or artifacts)
    try:
        content = (root / token).read_text(encoding="utf-8")
    except OSError:
        content = None
    try:
        with tempfile.TemporaryFile(dir=root):
            writable = True
    except OSError:
        writable = False
    return {
        "host": socket.gethostname(),
        "time": time.time(),
        "python": "{}.{}".format(*sys.version_info),
        "root": str(root),
        "token": content,
        "writable": writable,
        "locked": _is_locked(root / lock),
        "code": _code(),
        "jobs": [(job, attempt) for job, attempt, _ in _processes(str(root))],
    }


def _is_locked(path: Path) -> bool:
    import filelock

    try:
        with filelock.FileLock(path, timeout=0):
            return False
    except filelock.Timeout:
        return True
    except (OSError, NotImplementedError):
        return False


def _code() -> str:
    found = importlib.util.find_spec("allcore")
    if found is None or found.origin is None:
        return ""
    folder, total = Path(found.origin).parent, hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        total.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


def _processes(root: str) -> list[tuple[str, int, Any]]:
    """Id, attempt and process of every job that this process has begun and that is not over."""
    import psutil

    found = []
    for process in psutil.Process().children():
        try:
            command, theirs = process.cmdline(), process.environ().get(_VARIABLE)
        except psutil.Error:
            continue
        if command[1:3] == ["-m", "allcore.worker"] and theirs == root:
            found.append((command[3], int(command[5]), process))
    return found


def told(artifacts: str, job: str, number: int) -> int:
    """Send signal `number` to a job's process here; how many there were."""
    import psutil

    mine = [process for id_, _, process in _processes(os.environ.get(_VARIABLE) or artifacts) if id_ == job]
    for process in mine:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
    return len(mine)


def done(artifacts: str, job: str, attempt: int, environment: dict[str, str], gpu: int | None) -> tuple[int, str]:
    """Do a job in a process of its own, and stay until it has ended.

    Its exit code, and, where it was killed, what this machine says of that; else ''.
    `gpu` is its number among those that this worker sees. Asks the process to save and end where the worker closes, and ends
    one that was halted, since such a one can neither go on nor notice anything.
    """
    import psutil
    from distributed import get_worker
    from distributed.core import Status

    from allcore.base import memory
    from allcore.base.paths import Artifacts
    from allcore.jobs.executors import child
    from allcore.runs import heartbeat

    folder = Artifacts(Path(os.environ.get(_VARIABLE) or artifacts))
    if gpu is not None:
        mine = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one] or [str(number) for number in range(gpu + 1)]
        environment = {**environment, "CUDA_VISIBLE_DEVICES": mine[min(gpu, len(mine) - 1)]}
    kills = memory.kills()
    process = child.start(folder, folder.job(job), attempt, environment)
    worker, watched, halted_since, asked = get_worker(), psutil.Process(process.pid), None, False
    while process.poll() is None:
        if worker.status not in (Status.running, Status.paused) and not asked:
            process.terminate()
            asked = True
        try:
            halted = watched.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
        except psutil.NoSuchProcess:
            break
        halted_since = (halted_since or time.monotonic()) if halted else None
        if halted_since and time.monotonic() - halted_since > heartbeat.STALE:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.2)
    child.end_group(process.pid)
    code = process.wait()
    return code, memory.killed(kills, memory.kills()) if code == -signal.SIGKILL else ""
