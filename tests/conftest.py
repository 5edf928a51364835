"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Artifacts:
    """An empty artifacts folder, which child processes find too."""
    root = tmp_path / "artifacts"
    root.mkdir()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(root))
    return Artifacts(root)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real sample images that ALLCORE_REAL_DATA names; skips where it is absent."""
    folder = Path(os.environ.get("ALLCORE_REAL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real images: ALLCORE_REAL_DATA names no folder")
    return folder
