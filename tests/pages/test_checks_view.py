from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from allcore.base.paths import Artifacts, JobPaths
from allcore.checks import report, run
from allcore.jobs import submit
from allcore.runs import spec, status, store


def test_unchecked_data_offers_the_check_and_queues_it(tiny: str, artifacts: Artifacts, visit: Callable, no_runner: list):
    page = visit("dataset", view="Checks")
    assert "Here you will see what can deceive" in page.words
    page.click("Check this data set")
    (job,) = store.active(artifacts)
    assert (job.spec.kind, job.spec.params["name"]) == (spec.CHECK, tiny)
    assert no_runner
    assert f"Checking {tiny}: Waiting for its turn" in page.words
    assert "Check this data set" not in page.words
    page.click("Cancel")
    assert status.read(job.paths).state == status.CANCELLED


def test_findings_stand_in_order_with_what_to_do(tiny: str, artifacts: Artifacts, visit: Callable):
    found = run.check(artifacts, tiny)
    page = visit("dataset", view="Checks")
    titles = [one.title for one in found.findings]
    assert all(title in page.words for title in titles)
    places = [page.words.index(one.title) for one in found.of(report.SERIOUS, report.WARNING, report.NOTE)]
    assert places == sorted(places)
    assert all(one.action in page.words for one in found.of(report.WARNING))
    assert all(sentence in page.words for sentence in found.unknown)
    assert "What tells the classes apart" in page.words
    assert len(page.app.get("plotly_chart")) >= 1
    page.click("Check again")
    assert store.active(artifacts)[0].spec.kind == spec.CHECK
    assert titles[0] in page.words


def test_without_patients_there_is_no_chart_of_them(blood: JobPaths, artifacts: Artifacts, visit: Callable):
    run.check(artifacts, "blood")
    page = visit("dataset", view="Checks")
    assert "The patients are unknown" in page.words
    assert "What tells the patients apart" not in page.words
    assert "Whose cells these are" in page.words


def test_why_a_check_failed_is_told(tiny: str, artifacts: Artifacts, visit: Callable, do: Callable, monkeypatch):
    def broken(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "check", broken)
    do(artifacts, submit.checking(artifacts, tiny))
    page = visit("dataset", view="Checks")
    assert "The last check failed." in page.words
    assert "The disk is full." in page.words
    assert "Check this data set" in page.words


def test_the_head_of_a_page_gets_the_worst_lines(tiny: str, artifacts: Artifacts):
    from allcore.data import records
    from pages.ui import checks

    card = records.read_card(artifacts.dataset(tiny))
    assert checks.worst(card) == ()
    found = run.check(artifacts, tiny)
    assert checks.worst(card, most=2) == report.worst(found, 2)


def test_the_head_of_the_page_says_the_worst_wherever_one_looks(blood: JobPaths, artifacts: Artifacts, visit: Callable):
    found = run.check(artifacts, "blood")
    page = visit("dataset", view="Cells")
    assert all(line in page.words for _, line in report.worst(found, 3))
    assert "Byte for byte" not in page.words


def test_the_wall_shows_what_a_check_names(tiny: str, artifacts: Artifacts, visit: Callable):
    found = run.check(artifacts, tiny)
    named = next(one for one in found.findings if one.images)
    page = visit("dataset")
    page.app.selectbox(key="check").set_value(named.title)
    page.again()
    assert f"{len(report.named(artifacts.dataset(tiny), named))} cells." in page.words


def test_a_finding_about_copies_names_them_all(tiny: str, artifacts: Artifacts):
    paths = artifacts.dataset(tiny)
    ids = [f"{number}.png" for number in range(40)]
    pd.DataFrame({"image_id": ids, "group": 0}).to_parquet(paths.duplicates)
    copies = report.Finding("duplicates", report.WARNING, "", "", images=tuple(ids[:12]))
    assert report.named(paths, copies) == set(ids)
    assert report.named(paths, report.Finding("sizes", report.NOTE, "", "", images=("1.png",))) == {"1.png"}
