"""A Dask scheduler as the runner sees it: whether it answers, which workers it has, and which of them may be given jobs."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle
from distributed import Client, Future
from distributed.client import ClosedClientError
from distributed.security import Security
from distributed.utils import LoopRunner

from allcore.base import clock
from allcore.base.errors import AllcoreError, BadInput
from allcore.base.paths import Artifacts
from allcore.jobs import cluster
from allcore.jobs.cluster import ClusterSeen, Scheduler, WorkerSeen
from allcore.jobs.executors import admission, on_worker
from allcore.jobs.slots import SHORT, TRAINING, Slot

_LOOK_SECONDS, _AGAIN_SECONDS = 1.0, 5.0
"""Between two looks at the scheduler, and before one is tried again that did not answer, or a worker that can't be used."""
PATIENCE = 5.0
"""Seconds for which an answer is waited for."""
_GPU = "GPU"
_CUT = (OSError, RuntimeError, KeyError, ClosedClientError, CancelledError)
"""What Dask raises where the other side has gone, at one moment or another."""

cloudpickle.register_pickle_by_value(on_worker)


@dataclass
class Worker:
    """A worker that the scheduler knows."""

    name: str
    host: str
    slots: tuple[Slot, ...]
    """None, where it can't be used."""
    gpus: Mapping[str, int]
    """Number of the GPU by name of the slot."""
    problem: str
    jobs: list[tuple[str, int]] = field(default_factory=list)
    """Id and attempt of what it was found at work on, for an earlier runner; to be emptied by whoever takes them over."""
    looked: float = field(default_factory=time.monotonic)


