"""How strongly models speak for a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allcore.inference.served import ServedModel

_LEAST = 1e-30
_BATCH = 64


def log_odds(probabilities: np.ndarray, index: int) -> np.ndarray:
    """ln p / (1 - p) of one class, float64 (n,), from probabilities (n, classes).

    A sure model's p moves by less than can be seen; its odds tell 0.999 from 0.9999. 1 - p is the sum of the others, which keeps the
    digits that a subtraction from 1 would lose.
    """
    p = probabilities.astype(np.float64)
    others = np.delete(p, index, axis=1).sum(axis=1)
    return np.log(np.maximum(p[:, index], _LEAST)) - np.log(np.maximum(others, _LEAST))


def spoken(models: Sequence[ServedModel], pictures: np.ndarray, index: int) -> list[np.ndarray]:
    """Log-odds of class `index`, (n,) for each of some models of one run, for uint8 pictures (n, size, size, 3).

    A classifier's features, which cost more than its answer, are computed once for all.
    """
    answers = [models[0].answer(pictures, batch=_BATCH)]
    for model in models[1:]:
        answers.append(model.answer_vectors(answers[0].embeddings) if model.card.features else model.answer(pictures, batch=_BATCH))
    return [log_odds(answer.probabilities, index) for answer in answers]
