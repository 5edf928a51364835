"""Real images by one command, for those who are online: C-NMC 2019 through kagglehub, BloodMNIST from Zenodo."""

from __future__ import annotations

import hashlib
import importlib
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from allcore.base import fileio
from allcore.base.errors import AllcoreError, BadInput
from allcore.data.progress import Progress, silent

CNMC, BLOODMNIST = "cnmc", "bloodmnist"
NAMES = (CNMC, BLOODMNIST)

KAGGLE = "andrewmvd/leukemia-classification"
"""A copy of C-NMC 2019 in its official layout; `data verify` says whether it is whole."""
_BY_HAND = "Or get it by hand (doi 10.7937/tcia.2019.dc64i46r, CC BY 3.0) and name its folder to `data import`."
_PIECE = 1 << 20
_PATIENCE = 60.0


class FetchFailed(AllcoreError):
    """The network, or the other side, did not give what was asked for."""


@dataclass(frozen=True)
class Remote:
    """A published file."""

    address: str
    md5: str
    """As its publisher gives it: against damage, not against malice."""

    @property
    def name(self) -> str:
        return self.address.split("?")[0].rsplit("/", 1)[-1]


_ZENODO = "https://zenodo.org/records/10519652/files/"
BLOODMNIST_BY_SIZE = {
    28: Remote(f"{_ZENODO}bloodmnist.npz?download=1", "7053d0359d879ad8a5505303e11de1dc"),
    64: Remote(f"{_ZENODO}bloodmnist_64.npz?download=1", "2b94928a2ae4916078ca51e05b6b800b"),
    128: Remote(f"{_ZENODO}bloodmnist_128.npz?download=1", "adace1e0ed228fccda1f39692059dd4c"),
    224: Remote(f"{_ZENODO}bloodmnist_224.npz?download=1", "b718ff6835fcbdb22ba9eacccd7b2601"),
}


def cnmc(folder: Path) -> Path:
    """Fetch C-NMC 2019 (about 11 GB) into a folder, or find it there; the folder that holds it.

    Raises BadInput where kagglehub is not installed, FetchFailed where Kaggle can't be reached or refuses.
    """
    os.environ.setdefault("KAGGLEHUB_CACHE", str(folder))
    try:
        kagglehub = importlib.import_module("kagglehub")
    except ImportError as error:
        raise BadInput("Fetching C-NMC needs the package kagglehub.", f"pip install 'kagglehub>=0.3'. {_BY_HAND}") from error
    try:
        return Path(kagglehub.dataset_download(KAGGLE))
    except Exception as error:  # its own kinds, those of requests, and whatever a later version raises
        raise FetchFailed(f"Kaggle did not give the images: {_one_line(error)}.", f"Are you online? {_BY_HAND}") from error


def file(remote: Remote, folder: Path, *, progress: Progress = silent) -> Path:
    """Fetch a file into a folder, unless it lies there whole.

    Raises FetchFailed where it can't be had, or is not the published one; nothing is left behind then.
    """
    target = folder / remote.name
    if target.exists() and _md5(target) == remote.md5:
        return target
    with fileio.replacing(target) as aside:
        try:
            _copy(remote, aside, progress)
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            why = _one_line(getattr(error, "reason", error))
            raise FetchFailed(f"{remote.name} can't be had from {_host(remote)}: {why}.", "Are you online? Try again.") from error
        if _md5(aside) != remote.md5:
            raise FetchFailed(f"What came from {_host(remote)} is not {remote.name} as published.", "Try again; the line may have broken.")
    return target


def _copy(remote: Remote, target: Path, progress: Progress) -> None:
    with urllib.request.urlopen(remote.address, timeout=_PATIENCE) as answer, open(target, "wb") as copy:
        whole, done = int(answer.headers.get("Content-Length") or 0), 0
        while piece := answer.read(_PIECE):
            copy.write(piece)
            done += len(piece)
            progress(min(1.0, done / whole) if whole else 0.0, f"Fetching {remote.name}: {done / 1e6:,.0f} MB")


def _md5(path: Path) -> str:
    with open(path, "rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _host(remote: Remote) -> str:
    return remote.address.split("/")[2]


def _one_line(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
