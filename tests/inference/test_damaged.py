"""Damaged, odd and hostile files, by the hundred. `benchmarks/damaged.py` sends thousands, and looks at time and memory too."""

from __future__ import annotations

from collections.abc import Callable

from allcore.base.paths import JobPaths
from allcore.inference import served, uploads
from allcore.inference.answers import Adviser
from allcore.inference.uploads import Classified, Refused, Upload
from allcore.reports import sheet
from allcore.reports.sheet import Row
from benchmarks import damaged


def test_each_is_answered_or_refused_in_words(finished: Callable[[str], JobPaths]):
    model = served.load(finished("random_forest"))
    adviser = Adviser(model.card)
    rows, kinds = [], {"answered": set(), "refused": set()}
    for kind, name, content in damaged.files(250, seed=1):
        told = list(uploads.answered(model, uploads.opened(Upload(name, content)), adviser=adviser))
        assert told, (kind, name)
        for one in told:
            assert one.name.startswith(name)
            if isinstance(one, Refused):
                assert one.error.endswith(".")
                assert not any(word in one.error for word in ("Error", "Traceback", "errno")), one.error
            for line in (line.found for line in Row.of(one, None, str).lines()):
                if isinstance(line, Classified):
                    assert abs(sum(line.probabilities.values()) - 1) < 1e-6
            kinds["refused" if isinstance(one, Refused) else "answered"].add(kind)
        rows += [Row.of(one, None, str) for one in told]
    assert {"whole", "odd mode", "bits flipped", "polyglot"} <= kinds["answered"]
    assert {"cut short", "far too large", "text bomb", "zip", "no picture", "another format"} <= kinds["refused"]
    page = sheet.html_page(rows, adviser)
    assert "&lt;script&gt;" in page
    assert not damaged.markup(page)


def test_markup_is_seen_where_there_is_some():
    assert damaged.markup("<td><script>alert(1)</script></td>")
    assert damaged.markup("<td>cell.png</td>") == []
