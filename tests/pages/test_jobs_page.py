from __future__ import annotations

from collections.abc import Callable, Iterator

from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import status, store


def walked(block) -> Iterator:
    """Everything within a block, in the order in which it is read."""
    for one in block.children.values():
        yield one
        if hasattr(one, "children"):
            yield from walked(one)


def test_an_empty_laboratory_leads_to_train(artifacts: Artifacts, visit: Callable):
    page = visit("jobs")
    assert "There are none yet." in page.words
    assert page.click("Train a model").app.title[0].value == "Train"


def test_a_queued_training_waits(trainings, visit: Callable, no_runner: list):
    paths = trainings.queued()
    page = visit("jobs")
    assert "waiting" in page.words
    assert "Waiting for its turn" in page.words
    assert f"Proposed CNN on tiny · {paths.id[-4:]}" in page.words
    assert no_runner


def test_a_training_at_epoch_1_has_its_curves_and_its_certificate(trainings, visit: Callable):
    trainings.at_epoch_1()
    page = visit("jobs")
    assert "Epoch 2 of 3" in page.words
    assert "left" in page.words
    assert "No patient stands on both sides" in page.words
    assert "MB of memory" in page.words
    assert len(page.app.get("plotly_chart")) == 1


def test_before_the_first_epoch_it_says_what_will_come(trainings, visit: Callable):
    trainings.queued()
    page = visit("jobs")
    assert "None has ended yet." in page.words
    assert not page.app.get("plotly_chart")


def test_what_runs_stands_above_what_ended(forest: JobPaths, trainings, visit: Callable):
    trainings.at_epoch_1()
    app = visit("jobs").app
    kinds = [one.type for one in walked(app.main)]
    assert kinds.index("progress") < kinds.index("expander")
    assert app.expander[0].label == "1 job ended"
    assert not app.expander[0].proto.expanded


def test_cancel_and_resume(trainings, visit: Callable, no_runner: list):
    paths = trainings.queued()
    page = visit("jobs", run=paths.id).click("Cancel")
    assert store.read(paths).state == status.CANCELLED
    assert "cancelled" in page.words
    page.click("Resume")
    assert store.read(paths).state == status.QUEUED
    assert len(no_runner) > 1


def test_a_running_training_asked_to_stop_says_so(trainings, visit: Callable):
    paths = trainings.at_epoch_1()
    page = visit("jobs", run=paths.id).click("Cancel")
    assert page.button("Stopping").disabled


def test_a_failed_training_says_why_and_hides_its_log(trainings, visit: Callable):
    paths = trainings.ended(status.FAILED, "The memory did not suffice. Try a smaller batch or input size.")
    paths.log.write_text("Traceback (most recent call last):\n  ...\n")
    page = visit("jobs", run=paths.id)
    assert page.errors == [r"The memory did not suffice\. Try a smaller batch or input size\."]
    assert page.button("Resume")
    (log,) = [one for one in page.app.expander if one.label == "Log and history"]
    assert not log.proto.expanded


def test_deleting_a_job_leaves_the_others(forest: JobPaths, trainings, artifacts: Artifacts, visit: Callable):
    paths = trainings.ended(status.FAILED, "It failed.")
    for holding in trainings.held:
        holding.__exit__(None, None, None)
    trainings.held.clear()
    page = visit("jobs", run=paths.id).click("Delete it")
    assert [job.id for job in store.jobs(artifacts)] == [forest.id]
    assert page.asked("run") != paths.id


def test_a_finished_training_leads_to_its_result(forest: JobPaths, visit: Callable):
    page = visit("jobs", run=forest.id)
    assert "See the result" in page.words
    assert "Nothing runs and nothing waits." in page.words
    assert page.table("The settings of this run").set_index("setting")["value"]["Class weights"] == "on"


def test_forty_ended_jobs_stand_in_one_table(many: Artifacts, visit: Callable):
    page = visit("jobs")
    table = page.table("40 jobs ended")
    assert len(table) == 40
    assert table["job"].is_unique
