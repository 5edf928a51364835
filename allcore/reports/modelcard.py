"""A model card: what a model is, what it is for, and what it is worth, under the headings of Mitchell et al. 2019.

Mitchell et al. (2019), Model Cards for Model Reporting, FAT*, doi 10.1145/3287560.3287596.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from allcore.metrics import text
from allcore.reports import words
from allcore.reports.evidence import Evidence

_SOURCE = "Headings after Mitchell et al. 2019, Model Cards for Model Reporting (doi 10.1145/3287560.3287596)."


def written(one: Evidence) -> str:
    """The card as Markdown."""
    sections = (
        ("Model Details", _details(one)),
        ("Intended Use", _use(one)),
        ("Factors", _factors(one)),
        ("Metrics", _metrics(one)),
        ("Evaluation Data", _evaluation(one)),
        ("Training Data", _training(one)),
        ("Quantitative Analyses", _analyses(one)),
        ("Ethical Considerations", _ethics(one)),
        ("Caveats and Recommendations", _bullets(words.limits(one))),
    )
    body = "\n\n".join(f"## {heading}\n\n{content}" for heading, content in sections)
    return f"# Model card: {plain(words.title(one))}\n\n{text.NOT_FOR_DIAGNOSIS}\n\n{body}\n\n{_SOURCE}\n"


def plain(words_: str) -> str:
    """Text from outside as Markdown that shows it letter by letter."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", " ".join(words_.splitlines()))


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {plain(item)}" for item in items)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(plain(cell) for cell in line) + " |" for line in lines)


def _details(one: Evidence) -> str:
    kind = "a network on images" if not one.served.features else f"a classifier on the feature vector {one.served.features}"
    told = [
        f"{one.model_name}, {kind} of {one.served.input_size} x {one.served.input_size} pixels (transform {one.served.transform}).",
        *([one.model.about] if one.model else []),
        f"Run {one.id}, trained {one.job.spec.created[:10]}, commit {one.environment.get('commit') or 'not known'}.",
        f"Preset '{one.preset.name if one.preset else one.plan.preset}'. {words.training(one)}",
        *(one.model.cannot if one.model else ()),
        "Licence and questions: as those who trained it say; this software's own is Apache 2.0.",
    ]
    return _bullets(told)


def _use(one: Evidence) -> str:
    return _bullets(
        (
            f"Primary use: to teach and to research how {' and '.join(one.scores.classes)} are told apart on pictures of single cells.",
            "Primary users: educators, students and researchers.",
            "Out of scope: diagnosis, screening or any decision about a patient; pictures of whole fields; other stains, microscopes or "
            "diseases than those of the data below.",
        )
    )


def _factors(one: Evidence) -> str:
    groups = "patient and class" if one.scores.subjects else "class; the patients are not known"
    return _bullets(
        (
            f"Evaluated by {groups}.",
            "Relevant, but the data do not tell: age, sex, ethnicity, treatment, laboratory, stain, microscope, camera.",
        )
    )


def _metrics(one: Evidence) -> str:
    how = "clustered by patient" if one.scores.subjects else "which assume independent images"
    return _bullets(
        filter(
            None,
            (
                f"Figures with 95 % intervals, {how}; beside each what the constant answer '{one.constant.predicted}' reaches.",
                words.threshold_origin(one),
                words.OPTIMISTIC if one.binary and one.binary.optimistic else "",
            ),
        )
    )


def _evaluation(one: Evidence) -> str:
    return _bullets((one.certificate.verdict(), words.split_by(one), f"Certificate {one.certificate.hash}."))


def _training(one: Evidence) -> str:
    data = one.data
    told = [words.trained_on(one), f"Fingerprint of the data {one.plan.data_fingerprint}."]
    if data is not None:
        told += [
            f"{label}: {value}" for label, value in (("About", data.about), ("Source", data.source), ("Licence", data.licence)) if value
        ]
    return _bullets(told)


def _analyses(one: Evidence) -> str:
    figures = [
        (
            each.name,
            text.show(each.interval),
            text.number(each.constant),
            f"{each.interval.n:,}",
            "" if each.interval.clusters is None else f"{each.interval.clusters:,}",
            each.interval.note,
        )
        for each in one.figures
    ]
    by_class = [
        (
            each.name,
            f"{each.support:,}",
            text.number(each.precision),
            text.number(each.recall),
            text.number(each.f1),
            text.number(each.auroc),
        )
        for each in one.scores.by_class
    ]
    parts = [
        "Unitary results, on the test side:",
        _table(("figure", "value (95 %)", "constant answer", "images", "patients", "note"), figures),
        "By class, at the most probable one:",
        _table(("class", "images", "precision", "recall", "F1", "AUROC"), by_class),
    ]
    found = one.binary.patients if one.binary else None
    if found is not None:
        worst = ", ".join(f"{each.id} ({text.percentage(each.right)} of {each.cells} cells)" for each in found.patients[:5])
        parts += ["By patient:", _bullets((f"Right by the vote of the cells: {text.percent(found.by_vote)}.", f"The worst: {worst}."))]
    parts.append("Intersectional results: none, since the data tell no further groups.")
    return "\n\n".join(parts)


def _ethics(one: Evidence) -> str:
    cells = "The cells are drawn: no person stands behind them." if one.synthetic else "The images come from people; keep to their licence."
    return _bullets(
        (
            cells,
            "A missed cell and a false alarm do not cost the same. The threshold weighs them, and nobody weighed them here for a clinic.",
            "Nothing here was approved as a medical device.",
        )
    )
