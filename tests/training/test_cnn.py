"""Training a network that can be stopped anywhere. A net of three layers stands in for the real ones."""

from __future__ import annotations

import itertools
import subprocess
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from allcore import worker
from allcore.base import fileio
from allcore.base.errors import Cancelled, Conflict
from allcore.base.paths import Artifacts, JobPaths
from allcore.cli import runs
from allcore.inference import served
from allcore.jobs import submit
from allcore.models.cnn import proposed_cnn
from allcore.runs import events, status, store
from allcore.runs.attempt import Attempt, Interrupted
from tests.training.small import small_net


def stop_in_epoch(monkeypatch: pytest.MonkeyPatch, number: int, *, what: BaseException) -> None:
    """Let the process end in the midst of an epoch."""
    progress = Attempt.progress
    seen = itertools.count()

    def stopping(self: Attempt, share: float, doing: str) -> None:
        progress(self, share, doing)
        if doing.startswith(f"Epoch {number} of") and next(seen) == 2:
            raise what

    monkeypatch.setattr(Attempt, "progress", stopping)


def requeue(job: JobPaths) -> None:
    if status.read(job).state in status.IN_PROCESS:
        status.change(job, status.INTERRUPTED)
    status.change(job, status.QUEUED)


def figures(job: JobPaths) -> list[tuple[int, float, float]]:
    table = events.epochs(events.read(job))
    return list(zip(table["epoch"], table["loss"], table["tune_loss"], strict=True))


CHANGING = {
    "keep": "last",
    "epochs": 4,
    "schedule": "cosine",
    "turns": "any",
    "stain_shift": 0.1,
    "weight_decay": 0.1,
    "balance": "sampling",
}


@pytest.fixture
def undisturbed(train) -> JobPaths:
    return train(**CHANGING)


def test_a_resumed_training_tells_every_epoch_and_ends_where_an_undisturbed_one_does(train, undisturbed, monkeypatch):
    with monkeypatch.context() as patched:
        stop_in_epoch(patched, 3, what=Interrupted("The runner was stopped."))
        job = train(**CHANGING)
    assert status.read(job).state == status.INTERRUPTED
    assert [event["epoch"] for event in events.read(job)] == [1, 2]
    kept = fileio.read_json(job.checkpoint / "state.json")
    assert (kept["epoch"], kept["step"]) == (2, 2)  # not one step is done again
    requeue(job)
    train(again=True)
    assert status.read(job).state == status.DONE
    table = events.epochs(events.read(job))
    assert table["epoch"].tolist() == [1, 2, 3, 4]
    assert table["attempt"].tolist() == [1, 1, 2, 2]
    # Weights, optimiser, schedule, dropout's dice, the order of images and their changes are taken up where they lay.
    assert figures(job) == figures(undisturbed)
    p = ["p_healthy", "p_leukemia"]
    np.testing.assert_array_equal(store.predictions(job)[p], store.predictions(undisturbed)[p])


class Killed(BaseException):
    """As sudden as SIGKILL: nobody catches it."""


def test_death_between_an_epochs_event_and_its_checkpoint_leaves_no_gap(train, monkeypatch):
    from allcore.training import cnn

    write = cnn.Checkpoint.write

    def dying(self, folder, model, *, is_best: bool) -> None:
        if self.epoch == 2:
            raise Killed
        write(self, folder, model, is_best=is_best)

    with monkeypatch.context() as patched:
        patched.setattr(cnn.Checkpoint, "write", dying)
        with pytest.raises(Killed):
            train(epochs=3)
    job = next(iter(store.runs(Artifacts.locate()))).paths
    requeue(job)
    train(again=True)
    assert status.read(job).state == status.DONE
    assert [(event["epoch"], event["attempt"]) for event in events.read(job) if event["event"] == "epoch"] == [
        (1, 1),
        (2, 1),
        (2, 2),
        (3, 2),
    ]
    assert events.epochs(events.read(job))["epoch"].tolist() == [1, 2, 3]


def test_death_while_a_checkpoint_is_written_costs_that_epoch_alone(train, monkeypatch):
    write_json = fileio.write_json

    def dying(path, document) -> None:
        if path.name == "state.json" and document["epoch"] == 2:
            raise Killed
        write_json(path, document)

    with monkeypatch.context() as patched:
        patched.setattr(fileio, "write_json", dying)
        with pytest.raises(Killed):
            train(epochs=3)
    job = next(iter(store.runs(Artifacts.locate()))).paths
    assert fileio.read_json(job.checkpoint / "state.json")["epoch"] == 1
    requeue(job)
    train(again=True)
    assert status.read(job).state == status.DONE
    assert events.epochs(events.read(job))["epoch"].tolist() == [1, 2, 3]
    # What was replaced is gone.
    state = fileio.read_json(job.checkpoint / "state.json")
    assert {file.name for file in job.checkpoint.iterdir()} == {"state.json", "epoch-3-0.npz", f"best-{state['best_epoch']}.weights.h5"}


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(file.read_bytes()[:200]), lambda file: file.write_bytes(b"")])
def test_a_checkpoint_that_cannot_be_read_is_told(train, monkeypatch, spoil: Callable[[Path], object]):
    with monkeypatch.context() as patched:
        stop_in_epoch(patched, 2, what=Interrupted("The runner was stopped."))
        job = train(epochs=2)
    (file,) = job.checkpoint.glob("*.npz")
    spoil(file)
    requeue(job)
    train(again=True)
    assert status.read(job).state == status.FAILED
    assert (
        f"The checkpoint {file.name} is missing, damaged or of an earlier version: the run can't go on from it. Train anew"
        in status.read(job).reason
    )


