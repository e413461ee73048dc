"""What pixels are to somebody's model: by what its input can hold, or by what the user says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.preprocess import (
    RANGES,
    PixelMap,
    PixelRange,
    pixel_map,
    quantize_values,
    range_text,
    usual_ranges,
)
from edgedigits.data.shape import CLASSES
from edgedigits.errors import ConfigError, UnsupportedModelError
from edgedigits.model.ir import Graph, Tensor
from edgedigits.model.ops.catalogue import FORM_ONLY
from edgedigits.view import PLAIN, View

FLAG = "--input-range"
_FARTHEST, _NARROWEST = 1_000_000, 1e-4
_THE_SAME = 0.02  # of a range's width: p/255 and p/256
_HINT = f"Say what pixels 0 and 255 are to it: {FLAG} LOW,HIGH, such as 0,1 or 0,255 or -1,1."


def told_range(low: float, high: float, how: str = f"by {FLAG}") -> PixelRange:
    """Return a range that somebody named.

    Raises:
        ConfigError: it is no range, or one that no model is made for.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(
            f"Pixels from {low:g} to {high:g} are no range.",
            hint=f"Write {FLAG} LOW,HIGH with LOW below HIGH; digits that are dark on light need --invert.",
        )
    told = f"Pixels from {low:g} to {high:g}"
    if max(abs(low), abs(high)) > _FARTHEST:
        raise ConfigError(f"{told} are farther from 0 than {_FARTHEST:,}, the most that is taken.", hint=_HINT)
    named = PixelRange(low, high, how)
    if high - low < _NARROWEST or not np.all(np.diff(named.values) > 0):
        raise ConfigError(f"{told} are too close together to be told apart.", hint=_HINT)
    return named


def find_range(graph: Graph, tensor: Tensor) -> PixelRange:
    """Return what pixels are to a model that does not say it, as far as its quantization tells.

    Args:
        graph: the model.
        tensor: its input.

    Raises:
        ConfigError: none of the usual ranges fits what the input can hold, or several do.
    """
    if tensor.dtype == "uint8" and not tensor.is_quantized:
        return PixelRange(0.0, 255.0, "as they are: uint8 without quantization")
    stored = _first_integer(graph, tensor)
    if stored is None:
        return PixelRange(0.0, 1.0, f"as usual for float32, which does not say it ({FLAG} does)")
    scale, zero_point = float(stored.scale), stored.zero_point
    fitting = usual_ranges(scale, zero_point, stored.dtype)
    if len(fitting) == 1:
        return PixelRange(*fitting[0], "by the model's own input quantization")
    limits = np.iinfo(stored.dtype)
    low, high = ((int(limit) - zero_point) * scale for limit in (limits.min, limits.max))
    which = f"may be {' or '.join(range_text(*one) for one in fitting)}" if fitting else "fits no usual range of pixels"
    raise ConfigError(f"{graph.name}: {tensor.label} holds {range_text(low, high)}, which {which}.", hint=_HINT)


def other_ranges(graph: Graph, tensor: Tensor, current: PixelRange) -> list[PixelRange]:
    """Return what else pixels could be to a model: the usual ranges that its input can hold, but for the current one.

    Args:
        graph: the model.
        tensor: its input.
        current: what pixels are taken for.
    """
    stored = _first_integer(graph, tensor)
    if stored is None or not stored.is_quantized:
        usual = list(RANGES)
    else:
        usual = usual_ranges(float(stored.scale), stored.zero_point, stored.dtype)
    width = current.high - current.low
    others = [
        (low, high) for low, high in usual if abs(low - current.low) + abs(high - current.high) > _THE_SAME * width
    ]
    return [PixelRange(low, high, f"by {FLAG}") for low, high in others]


def _first_integer(graph: Graph, tensor: Tensor) -> Tensor | None:
    """Return the input's own quantization, that of the int8 behind a float32 input, or None for a float model."""
    if tensor.dtype != "float32":
        return tensor
    try:
        inner = inner_tensor(graph, tensor, towards_output=True)
    except UnsupportedModelError:
        return None
    return inner if len(inner.scales) == 1 and inner.scale > 0 else None


