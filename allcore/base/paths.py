"""Every path under the artifacts folder, named once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from allcore.base import ids

ENVIRONMENT_VARIABLE = "ALLCORE_ARTIFACTS"
_DEFAULT = Path(__file__).resolve().parents[2] / "artifacts"


@dataclass(frozen=True)
class DatasetPaths:
    """The files of one data set."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def card(self) -> Path:
        return self.folder / "dataset.json"

    @property
    def records(self) -> Path:
        return self.folder / "records.parquet"

    def looks(self, key: str) -> Path:
        """Each image's colours, shape and place among all."""
        return self.folder / f"looks-{key}.parquet"

    def class_looks(self, key: str) -> Path:
        """Mean image of each class, and how it varies."""
        return self.folder / f"looks-{key}.npz"

    @property
    def map(self) -> Path:
        """Each image's place on a map by t-SNE, once a job has made it."""
        return self.folder / "map.parquet"

    @property
    def duplicates(self) -> Path:
        """Groups of near duplicates, once they have been looked for."""
        return self.folder / "duplicates.parquet"

    @property
    def stamps(self) -> Path:
        """Size and times of each image's file, as the import found them."""
        return self.folder / "stamps.npy"

    @property
    def images(self) -> Path:
        """Image files that the data set itself holds (drawn or unpacked ones)."""
        return self.folder / "images"

    @property
    def checks(self) -> Path:
        """What the checks found."""
        return self.folder / "report.json"

    def pixels(self, key: str) -> Path:
        """Decoded, resized images as one array; `key` names size and transform."""
        return self.folder / f"pixels-{key}.npy"

    def vectors(self, key: str) -> Path:
        """Feature vectors that nothing was learned for, as one array; `key` names features, size and transform."""
        return self.folder / f"vectors-{key}.npy"


@dataclass(frozen=True)
class JobPaths:
    """The files of one job; a training job's folder is its run."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    def _file(self, name: str) -> Path:
        return self.folder / name

    @property
    def spec(self) -> Path:
        return self._file("spec.json")

    @cached_property  # looked at twice a second for each of a thousand jobs
    def status(self) -> Path:
        return self._file("status.json")

    @property
    def status_lock(self) -> Path:
        return self._file("status.lock")

    @property
    def job_lock(self) -> Path:
        """Held by the process that does the job, as long as it lives."""
        return self._file("job.lock")

    @property
    def heartbeat(self) -> Path:
        return self._file("heartbeat.json")

    @property
    def cancel(self) -> Path:
        """Exists once somebody asked for the job to stop."""
        return self._file("cancel.json")

    @property
    def requeue(self) -> Path:
        """Exists once somebody asked for the job to make room and wait again."""
        return self._file("requeue.json")

    @property
    def finish(self) -> Path:
        """Exists once somebody asked for the training to end with the epoch that it is in."""
        return self._file("finish.json")

    @property
    def place(self) -> Path:
        """Where it stands among those that wait."""
        return self._file("place.json")

    @property
    def allotment(self) -> Path:
        """The slot and the threads that its attempt was given."""
        return self._file("slot.json")

    @property
    def usage(self) -> Path:
        """What it took of processor, memory and GPU over time."""
        return self._file("usage.json")

    @property
    def reserve(self) -> Path:
        """A little room on the disk, given up to say that the disk is full."""
        return self._file("reserve")

    @property
    def deleted(self) -> Path:
        """When and from where it came into the trash."""
        return self._file("deleted.json")

    @property
    def events(self) -> Path:
        return self._file("events.jsonl")

    @property
    def log(self) -> Path:
        return self._file("log.txt")

    @property
    def upload(self) -> Path:
        """Folder of the one file that an import was sent, until it is done."""
        return self._file("upload")

    @property
    def split(self) -> Path:
        return self._file("split.parquet")

    @property
    def certificate(self) -> Path:
        return self._file("certificate.json")

    @property
    def checkpoint(self) -> Path:
        return self._file("checkpoint")

    @property
    def predictions(self) -> Path:
        return self._file("predictions.parquet")

    @property
    def embeddings(self) -> Path:
        return self._file("embeddings.npy")

    @property
    def metrics(self) -> Path:
        return self._file("metrics.json")

    @property
    def summary(self) -> Path:
        """The figures without their curves."""
        return self._file("summary.json")

    @property
    def threshold(self) -> Path:
        """Exists once somebody chose one."""
        return self._file("threshold.json")

    @property
    def calibration(self) -> Path:
        """What mends the run's probabilities, and which sets of classes can be promised."""
        return self._file("calibration.json")

    @property
    def guard(self) -> Path:
        """What tells a picture like the training cells from others: its limits."""
        return self._file("guard.json")

    @property
    def guard_arrays(self) -> Path:
        """The arrays that `guard` goes with."""
        return self._file("guard.npz")

    @property
    def leakage(self) -> Path:
        """What a leakage job found."""
        return self._file("leakage.json")

    @property
    def growth(self) -> Path:
        """What a learning curve over patients found."""
        return self._file("growth.json")

    @property
    def onnx(self) -> Path:
        return self._file("model.onnx")

    @property
    def model_card(self) -> Path:
        """What a server of the model has to know: classes, input, features, origin."""
        return self._file("model.json")

    @property
    def features(self) -> Path:
        """The fitted part of a classifier's feature vector."""
        return self._file("features.npz")

    @property
    def keras(self) -> Path:
        return self._file("model.keras")

    @property
    def joblib(self) -> Path:
        return self._file("model.joblib")

    @property
    def environment(self) -> Path:
        return self._file("environment.json")


