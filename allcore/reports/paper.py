"""The paper's figures, what follows from them by arithmetic, and which of our runs repeat its protocol.

Rezayi et al. 2021 (`paper.json` has its citation and figures). A claim stands here beside its computation, never alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from allcore.base.errors import NotFound
from allcore.models import presets, registry
from allcore.plots.cost import Costed
from allcore.runs.summary import Summary

HEALTHY, LEUKEMIA = "healthy", "leukemia"
EPOCH, HERE, OPERATIONS, WEIGHTS, ANSWER, MEMORY = "epoch", "here", "operations", "weights", "answer", "memory"
UNITS = {
    EPOCH: "seconds an epoch, the paper's GPU",
    HERE: "minutes an epoch, two cores",
    OPERATIONS: "billion multiply-adds an image",
    WEIGHTS: "million weights",
    ANSWER: "milliseconds an answer, two cores",
    MEMORY: "MB of memory to answer",
}
"""What a network can cost."""


@dataclass(frozen=True)
class Network:
    """A network as the paper reports it. `matrix` gives (right, wrong) images of each class; accuracies in percent."""

    model: str
    epoch_seconds: int
    total_minutes: int
    train_accuracy: float
    stated_accuracy: float
    precision: Mapping[str, float]
    recall: Mapping[str, float]
    f1: Mapping[str, float]
    auc: Mapping[str, float]
    matrix: Mapping[str, tuple[int, int]]

    @property
    def right(self) -> int:
        """Images on the matrix's diagonal."""
        return sum(right for right, _ in self.matrix.values())

    @property
    def images(self) -> int:
        """The matrix's own sum."""
        return sum(sum(row) for row in self.matrix.values())

    def accuracy(self, of: int | None = None) -> float:
        """Percent of images that the matrix has right: of its own sum, or of another."""
        return 100 * self.right / (of or self.images)

    def recall_of(self, name: str, of: int | None = None) -> float:
        """Share of a class that the matrix has right: of its row's own sum, or of another."""
        return self.matrix[name][0] / (of or sum(self.matrix[name]))


@dataclass(frozen=True)
class Paper:
    """`paper.json`, read."""

    citation: str
    doi: str
    provenance: str
    data: Mapping[str, Any]
    networks: tuple[Network, ...]
    classifiers: Mapping[str, float]
    """Stated accuracy in percent by model."""
    cost_here: Mapping[str, Any]
    prior_studies: tuple[Mapping[str, Any], ...]
    official: tuple[Mapping[str, Any], ...]

    def network(self, model: str) -> Network:
        """Raises KeyError."""
        return {one.model: one for one in self.networks}[model]

    @property
    def constant(self) -> float:
        """Percent that calling every image leukemia gets right on all images."""
        return 100 * self.data[LEUKEMIA] / self.data["images"]


@dataclass(frozen=True)
class Finding:
    """One discrepancy: what is said, the arithmetic, and what follows."""

    said: str
    arithmetic: str
    follows: str


@lru_cache(1)
def read() -> Paper:
    """The paper's figures."""
    document = json.loads(files("allcore.reports").joinpath("paper.json").read_text("utf-8"))
    networks = tuple(
        Network(**{**one, "matrix": MappingProxyType({name: tuple(row) for name, row in one["matrix"].items()})})
        for one in document["networks"]
    )
    return Paper(
        citation=document["citation"],
        doi=document["doi"],
        provenance=document["provenance"],
        data=document["data"],
        networks=networks,
        classifiers=MappingProxyType({one["model"]: one["stated_accuracy"] for one in document["classifiers"]}),
        cost_here=document["cost_here"],
        prior_studies=tuple(document["prior_studies"]),
        official=tuple(document["official"]),
    )


