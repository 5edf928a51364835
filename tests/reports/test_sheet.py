"""The sheet of many answers."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

from allcore.inference.answers import Adviser
from allcore.inference.served import ServedCard
from allcore.inference.uploads import Classified, Counted, Refused
from allcore.inference.worth import Worth
from allcore.metrics.intervals import Interval
from allcore.metrics.thresholds import Chosen
from allcore.reports import sheet
from allcore.reports.sheet import Row

CARD = ServedCard("run-1", "svm", "classical", ("<i>a</i>", "b"), "b", 70, "t", "pca-v1", "demo", True)
ADVISER = Adviser(CARD, chosen=Chosen(0.4, "hand", "test"))
ROWS = [
    Row(Classified("<script>alert(1)</script>.png", "b", {"<i>a</i>": 0.25, "b": 0.75}), "data:image/webp;base64,AA"),
    Row(Refused('" onload="x', "The file is empty."), None),
    Row(Classified("cat.png", "b", {"<i>a</i>": 0.1, "b": 0.9}, judged=False, reasons=("It is no cell.",)), "data:image/webp;base64,AA"),
]


def test_a_table_keeps_the_order_and_says_why():
    found = sheet.table(ROWS, ADVISER)
    assert list(found) == ["picture", "file", "cell", "answer", "p(<i>a</i>)", "p(b)", "note"]
    assert found["answer"].tolist() == ["b", "", "not judged"]
    assert found["note"].tolist() == ["", "The file is empty.", "It is no cell."]
    assert found["p(b)"].isna().tolist() == [False, True, True]  # what can't be judged has no probability
    assert list(sheet.table([], ADVISER)) == list(found)


def test_as_csv_everything_that_was_said_and_by_which_run():
    cell = Classified("field.png", "b", {"<i>a</i>": 0.2, "b": 0.8}, {"<i>a</i>": 0.1, "b": 0.9}, True, kind="field")
    field = Row(Counted("field.png", "Two cells.", None, ()), None, cells=(Row(cell, None, 3, (1, 2, 30, 40)),))
    first = replace(ROWS[0].found, raw_probabilities={"<i>a</i>": 0.3, "b": 0.7})
    rows = list(csv.DictReader(io.StringIO(sheet.as_csv([Row(first, None), *ROWS[1:], field], ADVISER))))
    assert [row["path"] for row in rows] == [*(row.found.name for row in ROWS), "field.png"]
    assert [row["answer"] for row in rows] == ["b", "", "not judged", "b"]
    assert [row["kind"] for row in rows] == ["cell", "", "cell", "field"]
    assert [row["p_b"] for row in rows] == ["0.75", "", "", "0.8"]
    assert [row["raw_p_b"] for row in rows] == ["0.7", "", "", "0.9"]
    assert [rows[3][name] for name in ("cell", "left", "top", "right", "bottom")] == ["3", "1", "2", "30", "40"]
    assert {(row["run"], row["synthetic"]) for row in rows} == {("run-1", "True")}


def test_what_a_person_corrected_is_marked():
    first = replace(ROWS[0].found, raw_probabilities=ROWS[0].found.probabilities)
    rows = [replace(row, by_hand=True) for row in [replace(ROWS[0], found=first), *ROWS[1:]]]
    notes = ["Corrected by hand.", "Corrected by hand. The file is empty.", "Corrected by hand. It is no cell."]
    assert sheet.table(rows, ADVISER)["note"].tolist() == notes
    assert [row["note"] for row in csv.DictReader(io.StringIO(sheet.as_csv(rows, ADVISER)))] == notes
    assert sheet.html_page(rows, ADVISER).count("Corrected by hand.") == 3


def test_what_answers_lack_is_said_with_them():
    without = replace(ADVISER, why_no_guard="No guard: its data has gone.")
    shares = ROWS[0].found.probabilities
    rows = [Row(replace(ROWS[0].found, judged=None, raw_probabilities=shares), None)]
    assert sheet.table(rows, without)["note"].tolist() == ["No guard: its data has gone."]
    assert "No guard: its data has gone." in sheet.as_csv(rows, without)
    page = sheet.html_page(rows, without)
    for lack in ("No guard: its data has gone.", "Probabilities are not calibrated.", "No set of classes is promised."):
        assert lack in page


def test_no_name_is_a_formula_in_a_spreadsheet():
    names = ("=1+1.png", "+a.png", "-a.png", "@a.png", "a=b.png")
    rows = csv.DictReader(io.StringIO(sheet.as_csv([Row(Refused(name, "Empty."), None) for name in names], ADVISER)))
    assert [row["path"] for row in rows] == ["'=1+1.png", "'+a.png", "'-a.png", "'@a.png", "a=b.png"]


def test_the_sheet_says_what_calls_are_worth_where_it_was_asked_for():
    worth = Worth("b", "<i>a</i>", 0.2, Interval(0.8), Interval(0.9))
    assert "of those called b, 80 % are (PPV); of those called &lt;i&gt;a&lt;/i&gt;, 90 % are (NPV)" in sheet.html_page(
        ROWS, ADVISER, worth=worth
    )
    assert "PPV" not in sheet.html_page(ROWS, ADVISER)


def test_sets_stand_in_the_table_where_the_run_promises_them():
    shares = {"<i>a</i>": 0.25, "b": 0.75}
    sets = (("b",), ("<i>a</i>", "b"), ())
    rows = [*ROWS, *(Row(Classified("cell.png", "b", shares, judged=True, set=one), None) for one in sets)]
    found = sheet.table(rows, ADVISER)
    assert list(found)[-2:] == ["set", "note"]
    assert found["set"].tolist() == ["", "", "", "b", "<i>a</i>, b", "none"]
    page = sheet.html_page(rows, ADVISER)
    assert "<th>set</th>" in page
    assert "<td>&lt;i&gt;a&lt;/i&gt;, b</td>" in page


def test_a_sheet_stands_alone_and_nothing_from_outside_is_markup():
    page = sheet.html_page(ROWS, ADVISER)
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<script|<i>|onload=\"", page)
    assert not re.search(r"(src|href)=['\"](?!data:)", page)
    assert "not for diagnosis" in page
    assert "drawn cells" in page
    assert "b from a probability of 0.4" in page
