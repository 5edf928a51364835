"""A run whose names come from somebody who means harm."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from allcore.base.paths import Artifacts, JobPaths

ODD = "<script>alert(1)</script>"
OTHER = "`a`|*b*&amp;"


@pytest.fixture
def odd(artifacts: Artifacts, forest: JobPaths) -> JobPaths:
    """A finished forest whose classes are called `ODD` and `OTHER`, and whose patients have HTML in their ids."""
    names = {"healthy": ODD, "leukemia": OTHER}
    for path in (forest.metrics, forest.summary, forest.certificate, forest.model_card, artifacts.dataset("tiny").card):
        content = path.read_text("utf-8")
        for name, other in names.items():
            content = content.replace(json.dumps(name), json.dumps(other))
        path.write_text(content, "utf-8")
    table = pd.read_parquet(forest.predictions)
    table["label"] = table["label"].map(names)
    table["subject"] = "<b>" + table["subject"] + "</b>"
    table.rename(columns={f"p_{name}": f"p_{other}" for name, other in names.items()}).to_parquet(forest.predictions)
    return forest


@pytest.fixture
def twin(artifacts: Artifacts, forest: JobPaths) -> JobPaths:
    """The same forest under another id, its answers turned round on every third test image."""
    copy = artifacts.run("20260101-000000-twin-0001")
    shutil.copytree(forest.folder, copy.folder)
    spec = json.loads(copy.spec.read_text("utf-8"))
    copy.spec.write_text(json.dumps({**spec, "id": copy.id}), "utf-8")
    table = pd.read_parquet(copy.predictions)
    columns = [name for name in table if name.startswith("p_")]
    table.loc[table.index % 3 == 0, columns] = table.loc[table.index % 3 == 0, columns[::-1]].to_numpy()
    table.to_parquet(copy.predictions)
    return copy


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """A folder to open a pack in."""
    return tmp_path / "unpacked"
