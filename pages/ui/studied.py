"""One study: how far it is, what is best so far, which settings mattered, and its runs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from allcore.base.errors import AllcoreError
from allcore.base.paths import StudyPaths
from allcore.jobs import control as runner
from allcore.jobs.studies import control, importance, overview, standing, told
from allcore.jobs.studies.importance import Importance
from allcore.jobs.studies.overview import AT_WORK, CANCELLED, DONE, STOPPED, Entry, Overview
from allcore.jobs.studies.standing import Standing
from allcore.metrics import text
from allcore.metrics.scores import Scores
from allcore.plots import study as plots
from allcore.runs import study
from allcore.runs.study import GUIDED, RANDOM, StudySpec
from pages.ui import cached, person, routes, state, study_form, widgets

COMPARED = 8
"""So many runs at most go to Results together."""
_STATES = {AT_WORK: "blue", DONE: "green", CANCELLED: "gray", STOPPED: "red"}
_WORDS = {
    **{name: word for name, (word, _) in widgets.STATES.items()},
    standing.PRUNED: "pruned",
    standing.DELETED: "deleted",
    standing.PLANNED: "not queued",
}
_ROWS = 8
_POOLED = 12
"""So many pooled results at most are computed for the table."""


def title(spec: StudySpec) -> str:
    """What a study is called: by the person who started it, else by what it does."""
    what = "Models side by side" if spec.search == study.PLAIN else f"{study_form.SEARCHES[spec.search]} search"
    return spec.name or f"{what} on {spec.data}"


def label(spec: StudySpec) -> str:
    """A study in a list, told apart from others of its name: `Models side by side on demo · c851`"""
    return f"{title(spec)} · {spec.id[-4:]}"


def watched(paths: StudyPaths, *, at_work: bool) -> None:
    """The study, read anew at each look; once it is over the page is drawn a last time."""
    seen = overview.read(cached.artifacts(), paths)
    if at_work and seen.state != AT_WORK:
        st.rerun(scope="app")
    _head(seen)
    _said(seen)
    _charts(seen)
    if seen.spec.folds:
        _out_of_fold(seen)
    _runs(seen)


def _head(seen: Overview) -> None:
    spec = seen.spec
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(widgets.plain(title(spec)), anchor=False, width="content")
        st.badge(seen.state, color=_STATES[seen.state])
        if any(one.job is not None and cached.synthetic(one.job) for one in seen.standings[:1]):
            widgets.drawn_badge()
    st.caption(_asked(seen))
    if seen.plan.reason:
        st.error(widgets.plain(seen.plan.reason), icon=":material/error:")
    counts = " · ".join(f"{count} {_WORDS[name]}" for name, count in seen.counts.items())
    left = f"about {widgets.minutes(seen.seconds_left)} left" if seen.seconds_left else ""
    st.progress(seen.share, text=" · ".join(filter(None, [f"{seen.ended} of {widgets.counted(seen.total, 'run')} over", counts, left])))
    _actions(seen)


def _asked(seen: Overview) -> str:
    spec = seen.spec
    parts = [spec.data, f"preset {spec.preset}", f"split by {spec.split}" if spec.split != "official" else "official split"]
    if spec.folds:
        parts.append(f"{spec.folds} folds")
    if len(seen.plan.seeds) > 1:
        parts.append(f"seeds {', '.join(map(str, seen.plan.seeds))}")
    parts += [f"{name}: {values}" for name, values in spec.vary.items()]
    if spec.fixed:
        parts.append(plots.said(spec.fixed))
    return widgets.plain(" · ".join(parts))


def _actions(seen: Overview) -> None:
    artifacts, spec = cached.artifacts(), seen.spec
    with st.container(horizontal=True, vertical_alignment="center"):
        if seen.state == AT_WORK:
            stopping = bool(seen.plan.cancelled)
            if st.button("Stopping" if stopping else "Cancel all", icon=":material/stop:", disabled=stopping, key=f"cancel-{spec.id}"):
                control.cancel(artifacts, spec.id, by=person.here())
                st.rerun(scope="app")
            st.page_link(routes.JOBS, label="See them at work", icon=":material/arrow_forward:")
        if not seen.plan.cancelled:
            with st.popover("Add runs", icon=":material/add:", key=f"add-{spec.id}"):
                _add(seen)
        if seen.state != AT_WORK:
            with st.popover("Delete", icon=":material/delete:", key=f"delete-{spec.id}"):
                runs = st.checkbox("Its runs too, with their models and figures", key=f"delete-runs-{spec.id}")
                if st.button("Delete it", key=f"sure-{spec.id}", type="primary"):
                    control.delete(artifacts, spec.id, by=person.here(), runs=runs)
                    state.forget(state.STUDY)
                    st.rerun(scope="app")


def _add(seen: Overview) -> None:
    spec, more = seen.spec, {}
    if spec.search in (RANDOM, GUIDED):
        more["trials"] = st.number_input("Further trials", 1, 100, 5, key=f"more-trials-{spec.id}")
    else:
        fresh = max(seen.plan.seeds) + 1
        more["seeds"] = [st.number_input("Further seed", 0, 2**31 - 1, fresh, key=f"more-seed-{spec.id}-{fresh}")]
        st.caption("Every combination is trained once more, on the same split.")
    if st.button("Add", type="primary", key=f"sure-add-{spec.id}"):
        try:
            control.add(cached.artifacts(), spec.id, by=person.here(), **more)
        except AllcoreError as error:
            st.markdown(f":red[:material/error: {widgets.plain(error.message)}] {widgets.plain(error.hint)}")
            return
        runner.ensure(cached.artifacts())
        st.rerun(scope="app")


def _said(seen: Overview) -> None:
    """The best so far, and what it is worth."""
    first, *further = told.verdict(seen, scores=_scores)
    with st.container(border=True, key="study-best", gap="xsmall"):
        st.markdown(f"**{widgets.plain(first)}**")
        for sentence in further:
            st.markdown(widgets.plain(sentence))


def _scores(entry: Entry) -> Scores:
    """Folds are pooled once, not at each look."""
    key = tuple((one.trial.run, one.job.paths.predictions.stat().st_mtime_ns) for one in entry.standings)
    return cached.once(("pooled", *key), lambda: told.test_scores(entry))


def _charts(seen: Overview) -> None:
    if not seen.rated or (len(seen.candidates) < 2 and seen.spec.search != GUIDED):
        return
    tried, spec = told.tried(seen), seen.spec
    how = {"objective": study.OBJECTIVES[spec.objective], "smaller": spec.sign < 0}
    table = plots.tried_table(tried, objective=how["objective"])
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Each combination**")
        widgets.chart(plots.history(tried, **how), plots.describe_history(tried, **how), table, key="study-history")
    with right:
        if len(seen.named) > 1:
            st.markdown(
                "**What mattered**", help="Functional analysis of variance. It holds within what was tried, and says nothing of cause."
            )
            found = _importance(seen)
            widgets.chart(
                plots.importance(found.shares, why=found.why),
                plots.describe_importance(found.shares, why=found.why),
                plots.importance_table(found.shares),
                key="study-importance",
            )
    if seen.named:
        st.markdown("**Which settings went together**")
        widgets.chart(plots.parallel(tried, **how), plots.describe_parallel(tried, **how), table, key="study-parallel")


def _importance(seen: Overview) -> Importance:
    key = tuple((one.model, *sorted(one.changed.items()), one.value) for one in seen.rated)
    return cached.once(("importance", seen.spec.id, key), lambda: importance.of(seen))


def _out_of_fold(seen: Overview) -> None:
    """Every combination's folds as one test side."""
    found = told.rows(seen, scores=_scores, most=_POOLED)
    if not found:
        return
    st.markdown("**Out of fold**", help="All folds' test images as one test side, each judged by the model that was not trained on it.")
    table = pd.DataFrame(
        [
            {
                "combination": row.name,
                "seed": row.seed,
                "balanced accuracy": text.show(row.test.intervals["balanced_accuracy"]),
                "AUROC": text.show(row.test.intervals["auroc"]),
                "sensitivity": text.show(row.test.intervals["sensitivity"]),
                "specificity": text.show(row.test.intervals["specificity"]),
                "spread of folds": row.spread.words("folds") if row.spread else "",
                "n": f"{row.test.n:,}" + (f" of {widgets.counted(row.test.subjects, 'patient')}" if row.test.subjects else ""),
            }
            for row in found
        ]
    )
    st.dataframe(table, hide_index=True, alt=f"{widgets.counted(len(table), 'combination')} with pooled figures")
    note = found[0].test.intervals["balanced_accuracy"].note
    st.caption(
        f"Intervals over patients{f', {note}' if note else ''}. The spread is of the folds' own balanced accuracies, and no interval."
    )


