"""What was claimed, what follows from it, and what do we get?"""

import pandas as pd
import streamlit as st

from allcore.base.errors import NotFound
from allcore.metrics import text
from allcore.models import presets, registry
from allcore.plots import cost
from allcore.reports import paper as papers
from allcore.runs.store import Job
from pages.ui import cached, routes, starts, widgets

NONE = "not run here"
NAMES = {
    "vgg16": "VGG-16",
    "resnet50": "ResNet-50",
    "proposed_cnn": "Proposed CNN",
    "random_forest": "Random forest",
    "logistic_regression": "Logistic regression",
    "svm": "Support vector machine",
    "knn": "k-nearest neighbours",
    "sgd": "Stochastic gradient descent",
    "mlp": "Multilayer perceptron",
}
paper = papers.read()


def _replications() -> tuple[dict[str, Job], int]:
    """The latest run a model that repeats the paper's protocol; and how many do so on other images, drawn ones among them."""
    found, others = {}, 0
    for job in widgets.finished():
        summary, params = cached.headline(job), job.spec.params
        if params["preset"] != presets.PAPER:
            continue
        if papers.replicates(summary, params=params, synthetic=cached.synthetic(job), paper=paper):
            found[params["model"]] = job
        else:
            others += 1
    return found, others


def _name(model: str) -> str:
    try:
        return registry.card(model).name
    except NotFound:
        return NAMES[model]


def _ours(job: Job | None, figure: str) -> str:
    if job is None:
        return NONE
    return text.show(cached.headline(job).scores.intervals[figure])


def _statistic(job: Job | None) -> str:
    """The accuracy that the study states, in both readings."""
    over = job and job.metrics["training"].get("cycles")
    return f"{over['test']:.1%} or {over['both']:.1%}" if over else NONE


def _here(ours: dict[str, Job], others: int) -> None:
    """What may stand in the columns 'here', where not all is there yet."""
    if len(ours) == len(paper.networks) + len(paper.classifiers):
        return
    whole = f"all {paper.data['images']:,} images of C-NMC"
    left_out = (
        f" {widgets.counted(others, 'other run')} of that preset, on other images or drawn ones, can't stand there." if others else ""
    )
    st.caption(f"The columns 'here' take runs of the preset 'Paper protocol', unchanged, on {whole}.{left_out}")
    st.page_link(routes.TRAIN, label="Run its protocol", icon=":material/arrow_forward:")


