"""The sheet of many answers."""

from __future__ import annotations

import re

from allcore.inference.answers import Adviser
from allcore.inference.served import ServedCard
from allcore.inference.uploads import Classified, Refused
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
    found = sheet.table(ROWS, CARD.class_names)
    assert list(found) == ["picture", "file", "cell", "answer", "p(<i>a</i>)", "p(b)", "note"]
    assert found["answer"].tolist() == ["b", "", "not judged"]
    assert found["note"].tolist() == ["", "The file is empty.", "It is no cell."]
    assert found["p(b)"].isna().tolist() == [False, True, True]  # what can't be judged has no probability
    assert list(sheet.table([], CARD.class_names)) == list(found)


def test_sets_stand_in_the_table_where_the_run_promises_them():
    shares = {"<i>a</i>": 0.25, "b": 0.75}
    sets = (("b",), ("<i>a</i>", "b"), ())
    rows = [*ROWS, *(Row(Classified("cell.png", "b", shares, judged=True, set=one), None) for one in sets)]
    found = sheet.table(rows, CARD.class_names)
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