def test_a_cancelled_training_keeps_what_it_learned(train, monkeypatch):
    progress = Attempt.progress

    def cancelling(self: Attempt, share: float, doing: str) -> None:
        if doing.startswith("Epoch 2") and not self.paths.cancel.exists():
            store.ask_to_cancel(self.paths)
        progress(self, share, doing)

    with monkeypatch.context() as patched:
        patched.setattr(Attempt, "progress", cancelling)
        job = train(epochs=3)
    assert (status.read(job).state, status.read(job).reason) == (status.CANCELLED, "Cancelled on request.")
    assert fileio.read_json(job.checkpoint / "state.json")["epoch"] == 1
    assert (job.checkpoint / "best-1.weights.h5").stat().st_size > 0
    store.resume(job)
    train(again=True)
    assert status.read(job).state == status.DONE
    assert events.epochs(events.read(job))["attempt"].tolist() == [1, 2, 2]


def test_a_training_that_is_to_finish_ends_with_its_epoch_and_answers(train, monkeypatch, capsys: pytest.CaptureFixture):
    progress, asked = Attempt.progress, []

    def finishing(self: Attempt, share: float, doing: str) -> None:
        if doing.startswith("Epoch 2") and not asked:
            asked.append(store.finish(self.paths).state)
        progress(self, share, doing)

    with monkeypatch.context() as patched:
        patched.setattr(Attempt, "progress", finishing)
        job = train(epochs=9)
    assert asked == [status.RUNNING]
    assert status.read(job).state == status.DONE, status.read(job).reason
    assert events.epochs(events.read(job))["epoch"].tolist() == [1, 2]
    training = fileio.read_json(job.metrics)["training"]
    assert (training["epochs"], training["finished_on_request"]) == (2, True)
    runs.tell(store.read(job))
    assert "It ended after 2 of 9 epochs, on request." in capsys.readouterr().out
    with pytest.raises(Conflict, match="its last epoch has ended"):
        store.finish(job)
    # As if two epochs had been asked for.
    assert fileio.read_json(train(epochs=2).metrics)["test"] == fileio.read_json(job.metrics)["test"]


@pytest.mark.parametrize(("keep", "epochs"), [("best", [1, 2]), ("last", [1, 2, 3])])
def test_a_cancelled_training_can_answer_with_what_it_has(train, monkeypatch, keep: str, epochs: list[int]):
    """With its best epoch at once; with the last once that is whole."""
    with monkeypatch.context() as patched:
        stop_in_epoch(patched, 3, what=Cancelled("Cancelled on request."))
        job = train(epochs=9, keep=keep)
    assert status.read(job).state == status.CANCELLED
    store.finish(job)
    assert (status.read(job).state, job.finish.exists()) == (status.QUEUED, True)
    train(again=True)
    assert status.read(job).state == status.DONE, status.read(job).reason
    assert events.epochs(events.read(job))["epoch"].tolist() == epochs
    assert fileio.read_json(job.metrics)["training"]["epochs"] == len(epochs)
    assert job.onnx.exists()
    assert "finished_on_request" not in fileio.read_json(train(epochs=1).metrics)["training"]


@pytest.fixture
def small_disk(artifacts: Artifacts) -> Iterator[Path]:
    """A real file system of 4 MB under the folder of runs."""
    artifacts.runs.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", artifacts.runs], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no disk can be mounted here")
    yield artifacts.runs
    subprocess.run(["umount", "-l", artifacts.runs], check=True, timeout=30)