def audit(paper: Paper) -> tuple[Finding, ...]:
    """What the paper's figures imply, each computed from them here and now."""
    data, test = paper.data, paper.data["test"]
    training, preliminary, final = (data["phases"][name] for name in ("training", "preliminary", "final, unlabelled"))
    patients = training["patients"] + preliminary["patients"]
    vgg, resnet, cnn = (paper.network(name) for name in ("vgg16", "resnet50", "proposed_cnn"))
    mlp = paper.classifiers["mlp"]
    speed = {model: here["images_per_second"] for model, here in paper.cost_here.items() if model in ("proposed_cnn", "resnet50")}
    weights = {model: registry.card(model).parameters for model in speed}
    row, stated_row, hits = sum(vgg.matrix[HEALTHY]), data["test_healthy"], vgg.matrix[HEALTHY][0]
    return (
        Finding(
            f"{data['images']:,} images of {data['patients_stated']} patients.",
            f"{training['images']:,} + {preliminary['images']:,} = {training['images'] + preliminary['images']:,} images: C-NMC's "
            f"training and preliminary phases, {training['patients']} + {preliminary['patients']} = {patients} patients.",
            f"The images are of {patients} patients. {data['patients_all_phases']} = {training['patients']} + {preliminary['patients']} + "
            f"{final['patients']} of the unlabelled final phase: none was lost by preprocessing.",
        ),
        Finding(
            "Accuracies of "
            + ", ".join(f"{one.stated_accuracy:.2f} % ({name})" for name, one in (("ResNet-50", resnet), ("the CNN", cnn), ("VGG-16", vgg)))
            + ".",
            f"ResNet-50: {resnet.right:,} / {resnet.images:,} = {resnet.accuracy():.1f} %. CNN: {cnn.right:,} / {cnn.images:,} = "
            f"{cnn.accuracy():.1f} %. VGG-16: {vgg.right:,} / {vgg.images:,} = {vgg.accuracy():.1f} %, or {vgg.right:,} / {test:,} = "
            f"{vgg.accuracy(test):.1f} %.",
            "The matrices give higher accuracies than the text, whose figure is said to be a mean over 100 cycles; a matrix is one moment.",
        ),
        Finding(
            f"VGG-16 recalls {vgg.recall[HEALTHY]:.2f} of {stated_row} healthy images.",
            f"Its healthy row is {hits} + {vgg.matrix[HEALTHY][1]} = {row}. {hits} / {row} = {vgg.recall_of(HEALTHY):.4f}, and "
            f"{hits} / {stated_row} = {vgg.recall_of(HEALTHY, stated_row):.4f}.",
            f"The stated recall of {vgg.recall[HEALTHY]:.2f} needs the row's own sum of {row} (all images {vgg.images:,}, accuracy "
            f"{vgg.accuracy():.1f} %); with the test side's {stated_row} (all images {test:,}, accuracy {vgg.accuracy(test):.1f} %) "
            f"it would be {vgg.recall_of(HEALTHY, stated_row):.2f}. One of the two is off by {row - stated_row}.",
        ),
        Finding(
            "'Validation accuracy' is the mean of training and test accuracy over 100 cycles.",
            "; ".join(
                f"{name}: 2 × {one.stated_accuracy:.2f} - {one.train_accuracy:.2f} = {2 * one.stated_accuracy - one.train_accuracy:.1f} %"
                for name, one in (("VGG-16", vgg), ("ResNet-50", resnet), ("CNN", cnn))
            )
            + ".",
            "Taken at its word, the mean test accuracies are these, and the ranking turns round: the CNN leads. Or it means the mean "
            "over epochs of the test accuracy alone. The text decides neither.",
        ),
        Finding(
            f"The multilayer perceptron reaches {mlp:.2f} %.",
            f"Always 'leukemia': {data[LEUKEMIA]:,} / {data['images']:,} = {paper.constant:.1f} %. Always 'healthy': "
            f"{100 - paper.constant:.1f} %. 100 - {mlp:.2f} = {100 - mlp:.2f} %.",
            f"It is worse than either constant answer. Labels turned round would make it {100 - mlp:.2f} %; other explanations are "
            "possible, and none is proven.",
        ),
        Finding(
            f"ResNet-50 has an AUC of {resnet.auc[HEALTHY]:.2f} for healthy and {resnet.auc[LEUKEMIA]:.2f} for leukemia.",
            "Of two classes p(healthy) = 1 - p(leukemia): the second curve is the first one turned, with the same area.",
            "The two must be equal; rounding alone can't part what is the same number.",
        ),
        Finding(
            "The test side is 20 % of the images.",
            f"0.2 × {data[HEALTHY]:,} = {0.2 * data[HEALTHY]:,.0f} healthy and 0.2 × {data[LEUKEMIA]:,} = "
            f"{0.2 * data[LEUKEMIA]:,.0f} leukemia; there are {data['test_healthy']} and {data['test_leukemia']:,}.",
            "The split was not stratified. Our preset 'paper protocol' does as it did.",
        ),
        Finding(
            "Images were split at random.",
            f"{data['images']:,} images of {patients} patients are {data['images'] / patients:.0f} a patient: at 20 % nearly every patient "
            "stands on both sides.",
            "The figures are of patients that training knew, and flatter. The text names no second split to tell by how much.",
        ),
        Finding(
            "The CNN's epoch takes half the time of the others'.",
            f"{cnn.epoch_seconds} / {resnet.epoch_seconds} = {100 * cnn.epoch_seconds / resnet.epoch_seconds:.0f} % of ResNet-50's, "
            f"{cnn.epoch_seconds} / {vgg.epoch_seconds} = {100 * cnn.epoch_seconds / vgg.epoch_seconds:.0f} % of VGG-16's.",
            "Half of ResNet-50's only.",
        ),
        Finding(
            "The CNN runs on ordinary hardware.",
            " and ".join(
                f"{name} {speed[model]:.0f} images/s at {paper.cost_here[model]['multiply_adds'] / 1e9:.2f} billion multiply-adds"
                for name, model in (("CNN", "proposed_cnn"), ("ResNet-50", "resnet50"))
            )
            + " on two cores without a GPU.",
            f"There it trains {speed['proposed_cnn'] / speed['resnet50']:.1f} times as fast as ResNet-50, with "
            f"{100 * weights['proposed_cnn'] / weights['resnet50']:.1f} % of its weights: few weights are not few operations.",
        ),
        Finding(
            "Precision and recall by class.",
            f"ResNet-50's recall of {resnet.recall[HEALTHY]:.2f} is {resnet.matrix[HEALTHY][0]} / {sum(resnet.matrix[HEALTHY])}: healthy.",
            "The paper's tables take healthy as the positive class; all else here takes leukemia. Its sensitivity is our specificity.",
        ),
    )


