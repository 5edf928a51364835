"""Which images of a data set are the same picture, whom it is said to be of, and where its copies stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from allcore.base import fileio
from allcore.base.paths import DatasetPaths
from allcore.checks import likeness
from allcore.checks.likeness import Pair
from allcore.checks.report import GOOD, MOST_PICTURES, SERIOUS, WARNING, Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Duplicates:
    """Copies among n images."""

    groups: np.ndarray
    """int (n,): images with the same number show the same picture; numbers run from 0 in the order of the images."""
    exact: np.ndarray
    """bool (n,): whether another image has the very same bytes."""
    pairs: tuple[Pair, ...]
    """Pairs that are alike but not byte for byte."""
    comparable: np.ndarray
    """bool (n,): False where a picture shows too little to be compared, other than byte for byte."""

    @property
    def copied(self) -> np.ndarray:
        """bool (n,): whether an image has a copy."""
        return np.bincount(self.groups, minlength=1)[self.groups] > 1

    def table(self, image_ids: Sequence[str]) -> pd.DataFrame:
        """image_id and group, a row for each image that has a copy: what `duplicates.parquet` holds."""
        import pandas as pd

        chosen = self.copied
        return pd.DataFrame(
            {"image_id": np.asarray(image_ids, dtype=object)[chosen].astype(str), "group": self.groups[chosen].astype(np.int64)}
        )


def found(pixels: np.ndarray, sha256: Sequence[str], *, tick: Callable[[float, str], None] = lambda share, doing: None) -> Duplicates:
    """Byte-for-byte copies by hash, the others by `likeness`. `pixels` uint8 (n, side, side, 3), `sha256` (n,) text."""
    contents = np.unique(np.asarray(sha256, dtype=object).astype(str), return_inverse=True)[1]
    pairs, comparable = likeness.same_pictures(pixels, apart=contents, tick=tick)
    exact = np.bincount(contents)[contents] > 1
    first = np.unique(contents, return_index=True)[1][contents]
    links = [
        (np.arange(len(contents)), first),
        (np.array([pair.one for pair in pairs], int), np.array([pair.other for pair in pairs], int)),
    ]
    return Duplicates(_joined(len(contents), *links), exact, pairs, comparable)


def stored(paths: DatasetPaths) -> dict[str, int]:
    """Image id to duplicates' group, of the images that have a copy; empty where the data set was not checked."""
    import pandas as pd

    try:
        table = pd.read_parquet(paths.duplicates)
    except FileNotFoundError:
        return {}
    return dict(zip(table["image_id"].tolist(), table["group"].tolist(), strict=True))


def store(paths: DatasetPaths, duplicates: Duplicates, image_ids: Sequence[str]) -> None:
    """Write `duplicates.parquet`."""
    with fileio.replacing(paths.duplicates) as aside:
        duplicates.table(image_ids).to_parquet(aside, index=False)


