"""What tells classes and patients apart."""

from __future__ import annotations

from allcore.metrics.intervals import Interval
from allcore.plots import checks

SIGNS = {"colour": Interval(0.96, 0.95, 0.97, n=480), "file format": Interval(0.5, n=480), "dimensions": Interval(None, note="too few")}
BIOLOGY = {"area": Interval(0.68, 0.60, 0.75, n=480, clusters=40)}


def test_a_row_a_sign_with_its_interval_and_the_alarm() -> None:
    figure = checks.probes(SIGNS, BIOLOGY, alarm=0.6)
    nuisance, biology = figure.data
    assert (nuisance.x, nuisance.y) == ((0.96, 0.5), ("colour", "file format"))
    assert [round(reach, 3) for reach in nuisance.error_x.arrayminus] == [0.01, 0]
    assert (biology.x, biology.y, biology.name) == ((0.68,), ("area",), checks.BIOLOGY)
    assert [line.x0 for line in figure.layout.shapes] == [0.5, 0.6]
    assert figure.layout.yaxis.categoryarray == ("area", "file format", "colour")
    assert figure.layout.xaxis.range[0] <= 0.4


def test_probes_in_words_and_as_data() -> None:
    words = checks.describe_probes(SIGNS, BIOLOGY, alarm=0.6)
    assert "colour 0.960 (0.95–0.97), file format 0.500" in words
    assert words.endswith("Size and shape: area 0.680 (0.60–0.75).")
    table = checks.probes_table(SIGNS, BIOLOGY)
    assert table["sign"].tolist() == ["colour", "file format", "area"]
    assert table["low"].tolist()[::2] == [0.95, 0.60]
    assert checks.probes({}, {}, alarm=0.6).layout.annotations[0].text == checks.describe_probes({}, {}, alarm=0.6)


def test_two_bars_a_class_of_neighbours() -> None:
    shares = {"healthy": (0.22, 0.07), "leukemia": (0.225, 0.05)}
    seen, chance = checks.neighbours(shares).data
    assert (seen.x, chance.x) == ((0.22, 0.225), (0.07, 0.05))
    assert seen.y == ("healthy", "leukemia")
    assert "healthy 22 %, by chance 7 %" in checks.describe_neighbours(shares)
    assert checks.neighbours_table(shares)["expected"].tolist() == [0.07, 0.05]