def costs(paper: Paper, cost: str, replications: Mapping[str, Summary]) -> list[Costed]:
    """Each network's accuracies and cost, one of UNITS: the paper's, and those of runs that repeat it, by model."""
    found = []
    for one in paper.networks:
        here, card = paper.cost_here[one.model], registry.card(one.model)
        value = {
            EPOCH: one.epoch_seconds,
            HERE: paper.data["train"] / here["images_per_second"] / 60,
            OPERATIONS: here["multiply_adds"] / 1e9,
            WEIGHTS: card.parameters / 1e6,
            ANSWER: here["answer_ms"],
            MEMORY: here["answer_mb"],
        }[cost]
        found.append(Costed(card.name, "the paper", value, one.stated_accuracy, one.accuracy()))
        ours = replications.get(one.model)
        if ours is None or cost == EPOCH or (cost == HERE and ours.epoch_seconds is None):
            continue  # on the paper's GPU nothing of ours was run
        own = {HERE: (ours.epoch_seconds or 0) / 60, WEIGHTS: ours.parameters / 1e6}
        found.append(Costed(card.name, "run here", own.get(cost, value), None, 100 * ours.scores.accuracy))
    return found


def replicates(summary: Summary, *, params: Mapping[str, Any], synthetic: bool, paper: Paper) -> bool:
    """Whether a run repeats the paper's protocol, with no setting changed, on the paper's images. Drawn cells never do.

    `params` are those of the training's spec.
    """
    if synthetic or params["preset"] != presets.PAPER or not _unchanged(params):
        return False
    if summary.epochs is not None and summary.epochs != params["settings"].get("epochs", summary.epochs):
        return False
    counts = {name: sum(side.images_by_class.get(name, 0) for side in summary.certificate.sides.values()) for name in (HEALTHY, LEUKEMIA)}
    return counts == {name: paper.data[name] for name in (HEALTHY, LEUKEMIA)}


def _unchanged(params: Mapping[str, Any]) -> bool:
    try:
        card = registry.card(params["model"])
    except NotFound:  # a model of another version of this software: nobody can tell
        return False
    preset = card.preset(presets.PAPER)
    asked = {**params["split"], "seed": preset.split.seed}
    return dict(params["settings"]) == card.settings(preset, {}) and asked == asdict(preset.split)