def model_map(graph: Graph, tensor: Tensor, pixels: PixelRange | None = None, view: View = PLAIN) -> PixelMap:
    """Return what images become in a model's input, in its own type.

    Args:
        graph: the model.
        tensor: its input.
        pixels: what pixels are; by default as the model's quantization says.
        view: what the model sees of an image.

    Raises:
        ConfigError: nobody says it: as `find_range`; or all pixels become the same.
    """
    found = pixels or find_range(graph, tensor)
    if tensor.dtype == "float32" or not tensor.is_quantized:
        mapped = pixel_map(found, np.float32(1.0), 0, tensor.dtype, view)
    else:
        mapped = pixel_map(found, tensor.scale, tensor.zero_point, tensor.dtype, view)
    stored = _first_integer(graph, tensor)
    integers = mapped.table
    if stored is not None and stored.is_quantized and integers.dtype == np.float32:
        integers = quantize_values(integers, stored.scale, stored.zero_point, stored.dtype)
    if (integers == integers[0]).all():
        raise ConfigError(
            f"{graph.name}: pixels from {range_text(found.low, found.high)} all become {integers[0]} in its input, "
            "black and white alike.",
            hint=_HINT,
        )
    return mapped


def takes_digits(graph: Graph, view: View = PLAIN) -> bool:
    """Tell whether a model has the sizes of a classifier of digits of which it is given such a view."""
    sizes = [graph.tensors[index].size for index in (*graph.inputs, *graph.outputs)]
    return len(graph.inputs) == 1 and sizes == [view.inputs, CLASSES]


def engine_map(graph: Graph, pixels: PixelRange | None = None, view: View = PLAIN) -> PixelMap | None:
    """Return what images become in the int8 input of a model's engine; None for a model that classifies no digits.

    Args:
        graph: the model.
        pixels: what pixels are to it; by default as its input's quantization says.
        view: what it sees of an image.

    Raises:
        ConfigError: nobody says what pixels are, as `find_range`; or `pixels` for a model that takes none.
        UnsupportedModelError: the model does not compute in int8 behind its input.
    """
    if takes_digits(graph, view):
        tensor = graph.tensors[graph.inputs[0]]
        outer = model_map(graph, tensor, pixels, view)
        return PixelMap(outer.range, to_inner(graph, tensor, outer.table), view)
    if pixels is not None:
        raise ConfigError(f"{graph.name} takes no 28×28 digits, and so no pixels.", hint=f"Leave out {FLAG}.")
    return None


def to_inner(graph: Graph, tensor: Tensor, values: NDArray[Any]) -> NDArray[np.int8]:
    """Return values (any shape) of a model's input as the int8 behind it has them.

    Raises:
        UnsupportedModelError: there is no int8 behind it.
    """
    inner = inner_tensor(graph, tensor, towards_output=True)
    if inner is tensor:
        return values
    if not tensor.is_quantized:
        values = values.astype(np.float32)
    elif tensor.dtype != "float32":
        values = (values.astype(np.int32) - tensor.zero_point).astype(np.float32) * tensor.scale
    return quantize_values(values, inner.scale, inner.zero_point, inner.dtype)


def inner_tensor(graph: Graph, tensor: Tensor, *, towards_output: bool) -> Tensor:
    """Return the first int8 tensor behind an end of the model, over operators that change the form alone.

    Raises:
        UnsupportedModelError: there is none.
    """
    end = tensor
    for _ in graph.operators:
        if tensor.dtype == "int8":
            return tensor
        beside = graph.consumers(tensor) if towards_output else (graph.producer(tensor),)
        operator = next((one for one in beside if one is not None and one.opcode in FORM_ONLY), None)
        if operator is None:
            break
        tensor = graph.tensors[operator.outputs[0] if towards_output else operator.inputs[0]]
    if tensor.dtype == "int8":
        return tensor
    raise UnsupportedModelError(
        f"{graph.name}: {end.label} is {end.dtype}, and no int8 tensor lies behind it.",
        hint="Engines compute in int8: convert it with full-integer quantization, or give it to edgedigits quantize.",
    )
