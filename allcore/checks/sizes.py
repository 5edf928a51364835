"""Classes and patients too small for a figure to mean much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allcore.checks.report import GOOD, NOTE, SERIOUS, WARNING, Finding
from allcore.metrics.intervals import FEWEST_CLUSTERS

if TYPE_CHECKING:
    import pandas as pd

FEW_IMAGES = 50
FEW_PATIENTS = 2 * FEWEST_CLUSTERS
"""Fewer can't put FEWEST_CLUSTERS patients, without which there is no interval, on a test side and leave as many to learn from."""
FEW_OF_A_PATIENT = 5
LARGE_PATIENT = 0.3


def findings(records: pd.DataFrame, class_names: tuple[str, ...]) -> list[Finding]:
    """Small classes; few patients; patients with few images, or with most of a class."""
    labelled = records[records["label"] != ""]
    counts = labelled["label"].value_counts()
    made = []
    few = {name: int(counts.get(name, 0)) for name in class_names if counts.get(name, 0) < FEW_IMAGES}
    if few:
        told = ", ".join(f"{name} ({count:,})" for name, count in few.items())
        meaning = f"{told}. A fifth of that is tested on: one image more or less right moves the result by {5 / min(few.values()):.0%}."
        title = f"Classes of fewer than {FEW_IMAGES} images: {len(few)} of {len(class_names)}."
        made.append(Finding("sizes", WARNING, title, meaning, "Read the intervals, not the figures; or add images.", numbers=few))
    known = labelled[labelled["subject"] != ""]
    if len(known):
        people = known.groupby("label")["subject"].nunique()
        short = {name: int(people.get(name, 0)) for name in class_names if people.get(name, 0) < FEW_PATIENTS}
        if short:
            told = ", ".join(f"{name} ({count:,})" for name, count in short.items())
            alone = min(short.values()) < 2
            meaning = f"{told}. " + (
                "With one patient, the class and the patient can't be told apart."
                if alone
                else f"A test side needs {FEWEST_CLUSTERS} of each for an interval over patients."
            )
            title = f"Classes of fewer than {FEW_PATIENTS} patients: {len(short)} of {len(class_names)}."
            made.append(
                Finding("sizes", SERIOUS if alone else WARNING, title, meaning, "Add patients; more images do not help.", numbers=short)
            )
        by_patient = known.groupby(["label", "subject"]).size()
        thin = by_patient[by_patient < FEW_OF_A_PATIENT]
        if len(thin):
            title = f"Patients with fewer than {FEW_OF_A_PATIENT} images: {len(thin):,} of {len(by_patient):,}."
            made.append(Finding("sizes", NOTE, title, "Figures for such a patient alone say nothing.", numbers={"patients": len(thin)}))
        share = by_patient / by_patient.groupby(level=0).transform("sum")
        large = share[(share > LARGE_PATIENT) & (share < 1)]
        if len(large):
            told = ", ".join(f"patient {subject} has {part:.0%} of {label}" for (label, subject), part in large.items())
            meaning = f"{told[:1].upper()}{told[1:]}. The class is largely what this patient looks like."
            numbers = {f"{label} {subject}": float(part) for (label, subject), part in large.items()}
            title = f"One patient holds more than {LARGE_PATIENT:.0%} of a class."
            made.append(Finding("sizes", WARNING, title, meaning, "Split by patient, and read the interval.", numbers=numbers))
    if not made:
        told = ", ".join(f"{name} {int(counts.get(name, 0)):,}" for name in class_names)
        made.append(Finding("sizes", GOOD, "No class is too small.", f"{told} images."))
    return made