def test_a_full_disk_in_mid_epoch_is_said_and_the_last_checkpoint_loads(train, small_disk: Path, monkeypatch):
    from allcore.training import cnn

    progress, ballast = Attempt.progress, small_disk / ".ballast"

    def filling(self: Attempt, share: float, doing: str) -> None:
        if doing.startswith("Epoch 2") and share > cnn.SHARE * 0.4 and not ballast.exists():  # of three epochs: in the second's midst
            with suppress(OSError), open(ballast, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        progress(self, share, doing)

    with monkeypatch.context() as patched:
        patched.setattr(Attempt, "progress", filling)
        patched.setattr(cnn, "_KEEP_EVERY", 0.0)
        job = train(epochs=3)
    ended = status.read(job)
    assert ended.state == status.FAILED
    assert ended.reason.startswith("The disk is full.")
    assert not job.reserve.exists()
    before = fileio.read_json(job.checkpoint / "state.json")
    assert before["epoch"] == 1
    assert events.epochs(events.read(job))["epoch"].tolist() == [1]
    assert {file.suffix for file in job.folder.rglob("*")} & {".tmp"} == set()
    ballast.unlink()
    store.resume(job)
    train(again=True)
    assert status.read(job).state == status.DONE
    assert events.epochs(events.read(job))["attempt"].tolist() == [1, 2, 2]


def test_failed_parity_fails_the_run(train, monkeypatch):
    answer = served.ServedModel.answer

    def wrong(self, images, **options):
        found = answer(self, images, **options)
        return served.Answer(found.probabilities[:, ::-1], found.embeddings)

    monkeypatch.setattr(served.ServedModel, "answer", wrong)
    job = train(epochs=1)
    assert status.read(job).state == status.FAILED
    assert "does not answer as the trained one does" in status.read(job).reason
    # Such a run can't be asked.
    assert not job.model_card.exists()
    assert not job.metrics.exists()
    assert not job.predictions.exists()


def test_what_was_trained_in_16_bits_answers_in_32(train):
    job = train(**CHANGING, mixed_precision=True)
    assert status.read(job).state == status.DONE, status.read(job).reason
    assert fileio.read_json(job.metrics)["onnx_parity"]["largest_difference"] < 1e-5


def test_the_optimiser_is_gone_when_the_graph_is_drawn(train, monkeypatch: pytest.MonkeyPatch):
    """It is as large as two networks: kept until then, it would be the peak of a job."""
    from allcore.training import cnn

    compiled, drawn, optimisers, alive = cnn.learning.compiled, cnn.graph.drawn, [], []

    def watched(model, settings):
        optimisers.append(weakref.ref(compiled(model, settings).optimizer))
        return model

    def seen(*given):
        alive.extend(one() is not None for one in optimisers)
        return drawn(*given)

    monkeypatch.setattr(cnn.learning, "compiled", watched)
    monkeypatch.setattr(cnn.graph, "drawn", seen)
    job = train(epochs=1)
    assert status.read(job).state == status.DONE, status.read(job).reason
    assert alive == [False]


def test_a_model_that_can_not_be_saved_leaves_nothing_half_written(train, monkeypatch: pytest.MonkeyPatch):
    import keras

    def full(self, path, **options):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", full)
    job = train(epochs=1)
    assert status.read(job).state != status.DONE
    assert not [path for path in job.folder.rglob("*") if ".keras" in path.name]


def test_a_training_that_diverges_says_so(train):
    job = train(epochs=3, learning_rate=0.1, dropout=0.0)
    assert status.read(job).state == status.DONE

    def diverging(settings, *, classes: int, seed: int):
        import keras

        model = small_net(settings, classes=classes, seed=seed)
        dense = model.get_layer("embedding")
        dense.set_weights([weights * np.nan for weights in dense.get_weights()])
        return keras.Model(model.input, model.output)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(proposed_cnn, "build", diverging)
        job = submit.training(Artifacts.locate(), store_plan())
        worker.work(Artifacts.locate(), job, status.change(job, status.STARTING).attempt)
    assert status.read(job).state == status.FAILED
    assert status.read(job).reason == "The loss is no longer a number: the training has diverged. Try a smaller learning rate."
    assert events.read(job) == []


def store_plan():
    plan, _ = submit.planned(
        Artifacts.locate(), data="tiny", model="proposed_cnn", changed={"input_size": 32, "batch_size": 8, "epochs": 1}
    )
    return plan


def test_a_checkpoint_stands_every_so_often_within_an_epoch(train, undisturbed, monkeypatch):
    """Killed without a word in the third epoch: the steps kept before are not done again, and nothing differs in the end."""
    from allcore.training import cnn

    monkeypatch.setattr(cnn, "_KEEP_EVERY", 0.0)
    with monkeypatch.context() as patched:
        stop_in_epoch(patched, 3, what=Killed())
        with pytest.raises(Killed):
            train(**CHANGING)
    job = next(run.paths for run in store.runs(Artifacts.locate()) if run.id != undisturbed.id)
    kept = fileio.read_json(job.checkpoint / "state.json")
    assert kept["epoch"] == 2
    assert kept["step"] in (1, 2)
    requeue(job)
    train(again=True)
    assert figures(job) == figures(undisturbed)


def test_the_same_seed_gives_the_same_result_twice(train, undisturbed):
    p = ["p_healthy", "p_leukemia"]
    np.testing.assert_array_equal(store.predictions(train(**CHANGING))[p], store.predictions(undisturbed)[p])


def test_the_processors_fast_library_is_on():
    from allcore.training import cnn

    assert cnn.os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