def _runs(seen: Overview) -> None:
    """A row a run; those chosen lead to their job, their result, or all together to Results."""
    st.markdown("**Runs**")
    key = f"study-runs-{seen.spec.id}"
    objective = study.OBJECTIVES[seen.spec.objective]
    table = pd.DataFrame([_row(seen, one, objective) for one in seen.standings])
    if table.empty:
        st.caption("None has been asked for yet.")
        return
    st.dataframe(
        table,
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        height=38 + 35 * min(len(table), _ROWS),
        alt=f"{widgets.counted(len(table), 'run')} of this study",
    )
    st.caption("Choose by the tune column alone: who picks a run by its test figure flatters it." + _floor(seen))
    _links(seen, [seen.standings[row] for row in state.rows(key) if row < len(seen.standings)])


def _floor(seen: Overview) -> str:
    """What the constant answer reaches on the test sides, in a sentence; of folds on the first that is done."""
    done = next((one.summary for one in seen.standings if one.summary), None)
    return f" {widgets.plain(done.constant.sentence())}" if done else ""


def _row(seen: Overview, one: Standing, objective: str) -> dict[str, str]:
    trial = one.trial
    test = one.summary.scores.intervals if one.summary else {}
    return {
        "run": widgets.short_id(one.job) if one.job else "",
        "state": _WORDS[one.state],
        **({"model": told.model_name(trial.model)} if len(seen.spec.models) > 1 else {}),
        **{name: plots.said({name: trial.changed[name]}).removeprefix(f"{name} ") for name in seen.spec.vary if name in trial.changed},
        **({"seed": str(trial.seed)} if len(seen.plan.seeds) > 1 else {}),
        **({"fold": str(trial.fold)} if seen.spec.folds else {}),
        f"tune {objective}": text.show(one.tuned) if one.tuned else "",
        "test balanced accuracy": text.show(test["balanced_accuracy"]) if test else "",
        "test AUROC": text.show(test["auroc"]) if test else "",
        "took": widgets.minutes(one.job.seconds) if one.job and one.job.seconds else "",
    }


