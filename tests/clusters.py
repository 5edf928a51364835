"""A Dask scheduler and workers as processes of their own, on loopback; for the tests, and for the benchmarks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from allcore.base.paths import ENVIRONMENT_VARIABLE

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Cluster:
    """A scheduler, which listens by the time this exists, and the workers that were asked for."""

    folder: Path
    """For logs, and what workers write."""
    options: tuple[str, ...] = ()
    """Of scheduler and workers alike: certificates."""
    port: int = 0
    scheduler: subprocess.Popen | None = None
    workers: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{'tls' if self.options else 'tcp'}://127.0.0.1:{self.port}"

    def start(self, host: str = "127.0.0.1") -> Cluster:
        """Start the scheduler, at the port that it had, if it had one."""
        self.port = self.port or free_port()
        self.scheduler = self._process("dask_scheduler", "scheduler", "--host", host, "--port", str(self.port), *self.options)
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return self
            if self.scheduler.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "scheduler.log").read_text())
            time.sleep(0.05)

    def worker(self, name: str, *, threads: int = 1, options: tuple[str, ...] = (), environment: dict[str, str] | None = None) -> None:
        """Start a worker; it comes when it comes."""
        given = ("--name", name, "--nthreads", str(threads), "--host", "127.0.0.1", "--no-nanny", "--local-directory", str(self.folder))
        self.workers[name] = self._process("dask_worker", name, self.address, *given, *self.options, *options, environment=environment)

    def end(self) -> None:
        """Leave no process behind."""
        for process in [*self.workers.values(), *filter(None, [self.scheduler])]:
            process.kill()
            process.wait(30)

    def _process(self, program: str, name: str, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen:
        inherited = {variable: value for variable, value in os.environ.items() if variable != ENVIRONMENT_VARIABLE}
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard", *arguments],
                env={**inherited, "PYTHONPATH": str(ROOT), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
