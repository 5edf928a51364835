"""Which process is meant, and whether it lives."""

from __future__ import annotations

import hashlib
import os
import socket


def host() -> str:
    """A sign of this machine, or of this container: a pid means something only beside it.

    Made from its name without telling it, since what stands in a run is handed on with it.
    """
    return hashlib.blake2b(socket.gethostname().encode(), digest_size=6).hexdigest()


def is_alive(pid: int, created: float) -> bool:
    """Whether the process with this pid, created at this moment (seconds since 1970, as psutil gives it), exists and is no zombie.

    A pid alone is given away again; the two together name one process for good.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_stopped(pid: int) -> bool:
    """Whether a process exists and was halted by a signal (SIGSTOP), or has gone in the meantime."""
    import psutil

    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.NoSuchProcess:
        return True


FRUGAL = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""Variables of the web server's process, and of no training's: glibc would keep a heap for each of its many threads, and what large
pictures needed; Arrow's own allocator would keep what tables did (10 MB)."""
_HEAPS = max(1, (os.cpu_count() or 1) // 4)
GENEROUS = {
    "GLIBC_TUNABLES": "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184:glibc.malloc.hugetlb=1:"
    f"glibc.malloc.arena_max={_HEAPS}"
}
"""Variables of a job's process: each step of a training gives back what it has taken, and takes as much for the next. By default glibc
returns that to the kernel, which clears it anew, page by page: 700,000 times in ten steps of ResNet-50. Kept, and in large pages, the
training is faster for some per cent more memory; one heap for all threads takes half of that back (docs/results.md has figures for
two cores; many cores have some heaps, so that their threads need not wait for each other)."""