def _links(seen: Overview, chosen: Sequence[Standing]) -> None:
    done = [one for one in chosen if one.summary] if chosen else _best_first(seen)
    done = done[:COMPARED]
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(chosen) == 1 and chosen[0].job is not None:
            run = {state.RUN: chosen[0].trial.run}
            st.page_link(routes.JOBS, label="Its job", icon=":material/list:", query_params=run)
            if chosen[0].summary:
                st.page_link(routes.RESULTS, label="Its result", icon=":material/leaderboard:", query_params=run)
        elif len(done) > 1:
            label = f"Compare these {len(done)} in Results" if chosen else f"Compare the best {len(done)} in Results"
            query = {state.RUN: done[0].trial.run, state.COMPARE: ",".join(one.trial.run for one in done), "details": "Compare"}
            st.page_link(routes.RESULTS, label=label, icon=":material/compare_arrows:", query_params=query)
        if not chosen:
            st.caption(f"Choose one row for its job and its result, up to {COMPARED} to compare them.")
        elif len(chosen) > COMPARED:
            st.caption(f"The first {COMPARED} of those chosen.")


def _best_first(seen: Overview) -> list[Standing]:
    """Runs that are done, by the objective; without one in their own order."""
    done = [one for one in seen.standings if one.summary]
    return sorted(done, key=lambda one: -seen.spec.sign * (one.value or 0.0))
