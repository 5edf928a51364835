"""A trained model, ready to answer: the graph, and what has to be known to feed it and to read it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import JobPaths
from allcore.models.features import Features

if TYPE_CHECKING:
    import onnxruntime

PROBABILITIES, EMBEDDING, ACTIVATIONS = "probabilities", "embedding", "activations"
_OF_NETWORK, _OF_VECTORS = 16, 64
"""Images at a time: a network's activations take megabytes each, and are no faster together; a classifier reads all that it keeps of its
training images once a batch."""


@dataclass(frozen=True)
class ServedCard:
    """`model.json`: what stands beside a graph."""

    run: str
    model: str
    family: str
    class_names: tuple[str, ...]
    positive: str
    input_size: int
    transform: str
    features: str
    """Kind of the feature vector; '' where the graph takes images."""
    data: str
    synthetic: bool
    """Trained on drawn cells."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """What a model says of a batch of images."""

    probabilities: np.ndarray
    """float32 (n, classes)."""
    embeddings: np.ndarray
    """float32 (n, d)."""


class ServedModel:
    """A loaded graph. Safe to share between threads: ONNX Runtime's `run` is, and what changes after loading is locked."""

    def __init__(
        self,
        card: ServedCard,
        graph: bytes | Path,
        features: Features | None,
        *,
        threads: int = 0,
        again: Callable[[], bytes] | None = None,
    ) -> None:
        """`graph`: an ONNX file, or its content, which is in memory once more while it is read. `threads` of the processor for one call,
        0 for all; `again` gives the graph once more, for `one_thread`."""
        self.card = card
        self._features, self._again = features, again
        self._beside: ServedModel | None = None
        self._lock = threading.Lock()
        self._session = _session(graph, threads)
        self._input = self._session.get_inputs()[0].name
        self.has_activations = ACTIVATIONS in [output.name for output in self._session.get_outputs()]
        """Whether the graph is a network's that gives them; ONNX Runtime computes only the outputs that are asked for."""
        graph_bytes = graph.stat().st_size if isinstance(graph, Path) else len(graph)
        self._own_bytes = graph_bytes + sum(array.nbytes for array in (features.learned if features else {}).values())

    @property
    def size_bytes(self) -> int:
        """Of the graph, once more where there is a second session, and of what the features learned."""
        return self._own_bytes + (self._beside.size_bytes if self._beside else 0)

    def one_thread(self) -> ServedModel:
        """The same model for many threads that ask at once, each call on one thread of the processor; made at the first call.

        Two batches side by side are answered sooner than one after the other by two threads each, above all with the work on files that
        only one thread can do. Itself where the graph can't be read again.
        """
        with self._lock:
            if self._beside is None and self._again is not None:
                try:
                    self._beside = ServedModel(self.card, self._again(), self._features, threads=1)
                except OSError:  # the run was deleted; what is loaded still answers
                    self._again = None
            return self._beside or self

    def answer(self, images: np.ndarray, *, batch: int = 0) -> Answer:
        """Probabilities and embeddings of uint8 images (n, size, size, 3), `batch` at a time; 0 for as many as suit the model."""
        batch = batch or (_OF_NETWORK if self._features is None else _OF_VECTORS)
        parts = [self._one_batch(images[start : start + batch]) for start in range(0, len(images), batch)]
        return Answer(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))

    def _one_batch(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images = np.ascontiguousarray(images)
        if self._features is None:
            shares, embeddings = self._session.run([PROBABILITIES, EMBEDDING], {self._input: images})
            return _normalised(shares), embeddings
        answer = self.answer_vectors(self._features.of(images))
        return answer.probabilities, answer.embeddings

    def answer_vectors(self, vectors: np.ndarray) -> Answer:
        """Of a classifier, for feature vectors, float32 (n, d), that its features gave before."""
        return Answer(_normalised(self._session.run([PROBABILITIES], {self._input: vectors})[0]), vectors)

    def activations(self, images: np.ndarray) -> np.ndarray:
        """Of a network, what its layer for heat maps gives, float32 (n, height, width, channels), for uint8 images (n, size, size, 3).

        Only where `has_activations`.
        """
        return self._session.run([ACTIVATIONS], {self._input: np.ascontiguousarray(images)})[0]


def _session(graph: bytes | Path, threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # What a large batch needed is given back: a server keeps many models, and answers now and then.
    options.enable_cpu_mem_arena = False
    source = str(graph) if isinstance(graph, Path) else graph
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _normalised(shares: np.ndarray) -> np.ndarray:
    """A graph adds up in float32, and a forest of one opinion then says 1.0000001."""
    within = np.clip(shares, 0.0, 1.0)
    return within / within.sum(axis=1, keepdims=True)


def read_card(paths: JobPaths) -> ServedCard:
    """Raises NotFound where the run has no model yet."""
    try:
        document = fileio.read_json_cached(paths.model_card)
    except FileNotFoundError:
        raise NotFound(f"Run '{paths.id}' has no model to answer with.", "`runs list` shows which runs are done.") from None
    known = {name: document[name] for name in ServedCard.__dataclass_fields__}
    return ServedCard(**{**known, "class_names": tuple(known["class_names"])})


def load(paths: JobPaths, *, threads: int = 0, altered: Callable[[bytes], bytes] | None = None) -> ServedModel:
    """The model of a run, its graph as `altered` gives it back. Raises NotFound where it has none yet."""
    card = read_card(paths)
    features = Features.load(paths.features) if card.features else None

    def graph() -> bytes:
        content = paths.onnx.read_bytes()
        return altered(content) if altered else content

    return ServedModel(card, graph(), features, threads=threads, again=graph)
