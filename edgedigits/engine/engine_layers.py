"""How a packed layer looks in C: its constants, its comment, and the calls that compute it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.engine.kernel_calls import Ends, begins, kernel_calls, portion
from edgedigits.engine.literals import C_TYPES, array_rows, int_literal
from edgedigits.engine.workspace import INPUT, EngineMemory, padding
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import Emission, InPlaceStep, Place, Spot
from edgedigits.model.packing import PackedLayer, biases_from
from edgedigits.model.weights.encoding import Constant, Encoding, Visits
from edgedigits.model.weights.rows import ROWS

_MOST_FOLDED_SHIFT = 20
"""The high word of a product is at most 2³⁰, and an offset, at most 383, by 2²⁰ with half of that less than 2³⁰."""
ACTIVATIONS = {
    "NONE": "no activation",
    "RELU": "ReLU",
    "RELU6": "ReLU6",
    "RELU_N1_TO_1": "ReLU between minus 1 and 1",
    "RELU_0_TO_1": "ReLU up to 1",
}


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """One array in C, ready to print, and its values."""

    type: str
    name: str
    length: int
    rows: list[str]
    values: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class GuardedArrays:
    """Arrays that exist under a condition of the preprocessor, such as "if VECTORS"; an empty one is none."""

    condition: str
    arrays: list[Array]


@dataclass(frozen=True, slots=True)
class Rescaling:
    """The functions that turn sums into outputs: one pair for all layers that round alike.

    Attributes:
        rounding: once, or twice.
        suffix: what their names end with: nothing where the whole engine rounds so.
        high_shifts: all factors take the short way through `rescale`.
        folds: the offset of outputs can be added before the shift, with what rounds.
    """

    rounding: Rounding
    suffix: str
    high_shifts: bool
    folds: bool


@dataclass(frozen=True, slots=True, eq=False)
class EngineLayer:
    """A layer as the template prints it.

    Attributes:
        packed: the layer and its encoding.
        note: lines for the header.
        comment: lines for the comment over its constants.
        parts: its constants.
        calls: lines of C that compute it.
        rescaling: how its sums become outputs.
        bias_bytes: bytes of biases, and of factors where each output has its own.
        conditional: cores with MVE get other constants.
        reads_input: its inputs are those of the engine, and not in the workspace.
        begins: lines of C that let its sums begin at the biases, where its inputs may come in portions.
        portion: lines that add the products of `count` inputs behind `words` times four.
    """

    packed: PackedLayer
    note: list[str]
    comment: list[str]
    parts: list[GuardedArrays]
    calls: list[str]
    rescaling: Rescaling
    bias_bytes: int
    conditional: bool
    reads_input: bool
    begins: list[str]
    portion: list[str]

    @property
    def encoding(self) -> Encoding:
        """How its weights are stored on cores without MVE."""
        return self.packed.encoding

    @property
    def padded_outputs(self) -> int:
        """How many sums its kernel computes: outputs with those that fill up the last group."""
        return self.encoding.padded(self.packed.layer.outputs)

    def arrays(self, *, vectors: bool) -> list[Array]:
        """Return all constants in the order of the file, as cores with or without MVE get them."""
        left_out = "else" if vectors else "if VECTORS"
        return [array for part in self.parts if part.condition != left_out for array in part.arrays]


def as_c_arrays(packed: Sequence[PackedLayer]) -> list[PackedLayer]:
    """Return the layers with constants that C can declare.

    Indices get the widest type that one of them needs: a kernel is one function, so its arrays have one type. An empty
    array, which C lacks, gets one entry that nobody reads.
    """
    constants = [constant for one in packed for constant in one.constants]
    widest = {
        name: max((one.values.dtype for one in constants if one.name == name), key=lambda dtype: dtype.itemsize)
        for name in {one.name for one in constants if one.is_index}
    }
    return [replace(one, constants=tuple(_as_c_array(array, widest) for array in one.constants)) for one in packed]


def _as_c_array(constant: Constant, widest: dict[str, np.dtype[Any]]) -> Constant:
    values = constant.values.astype(widest[constant.name]) if constant.is_index else constant.values
    return replace(constant, values=values if len(values) else np.zeros(1, values.dtype))


def engine_layers(
    network: Network, packed: Sequence[PackedLayer], memory: EngineMemory, *, raw: bool, fed: bool
) -> list[EngineLayer]:
    """Return the layers of a network, ready to print.

    Args:
        network: as lowered.
        packed: its layers, packed.
        memory: where values lie.
        raw: layers that read the input also read pixels as they are.
        fed: the first layer can get them in portions.
    """
    kinds, last_reader = _rescalings(network), network.last_reader
    numbers = [number for number, step in enumerate(network.steps, start=1) if isinstance(step, DenseLayer)]
    layers = []
    for index, (one, number) in enumerate(zip(packed, numbers, strict=True)):
        [value] = network.reads[number - 1]
        is_raw, keeps = raw and memory.spots[value] == INPUT, last_reader[value] > number
        ends = Ends(memory.spots[value], memory.spots[number], keeps, is_raw, fed and is_raw)
        layers.append(_engine_layer(one, index, ends, kinds[one.layer.rounding_in(network.rounding)]))
    return layers


def _rescalings(network: Network) -> dict[Rounding, Rescaling]:
    layers: dict[Rounding, list[DenseLayer]] = {}
    for layer in network.layers:
        layers.setdefault(layer.rounding_in(network.rounding), []).append(layer)
    found = {}
    for rounding, some in layers.items():
        shifts = [_short_shifts(one, rounding) for one in some]
        high = all(np.all(one >= 1) for one in shifts)
        most = max((int(shift[0]) for one, shift in zip(some, shifts, strict=True) if one.uniform), default=0)
        folds = high and rounding is Rounding.LITERT and most <= _MOST_FOLDED_SHIFT
        found[rounding] = Rescaling(rounding, "" if rounding is network.rounding else "_twice", high, folds)
    return found


def step_emissions(network: Network, memory: EngineMemory) -> list[Emission]:
    """Return the steps of a network that have no weights, in C, in order."""
    emissions, sizes = [], network.sizes
    for number, (step, reads) in enumerate(zip(network.steps, network.reads, strict=True), start=1):
        if not isinstance(step, InPlaceStep):
            continue
        sources, target, count = (
            tuple(memory.spots[value] for value in reads),
            memory.spots[number],
            sizes[number],
        )
        emission = step.emit(Place(sources, target, count, number))
        # What lies where it lay is filled up already; the output never is.
        more = [] if target.signed or target in sources else padding(target, count)
        emissions.append(replace(emission, calls=(*emission.calls, *more)))
    return emissions


def _short_shifts(layer: DenseLayer, rounding: Rounding) -> NDArray[np.int64]:
    """Return what `rescale` takes for a shift in its short form, (out,): at least 1, or that form cannot be used."""
    # A factor of 0 gives 0 with any shift.
    shift = -layer.shift.astype(np.int64)
    return np.where(layer.multiplier == 0, 1, shift - 1 if rounding is Rounding.LITERT else shift)


def _shift_arguments(layer: DenseLayer, rescaling: Rescaling) -> NDArray[np.int64]:
    """Return what `rescale` takes for a shift, (out,)."""
    if rescaling.high_shifts:
        return _short_shifts(layer, rescaling.rounding)
    return (31 if rescaling.rounding is Rounding.LITERT else 32) - layer.shift.astype(np.int64)


def _engine_layer(one: PackedLayer, index: int, ends: Ends, rescaling: Rescaling) -> EngineLayer:
    layer, start = one.layer, f"layer{index + 1}"
    weights = [c_array(f"{start}_{constant.name}", constant.values) for constant in one.constants]
    bias = one.biases
    own = [*weights, c_array(f"{start}_bias", bias.values)]
    shifts = _shift_arguments(layer, rescaling)
    factors = [] if layer.uniform else _factors(layer, shifts, start)
    if not one.rows_on_vectors:
        parts = [GuardedArrays("", own + factors)]
    else:
        rows = ROWS.pack(layer.weights)[0]
        vector = [c_array(f"{start}_rows", rows.values), c_array(f"{start}_bias", biases_from(layer, ROWS))]
        parts = [GuardedArrays("if VECTORS", vector), GuardedArrays("else", own), GuardedArrays("endif", factors)]
    factor_bytes = 0 if layer.uniform else 5 * layer.outputs
    return EngineLayer(
        packed=one,
        note=_note(one, index),
        comment=_comment(one, index),
        parts=parts,
        calls=[
            f"/* {_shape(layer, index)} */",
            *kernel_calls(one, index, ends),
            *_activation(one, index, ends.target, rescaling, shifts),
        ],
        rescaling=rescaling,
        bias_bytes=bias.nbytes + factor_bytes,
        conditional=one.rows_on_vectors,
        reads_input=ends.source == INPUT,
        begins=begins(one, index) if ends.fed else [],
        portion=portion(one, index) if ends.fed else [],
    )


def c_array(name: str, values: NDArray[Any]) -> Array:
    """Return an array as C declares it."""
    return Array(C_TYPES[str(values.dtype)], name, len(values), array_rows(values), values)


def _factors(layer: DenseLayer, shifts: NDArray[np.int64], start: str) -> list[Array]:
    return [
        c_array(f"{start}_multipliers", layer.multiplier),
        c_array(f"{start}_shifts", shifts.astype(np.uint8)),
    ]


def _shape(layer: DenseLayer, index: int) -> str:
    return f"layer {index + 1}: {layer.inputs} inputs, {layer.outputs} outputs, {ACTIVATIONS[layer.activation]}"


def _note(one: PackedLayer, index: int) -> list[str]:
    other = f"; {one.layer.weights.size:,} bytes as rows with MVE" if one.rows_on_vectors else ""
    return [f"{_shape(one.layer, index)}{other}; {one.nbytes:,} bytes as {one.encoding.name}"]


def _comment(one: PackedLayer, index: int) -> list[str]:
    layer = one.layer
    zeros = int(np.count_nonzero(layer.weights == 0))
    scales = "one factor for each output" if not layer.uniform else "one factor for all outputs"
    return [
        f"L{_shape(layer, index)[1:]}.",
        f"Stored: {one.encoding.summary}{'; with MVE: row by row' if one.rows_on_vectors else ''}.",
        f"{layer.weights.size:,} weights, {zeros:,} of them 0, in {one.nbytes:,} bytes; {scales}.",
        f"Inputs count from {layer.input_low}; outputs have zero point {layer.output_offset} and lie in"
        f" {layer.clamp_low}..{layer.clamp_high}.",
    ]


def _activation(
    one: PackedLayer, index: int, target: Spot, rescaling: Rescaling, shifts: NDArray[np.int64]
) -> list[str]:
    """Return the calls that turn sums into the next step's inputs, counted from their lowest value, or into scores."""
    layer, start = one.layer, f"layer{index + 1}"
    # Whoever is next counts from the lowest that this one's clamp lets through; bytes of the output are signed.
    low = -128 if target.signed else layer.clamp_low
    offset = layer.output_offset - low
    if layer.uniform and rescaling.folds:
        offset = (offset << int(shifts[0])) + (1 << int(shifts[0]) - 1)
    limits = f"{offset}, {layer.clamp_low - low}, {layer.clamp_high - low}, {target.flip}"
    if layer.uniform:
        factor = f"{int_literal(int(layer.multiplier[0]))}, {int(shifts[0])}u"
        calls = [f"activate{rescaling.suffix}(s->sums, {layer.outputs}u, {factor}, {limits}, {target.written});"]
    else:
        factors = f"{start}_multipliers, {start}_shifts"
        calls = [f"activate_each{rescaling.suffix}(s->sums, {layer.outputs}u, {factors}, {limits}, {target.written});"]
    return calls + ([] if target.signed else padding(target, layer.outputs))


