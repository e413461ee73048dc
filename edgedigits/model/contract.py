"""The contract of a `.tflite` that this toolkit builds; see `check_contract`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.preprocess import INPUT_SCALE, INPUT_ZERO_POINT
from edgedigits.data.shape import CLASSES
from edgedigits.errors import CheckFailedError
from edgedigits.model.ir import Graph, Operator, Tensor
from edgedigits.model.summary import count_zeros, shape_text

DTYPES = ("int8", "int32")
OPS = ("FULLY_CONNECTED", "SOFTMAX", "RESHAPE", "QUANTIZE", "GATHER")


def check_contract(
    graph: Graph,
    *,
    minimum_zeros: Sequence[int] | None = None,
    maximum_distinct: Sequence[int | None] | None = None,
    by_output: bool = False,
) -> None:
    """Hold a model against the contract of a build.

    Every tensor is int8 or int32, and every int8 tensor has a scale; the ops are among `OPS`, with no
    QUANTIZE at the edges; there is one input, int8 [1, n] with scale 1/255 and zero point -128, so that a
    pixel p enters as p - 128, and one output, int8 [1, 10]; the batch is 1. Weights are constants in plain
    layout with zero point 0. What pruning and clustering made is still there, counted in the file.

    Args:
        graph: the model as read from the file.
        minimum_zeros: for each FULLY_CONNECTED layer in order, how many zero weights it has at least.
        maximum_distinct: for each FULLY_CONNECTED layer in order, how many different weights it has at
            most; None for a layer that was not clustered.
        by_output: these are those of each output, not of the whole layer.

    Raises:
        CheckFailedError: the contract is broken; names the tensor or operator and what is wrong with it, and
            says how many more violations there are.
    """
    violations = contract_violations(
        graph, minimum_zeros=minimum_zeros, maximum_distinct=maximum_distinct, by_output=by_output
    )
    if violations:
        more = f" ({len(violations) - 1} more)" if len(violations) > 1 else ""
        raise CheckFailedError(
            f"{graph.name}: {violations[0]}{more}.",
            hint="This model must not be deployed; `edgedigits inspect` shows what is in it.",
        )


def contract_violations(
    graph: Graph,
    *,
    minimum_zeros: Sequence[int] | None = None,
    maximum_distinct: Sequence[int | None] | None = None,
    by_output: bool = False,
) -> tuple[str, ...]:
    """Return what `check_contract` would complain about, one clause each; empty when the contract holds."""
    return (
        *_whole(graph),
        *_input(graph),
        *_output(graph),
        *(clause for operator in graph.operators for clause in _operator(graph, operator)),
        *_tensors(graph),
        *_counts(graph, minimum_zeros, maximum_distinct, by_output=by_output),
    )


def dense_weights(graph: Graph) -> tuple[Tensor, ...]:
    """Return the weights of the FULLY_CONNECTED layers, in order of execution; those without are left out."""
    operators = (operator for operator in graph.operators if operator.opcode == "FULLY_CONNECTED")
    weights = (graph.input_of(operator, 1) for operator in operators)
    return tuple(tensor for tensor in weights if tensor is not None)


def weights_of_inputs(graph: Graph) -> NDArray[np.float32]:
    """Return the real weights of the first layer, float32 (out, n), for all inputs: 0 for those that a GATHER omits."""
    first = next(operator for operator in graph.operators if operator.opcode == "FULLY_CONNECTED")
    weights = real_weights(dense_weights(graph)[0])
    source = graph.input_of(first, 0)
    gather = graph.producer(source) if source else None
    places = graph.input_of(gather, 1) if gather and gather.opcode == "GATHER" else None
    if places is None or places.data is None:
        return weights
    wide = np.zeros((len(weights), graph.tensors[graph.inputs[0]].size), np.float32)
    wide[:, places.data] = weights
    return wide


def real_weights(tensor: Tensor) -> NDArray[np.float32]:
    """Return what int8 weights (out, in) stand for: float32 (out, in), each times the scale of its output."""
    assert tensor.data is not None  # the contract holds: weights are constants
    return tensor.data.astype(np.float32) * np.reshape(tensor.scales, (-1, 1))


def _whole(graph: Graph) -> Iterator[str]:
    if graph.subgraphs != 1:
        yield f"it has {graph.subgraphs} subgraphs, expected one"
    if not dense_weights(graph):
        yield "it has no FULLY_CONNECTED layer"


def _operator(graph: Graph, operator: Operator) -> Iterator[str]:
    if operator.opcode not in OPS:
        yield f"{operator.label} is not among {', '.join(OPS)}"
    if operator.opcode == "QUANTIZE":
        if set(operator.inputs) & set(graph.inputs):
            yield f"{operator.label} at the input: the model was not converted with an int8 input"
        if set(operator.outputs) & set(graph.outputs):
            yield f"{operator.label} at the output: the model was not converted with an int8 output"
    if operator.opcode == "FULLY_CONNECTED":
        weights = graph.input_of(operator, 1)
        if weights is None or weights.data is None:
            yield f"{operator.label} has no constant weights in plain layout"
        elif np.any(weights.zero_points):
            yield f"{operator.label} has weights with a zero point other than 0"


def _tensors(graph: Graph) -> Iterator[str]:
    """One clause for each kind of mistake: a float model need not list all of its tensors."""
    foreign = [tensor for tensor in graph.tensors if tensor.dtype not in DTYPES]
    if foreign:
        yield f"{_first(foreign)} {foreign[0].dtype}, expected {' or '.join(DTYPES)}"
    bare = [tensor for tensor in graph.tensors if tensor.dtype == "int8" and not tensor.is_quantized]
    if bare:
        yield f"{_first(bare)} int8 without a scale"
    activations = [tensor for tensor in graph.tensors if not tensor.is_constant]
    batched = [tensor for tensor in activations if tensor.is_dynamic or tensor.shape[:1] != (1,)]
    if batched:
        yield f"{_first(batched)} {shape_text(batched[0].shape_signature)}, expected a batch of 1"


def _first(tensors: Sequence[Tensor]) -> str:
    more = f" and {len(tensors) - 1} more are" if len(tensors) > 1 else " is"
    return tensors[0].label + more


def _input(graph: Graph) -> Iterator[str]:
    if len(graph.inputs) != 1:
        yield f"it has {len(graph.inputs)} inputs, expected one"
        return
    tensor = graph.tensors[graph.inputs[0]]
    if tensor.dtype != "int8" or len(tensor.shape) != 2:
        yield f"its input is {tensor.dtype} {shape_text(tensor.shape_signature)}, expected int8 [1, n]"
    if len(tensor.scales) != 1 or tensor.scale != INPUT_SCALE or tensor.zero_point != INPUT_ZERO_POINT:
        expected = f"scale {INPUT_SCALE:.9g} (1/255), zero point {INPUT_ZERO_POINT}"
        yield f"its input has {_quantization(tensor)}, expected {expected}"


def _quantization(tensor: Tensor) -> str:
    if len(tensor.scales) == 1:
        return f"scale {tensor.scale:.9g}, zero point {tensor.zero_point}"
    return f"{len(tensor.scales)} scales" if tensor.is_quantized else "no scale"


def _output(graph: Graph) -> Iterator[str]:
    if len(graph.outputs) != 1:
        yield f"it has {len(graph.outputs)} outputs, expected one"
        return
    tensor = graph.tensors[graph.outputs[0]]
    if tensor.dtype != "int8" or tensor.shape != (1, CLASSES):
        found = f"{tensor.dtype} {shape_text(tensor.shape_signature)}"
        yield f"its output is {found}, expected int8 [1, {CLASSES}]"


def _counts(
    graph: Graph,
    minimum_zeros: Sequence[int] | None,
    maximum_distinct: Sequence[int | None] | None,
    *,
    by_output: bool,
) -> Iterator[str]:
    layers = dense_weights(graph)
    for wanted, what in ((minimum_zeros, "zeros"), (maximum_distinct, "clusters")):
        if wanted is not None and len(wanted) != len(layers):
            yield f"it has {len(layers)} FULLY_CONNECTED layers, but {what} are expected of {len(wanted)}"
    for tensor, floor in zip(layers, minimum_zeros or (), strict=False):
        if tensor.data is not None and count_zeros(tensor) < floor:
            found = count_zeros(tensor)
            yield f"{tensor.label} has {found} zero weights, expected at least {floor}: pruning was undone"
    for tensor, ceiling in zip(layers, maximum_distinct or (), strict=False):
        if tensor.data is None or ceiling is None:
            continue
        found = max(len(np.unique(one)) for one in (tensor.data if by_output else [tensor.data]))
        if found > ceiling:
            what = "distinct weights" + " of an output" * by_output
            yield f"{tensor.label} has {found} {what}, expected at most {ceiling}: its codebook was lost"
