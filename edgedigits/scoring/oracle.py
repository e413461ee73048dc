"""What an engine must say: the interpreter it claims to equal, seen through the engine's own int8 ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.seeing import see
from edgedigits.errors import ConfigError
from edgedigits.scoring.interpreter import Classifier, run_litert, stored_as
from edgedigits.scoring.pixels import inner_tensor, to_inner
from edgedigits.scoring.tflm import run_tflm

ORACLES = {"litert": "LiteRT, reference kernels", "tflm": "TensorFlow Lite Micro"}


def engine_inputs(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return what the engine is given for `images`, uint8 (n, 784) → int8 (n, inputs); `AnyModel` takes codes.

    Raises:
        UnsupportedModelError: the model does not compute in int8 behind its input.
    """
    inner = to_inner(classifier.graph, classifier.input, classifier.pixels.table)
    return inner[see(classifier.pixels.view, images)]


def oracle_outputs(classifier: Classifier, images: NDArray[np.uint8], rounding: str) -> NDArray[np.int8]:
    """Return what the engine must give for `images`, int8 (n, 10); for `AnyModel` as many as it gives.

    Args:
        classifier: the model the engine was made from.
        images: uint8 (n, 784).
        rounding: "litert" or "tflm".

    Raises:
        ConfigError: `rounding` is neither.
        ToolMissingError, DataError, UnsupportedModelError: as `run_litert` and `run_tflm`.
    """
    if rounding not in ORACLES:
        raise ConfigError(f"There is no rounding '{rounding}'.", hint=f"Known: {', '.join(ORACLES)}.")
    if rounding == "tflm":
        raw = run_tflm(classifier, images)
    else:
        raw = run_litert(classifier, images, kernels=("reference",))["reference"]
    return engine_scores(classifier, raw)


def engine_scores(classifier: Classifier, raw: NDArray[Any]) -> NDArray[np.int8]:
    """Return outputs (n, 10) as the engine has them, int8 (n, 10).

    Raises:
        UnsupportedModelError: the model does not compute in int8 before its output.
    """
    inner = inner_tensor(classifier.graph, classifier.output, towards_output=False)
    return raw if inner is classifier.output else stored_as(classifier.dequantize(raw), inner)
