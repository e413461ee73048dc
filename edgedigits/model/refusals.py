"""Why the engine cannot run a model: every reason, its sentence and its remedy, in one table.

`tests/model/refusals.py` holds a file for each of them, and a test that none is missing there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from edgedigits.errors import UnsupportedModelError
from edgedigits.model.ir import Graph, Operator, Tensor


class Reason(StrEnum):
    """One reason each; the value is what the sentence says behind operator and tensor, with places for figures."""

    NOT_ONE_END = "it has {count} {kind}s, not one"
    END_TYPE = "it is {dtype}, and an {kind} must be int8, uint8 or float32"
    NO_OPERATOR = "the engine has no such operator"
    NO_CHAIN = "it is not the next link of one chain from input to output"
    NO_OUTPUT = "no operator writes it"
    NO_LAYER = "it has no FULLY_CONNECTED layer"
    CUT_OPERATOR = "it has {inputs} inputs and {outputs} outputs, expected {expected} and 1"

    FLOAT32 = "it computes in float32: the weights are float32"
    FLOAT16 = "the weights are float16, and what they are multiplied with is float32"
    WIDENED = "the weights are stored as integers and widened to float32 before they are used"
    DYNAMIC_RANGE = "the weights are {dtype}, but it computes in float32 (dynamic-range quantization)"
    INT16 = "it is int16: the activations have 16 bits, and the engine's have 8"
    UINT8 = "it is uint8 inside the model: the quantization of TensorFlow 1"
    SPARSE_TFLM = "it is sparse without a DENSIFY, which TensorFlow Lite Micro cannot read"
    SPARSE = "it is stored in a sparse format that cannot be unpacked"

    NOT_INT8 = "it is {dtype}, expected int8"
    NO_SCALE = "it needs one quantization scale above 0"
    NO_WEIGHTS = "its weights are not a constant"
    WEIGHTS_TYPE = "weights are {dtype} {shape}, not int8 [m, n]"
    WEIGHTS_SCALES = "weights need quantization scales"
    WEIGHTS_ZERO_POINTS = "weights need zero points of 0, and have {point}"
    WEIGHTS_AXIS = "per-channel scales must run along the outputs, axis 0, not axis {axis}"
    SHUFFLED = "shuffled weights are not supported"
    ACTIVATION = "fused {activation} is not supported"
    BIAS = "the bias is {dtype} {shape}, expected a constant int32 [{outputs}]"
    BIAS_SCALE = "the bias has scale {found:.9g}, expected input scale × weight scale = {expected:.9g}"
    FIXED_BATCH = "it has a fixed batch of {batch}"
    ROWS = "it has {elements} elements for weights {shape}: the engine runs one row of {row}"
    SHAPE = "the file says that it has shape {said}, but what is computed has {found}"

    FOLDED_BIAS = "the bias with the input's zero point folded in is beyond int32"
    ACCUMULATOR = "{detail}"
    SHIFTED = "its scale is so small that shifting an accumulator overflows"
    RESCALED = "its scale is so small that rescaled accumulators overflow"

    AFTER_SOFTMAX = "a layer after SOFTMAX is not supported"
    SOFTMAX_PLACE = "a SOFTMAX must follow the last layer"
    SOFTMAX_SIZE = "a SOFTMAX of more than {limit} scores is not supported"
    SOFTMAX_ROWS = "a SOFTMAX goes over the last axis, and shape {shape} has more than one row"
    SOFTMAX_SCALE = "an int8 SOFTMAX must have scale 1/256 and zero point -128"
    LOGISTIC_SCALE = "an int8 LOGISTIC must have scale 1/256 and zero point -128"
    HARD_SWISH_SCALE = "its scale is too small for the reference kernel"
    SOFTMAX_BETA = "beta · scale is {product:.3g}, too small for the reference kernel"

    RESHAPE_QUANTIZATION = "a RESHAPE must keep the quantization of its input"
    RESHAPE_SIZE = "the shape {shape} does not hold the {elements} elements of one image"
    RESHAPE_OPEN = "its shape is known only when the model runs"
    GATHER_AXIS = "a GATHER must pick among the values of one row, along axis 1"
    GATHER_PLACES = "the places that a GATHER picks must be constant, different, and there"
    GATHER_QUANTIZATION = "a GATHER must keep the quantization of its input"
    GATHER_PLACE = "what a GATHER picks must be for FULLY_CONNECTED alone"
    REQUANTIZE = "it changes the quantization of uint8"
    QUANTIZE_PLACE = "from {source} to {target} inside the model"
    CAST = "from {source} to {target}, and only a uint8 input without quantization can be cast, to float32"
    DEQUANTIZE_PLACE = "only int8 at the end of the model can be dequantized"
    ELEMENTWISE = "it changes values, and there is no layer for that"
    ADD_SHAPES = "the shapes {one} and {other} are not the same"
    ADD_SCALE = "its scale is too small for the reference kernel of ADD"


CHAIN = (
    "The engine runs chains of FULLY_CONNECTED, SOFTMAX, RESHAPE, QUANTIZE, GATHER and functions of single values in "
    "int8, with ADD for skip connections; see the README."
)
FULL_INTEGER = (
    "Convert it with full-integer quantization: Optimize.DEFAULT, a representative_dataset, "
    "OpsSet.TFLITE_BUILTINS_INT8, and int8 as inference_input_type and inference_output_type."
)
_FLOAT = f"{FULL_INTEGER[:-1]}; or give it to edgedigits quantize."
_AGAIN = "Convert the model again with a current TensorFlow; the runtimes refuse such a file too."
_NOT_SPARSE = "Convert it without Optimize.EXPERIMENTAL_SPARSITY; the engine packs zeros itself."
_REMEDIES = {
    Reason.NOT_ONE_END: "Cut the model down to one input and one output before it is converted.",
    Reason.FLOAT32: _FLOAT,
    Reason.FLOAT16: _FLOAT,
    Reason.WIDENED: _FLOAT,
    Reason.DYNAMIC_RANGE: _FLOAT,
    Reason.INT16: f"{FULL_INTEGER[:-1]}, instead of int16 activations.",
    Reason.UINT8: FULL_INTEGER,
    Reason.END_TYPE: FULL_INTEGER,
    Reason.NOT_INT8: FULL_INTEGER,
    Reason.SPARSE_TFLM: _NOT_SPARSE,
    Reason.SPARSE: _NOT_SPARSE,
    Reason.CUT_OPERATOR: _AGAIN,
    Reason.BIAS_SCALE: _AGAIN,
    Reason.SHAPE: _AGAIN,
    Reason.RESHAPE_SIZE: _AGAIN,
    Reason.FIXED_BATCH: "Convert it with a batch of 1, or an open one.",
    Reason.RESHAPE_OPEN: "Convert it with fixed shapes: Input(shape, batch_size=1).",
    Reason.ELEMENTWISE: "Leave Rescaling and Normalization out of the model; the first layer can hold the factor.",
}
_FOREIGN = {
    "edgetpu-custom-op": "It is compiled for the Edge TPU: give the file that went into edgetpu_compiler.",
    "ethos-u": "It is compiled for the Ethos-U: give the file that went into Vela.",
}


class RefusalError(UnsupportedModelError):
    """A model that the engine cannot run.

    Attributes:
        reason: why.
    """

    def __init__(self, reason: Reason, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


def refuse(
    graph: Graph,
    reason: Reason,
    operator: Operator | None = None,
    tensor: Tensor | None = None,
    **facts: Any,
) -> RefusalError:
    """Return the error that names file, operator, tensor and reason.

    Args:
        graph: the model.
        reason: why.
        operator: the operator that cannot be run; None where it is the whole model.
        tensor: the tensor that is meant; None where it is the operator itself.
        **facts: what the sentence of `reason` has places for.
    """
    where = ", ".join(part.label for part in (operator, tensor) if part is not None)
    foreign = _FOREIGN.get(operator.custom_code, "") if operator else ""
    said = ": ".join(part for part in (graph.name, where, reason.format(**facts)) if part)
    return RefusalError(reason, f"{said}.", hint=foreign or _REMEDIES.get(reason, CHAIN))
