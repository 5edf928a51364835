from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import queue, submit
from allcore.runs import place, spec, status, store
from allcore.runs.spec import Tags


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


def test_a_running_network_finishes_with_what_it_has(trainings, visit: Callable, no_runner: list):
    paths = trainings.at_epoch_1()
    page = visit("jobs", run=paths.id).click("Finish now")
    assert paths.finish.exists()
    assert page.button("Ends with this epoch").disabled


def test_a_cancelled_network_finishes_with_what_it_has(trainings, visit: Callable, no_runner: list):
    paths = trainings.at_epoch_1()
    status.change(paths, status.CANCELLED)
    page = visit("jobs", run=paths.id).click("Finish with what it has")
    assert store.read(paths).state == status.QUEUED
    assert paths.finish.exists()
    assert "Finish with what it has" not in [one.label for one in page.app.button]


def test_a_failed_training_says_why_and_hides_its_log(trainings, visit: Callable):
    paths = trainings.ended(status.FAILED, "The memory did not suffice. Try a smaller batch or input size.")
    paths.log.write_text("Traceback (most recent call last):\n  ...\n")
    page = visit("jobs", run=paths.id)
    (last,) = [one for one in page.app.expander if one.label == "The last lines that it printed"]
    assert "Traceback" in last.code[0].value
    assert not last.proto.expanded
    assert page.errors == [r"The memory did not suffice\. Try a smaller batch or input size\."]
    assert page.button("Resume")
    (log,) = [one for one in page.app.expander if one.label == "Log and history"]
    assert not log.proto.expanded


def test_a_deleted_job_can_be_brought_back(forest: JobPaths, trainings, artifacts: Artifacts, visit: Callable):
    paths = trainings.ended(status.FAILED, "It failed.")
    for holding in trainings.held:
        holding.__exit__(None, None, None)
    trainings.held.clear()
    page = visit("jobs", run=paths.id).click("Delete it")
    assert [job.id for job in store.jobs(artifacts)] == [forest.id]
    assert page.asked("run") != paths.id
    assert "was deleted" in page.words
    page.click("Undo")
    assert {job.id for job in store.jobs(artifacts)} == {forest.id, paths.id}
    assert page.asked("run") == paths.id
    assert "was deleted" not in page.words


def test_the_queue_is_paused_and_let_go(trainings, artifacts: Artifacts, visit: Callable):
    trainings.queued()
    page = visit("jobs").click("Pause the queue")
    assert queue.paused(artifacts)
    page.click("Let the queue move")
    assert queue.paused(artifacts) is None


def test_waiting_jobs_change_places(trainings, artifacts: Artifacts, visit: Callable):
    first, second = trainings.queued(), trainings.queued(model="random_forest")
    page = visit("jobs", run=first.id)
    (to_front,) = [one for one in page.app.button if one.label == "To the front" and not one.disabled]
    to_front.click()
    page.again()
    assert [job.id for job in queue.of(artifacts, store.active(artifacts))] == [second.id, first.id]
    titles = [one.value for one in page.app.markdown if "on tiny" in one.value]
    assert [title[-6:-2] for title in titles[:2]] == [second.id[-4:], first.id[-4:]]


def test_a_priority_is_given(trainings, visit: Callable):
    paths = trainings.queued()
    page = visit("jobs")
    (box,) = [one for one in page.app.number_input if one.label == "Priority"]
    box.set_value(3)
    page.again()
    assert place.read(paths, spec.read(paths).created).priority == 3
    assert "priority +3" in page.words


def test_a_job_at_work_lets_others_go_first(trainings, visit: Callable):
    paths = trainings.at_epoch_1()
    visit("jobs", run=paths.id).click("Let others go first")
    assert paths.requeue.exists()


@pytest.fixture
def signed_in(artifacts: Artifacts, read: Callable) -> Iterator[Callable]:
    """Opens Jobs as somebody whom an identity provider vouches for."""
    from streamlit.testing.v1 import AppTest

    from pages.ui import cached
    from tests.pages.conftest import SCRIPT

    def opened(*, secrets: dict | None = None, **claims):
        app = AppTest.from_file(str(SCRIPT), default_timeout=120)
        app.secrets["auth"] = secrets or {}
        app.user = claims
        app.switch_page("pages/jobs.py")
        return read(app)

    cached.people_sign_in.clear()  # it is remembered for seconds, and each of these is another server
    yield opened
    cached.people_sign_in.clear()


def test_only_the_owner_and_administrators_stop_a_job(trainings, signed_in: Callable, monkeypatch: pytest.MonkeyPatch):
    plan, _ = submit.planned(trainings.artifacts, data=trainings.data, model="random_forest", changed={"input_size": 32})
    submit.training(trainings.artifacts, plan, tags=Tags(owner="ada@example.org"))

    def buttons(email: str, **claims) -> set[str]:
        page = signed_in(is_logged_in=True, email=email, sub="17", **claims)
        assert "Signed in as" in page.words
        assert page.button("Sign out")
        return {one.label for one in page.app.button}

    assert "Cancel" in buttons("ada@example.org")
    theirs = buttons("eve@example.org")
    assert not theirs & {"Cancel", "Pause the queue", "To the front"}
    assert "Cancel" not in buttons("ada@example.org", email_verified=False)
    monkeypatch.setenv("ALLCORE_ADMINS", "eve@example.org")
    assert {"Cancel", "Pause the queue", "To the front"} <= buttons("eve@example.org")


def test_who_has_not_signed_in_stands_before_the_door(trainings, signed_in: Callable):
    trainings.queued()
    page = signed_in(is_logged_in=False)
    assert page.button("Sign in")
    assert "Proposed CNN" not in page.words
    assert "not for diagnosis" in page.words
    assert signed_in(is_logged_in=False, secrets={"google": {"client_id": "x"}}).button("Sign in with Google")


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
