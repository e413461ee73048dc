"""Takes neurons and inputs that do nothing out of a `.tflite` file, so that it is smaller in every runtime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgedigits.errors import CheckFailedError
from edgedigits.model.file_writer import aligned, pack_model
from edgedigits.model.fixed_point import INT32_MAX, Rounding
from edgedigits.model.ir import Graph, Operator
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import without_dead_neurons

GATHER_VERSION = 2
"""Of int8 values: `GetBuiltinOperatorVersion` of TensorFlow Lite."""


@dataclass(frozen=True, slots=True, eq=False)
class Narrowed:
    """A file without dead neurons.

    Attributes:
        content: of the `.tflite`.
        kept: for each dense layer, which of its outputs are left, intp (n,), in order.
    """

    content: bytes
    kept: tuple[NDArray[np.intp], ...]


def narrowed(content: bytes, name: str, *, gather: bool = False) -> Narrowed:
    """Return an equal file without neurons that are constant or that nobody reads.

    Every output stays the same byte, whichever way a runtime rounds: a constant neuron is folded into the biases that
    it feeds only where both roundings give it the same value. A file that is no chain of dense layers, each read by
    the next alone, is returned as it is; so is one without such neurons.

    Args:
        content: of a full-integer `.tflite`.
        name: for messages.
        gather: where the first layer does without some inputs, a GATHER picks the others, if that saves bytes.

    Raises:
        DataError, UnsupportedModelError: it cannot be read or lowered.
        CheckFailedError: the file that was written is not equal to the one given.
    """
    made = _without_neurons(content, name)
    return replace(made, content=_without_inputs(made.content, name)) if gather else made


def _without_neurons(content: bytes, name: str) -> Narrowed:
    graph = read_tflite(content, name)
    network = lower(graph)
    layers = [operator for operator in graph.operators if operator.opcode == "FULLY_CONNECTED"]
    whole = Narrowed(content, tuple(np.arange(layer.outputs) for layer in network.layers))
    if not _is_chain(graph, layers, network):
        return whole
    smaller = without_dead_neurons(network, tuple(Rounding))
    left = zip(layers, smaller.network.layers, smaller.kept, strict=True)
    changed = [_Changed(graph, *each) for each in left]
    if smaller.network.sizes == network.sizes or not all(one.can_be_written for one in changed):
        return whole
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for one in changed:
        one.write(model)
    written = pack_model(model)
    _check_equal(read_tflite(written, name), smaller.network)
    return Narrowed(written, smaller.kept)


def _without_inputs(content: bytes, name: str) -> bytes:
    """Return a file whose first layer reads only those inputs that it has a weight for, where that is a smaller one."""
    graph = read_tflite(content, name)
    network = lower(graph)
    layers = [operator for operator in graph.operators if operator.opcode == "FULLY_CONNECTED"]
    read = np.array(network.layers[0].weights.any(axis=0), np.bool_)
    if not _is_chain(graph, layers, network) or read.all() or not read.any():
        return content
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    _pick(model, layers[0], network.layers[0].weights, np.flatnonzero(read).astype(np.int32))
    written = pack_model(model)
    _check_equal(read_tflite(written, name), network)
    return written if len(written) < len(content) else content


def _pick(model: Any, first: Operator, weights: NDArray[np.int8], places: NDArray[np.int32]) -> None:
    """Put a GATHER of these inputs before the first layer of a schema.ModelT."""
    main = model.subgraphs[0]
    source = main.tensors[first.inputs[0]]
    kernel = main.tensors[first.inputs[1]]
    indices, picked = schema.TensorT(), schema.TensorT()
    indices.name, indices.type, indices.shape = (
        b"inputs_read",
        schema.TensorType.INT32,
        np.array([len(places)], np.int32),
    )
    indices.buffer = len(model.buffers)
    model.buffers.append(aligned(places))
    picked.name, picked.type, picked.shape = b"inputs_picked", source.type, np.array([1, len(places)], np.int32)
    picked.quantization = source.quantization
    main.tensors += [indices, picked]
    options, gather, code = schema.GatherOptionsT(), schema.OperatorT(), schema.OperatorCodeT()
    options.axis = 1
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.GATHER
    code.version = GATHER_VERSION
    gather.opcodeIndex = len(model.operatorCodes)
    gather.builtinOptionsType, gather.builtinOptions = schema.BuiltinOptions.GatherOptions, options
    gather.inputs = np.array([first.inputs[0], len(main.tensors) - 2], np.int32)
    gather.outputs = np.array([len(main.tensors) - 1], np.int32)
    model.operatorCodes.append(code)
    layer = main.operators[first.index]
    layer.inputs = np.array([len(main.tensors) - 1, *first.inputs[1:]], np.int32)
    main.operators.insert(first.index, gather)
    _fill(model, kernel, weights[:, places])


def _is_chain(graph: Graph, layers: list[Operator], network: Network) -> bool:
    """Tell whether each layer's int8 weights and biases are its own and plain, and its outputs for the next alone."""
    weights = [graph.input_of(layer, 1) for layer in layers]
    if [one and one.shape for one in weights] != [layer.weights.shape for layer in network.layers]:
        return False
    constants = [one.index for layer in layers for place in (1, 2) if (one := graph.input_of(layer, place))]
    own = len(set(constants)) == len(constants)
    plain = all(one is not None and one.dtype == "int8" and not one.is_sparse for one in weights)
    return own and plain and all(layer.outputs[0] == after.inputs[0] for layer, after in pairwise(layers))