@dataclass(frozen=True)
class StudyPaths:
    """The files of one study; its runs are ordinary runs."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def spec(self) -> Path:
        return self.folder / "spec.json"

    @property
    def plan(self) -> Path:
        """Which runs were asked for."""
        return self.folder / "plan.json"

    @property
    def lock(self) -> Path:
        """Held by whoever changes the plan, for that moment."""
        return self.folder / "study.lock"


@dataclass(frozen=True)
class Artifacts:
    """The artifacts folder and what lies in it."""

    root: Path

    @classmethod
    def locate(cls) -> Artifacts:
        """The folder that ALLCORE_ARTIFACTS names, else `artifacts/` beside the package."""
        named = os.environ.get(ENVIRONMENT_VARIABLE)
        return cls(Path(named).expanduser().resolve() if named else _DEFAULT)

    @property
    def datasets(self) -> Path:
        return self.root / "datasets"

    @property
    def downloads(self) -> Path:
        """Images that were fetched from elsewhere."""
        return self.root / "downloads"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def trash(self) -> Path:
        """Jobs and runs that were deleted and can still be brought back."""
        return self.root / "trash"

    @property
    def pause(self) -> Path:
        """Exists while no waiting job is to begin."""
        return self.root / "pause.json"

    @property
    def turns(self) -> Path:
        """When each person's last job began."""
        return self.root / "turns.json"

    @property
    def queue_lock(self) -> Path:
        """Held while a job is counted and queued, where there is a limit."""
        return self.root / "queue.lock"

    @property
    def studies(self) -> Path:
        return self.root / "studies"

    @property
    def runner_lock(self) -> Path:
        return self.root / "runner.lock"

    @property
    def runner_spawn_lock(self) -> Path:
        """Held for the moment in which a runner is started."""
        return self.root / "runner.spawn.lock"

    @property
    def runner_state(self) -> Path:
        return self.root / "runner.json"

    @property
    def runner_stop(self) -> Path:
        """Exists once somebody asked the runner to end."""
        return self.root / "runner.stop"

    @property
    def runner_log(self) -> Path:
        return self.root / "runner.log"

    @property
    def cluster_state(self) -> Path:
        """What the runner knows of a cluster's workers, where it has one."""
        return self.root / "cluster.json"

    @property
    def cluster_token(self) -> Path:
        """Written by the runner for every worker to read: who can't does not see this folder."""
        return self.root / "cluster.token"

    @property
    def cluster_lock(self) -> Path:
        """Held by the runner while it has a cluster: a worker that can take it is out of reach of our locks."""
        return self.root / "cluster.lock"

    @property
    def server_state(self) -> Path:
        return self.root / "server.json"

    @property
    def machine(self) -> Path:
        """Measured speed of this machine's processor."""
        return self.root / "machine.json"

    def dataset(self, dataset_id: str) -> DatasetPaths:
        return DatasetPaths(self.datasets / ids.checked(dataset_id, "data set's name"))

    def run(self, run_id: str) -> JobPaths:
        return JobPaths(self.runs / ids.checked(run_id, "run's id"))

    def study(self, study_id: str) -> StudyPaths:
        return StudyPaths(self.studies / ids.checked(study_id, "study's id"))

    def job(self, job_id: str) -> JobPaths:
        """The folder of any job: a run's, where there is a run of this id, else one under jobs/."""
        run = self.run(job_id)
        return run if run.folder.exists() else JobPaths(self.jobs / job_id)
