"""All checks on one data set, told top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from allcore.base import clock, fileio
from allcore.base.errors import Conflict, NotFound
from allcore.base.paths import Artifacts
from allcore.checks import duplicates, files, identity, labels, morphology, nuisance, pictures, report, sizes
from allcore.checks.report import WARNING, Finding, Report
from allcore.data import cache, records
from allcore.data.importing import Progress, silent
from allcore.data.records import DatasetCard


def check(artifacts: Artifacts, name: str, *, progress: Progress = silent) -> Report:
    """Check data set `name` and store what was found: `duplicates.parquet`, then `report.json`.

    Raises NotFound where there is no such data set, BadInput where its images have gone, Conflict where it goes or changes meanwhile;
    whatever was stored before then stays as it was.
    """
    begun = time.monotonic()
    paths = artifacts.dataset(name)
    card, table = records.read_card(paths), records.read_records(paths)
    progress(0.0, "Opening the images")
    pixels = cache.opened(paths)
    looks = pictures.measured(pixels, table, tick=_part(progress, 0.0, 0.35, "Measuring colour and shape"))
    copies = duplicates.found(pixels, table["sha256"].tolist(), tick=lambda share, doing: progress(0.35 + 0.5 * share, doing))
    progress(0.85, "Probing what tells the classes apart")
    found = [
        *files.findings(table, looks, card.unreadable),
        *labels.findings(table, copies),
        *duplicates.findings(copies, table),
        *sizes.findings(table, card.class_names),
        *_patients(card),
    ]
    known = np.flatnonzero((table["label"] != "").to_numpy())
    part, seen = table.iloc[known], looks.iloc[known]
    codes = np.array([card.class_names.index(label) for label in part["label"]])
    subjects = part["subject"].to_numpy()
    patients = bool((subjects != "").all())
    groups = duplicates.held_together(subjects if patients else np.full(len(part), ""), copies.groups[known])
    asked = {"patients": patients, "positive": card.class_names.index(card.positive)}
    ids = part["image_id"].to_numpy()
    found.append(nuisance.finding(nuisance.probed(seen, part, codes, groups, **asked), ids, codes))
    progress(0.93, "Probing size and shape")
    found.append(morphology.finding(morphology.probed(seen, codes, groups, **asked), seen, ids))
    progress(0.96, "Probing whether cells give their patient away")
    whose = identity.probed(seen, part["label"].to_numpy(), subjects, copies.groups[known])
    found += [one for one in [identity.finding(whose, ids)] if one]
    made = Report(
        dataset=card.id,
        fingerprint=card.fingerprint,
        created=clock.now(),
        images=len(table),
        findings=report.ordered(found),
        unknown=_unknown(card, patients, whose is not None, copies, len(known), len(table)),
        seconds=round(time.monotonic() - begun, 1),
    )
    progress(1.0, "Done")
    _require_same(artifacts, card)
    duplicates.store(paths, copies, table["image_id"].tolist())
    fileio.write_json(paths.checks, made.to_dict())
    return made


def _part(progress: Progress, start: float, end: float, doing: str) -> Callable[[float], None]:
    return lambda share: progress(start + (end - start) * share, doing)


def _require_same(artifacts: Artifacts, card: DatasetCard) -> None:
    try:
        now = records.read_card(artifacts.dataset(card.id)).fingerprint
    except NotFound:
        now = ""
    if now != card.fingerprint:
        raise Conflict(f"Data set '{card.id}' was deleted or replaced while it was checked.", "Check it again, if it is still there.")


def _patients(card: DatasetCard) -> list[Finding]:
    if card.has_subjects:
        return []
    return [
        Finding(
            "patients",
            WARNING,
            "The patients are unknown: no result on these images can be shown to hold for new people.",
            "Cells of one person may stand on both sides of any split. Duplicates were held together, and that is all that can be done.",
            "Ask for the patients' ids; a manifest or a pattern in the file names can bring them in at the import.",
        )
    ]


def _unknown(
    card: DatasetCard, patients: bool, identified: bool, copies: duplicates.Duplicates, labelled: int, images: int
) -> tuple[str, ...]:
    told = []
    if not card.has_subjects:
        told.append("Whose cells these are: whether one person stands on both sides of a split, and how alike a person's cells are.")
    elif not patients:
        told.append("Whose cells some labelled images show: the probes' intervals take pictures for independent, but for duplicates.")
    if card.has_subjects and not identified:
        told.append("How alike a patient's cells are: no class has two patients of whom one has two pictures.")
    if labelled < images:
        told.append(f"The class of {images - labelled:,} images: they had no part in the probes.")
    blank = int((~copies.comparable).sum())
    if blank:
        told.append(f"Whether {blank:,} pictures with hardly any texture are copies, other than byte for byte.")
    told.append("Whether two different pictures show the same cell: overlapping or much shifted views of one cell are not looked for.")
    return tuple(told)