class Connection:
    """A client of the scheduler, made anew whenever it was lost. `workers` are known by their addresses."""

    def __init__(self, artifacts: Artifacts, scheduler: Scheduler) -> None:
        self._artifacts = artifacts
        self._scheduler = scheduler
        self._security = _security(scheduler)
        self._loop = LoopRunner()  # one for all clients: one that can't connect would leave its own behind
        self._loop.start()
        self._client: Client | None = None
        self._problem = ""
        self._told: ClusterSeen | None = None
        self._next_look = 0.0
        self.workers: dict[str, Worker] = {}

    def look(self) -> None:
        """See who is there, at most once a second, and write down what has changed."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        try:
            if self._client is None or self._client.status != "running":
                self._connect()
            known = self._asked(lambda: self._client.scheduler.identity(n_workers=-1))["workers"]
            for address in self.workers.keys() - known.keys():
                del self.workers[address]
            self._admit({address: facts for address, facts in known.items() if self._is_to_be_looked_at(address)})
            self._problem = ""
        except AllcoreError as error:
            self._fail(str(error))
        except ConnectionError as error:
            self._fail(f"The Dask scheduler at {self._scheduler.address} does not answer ({_short(error)}). Start it, or look at its log.")
        self._tell()

    def doubt(self, address: str) -> None:
        """Have a worker answer again, at the next look, before it is given another job."""
        if self.workers.pop(address, None) is not None:
            self._next_look = 0.0

    def submitted(self, function: Callable[..., Any], *given: Any, key: str, address: str, gpu: bool) -> Future:
        """Have a worker do something. Raises ConnectionError where there is no scheduler."""
        if self._client is None:
            raise ConnectionError("no connection")
        resources = {_GPU: 1} if gpu else None
        with _plainly():
            return self._client.submit(
                function, *given, key=key, workers=[address], allow_other_workers=False, resources=resources, retries=0, pure=False
            )

    def result(self, future: Future) -> Any:
        """What a finished task gave. Raises ConnectionError where it went with its worker."""
        return self._asked(lambda: self._client.gather(future))

    def failure(self, future: Future) -> BaseException | None:
        """What a task raised. Raises ConnectionError."""
        with _plainly():
            return future.exception(timeout=PATIENCE)

    def forget(self, future: Future) -> None:
        """Let the scheduler drop a task, or it would keep it for a worker that takes the lost one's address. Raises ConnectionError."""
        with _plainly():
            future.cancel()

    def run(self, function: Callable[..., Any], *given: Any, workers: list[str]) -> dict[str, Any]:
        """Have workers do something at once, whatever else they do: results, or exceptions, by address. Raises ConnectionError."""
        return self._asked(lambda: self._client.run(function, *given, workers=workers, on_error="return"))

    def close(self) -> None:
        """Let the scheduler go for good. What was submitted and has not begun is forgotten there."""
        self._let_go()
        self._loop.stop()

    def _let_go(self) -> None:
        if self._client is not None:
            _closed(self._client)
        self._client = None
        self.workers.clear()

    def _asked(self, question: Callable[[], Any]) -> Any:
        async def ask() -> Any:
            try:
                return await asyncio.wait_for(question(), PATIENCE)
            except asyncio.CancelledError:  # the client was closed under it; no Exception, so that its thread would lose it
                raise ConnectionError("the connection was cut") from None

        if self._client is None:
            raise ConnectionError("no connection")
        with _plainly():
            return self._client.sync(ask)

    def _fail(self, problem: str) -> None:
        self._problem = problem
        self._next_look = time.monotonic() + _AGAIN_SECONDS
        if self._client is None or self._client.status != "running":
            self._let_go()

    def _connect(self) -> None:
        """Raises ConnectionError where the scheduler does not answer, AllcoreError where it must not be used."""
        self._let_go()
        address = self._scheduler.address
        port = int(address.rpartition(":")[2])
        with _plainly():  # fails at once where a client would wait
            socket.create_connection((cluster.host_of(address), port), timeout=PATIENCE).close()
        how = {"security": self._security, "timeout": PATIENCE, "set_as_default": False, "name": "allcore"}
        try:
            client = Client(address, loop=self._loop.loop, **how)
        except OSError as error:
            raise AllcoreError(
                f"The Dask scheduler at {address} can't be talked to ({_short(error)}).",
                "Both sides need TLS, with certificates of one authority, or neither (docs/cluster.md).",
            ) from error
        try:
            with _plainly():
                self._require_fit(client)
        except BaseException:
            _closed(client)
            raise
        self._client = client

    def _require_fit(self, client: Client) -> None:
        own = client.scheduler_info(n_workers=0).get("address", self._scheduler.address)
        if not self._scheduler.encrypted and not cluster.is_loopback(cluster.host_of(own)):
            raise BadInput(
                f"The Dask scheduler listens at {own}, without TLS: whoever reaches it can run anything here.",
                "Start it with --host 127.0.0.1, or give it certificates (docs/cluster.md).",
            )
        versions = client.get_versions()
        problem = admission.of_versions(versions["scheduler"]["packages"], versions["client"]["packages"], admission.FOR_DASK)
        if problem:
            raise BadInput(f"The Dask scheduler does not fit the runner. {problem}")

    def _is_to_be_looked_at(self, address: str) -> bool:
        worker = self.workers.get(address)
        return worker is None or (bool(worker.problem) and time.monotonic() - worker.looked > _AGAIN_SECONDS)

    def _admit(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        """Look at workers before they are given a job."""
        if not known:
            return
        where = (str(self._artifacts.root), self._artifacts.cluster_token.name, self._artifacts.cluster_lock.name)
        here = on_worker.looked_around(*where)
        began = time.time()
        seen = self.run(on_worker.looked_around, *where, workers=list(known))
        middle = (began + time.time()) / 2
        versions = self._asked(lambda: self._client.get_versions(packages=admission.FOR_JOBS))
        own = versions["client"]["packages"]
        for address, facts in known.items():
            name = cluster.short(address) if facts["name"] == address else str(facts["name"])
            there, packages = seen.get(address), versions["workers"].get(address, {}).get("packages")
            jobs, host = [], str(facts["host"])
            if not isinstance(there, dict) or packages is None:
                problem = f"It does not answer ({_short(there)})."
            else:
                jobs, host = list(there["jobs"]), there["host"]
                problem = admission.of_versions(packages, own, admission.FOR_DASK + admission.FOR_JOBS)
                problem = problem or admission.of_worker(there, here, apart=there["time"] - middle)
            gpus, slots = offered(name, facts)
            self.workers[address] = Worker(name, host, () if problem else slots, gpus, problem, jobs)

    def _tell(self) -> None:
        workers = [
            WorkerSeen(each.name, each.host, tuple(slot.name for slot in each.slots), each.problem) for each in self.workers.values()
        ]
        found = ClusterSeen(self._scheduler.address, self._problem, tuple(sorted(workers, key=lambda each: each.name)))
        if found != self._told:
            cluster.tell(self._artifacts, found)
            known = self._told.problems if self._told else ()
            for problem in found.problems:
                if problem not in known:
                    print(f"{clock.now()} {problem}", flush=True)
            self._told = found


@contextmanager
def _plainly() -> Iterator[None]:
    """Raises ConnectionError for whatever Dask raises where the other side has gone."""
    try:
        yield
    except _CUT as error:
        raise ConnectionError(_short(error)) from error


def offered(name: str, facts: Mapping[str, Any]) -> tuple[dict[str, int], tuple[Slot, ...]]:
    """GPUs by slot, and the slots of a worker, from what the scheduler tells of it (`nthreads`, `resources`).

    A slot for each GPU that it declares, else one; where it has a thread left, another for jobs of seconds.
    """
    threads, gpus = int(facts["nthreads"]), int(facts.get("resources", {}).get(_GPU, 0))
    # Dask's nanny holds every library to one thread, since it reckons with many tasks at once; here a worker's cores are one training's.
    each = {variable: str(threads) for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    names = [f"{name} gpu-{number}" for number in range(min(gpus, threads))] or [name]
    numbers = {slot: number for number, slot in enumerate(names)} if gpus else {}
    kinds = TRAINING if threads > len(names) else TRAINING + SHORT
    slots = [Slot(slot, kinds, each) if gpus else Slot(slot, kinds, cores=threads, parts=1) for slot in names]
    return numbers, (*slots, Slot(f"{name} data", SHORT, each)) if threads > len(names) else tuple(slots)


def _security(scheduler: Scheduler) -> Security | None:
    """Raises BadInput where there are no certificates for a scheduler with TLS."""
    if not scheduler.encrypted:
        return None
    named = {"tls_ca_file": scheduler.ca, "tls_client_cert": scheduler.certificate, "tls_client_key": scheduler.key}
    found = Security(require_encryption=True, **{option: file for option, file in named.items() if file})
    files = (found.tls_ca_file, found.tls_client_cert, found.tls_client_key)
    if not all(files):
        raise BadInput(
            f"{scheduler.address} wants certificates, and none are named.",
            f"Name their files in {', '.join(cluster.CERTIFICATES)}, or in Dask's own configuration (docs/cluster.md).",
        )
    for file in files:
        if "\n" not in file and not Path(file).is_file():  # Dask takes the text of a certificate as well
            raise BadInput(f"There is no file {file}, which Dask's configuration names for TLS.", "Check the path.")
    return found


def _closed(client: Client) -> None:
    """Close a client whose other side may have gone; it would complain of each connection that is cut."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with suppress(Exception):
            client.close(timeout=PATIENCE)
    finally:
        logging.disable(before)


def _short(error: object) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
