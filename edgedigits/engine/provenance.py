"""What the head of every generated file says about the model it was made from."""

from __future__ import annotations

from edgedigits.engine.comments import comment_text
from edgedigits.model.ir import Graph, Tensor
from edgedigits.model.summary import shape_text
from edgedigits.version import __version__


def provenance(graph: Graph) -> dict[str, str]:
    """Return the facts that templates put in their first comment, ready to print.

    Keys: "tool", "digest", "size", "input", "output". There is no time among them, so that the same model
    gives the same bytes.
    """
    return {
        "tool": f"edgedigits {__version__}",
        "digest": graph.digest,
        "size": f"{graph.size:,} bytes",
        "input": "; ".join(tensor_text(graph.tensors[index]) for index in graph.inputs),
        "output": "; ".join(tensor_text(graph.tensors[index]) for index in graph.outputs),
    }


def tensor_text(tensor: Tensor) -> str:
    """Return type, shape and quantization: "int8 [1, 784], scale 0.003921569, zero point -128"."""
    text = f"{tensor.dtype} {shape_text(tensor.shape_signature)}"
    if len(tensor.scales) == 1:
        text += f", scale {tensor.scale!s}, zero point {tensor.zero_point}"
    elif tensor.is_per_channel:
        text += f", {len(tensor.scales)} scales"
    return comment_text(text)
