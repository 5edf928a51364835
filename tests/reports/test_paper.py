"""The paper's page computes what it says, and takes nobody for a replication who is none."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from allcore.data.splits import Certificate, Side
from allcore.metrics import classification
from allcore.models import presets, registry
from allcore.reports import paper as papers
from allcore.runs import summary

PAPER = papers.read()


def test_accuracies_from_the_confusion_matrices() -> None:
    found = {one.model: round(one.accuracy(), 1) for one in PAPER.networks}
    assert found == {"resnet50": 85.6, "proposed_cnn": 84.8, "vgg16": 86.4}
    vgg = PAPER.network("vgg16")
    assert (vgg.images, round(vgg.accuracy(2506), 1)) == (2509, 86.5)
    assert (round(vgg.recall_of("healthy"), 2), round(vgg.recall_of("healthy", 814), 2)) == (0.75, 0.76)


def test_figures_agree_among_themselves_where_the_paper_does() -> None:
    data = PAPER.data
    assert data["healthy"] + data["leukemia"] == data["images"] == data["train"] + data["test"]
    assert data["test_healthy"] + data["test_leukemia"] == data["test"]
    for one in PAPER.networks:
        assert 60 * one.total_minutes == pytest.approx(100 * one.epoch_seconds, rel=0.02)
        for name in ("healthy", "leukemia"):
            assert one.recall_of(name) == pytest.approx(one.recall[name], abs=0.0051)
    assert [one.images for one in PAPER.networks if one.images != data["test"]] == [2509]
    assert PAPER.constant == pytest.approx(67.8, abs=0.05)


def test_the_audit_computes_what_it_says() -> None:
    words = "\n".join(" ".join((one.said, one.arithmetic, one.follows)) for one in papers.audit(PAPER))
    for part in ("= 101 patients", "= 67.8 %", "= 72.67 %", "= 85.6 %", "= 84.8 %", "= 86.4 %", "= 86.5 %", "616 + 201 = 817"):
        assert part in words
    for part in ("= 71.8 %", "= 67.5 %", "= 78.4 %", "= 50 %", "= 64 %", "807 healthy", "1,698 leukemia", "needs the row's own sum of 817"):
        assert part in words
    assert len(papers.audit(PAPER)) == 11


def test_the_audit_follows_the_figures() -> None:
    """It is arithmetic, not text: another matrix, another conclusion."""
    vgg = PAPER.network("vgg16")
    other = replace(vgg, matrix={"healthy": (600, 214), "leukemia": (1551, 141)})
    changed = replace(PAPER, networks=tuple(other if one is vgg else one for one in PAPER.networks))
    assert "600 + 214 = 814" in "\n".join(one.arithmetic for one in papers.audit(changed))


def _summary(healthy: int, leukemia: int) -> summary.Summary:
    labels = np.array([0, 0, 1, 1])
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.4, 0.6]])
    scores = classification.evaluate(labels, p, classes=("healthy", "leukemia"), positive="leukemia", subjects=None)
    constant = classification.constant(labels, labels, classes=("healthy", "leukemia"))
    sides = {
        name: Side(n, None, {"healthy": h, "leukemia": n - h}, {})
        for name, n, h in (("train", healthy + leukemia - 10, healthy - 4), ("test", 10, 4))
    }
    certificate = Certificate("image", 0, sides, 0, 5, 10, 0, "x")
    return summary.Summary(scores, constant, certificate, "side", 1, 1, 1.0, 1.0, 1)


def test_only_the_papers_protocol_on_its_images_replicates_it() -> None:
    card = registry.card("random_forest")
    paper = card.preset(presets.PAPER)
    rule = asdict(paper.split)
    params = {"model": card.id, "preset": presets.PAPER, "settings": card.settings(paper, {}), "split": rule}
    whole = _summary(4037, 8491)

    def replicates(found: summary.Summary = whole, *, synthetic: bool = False, **changed) -> bool:
        return papers.replicates(found, params={**params, **changed}, synthetic=synthetic, paper=PAPER)

    assert replicates()
    assert not replicates(synthetic=True)
    assert not replicates(preset=presets.PATIENT)
    assert not replicates(_summary(4037, 8490))
    assert not replicates(settings={**params["settings"], "trees": 7})
    assert not replicates(model="of-another-version")
    assert replicates(split={**rule, "seed": 7})
    network = registry.card("proposed_cnn")
    asked = network.settings(network.preset(presets.PAPER), {})
    for epochs in (100, 7):  # the second was finished early
        assert replicates(replace(whole, epochs=epochs), model=network.id, settings=asked) == (epochs == 100)
    assert not replicates(split={**rule, "level": "patient"})
    assert not replicates(split={**rule, "calibrate": 0.1})


def test_costs_are_the_papers_and_of_runs_that_repeat_it() -> None:
    ours = replace(_summary(4037, 8491), epoch_seconds=300.0, parameters=300_082)
    for kind in papers.UNITS:
        alone = papers.costs(PAPER, kind, {})
        assert [one.source for one in alone] == ["the paper"] * 3
        assert all(one.cost > 0 for one in alone)
        both = papers.costs(PAPER, kind, {"proposed_cnn": ours})
        assert len(both) == 3 + (kind != papers.EPOCH)  # nothing of ours ran on the paper's GPU
    here = papers.costs(PAPER, papers.HERE, {"proposed_cnn": ours})[-1]
    assert (here.source, here.cost, here.stated, here.computed) == ("run here", 5.0, None, 100 * ours.scores.accuracy)
    weights = papers.costs(PAPER, papers.WEIGHTS, {"proposed_cnn": ours})
    assert weights[-2].cost == weights[-1].cost == pytest.approx(0.300082)
