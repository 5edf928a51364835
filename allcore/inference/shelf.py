"""Loaded models, shared by all who ask, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from allcore.base.paths import JobPaths
from allcore.inference import served
from allcore.inference.served import ServedModel

DEFAULT_BYTES = 512 * 1024 * 1024


class Shelf:
    """Keeps the models used last, up to `bound` bytes of graphs; one larger than that is loaded anew each time.

    `load` gives the model of a run, `served.load` where nothing else is said.
    """

    def __init__(self, bound: int = DEFAULT_BYTES, *, load: Callable[[JobPaths], ServedModel] | None = None) -> None:
        self._bound = bound
        self._load = load
        self._lock = threading.Lock()
        self._models: OrderedDict[tuple[str, int], ServedModel] = OrderedDict()

    def get(self, paths: JobPaths) -> ServedModel:
        """The model of a run, loaded where it isn't here yet or was trained anew. Raises NotFound."""
        served.read_card(paths)
        key = (str(paths.onnx), paths.onnx.stat().st_mtime_ns)
        with self._lock:  # one loads while the others wait: two copies of a large graph would break the bound
            if key not in self._models:
                self._models[key] = (self._load or served.load)(paths)
            self._models.move_to_end(key)
            model = self._models[key]
            while self.size_bytes > self._bound and self._models:
                self._models.popitem(last=False)
            return model

    @property
    def size_bytes(self) -> int:
        """Bytes of the graphs now kept."""
        return sum(model.size_bytes for model in tuple(self._models.values()))
