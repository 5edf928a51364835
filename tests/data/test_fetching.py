"""Fetching from a stand-in for the internet: a server on this machine, and a module in kagglehub's place."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from allcore.base.errors import BadInput
from allcore.data import fetching
from allcore.data.fetching import FetchFailed, Remote


def blood() -> bytes:
    content = io.BytesIO()
    np.savez(
        content,
        train_images=np.random.default_rng(0).integers(0, 256, (16, 28, 28, 3), dtype=np.uint8),
        train_labels=(np.arange(16, dtype=np.uint8) % 8)[:, None],
    )
    return content.getvalue()


BLOOD = blood()


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def address(asked: list[str]) -> Iterator[str]:
    """A server with /bloodmnist.npz, whole, at /cut/ cut short, and nothing else."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if not self.path.split("?")[0].endswith("/bloodmnist.npz"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(BLOOD)))
            self.end_headers()
            self.wfile.write(BLOOD[: len(BLOOD) // 2] if "cut" in self.path else BLOOD)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(10)


def remote(address: str, path: str = "files/bloodmnist.npz?download=1", content: bytes = BLOOD) -> Remote:
    return Remote(f"{address}/{path}", hashlib.md5(content).hexdigest())


def test_a_file_is_fetched_once(address: str, asked: list[str], tmp_path: Path):
    said: list[float] = []
    for _ in range(2):
        path = fetching.file(remote(address), tmp_path / "deep", progress=lambda share, _: said.append(share))
        assert (path.name, path.read_bytes()) == ("bloodmnist.npz", BLOOD)
    assert len(asked) == 1
    assert said == sorted(said)
    assert said[-1] == 1
    path.write_bytes(b"spoilt")
    assert fetching.file(remote(address), tmp_path / "deep").read_bytes() == BLOOD


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("files/bloodmnist.npz", b"another", "is not bloodmnist.npz as published"),
        ("cut/bloodmnist.npz", BLOOD, "is not bloodmnist.npz as published"),
        ("gone.npz", BLOOD, "can't be had from 127.0.0.1.*Not Found"),
    ],
)
def test_what_is_not_as_published_is_not_kept(address: str, tmp_path: Path, path: str, content: bytes, words: str):
    with pytest.raises(FetchFailed, match=words) as caught:
        fetching.file(remote(address, path, content), tmp_path)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_whoever_is_offline_is_told(tmp_path: Path):
    with pytest.raises(FetchFailed, match=r"can't be had from 127\.0\.0\.1:9: .*refused") as caught:
        fetching.file(Remote("http://127.0.0.1:9/x.npz", ""), tmp_path)
    assert "Are you online?" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_the_published_files_have_addresses_and_sums():
    for size, one in fetching.BLOODMNIST_BY_SIZE.items():
        assert one.address.startswith("https://")
        assert one.name == ("bloodmnist.npz" if size == 28 else f"bloodmnist_{size}.npz")
        assert len(one.md5) == 32


def in_place_of_kagglehub(monkeypatch: pytest.MonkeyPatch, download: object) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=download))


def test_cnmc_is_what_kagglehub_gives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("KAGGLEHUB_CACHE", raising=False)
    asked: list[str] = []
    in_place_of_kagglehub(monkeypatch, lambda handle: (asked.append(handle), str(tmp_path / "there"))[1])
    assert fetching.cnmc(tmp_path / "cache") == tmp_path / "there"
    assert asked == ["andrewmvd/leukemia-classification"]


@pytest.mark.parametrize("error", [ConnectionError("Name or service not known\nand more"), RuntimeError("403: log in first"), ValueError()])
def test_what_kaggle_says_is_passed_on_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception):
    def refuse(_: str) -> None:
        raise error

    in_place_of_kagglehub(monkeypatch, refuse)
    with pytest.raises(FetchFailed, match="Kaggle did not give the images") as caught:
        fetching.cnmc(tmp_path)
    assert "\n" not in caught.value.message
    assert "data import" in caught.value.hint


def test_without_kagglehub_the_way_by_hand_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(BadInput, match="needs the package kagglehub") as caught:
        fetching.cnmc(tmp_path)
    assert "doi 10.7937/tcia.2019.dc64i46r" in caught.value.hint
