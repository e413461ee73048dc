"""Runs a digit classifier's `.tflite` on images through LiteRT, the interpreter that users of the file have.

Kernels are "default" (XNNPACK, what an application gets) or "reference" (`BUILTIN_REF`, whose arithmetic the
generated C equals bit for bit). Both run in a child process, one image at a time, as on a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.preprocess import PixelMap, PixelRange, quantize_values
from edgedigits.data.seeing import see
from edgedigits.data.shape import CLASSES
from edgedigits.errors import DataError, UnsupportedModelError
from edgedigits.model.ir import Graph, Operator, Tensor
from edgedigits.model.ops.catalogue import FORM_ONLY
from edgedigits.scoring.child import Workspace
from edgedigits.scoring.pixels import model_map
from edgedigits.view import PLAIN, View

KERNELS = ("default", "reference")
IO_DTYPES = ("int8", "uint8", "float32")
# How far a float softmax's sum may be from 1.
SUM_TOLERANCE = 1e-3
_HINT = (
    "What is scored on digits classifies one 28×28 image into ten of them; a build that sees less of it, by its folder."
)
_ONE_BATCH = "Convert it with a batch of 1, or an open one."


@dataclass(frozen=True)
class Classifier:
    """A model that takes one 28×28 image and gives ten scores; made by `open_classifier`.

    Attributes:
        graph: the file.
        input: its only input: int8, uint8 or float32, as many elements as it sees pixels.
        output: its only output: int8, uint8 or float32, 10 elements.
        pixels: what images become in its input.
    """

    graph: Graph
    input: Tensor
    output: Tensor
    pixels: PixelMap

    def dequantize(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return stored outputs (n, 10) as float32 (n, 10): (q − zero point) · scale."""
        if self.output.dtype == "float32":
            return raw.astype(np.float32, copy=False)
        return (raw.astype(np.int32) - self.output.zero_point).astype(np.float32) * self.output.scale

    def gives_probabilities(self, scores: NDArray[np.float32]) -> bool:
        """Tell whether `scores` (n, 10), outputs of this model, are probabilities rather than logits.

        They are when the last operator that is not a mere change of form is SOFTMAX, or when the output is
        float32 and every row sums to 1 with no score below 0.
        """
        if self._last_operator() == "SOFTMAX":
            return True
        sums = scores.sum(axis=1)
        return (
            self.output.dtype == "float32"
            and bool(np.all(scores >= 0))
            and bool(np.all(np.abs(sums - 1) <= SUM_TOLERANCE))
        )

    def workspace(self, images: NDArray[np.uint8]) -> Workspace:
        """Return the temporary folder in which children run this model on `images` (n, 784)."""
        shown = see(self.pixels.view, images)
        return Workspace(self.graph.name, self.graph.content, shown, self.pixels.table)

    @property
    def request(self) -> dict[str, Any]:
        """What a worker must know of the model's ends."""
        return {
            "input_shape": list(self.input.shape),
            "output_dtype": self.output.dtype,
            "classes": self.output.size,
        }

    def _last_operator(self) -> str:
        tensor = self.output
        # No path is longer than the number of operators: a damaged file cannot keep this walking in a circle.
        for _ in self.graph.operators:
            operator: Operator | None = self.graph.producer(tensor)
            if operator is None:
                return ""
            if operator.opcode not in FORM_ONLY or not operator.inputs:
                return operator.opcode
            tensor = self.graph.tensors[operator.inputs[0]]
        return ""


def open_classifier(graph: Graph, pixels: PixelRange | None = None, view: View = PLAIN) -> Classifier:
    """Check that a model classifies one 28×28 image into ten digits.

    Input shapes [1, 784], [1, 28, 28], [1, 28, 28, 1] and whatever else has as many elements as it sees pixels are
    accepted, with batch 1 or dynamic.

    Args:
        graph: the model.
        pixels: what pixels are to it; by default as its input's quantization says.
        view: what it sees of an image.

    Raises:
        ConfigError: nobody says what pixels are to it; see `find_range`.
        UnsupportedModelError: it does not; the message names the tensor, its shape and the reason.
    """
    ends = open_ends(graph, view.inputs, CLASSES)
    return Classifier(graph, *ends, model_map(graph, ends[0], pixels, view))


