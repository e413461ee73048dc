"""What a model says of a digit that was drawn: so that a person sees what it still misreads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.frontier import model_folder
from edgedigits.scoring.exact import open_engine
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.reject import is_refused


class Answers:
    """A build's model by the arithmetic of its engine, without TensorFlow.

    Args:
        name: a build's folder, or a model that `models` lists.

    Raises:
        ConfigError, DataError, UnsupportedModelError: as `open_engine`.
    """

    def __init__(self, name: str) -> None:
        self.name, self._engine = Path(name).name, open_engine(model_folder(name))

    def of(self, image: NDArray[np.uint8]) -> dict[str, Any]:
        """Return the digit, the ten scores in steps of the output, and whether it is refused, for uint8 (784,)."""
        scores = self._engine.scores(image[None])
        refused = bool(is_refused(scores, self._engine.margin)[0])
        return {"digit": int(classify(scores)[0]), "scores": scores[0].tolist(), "refused": refused}
