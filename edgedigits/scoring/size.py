"""How small a model is: its file, its file compressed, and both against the float32 model it came from."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from edgedigits.files.typed import Count
from edgedigits.model.ir import Graph, Tensor

FLOAT_BYTES = 4
GZIP_LEVEL = 9


@dataclass(frozen=True)
class Size:
    """Bytes of a model.

    Attributes:
        raw: bytes of the .tflite.
        gzip: bytes of the same through gzip -9 without name and time; what pruning and clustering shrink.
        parameters: weights and biases of the fully connected layers.
        float_bytes: bytes of the float32 model.
        float_how: "measured" (its file is there) or "estimated" (4 bytes a parameter).
        ratio: float_bytes / raw.
        gzip_ratio: float_bytes / gzip.
    """

    raw: Count
    gzip: Count
    parameters: Count
    float_bytes: Count
    float_how: str
    ratio: float
    gzip_ratio: float


def measure_size(graph: Graph, float_twin: Graph | None = None) -> Size:
    """Measure a model's file.

    Args:
        graph: the model.
        float_twin: the float32 model it was made from, if its file is at hand. A float32 model is its own.
    """
    if float_twin is None and is_float(graph):
        float_twin = graph
    compressed = len(gzip.compress(graph.content, GZIP_LEVEL, mtime=0))
    parameters = sum(tensor.size for tensor in parameter_tensors(graph))
    # A model without fully connected layers has no estimate; its own size keeps the ratio at an honest 1.
    float_bytes = float_twin.size if float_twin else FLOAT_BYTES * parameters or graph.size
    return Size(
        raw=graph.size,
        gzip=compressed,
        parameters=parameters,
        float_bytes=float_bytes,
        float_how="measured: its float32 file" if float_twin else "estimated: 4 bytes a parameter",
        ratio=round(float_bytes / graph.size, 3),
        gzip_ratio=round(float_bytes / compressed, 3),
    )


def parameter_tensors(graph: Graph) -> tuple[Tensor, ...]:
    """Return the weights and biases of the fully connected layers, shared ones once."""
    found = {}
    for operator in graph.operators:
        if operator.opcode == "FULLY_CONNECTED":
            for tensor in (graph.input_of(operator, 1), graph.input_of(operator, 2)):
                if tensor is not None and tensor.is_constant:
                    found[tensor.index] = tensor
    return tuple(found.values())


def is_float(graph: Graph) -> bool:
    """Tell whether all weights and biases are float32."""
    return all(tensor.dtype == "float32" for tensor in parameter_tensors(graph))