class _Changed:
    """One layer of a file, and what becomes of it."""

    def __init__(self, graph: Graph, operator: Operator, layer: DenseLayer, kept: NDArray[np.intp]) -> None:
        source = graph.input_of(operator, 0)
        assert source is not None
        self._operator, self._layer, self._kept = operator, layer, kept
        # As a file stores it: for distances from the input's zero point.
        self._bias = layer.bias_from(source.zero_point)
        self._has_bias = graph.input_of(operator, 2) is not None

    @property
    def can_be_written(self) -> bool:
        """Whether the file has a place for the biases, and they are int32."""
        held = bool(np.all(np.abs(self._bias) <= INT32_MAX))
        return held if self._has_bias else not self._bias.any()

    def write(self, model: Any) -> None:
        """Put it into a schema.ModelT."""
        tensors = model.subgraphs[0].tensors
        _fill(model, tensors[self._operator.inputs[1]], self._layer.weights, self._kept)
        if self._has_bias:
            _fill(model, tensors[self._operator.inputs[2]], self._bias.astype(np.int32), self._kept)
        given = tensors[self._operator.outputs[0]]
        for name in ("shape", "shapeSignature"):
            if (lengths := getattr(given, name)) is not None:
                setattr(given, name, np.array([*lengths[:-1], len(self._kept)], np.int32))


def _fill(model: Any, tensor: Any, values: NDArray[Any], kept: NDArray[np.intp] | None = None) -> None:
    """Give a constant other values, and of its scales those of the outputs kept, all by default."""
    held = tensor.buffer
    tensor.shape, tensor.buffer = np.array(values.shape, np.int32), len(model.buffers)
    model.buffers.append(aligned(values))
    if all(one.buffer != held for graph in model.subgraphs for one in graph.tensors):
        model.buffers[held].data = None
    stored = tensor.quantization
    if kept is None:
        return
    for name in ("scale", "zeroPoint", "min", "max"):
        many = getattr(stored, name)
        if many is not None and len(many) > 1:
            setattr(stored, name, many[kept])


def _check_equal(graph: Graph, wanted: Network) -> None:
    """Hold what was written against what was to be written, number by number."""
    found = lower(graph)
    for layer, other in zip(found.layers, wanted.layers, strict=True):
        for name in ("weights", "bias", "multiplier", "shift"):
            if not np.array_equal(getattr(layer, name), getattr(other, name)):
                raise CheckFailedError(f"{graph.name}: {layer.name} lost its {name} when dead neurons were taken out.")
