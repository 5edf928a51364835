"""Whether memory ran out: what the system counts, and how errors and logs say it."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_NAMES = ("ResourceExhaustedError", "_ArrayMemoryError")
_PHRASES = ("bad_alloc", "OOM when allocating", "Cannot allocate memory", "out of memory", "MemoryError")


def kills() -> int | None:
    """How many processes the kernel has ended for want of memory, in all and in this group of processes; None where it does not tell.

    Only differences mean something.
    """
    counts = [_counted(path) for path in (_PROC / "vmstat", *_group_files())]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _group_files() -> list[Path]:
    """Where the two kinds of control groups count their own."""
    files = []
    with suppress(OSError):
        for line in (_PROC / "self" / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            inside = path.lstrip("/")
            if not controllers:
                files.append(_CGROUPS / inside / "memory.events")
            elif "memory" in controllers.split(","):
                files += [_CGROUPS / "memory" / inside / "memory.oom_control", _CGROUPS / "memory" / "memory.oom_control"]
    return files


def _counted(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None


def ran_out(error: BaseException) -> bool:
    """Whether an error, or one that caused it, says that memory ran out. TensorFlow's is known by its name: it is not imported here."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or (isinstance(seen, OSError) and seen.errno == errno.ENOMEM):
            return True
        if any(kind.__name__ in _NAMES for kind in type(seen).__mro__):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def killed(before: int | None, after: int | None) -> str:
    """What to say of a process that SIGKILL has ended, by `kills` on its machine before and after."""
    if before is None or after is None:
        return "Its process was killed, perhaps for want of memory"
    return "The system killed its process: memory ran out" if after > before else "Its process was killed from outside"


def told_in(log: str) -> bool:
    """Whether the end of a process's log says that memory ran out."""
    return any(phrase in log for phrase in _PHRASES)