def _networks(ours: dict[str, Job], others: int) -> None:
    test = paper.data["test"]
    rows = []
    for one in paper.networks:
        # Whoever states a sum of their own is computed both ways.
        computed = (
            f"{one.accuracy():.1f} %"
            if one.images == test
            else f"{one.accuracy():.1f} % of {one.images:,}, {one.accuracy(test):.1f} % of {test:,}"
        )
        rows.append(
            {
                "model": _name(one.model),
                "accuracy as stated": f"{one.stated_accuracy:.2f} %",
                "the same statistic here": _statistic(ours.get(one.model)),
                "from its matrix": computed,
                "accuracy here": _ours(ours.get(one.model), "accuracy"),
                "AUC": f"{one.auc['leukemia']:.2f}",
                "AUC here": _ours(ours.get(one.model), "auroc"),
                "sensitivity": f"{one.recall['leukemia']:.2f}",
                "sensitivity here": _ours(ours.get(one.model), "sensitivity"),
                "specificity": f"{one.recall['healthy']:.2f}",
                "specificity here": _ours(ours.get(one.model), "specificity"),
                "epoch": f"{one.epoch_seconds} s",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="The paper's three networks beside ours")
    st.caption(
        "Positive is leukemia: the paper's recall of healthy cells is our specificity. Accuracy as stated is said to be the mean of "
        "training and test accuracy over 100 cycles. Here that is given in both readings: the mean over the epochs of the test accuracy, "
        f"or of training and test accuracy together. Both splits are by image, {test:,} test images in the paper's."
    )
    _cost(ours)
    _here(ours, others)


def _classifiers(ours: dict[str, Job], others: int) -> None:
    rows = [
        {
            "model": _name(model),
            "accuracy as stated": f"{accuracy:.2f} %",
            f"above always 'leukemia' ({paper.constant:.1f} %)": f"{accuracy - paper.constant:+.1f}",
            "accuracy here": _ours(ours.get(model), "accuracy"),
            "AUROC here": _ours(ours.get(model), "auroc"),
        }
        for model, accuracy in paper.classifiers.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="The paper's six classifiers beside ours")
    _here(ours, others)


def _audit() -> None:
    for finding in papers.audit(paper):
        with st.container(border=True):
            left, right = st.columns([2, 5], gap="medium")
            left.markdown(f"**{finding.said}**")
            right.markdown(finding.arithmetic)
            right.markdown(f":material/arrow_forward: {finding.follows}")


def _cost(ours: dict[str, Job]) -> None:
    chosen = st.selectbox("Accuracy against", list(papers.UNITS), format_func=papers.UNITS.get, key="cost-unit", width=360)
    unit, drawn = papers.UNITS[chosen], papers.costs(paper, chosen, {model: cached.headline(job) for model, job in ours.items()})
    widgets.chart(
        cost.cost(drawn, unit=unit),
        cost.describe_cost(drawn, unit=unit),
        cost.cost_table(drawn, unit=unit),
        key="cost",
    )
    st.caption(
        f"Accuracies are the paper's, save those of runs here. Costs on two cores: {paper.cost_here['source']}. Whether weights learnt on "
        "ImageNet would do better is left open by the paper: see 'Random or ImageNet's'."
    )


def _others() -> None:
    st.subheader("Prior studies that the paper compares itself with", anchor=False)
    rows = [
        {"who": one["who"], "method": one["method"], "accuracy": f"{one['accuracy']:.2f} %", "evaluated on": one["evaluated_on"]}
        for one in paper.prior_studies
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Prior studies and what each evaluated on")
    st.caption("Other images, other splits, hundreds of test images: these accuracies can't be ranked against each other.")
    st.subheader("Others on unseen subjects: the official protocol of C-NMC 2019", anchor=False)
    figures = {
        "wF1_preliminary": "weighted F1",
        "balanced_accuracy_preliminary": "balanced accuracy",
        "auroc_preliminary": "AUROC",
        "wF1_final": "weighted F1, final phase",
    }
    rows = [
        {
            "who": one["who"],
            **{name: text.number(one.get(key)) for key, name in figures.items()},
            "note": one.get("caveat") or one.get("note", ""),
        }
        for one in paper.official
    ]
    for job in _official():
        scores = cached.headline(job).scores
        own = [text.show(scores.intervals[name]) for name in ("weighted_f1", "balanced_accuracy", "auroc") if name in scores.intervals]
        own = own if len(own) == 3 else [text.number(scores.weighted_f1), *own]
        rows.append(
            {"who": f"{widgets.model_name(job)} {widgets.short_id(job)}, here", **dict(zip(list(figures.values())[:3], own, strict=True))}
        )
    st.dataframe(pd.DataFrame(rows).fillna(""), hide_index=True, alt="Published results on the preliminary phase")
    st.caption("Trained on the 73 subjects of the training phase, tested on the 28 of the preliminary one.")


def _official() -> list[Job]:
    """Our runs of the official protocol on all its images."""
    wanted = {name: paper.data["phases"][name]["images"] for name in ("training", "preliminary")}
    found = []
    for job in widgets.finished():
        sides = cached.headline(job).certificate.sides
        if cached.headline(job).certificate.level != "official" or cached.synthetic(job):
            continue
        if sides["test"].images == wanted["preliminary"] and sum(one.images for one in sides.values()) == sum(wanted.values()):
            found.append(job)
    return found


with widgets.plain_errors():
    widgets.page("The paper", "What was claimed, what follows from it, and what comes out here.")
    st.caption(f"{paper.citation} doi {paper.doi}. {paper.provenance}")
    replications, others = _replications()
    NETWORKS, FOLLOWS, STARTS, CLASSIFIERS, OTHERS = "Networks", "What follows", "Random or ImageNet's", "Classifiers", "Other studies"
    drawn = {
        NETWORKS: lambda: _networks(replications, others),
        FOLLOWS: _audit,
        STARTS: starts.shown,
        CLASSIFIERS: lambda: _classifiers(replications, others),
        OTHERS: _others,
    }
    for tab, draw in zip(st.tabs(list(drawn), key="paper-part", bind="query-params"), drawn.values(), strict=True):
        if tab.open:
            with tab:
                draw()
