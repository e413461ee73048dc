"""What a model says of a digit that was drawn: so that a person sees what it still misreads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.seeing import see
from edgedigits.errors import UnsupportedModelError
from edgedigits.frontier import model_folder
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.pixels import engine_map, takes_digits
from edgedigits.scoring.subject import find_subject


class Answers:
    """A build's model by the arithmetic of its engine, without TensorFlow.

    Args:
        name: a build's folder, or a model that `models` lists.

    Raises:
        ConfigError, DataError: there is no such build, or it cannot be read.
        UnsupportedModelError: its model takes no digits, or is none that engines are written for.
    """

    def __init__(self, name: str) -> None:
        subject = find_subject(model_folder(name))
        graph, self._view = read_tflite(subject.model), subject.view()
        if not takes_digits(graph, self._view):
            raise UnsupportedModelError(f"{subject.model} takes no 28×28 digits.")
        pixels = engine_map(graph, subject.pixels(), self._view)
        assert pixels is not None  # it takes digits
        config = subject.config()
        self.name, self._codes = Path(name).name, pixels.table
        self._network = lower(graph, Rounding(config.engine.rounding) if config else Rounding.LITERT)
        self._reject = subject.reject_margin

    def of(self, image: NDArray[np.uint8]) -> dict[str, Any]:
        """Return the digit, the ten scores in steps of the output, and whether it is refused, for uint8 (784,)."""
        scores = run(self._network, self._codes[see(self._view, image[None])])
        second, best = np.sort(scores[0].astype(int))[-2:]
        refused = bool(best - second < self._reject)
        return {"digit": int(classify(scores)[0]), "scores": scores[0].tolist(), "refused": refused}
