"""The report: one HTML file that reads like a short paper, with its charts inside and no need of a network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from allcore.metrics import text
from allcore.metrics.compare import Difference
from allcore.reports import figures, words
from allcore.reports.elements import Html, bullets, data, element, joined, table
from allcore.reports.evidence import Evidence
from allcore.reports.figures import Chart
from allcore.reports.words import counted

# Whatever a page could ask a network for is forbidden to this one, so that the reader need not take our word.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
)
_SOURCES = (
    "AUROC: Obuchowski 1997, Biometrics 53:567 (clustered by patient); DeLong et al. 1988, Biometrics 44:837.",
    "Shares: Rao & Scott 1992, Biometrics 48:577 (ratio estimator by patient); Bell & McCaffrey 2002 (degrees of freedom).",
    "Balanced accuracy and predictive values: MOVER, Zou & Donner 2008, Statistics in Medicine 27:1693.",
    "Weighted F1, average precision and bands: bootstrap over patients within class, Hesterberg 2015, The American Statistician 69:371.",
    "Several differences: Holm 1979, Scandinavian Journal of Statistics 6:65.",
    "Calibration: Guo et al. 2017, ICML. Detection error trade-off: Martin et al. 1997, Eurospeech.",
)


def written(runs: Sequence[Evidence], differences: Mapping[str, Mapping[str, Difference]], apart: Sequence[Evidence]) -> Iterator[str]:
    """The page in pieces, so that it need not be held whole.

    `differences` and `apart` as `comparison.to_first` gives them.
    """
    from plotly.offline import get_plotlyjs

    heading = words.title(runs[0]) if len(runs) == 1 else f"{len(runs)} runs compared"
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield element("title", heading)
    yield f"\n<style>{_asset('page.css')}</style></head>\n<body><main>\n"
    yield element("h1", heading)
    yield element("p", text.NOT_FOR_DIAGNOSIS, class_="quiet")
    if len(runs) > 1:
        yield _contents(runs)
        yield from _compared(runs, differences, apart)
    for one in runs:
        yield from _run(one, alone=len(runs) == 1)
    yield element("h2", "Methods of the intervals")
    yield bullets(_SOURCES, class_="small")
    yield element("footer", text.NOT_FOR_DIAGNOSIS, class_="quiet")
    yield "</main>\n<noscript><p>Charts need scripts. Their words are here, their numbers in the CSV files.</p></noscript>\n"
    yield "<script>"
    yield get_plotlyjs()
    yield f"</script>\n<script>{_asset('page.js')}</script>\n</body></html>\n"


def _asset(name: str) -> str:
    return files("allcore.reports").joinpath(name).read_text("utf-8")


def _contents(runs: Sequence[Evidence]) -> Html:
    links = [element("a", "Compared", href="#compared"), *(element("a", _heading(one), href=f"#{one.id}") for one in runs)]
    return element("nav", bullets(links), aria_label="Contents")


def _heading(one: Evidence) -> str:
    return f"{one.name} on {one.plan.data}"


def _notes(one: Evidence) -> Html:
    """What must be known before any figure is read."""
    trusted = one.certificate.overlapping_subjects == 0
    level = {0: "no patient on both sides", None: "patients unknown"}.get(one.certificate.overlapping_subjects, "leaky: patients it knows")
    notes = [element("li", level, class_="good" if trusted else "warn")]
    if one.synthetic:
        notes.append(element("li", "trained on drawn cells", class_="drawn"))
    if one.binary and one.binary.optimistic:
        notes.append(element("li", "optimistic threshold", class_="warn"))
    return element("ul", *notes, class_="notes")


def _run(one: Evidence, *, alone: bool) -> Iterator[str]:
    yield element("h2", "In short" if alone else _heading(one), id=one.id)
    yield _notes(one)
    yield element("p", words.trained_on(one), class_="lead")
    yield element("p", element("strong", one.certificate.verdict()))
    yield element("p", " ".join(filter(None, (words.result(one), words.threshold_origin(one), words.at_threshold(one)))))
    title = "h2" if alone else "h3"
    yield element(title, "Data and split")
    yield element("p", " ".join(filter(None, (_about_data(one), words.split_by(one)))))
    yield _sides(one)
    yield element("p", "Certificate ", element("code", one.certificate.hash), ", data ", element("code", one.plan.data_fingerprint), ".")
    yield element(title, "Model and training")
    yield element("p", " ".join(filter(None, (one.model.about if one.model else "", _preset(one), words.training(one)))))
    yield _settings(one)
    yield element(title, "Results")
    if one.binary and one.binary.optimistic:
        yield element("p", element("strong", words.OPTIMISTIC), class_="warn")
    yield _figures(one)
    yield _by_class(one)
    for chart in figures.of_run(one):
        yield _chart(chart, prefix=one.id)
    if one.binary and one.binary.patients:
        yield _patients(one)
    yield element(title, "Limits")
    yield bullets([*words.limits(one), text.NOT_FOR_DIAGNOSIS])
    yield element(title, "To repeat it")
    yield element("p", words.parity(one))
    yield _environment(one)


def _about_data(one: Evidence) -> str:
    if one.data is None:
        return "The data set as it was trained on is no longer here; its fingerprint is below."
    classes = ", ".join(f"{count:,} {name}" for name, count in one.data.classes.items())
    told = [f"{counted(one.data.images, 'image')}: {classes}."]
    told += [f"{label}: {value}." for label, value in (("Source", one.data.source), ("Licence", one.data.licence)) if value]
    return " ".join(filter(None, (one.data.about, *told)))


def _preset(one: Evidence) -> str:
    preset = one.preset
    if preset is None:
        return f"Preset '{one.plan.preset}'."
    return f"Preset '{preset.name}'." + (f" It changes of the paper's protocol: {preset.changes}" if preset.changes else "")


def _sides(one: Evidence) -> Html:
    classes = one.scores.classes
    rows = []
    for name, side in one.certificate.sides.items():
        cells = [_both(side.images_by_class.get(each, 0), side.subjects_by_class.get(each), side.subjects) for each in classes]
        rows.append([name, _both(side.images, side.subjects, side.subjects), *cells])
    return table(["side", "images (patients)", *classes], rows, caption="Who stands where", numbers=range(1, len(classes) + 2))


def _both(images: int, subjects: int | None, known: int | None) -> str:
    return f"{images:,}" if known is None else f"{images:,} ({subjects or 0:,})"


def _settings(one: Evidence) -> Html:
    inside = table(["setting", "value"], one.settings, caption="Every setting, as it was asked for")
    return element("details", element("summary", f"{len(one.settings)} settings"), inside)


def _figures(one: Evidence) -> Html:
    rows = [
        (
            each.name,
            text.show(each.interval),
            text.number(each.constant),
            f"{each.interval.n:,}" if each.interval.n else text.NO_FIGURE,
            f"{each.interval.clusters:,}" if each.interval.clusters else text.NO_FIGURE,
            " – ".join(filter(None, (each.about, each.interval.note))),
        )
        for each in one.figures
    ]
    head = ["figure", "value (95 %)", f"always '{one.constant.predicted}'", "images", "patients", "what it is"]
    return table(head, rows, caption="On the test side", numbers=(1, 2, 3, 4))


def _by_class(one: Evidence) -> Html:
    rows = [
        (
            each.name,
            f"{each.support:,}",
            text.NO_FIGURE if each.subjects is None else f"{each.subjects:,}",
            text.number(each.precision),
            text.number(each.recall),
            text.number(each.f1),
            text.number(each.auroc),
        )
        for each in one.scores.by_class
    ]
    head = ["class", "images", "patients", "precision", "recall", "F1", "AUROC"]
    return table(head, rows, caption="By class, at the most probable one", numbers=range(1, 7))


_WORST = 12


def _patients(one: Evidence) -> Html:
    found = one.binary.patients
    rows = [
        (
            each.id,
            one.scores.positive if each.positive else one.negative,
            f"{each.cells:,}",
            text.percentage(each.right),
            one.scores.positive if each.by_vote else one.negative,
            f"{each.stable_at:,}",
        )
        for each in found.patients[:_WORST]
    ]
    people = counted(len(found.patients), "patient")
    said = (
        f"By the vote of their cells {text.percent(found.by_vote)} of {people} are called rightly, by the mean probability "
        f"{text.percent(found.by_mean)}. Nine in ten have a stable call from {found.stable_at:.0f} cells on."
    )
    head = ["patient", "truly", "cells", "cells right", "vote", "stable from"]
    shown = "the worst first" if len(rows) == len(found.patients) else f"the worst {len(rows)}"
    return joined([element("p", said), table(head, rows, caption=f"Patients, {shown}", numbers=(2, 3, 5))])


def _environment(one: Evidence) -> Html:
    known = one.environment
    facts = [
        (name, str(known[name])) for name in ("python", "system", "processor", "cores", "memory_gb", "seed", "commit") if known.get(name)
    ]
    versions = [(name, version) for name, version in known.get("packages", {}).items() if version]
    inside = table(["with", "version"], [*facts, *versions], caption=f"Run {one.id}, begun {one.job.spec.created}")
    return element("details", element("summary", "Machine and versions"), inside)


def _compared(runs: Sequence[Evidence], differences: Mapping[str, Mapping[str, Difference]], apart: Sequence[Evidence]) -> Iterator[str]:
    yield element("h2", "Compared", id="compared")
    rows = []
    for one in runs:
        named = {each.name: text.show(each.interval) for each in one.figures}
        leaky = {0: "unseen patients", None: "patients unknown"}.get(one.certificate.overlapping_subjects, "leaky: patients it knows")
        cells = ", drawn cells" if one.synthetic else ""
        shown = [named.get(name, text.NO_FIGURE) for name in ("balanced accuracy", "AUROC", "sensitivity", "specificity")]
        rows.append([_heading(one), *shown, f"{one.scores.n:,}", f"{leaky}{cells}"])
    floor = runs[0].constant
    rows.append([f"always '{floor.predicted}'", text.number(floor.balanced_accuracy), text.number(floor.auroc), "", "", "", "the floor"])
    head = ["run", "balanced accuracy", "AUROC", "sensitivity", "specificity", "images", "tested on"]
    yield table(head, rows, caption="Each on its own test side, with 95 % intervals", numbers=range(1, 6))
    base = runs[0].name
    if apart:
        names = ", ".join(one.name for one in apart)
        yield element("p", f"Tested on other images than {base}, so no difference is computed: {names}.", class_="warn")
    for name, mine in differences.items():
        yield bullets([one.verdict(run, base) for run, one in mine.items()], aria_label=f"Differences in {name}")
    if differences:
        yield element(
            "p",
            "Differences are paired image by image on the same test side, each run at its own threshold; p-values of one measure are "
            "corrected by Holm for being several.",
            class_="quiet",
        )
    for chart in figures.of_runs(runs, differences):
        yield _chart(chart, prefix="compared")


def _chart(chart: Chart, *, prefix: str) -> Html:
    id_ = f"chart-{prefix}-{chart.key}"
    figure = json.loads(chart.figure.to_json())
    height = figure["layout"]["height"]
    content = {
        "name": f"{prefix}-{chart.key}",
        "data": figure["data"],
        "layout": figure["layout"],
        "csv": chart.table.to_csv(index=False),
    }
    buttons = [
        element("button", label, type="button", data_as=kind, aria_label=f"{label} of {chart.title}")
        for label, kind in (("Data", "csv"), ("SVG", "svg"), ("PNG", "png"))
    ]
    return element(
        "figure",
        element("figcaption", element("strong", f"{chart.title}."), f" {chart.note}"),
        element("div", class_="plot", style=f"height:{height}px", role="img", aria_label=chart.description),
        element("div", *buttons, class_="tools"),
        element("details", element("summary", "In words"), element("p", chart.description, class_="small")),
        data(content, id_=id_),
        data_chart=id_,
    )
