"""What an engine must say: the interpreter it claims to equal, seen through the engine's own int8 ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import ConfigError, UnsupportedModelError
from edgedigits.evaluate.interpreter import Classifier, quantize, run_litert
from edgedigits.evaluate.tflm import run_tflm
from edgedigits.model.ir import Tensor

ORACLES = {"litert": "LiteRT, reference kernels", "tflm": "TensorFlow Lite Micro"}
# Operators at a model's ends that an engine leaves out: it takes and gives int8.
_EDGE = ("QUANTIZE", "DEQUANTIZE", "RESHAPE")


def engine_inputs(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return what the engine is given for `images`, uint8 (n, 784) → int8 (n, 784); for `AnyModel` as many as it takes.

    Raises:
        UnsupportedModelError: the model does not compute in int8 behind its input.
    """
    inner = inner_tensor(classifier, classifier.input, towards_output=True)
    if inner is classifier.input:
        return classifier.pixel_table[images]
    values = classifier.pixel_table
    if classifier.input.dtype != "float32":
        values = (values.astype(np.int32) - classifier.input.zero_point).astype(np.float32) * classifier.input.scale
    return quantize(values, inner)[images]


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
    inner = inner_tensor(classifier, classifier.output, towards_output=False)
    return raw if inner is classifier.output else quantize(classifier.dequantize(raw), inner)


def inner_tensor(classifier: Classifier, tensor: Tensor, *, towards_output: bool) -> Tensor:
    """Return the first int8 tensor behind an end of the model, over operators that change the form alone.

    Raises:
        UnsupportedModelError: there is none.
    """
    graph, end = classifier.graph, tensor
    for _ in graph.operators:
        if tensor.dtype == "int8":
            return tensor
        beside: Any = graph.consumers(tensor) if towards_output else graph.producer(tensor)
        operator = (beside[0] if beside else None) if towards_output else beside
        if operator is None or operator.opcode not in _EDGE:
            break
        tensor = graph.tensors[operator.outputs[0] if towards_output else operator.inputs[0]]
    if tensor.dtype == "int8":
        return tensor
    raise UnsupportedModelError(
        f"{graph.name}: {end.label} is {end.dtype}, and no int8 tensor lies behind it.",
        hint="An engine computes in int8; convert the model with full-integer quantization.",
    )