def scans(visits: Collection[Visits]) -> list[dict[str, Any]]:
    """Return the functions that list active inputs, for kernels that visit inputs so."""
    found: list[dict[str, Any]] = []
    if Visits.LISTED_PAIRS in visits:
        found += [_pairs_scan(), _inputs_scan()]
    if Visits.LISTED_INPUTS in visits:
        found += _columns_scans()
    return found


def _pairs_scan() -> dict[str, Any]:
    return {
        "condition": "if DSP && !VECTORS",
        "written_out": "pairs",
        "condition_end": "",
        "name": "list_pairs",
        "parameter": "uint32_t stride, ",
        "comment": ["Lists pairs of inputs with one above its lowest value, as the two halves of a word."],
    }


def _inputs_scan() -> dict[str, Any]:
    return {
        "condition": "elif !VECTORS && !COLUMNWISE",
        "written_out": "",
        "condition_end": "endif",
        "name": "list_pairs",
        "parameter": "uint32_t stride, ",
        "comment": ["Lists inputs above their lowest value, with where they are in their pairs."],
        "at": "(uint32_t)(in - first - 4) / 2u * stride",
        "thumb1": {"factor": "stride / 2u", "step": 2, "between": "stride - 2u"},
        "pushes": [
            "end = push(end, four & 0xffu, at);",
            "end = push(end, four >> 8 & 0xffu, at + 2u);",
            "end = push(end, four >> 16 & 0xffu, at + stride);",
            "end = push(end, four >> 24, at + stride + 2u);",
        ],
    }


def _columns_scans() -> list[dict[str, Any]]:
    facts = {
        "name": "list_columns",
        "parameter": "",
        "comment": ["Lists inputs above their lowest value, with their numbers."],
        "at": "(uint32_t)(in - first - 4)",
        "thumb1": {"factor": "", "step": 1, "between": ""},
        "pushes": [
            "end = push(end, four & 0xffu, at);",
            "end = push(end, four >> 8 & 0xffu, at + 1u);",
            "end = push(end, four >> 16 & 0xffu, at + 2u);",
            "end = push(end, four >> 24, at + 3u);",
        ],
    }
    return [
        {**facts, "condition": "if DSP", "condition_end": "", "written_out": "columns"},
        {**facts, "condition": "else", "condition_end": "endif", "written_out": ""},
    ]