def open_ends(graph: Graph, inputs: int | None = None, outputs: int | None = None) -> tuple[Tensor, Tensor]:
    """Return the one input and the one output of a model.

    Args:
        graph: the model.
        inputs: elements that the input must have; None for any number.
        outputs: elements that the output must have; None for any number.

    Raises:
        UnsupportedModelError: there are more, or they are of another size or of a type without meaning.
    """
    ends = []
    for kind, indices, size in (("input", graph.inputs, inputs), ("output", graph.outputs, outputs)):
        if len(indices) != 1:
            raise UnsupportedModelError(f"{graph.name}: it has {len(indices)} {kind}s, not one.", hint=_HINT)
        tensor = graph.tensors[indices[0]]
        where = f"{graph.name}: {kind} {tensor.label} of shape {list(tensor.shape_signature)}"
        if size is not None and tensor.size != size:
            batch = tensor.shape[0] if tensor.shape else 1
            if batch > 1 and tensor.size == batch * size:
                raise UnsupportedModelError(f"{where} has a fixed batch of {batch}.", hint=_ONE_BATCH)
            elements = "1 element" if tensor.size == 1 else f"{tensor.size} elements"
            raise UnsupportedModelError(f"{where} has {elements}, not {size}.", hint=_HINT)
        if tensor.dtype not in IO_DTYPES:
            raise UnsupportedModelError(
                f"{where} is {tensor.dtype}, not one of {', '.join(IO_DTYPES)}.",
                hint="Set the converter's inference_input_type and inference_output_type.",
            )
        # Images without quantization are what they are: pixels.
        plain = kind == "input" and tensor.dtype == "uint8" and not tensor.is_quantized
        if tensor.dtype != "float32" and not plain and (len(tensor.scales) != 1 or tensor.scale == 0):
            raise UnsupportedModelError(
                f"{where} is {tensor.dtype} without one quantization scale, so its values have no meaning.",
                hint="Convert it with full-integer quantization and representative data.",
            )
        ends.append(tensor)
    return ends[0], ends[1]


def stored_as(values: NDArray[np.float32], tensor: Tensor) -> NDArray[Any]:
    """Return float32 `values` (any shape) in the integer type of `tensor`, as its QUANTIZE operator would."""
    return quantize_values(values, tensor.scale, tensor.zero_point, tensor.dtype)


def litert_request(classifier: Classifier, kernels: Sequence[str], threads: int) -> dict[str, Any]:
    """Return what a "litert" worker must know."""
    return {**classifier.request, "kernels": list(kernels), "threads": threads}


def run_litert(
    classifier: Classifier,
    images: NDArray[np.uint8],
    *,
    kernels: Sequence[str] = KERNELS,
    threads: int = 1,
    timeout_s: float | None = None,
) -> dict[str, NDArray[Any]]:
    """Run every image through LiteRT in a child process.

    Args:
        classifier: the model.
        images: uint8 (n, 784), white ink on black.
        kernels: "default", "reference" or both.
        threads: threads of the interpreter.
        timeout_s: seconds to wait; by default 60 s and 10 ms an image.

    Returns:
        The outputs as stored, (n, 10) in the output's type, by kernels.

    Raises:
        DataError: the interpreter died, hung, calls the file damaged, or gave outputs that are not finite.
        UnsupportedModelError: an operator or a type that the interpreter lacks.
        ToolMissingError: ai-edge-litert is not installed.
    """
    with classifier.workspace(images) as workspace:
        child = workspace.start("litert", timeout_s=timeout_s, **litert_request(classifier, kernels, threads))
        return finite(classifier, child.result().arrays)


def run_scored(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[Any]:
    """Run what figures are of: the reference kernels of an int8 model, the default ones of one in float32."""
    kernels = "default" if classifier.output.dtype == "float32" else "reference"
    return run_litert(classifier, images, kernels=(kernels,))[kernels]


def finite(classifier: Classifier, arrays: Any) -> dict[str, NDArray[Any]]:
    """Return `arrays`, outputs by name, as a dict; raise DataError when a float one holds NaN or infinity."""
    for array in arrays.values():
        if not np.isfinite(array).all():
            raise DataError(
                f"{classifier.graph.name}: its outputs hold NaN or infinity.",
                hint="The training diverged; lower its learning rate and build again.",
            )
    return dict(arrays)
