"""Where jobs run when one machine is not enough: the address of a Dask scheduler, and what the runner last saw there. No Dask here."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from allcore.base import fileio
from allcore.base.errors import AllcoreError, BadInput
from allcore.base.paths import Artifacts

VARIABLE = "ALLCORE_SCHEDULER"
"""Names the scheduler; without it every job runs on this machine."""
CERTIFICATES = ("ALLCORE_TLS_CA", "ALLCORE_TLS_CERT", "ALLCORE_TLS_KEY")
"""Name files in PEM format: the authority's certificate, our own, and its key. Without them Dask's own configuration counts."""
_PORT = 8786


@dataclass(frozen=True)
class Scheduler:
    """A scheduler that may be talked to."""

    address: str
    """`tls://host:port`, or `tcp://` and a loopback address."""
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    @property
    def encrypted(self) -> bool:
        return self.address.startswith("tls:")


@dataclass(frozen=True)
class WorkerSeen:
    """A Dask worker as the runner found it."""

    name: str
    host: str
    slots: tuple[str, ...]
    """Names of its slots; none, where it can't be used."""
    problem: str = ""
    """Why it can't be used, and what to do; '' where it can."""


@dataclass(frozen=True)
class ClusterSeen:
    """`cluster.json`: a scheduler and its workers as the runner last found them."""

    scheduler: str
    problem: str = ""
    """Why no job can be handed to it; '' where it answers."""
    workers: tuple[WorkerSeen, ...] = field(default=())

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that keeps jobs from running, a sentence or two each."""
        return tuple(filter(None, [self.problem, *(f"Worker {each.name}: {each.problem}" for each in self.workers if each.problem)]))

    @property
    def summary(self) -> str:
        """One line: where the jobs run, and on how many workers."""
        slots = sum(len(each.slots) for each in self.usable)
        many = f"{len(self.usable)} worker{'s' * (len(self.usable) != 1)} with {slots} slot{'s' * (slots != 1)}"
        return f"Jobs run on the Dask cluster at {self.scheduler}: {many}."

    @property
    def usable(self) -> tuple[WorkerSeen, ...]:
        """Workers that jobs are handed to."""
        return tuple(each for each in self.workers if not each.problem)


def wanted(environment: Mapping[str, str] = os.environ) -> Scheduler | None:
    """The scheduler that the environment names; None where jobs are to run on this machine.

    Raises BadInput for an address that can't be, or must not be used: a Dask scheduler does what anybody who reaches it says.
    """
    given = environment.get(VARIABLE, "").strip()
    if not given:
        return None
    address, host = _parsed(given)
    if address.startswith("tcp:"):
        if not is_loopback(host):
            raise BadInput(
                f"{VARIABLE} is {given}, but without TLS only a scheduler on this machine (127.0.0.1) may be used: who reaches it can run "
                "anything there.",
                f"Give scheduler and workers certificates and write tls://{host} (docs/cluster.md).",
            )
        return Scheduler(address)
    files = [environment.get(name, "") for name in CERTIFICATES]
    if any(files) and not all(files):
        missing = ", ".join(name for name, file in zip(CERTIFICATES, files, strict=True) if not file)
        raise BadInput(
            f"Of the three files for TLS {missing} is not named.", "Name all three, or none to take those of Dask's configuration."
        )
    for name, file in zip(CERTIFICATES, files, strict=True):
        if file and not os.path.isfile(file):
            raise BadInput(f"{name} names {file}, which is no file.", "Check the path.")
    return Scheduler(address, *(file or None for file in files))


def _parsed(given: str) -> tuple[str, str]:
    """Address with its port, and the host alone."""
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        host = None
    if not host or parts.scheme not in ("tls", "tcp") or parts.path not in ("", "/") or parts.query or parts.username:
        raise BadInput(f"{VARIABLE} is {given!r}, which is no scheduler's address.", "Write it as tls://host:8786.")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}", host


def is_loopback(host: str) -> bool:
    """Whether a name or address reaches this machine alone. Of names only `localhost` is believed."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(address: str) -> str:
    """The host in an address as Dask writes it: `tcp://127.0.0.1:8786`."""
    return urlsplit(address).hostname or ""


def short(address: str) -> str:
    """Host and port in an address as Dask writes it."""
    return urlsplit(address).netloc


def tell(artifacts: Artifacts, found: ClusterSeen | None) -> None:
    """Write down what the runner sees, for pages and command line; None where it runs jobs on its own machine."""
    if found is None:
        artifacts.cluster_state.unlink(missing_ok=True)
    else:
        fileio.write_json(artifacts.cluster_state, asdict(found))


def seen(artifacts: Artifacts) -> ClusterSeen | None:
    """What the runner last saw; None where it runs jobs on its own machine. Worth something only while it is up."""
    try:
        document = fileio.read_json_cached(artifacts.cluster_state)
        workers = tuple(WorkerSeen(**{**each, "slots": tuple(each["slots"])}) for each in document["workers"])
        return ClusterSeen(document["scheduler"], document["problem"], workers)
    except (FileNotFoundError, AllcoreError, KeyError, TypeError):
        return None