def held_together(subjects: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """int (n,): images that must stay on one side, since patient or picture is the same, directly or in steps.

    `subjects` (n,) text, '' for unknown; `groups` (n,) int. Patients who share a picture are held together: they may be one person.
    """
    known = np.flatnonzero(subjects != "")
    links = [(np.arange(len(groups)), np.unique(groups, return_index=True)[1][np.unique(groups, return_inverse=True)[1]])]
    if len(known):
        _, first, which = np.unique(subjects[known].astype(str), return_index=True, return_inverse=True)
        links.append((known, known[first][which]))
    return _joined(len(groups), *links)


def _joined(count: int, *links: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = (np.concatenate([link[side] for link in links]) for side in (0, 1))
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def findings(duplicates: Duplicates, records: pd.DataFrame) -> list[Finding]:
    """Copies across patients and across the official phases and folds; then copies as such. (Across classes: see `labels`.)"""
    ids = records["image_id"].to_numpy()
    split = records["phase"].astype(str) + " " + records["fold"].where(records["fold"] >= 0, -1).astype(str)
    across = [
        (
            records["subject"].to_numpy(),
            "patient",
            "Pictures of the same cell carry the names of different patients",
            "A split by patient does not keep these apart: what a model is tested on, it has seen under another name.",
            "Import these patients under one name, or leave one copy out. Until then, a split's certificate counts such test images.",
        ),
        (
            split.where((records["phase"] != "") | (records["fold"] >= 0), "").to_numpy(),
            "part",
            "The same picture stands in several of the official phases or folds",
            "Tested on one of these parts after training on another, a model is asked about pictures that it has seen.",
            "Leave the copies out of one part. Until then, a split's certificate counts such test images.",
        ),
    ]
    made = []
    for values, kind, title, meaning, action in across:
        rows, groups = spanning(duplicates.groups, values)
        if not len(rows):
            continue
        numbers = {"images": len(rows), "groups": groups}
        if kind == "patient":
            names = _together(duplicates.groups[rows], values[rows])
            numbers["patients"] = names
            told = "; ".join(" = ".join(one) for one in names[:6]) + ("; ..." if len(names) > 6 else "")
            meaning = f"{meaning} Patients that may be one: {told}."
        made.append(Finding("duplicates", SERIOUS, f"{title}: {len(rows):,} images.", meaning, action, _shown(ids, rows), numbers))
    near = duplicates.copied & ~duplicates.exact
    held = (
        "A split's certificate counts those that stand on both sides; leave one of each out."
        if (records["subject"] != "").any()
        else "Splits hold them together on one side."
    )
    for mask, title, meaning, check in (
        (duplicates.exact, "Byte for byte the same as another", "Copies of one file count several times over.", "exact"),
        (
            near,
            "The same picture as another, turned, mirrored, cropped a little or saved anew",
            "They are no new cells, and across the sides of a split they flatter the result.",
            "near",
        ),
    ):
        rows = np.flatnonzero(mask)
        rows = rows[np.argsort(duplicates.groups[rows], kind="stable")]
        if len(rows):
            if check == "near":  # beside the picture that each is a copy of, whatever way that one was copied itself
                rows = np.flatnonzero(np.isin(duplicates.groups, duplicates.groups[rows]))
                rows = rows[np.argsort(duplicates.groups[rows], kind="stable")]
            numbers = {"images": int(mask.sum()), "share": float(mask.mean()), "groups": len(np.unique(duplicates.groups[rows]))}
            if check == "near":
                numbers["lowest_likeness"] = min(pair.likeness for pair in duplicates.pairs)
            images = f"{int(mask.sum()):,} image{'' if mask.sum() == 1 else 's'}"
            text = f"{meaning} {numbers['groups']:,} picture{'' if numbers['groups'] == 1 else 's'} with {images} of this kind."
            action = f"Look at some pairs below. {held}"
            made.append(Finding("duplicates", WARNING, f"{title}: {images}.", text, action, _shown(ids, rows), numbers))
    if not made:
        meaning = "Compared: bytes, and pictures in any turn, mirrored, cropped by some per cent, or saved anew."
        made.append(Finding("duplicates", GOOD, f"No picture is there twice, among {len(ids):,}.", meaning, numbers={"images": 0}))
    return made


def spanning(groups: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, int]:
    """Rows, group by group, of the groups whose known `values` ('' is unknown) differ; and how many groups these are."""
    known = np.flatnonzero(values != "")
    kinds = np.unique(values[known].astype(str), return_inverse=True)[1]
    pairs = np.unique(np.stack([groups[known], kinds], axis=1), axis=0)
    counts = np.bincount(pairs[:, 0].astype(int), minlength=1)
    several = np.flatnonzero(counts > 1)
    rows = np.flatnonzero(np.isin(groups, several))
    return rows[np.argsort(groups[rows], kind="stable")], len(several)


def _together(groups: np.ndarray, subjects: np.ndarray) -> list[list[str]]:
    """Names of patients who share pictures, directly or in steps."""
    whole = held_together(subjects, groups)
    return [sorted(set(subjects[whole == one].tolist()) - {""}) for one in np.unique(whole)]


def _shown(image_ids: np.ndarray, rows: np.ndarray) -> tuple[str, ...]:
    return tuple(image_ids[rows[:MOST_PICTURES]].tolist())
