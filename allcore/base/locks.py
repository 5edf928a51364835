"""Locks on files that die with the process that holds them (filelock: flock on Unix, msvcrt on Windows)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["Timeout", "hold", "holder", "is_held"]


def holder(path: Path, timeout: float = -1) -> FileLock:
    """A lock to acquire and keep for the life of a process; `acquire` raises Timeout after `timeout` seconds (-1: never)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path, timeout=timeout, thread_local=False)


@contextmanager
def hold(path: Path, timeout: float = 10) -> Iterator[None]:
    """Hold a lock for a block; raises Timeout where another holds it for longer than `timeout` seconds."""
    with holder(path, timeout):
        yield


def is_held(path: Path) -> bool:
    """Whether some process, this one included, holds the lock now."""
    if not path.exists():
        return False
    lock = holder(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False
