"""The calls of kernels in C that compute the sums of a layer: from all of its inputs, or from a portion of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from edgedigits.engine.workspace import INPUT
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import Spot
from edgedigits.model.packing import PackedLayer
from edgedigits.model.weights.encoding import Constant, Encoding
from edgedigits.model.weights.rows import ROWS

FLIP = "0x80808080u"


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a layer's inputs and outputs lie.

    Attributes:
        source: where its inputs are.
        target: where its outputs shall be.
        keeps: its inputs are read later too.
        raw: its inputs are bytes that a number `flip` turns into distances: those of the engine, or pixels.
        fed: they may come in portions too.
    """

    source: Spot
    target: Spot
    keeps: bool
    raw: bool = False
    fed: bool = False


def kernel_calls(one: PackedLayer, index: int, ends: Ends) -> list[str]:
    """Return the lines that compute the sums of layer `index`, counted from 0."""
    bias = f"layer{index + 1}_bias"
    kernel = partial(_kernel_calls, one.layer, index, ends=ends)
    if one.biases.is_narrow:
        calls = [_widening(one, bias), *kernel(one.encoding, one.constants, "s->sums")]
    else:
        calls = kernel(one.encoding, one.constants, f"BIASES({bias}, {one.encoding.padded(one.layer.outputs)}u)")
    if one.rows_on_vectors:
        calls = _by_vectors(one, kernel(ROWS, [_rows_of(one)], bias), calls)
    if ends.fed:
        calls = ["if (in != NULL) {", *(line if line.startswith("#") else f"    {line}" for line in calls), "}"]
    return calls


def begins(one: PackedLayer, index: int) -> list[str]:
    """Return the lines that let the sums of a layer begin at its biases."""
    if one.biases.is_narrow:
        return [_widening(one, f"layer{index + 1}_bias")]
    counts = one.layer.outputs, one.encoding.padded(one.layer.outputs)
    rows, others = (
        [f"for (uint32_t i = 0; i < {count}u; ++i) {{", f"    s->sums[i] = layer{index + 1}_bias[i];", "}"]
        for count in counts
    )
    return _by_vectors(one, rows, others)


def portion(one: PackedLayer, index: int) -> list[str]:
    """Return the lines that add the products of `count` inputs behind `words` times four."""
    rows = _input_call(one.layer, index, ROWS, [_rows_of(one)], "s->sums", portion=True)
    own = _input_call(one.layer, index, one.encoding, one.constants, "s->sums", portion=True)
    return _by_vectors(one, [rows], [own])


def _rows_of(one: PackedLayer) -> Constant:
    """Return what stands for the array of the weights row by row."""
    return Constant("rows", one.layer.weights)


def _by_vectors(one: PackedLayer, rows: list[str], others: list[str]) -> list[str]:
    """Return lines for cores with MVE, where those get the weights row by row, and for others."""
    return ["#if VECTORS", *rows, "#else", *others, "#endif"] if one.rows_on_vectors else others


def _kernel_calls(
    layer: DenseLayer, index: int, encoding: Encoding, constants: Sequence[Constant], biases: str, ends: Ends
) -> list[str]:
    if ends.raw:
        return [_input_call(layer, index, encoding, constants, biases)]
    own = ", ".join(
        f"layer{index + 1}_{place}" for constant in constants for place in (constant.name, *_parts(constant))
    )
    source, flip = ends.source.pointer, "0u"
    if not encoding.reads_distances:
        signed = source if ends.source.signed else f"as_signed({source}, {layer.inputs}u)"
        arguments = f"{layer.inputs}u, {own}, {biases}, {layer.outputs}u, s->sums"
        # Flipped twice it is as it was.
        again = [f"{signed};"] if ends.keeps and not ends.source.signed else []
        return [f"{encoding.kernel}({signed}, {arguments});", *again]
    if ends.source == INPUT:
        is_padded = encoding.reads_words and layer.inputs % 4
        source, flip = ("s->padded", "0u") if is_padded else ("(const uint8_t *)input", FLIP)
    outputs = encoding.padded(layer.outputs)
    return [f"{encoding.kernel}({source}, {flip}, {layer.inputs}u, {own}, {biases}, {outputs}u, s);"]


def _input_call(
    layer: DenseLayer,
    index: int,
    encoding: Encoding,
    constants: Sequence[Constant],
    biases: str,
    *,
    portion: bool = False,
) -> str:
    """Return the call of a kernel for inputs as they lie at `in`, all or a portion."""
    count = "count" if portion else f"{layer.inputs}u"
    entries = (encoding.entries_of_word(layer.outputs) if portion else None) or (0,) * len(constants)
    own = ", ".join(
        f"layer{index + 1}_{place}" + (f" + {number}u * words" if number else "")
        for constant, number in zip(constants, entries, strict=True)
        for place in (constant.name, *_parts(constant))
    )
    if not encoding.reads_distances:
        return f"input_rows(in, flip, {count}, {own}, {layer.inputs}u, {biases}, {layer.outputs}u, s->sums);"
    return f"{encoding.kernel}(in, flip, {count}, {own}, {biases}, {encoding.padded(layer.outputs)}u, s);"


def _widening(one: PackedLayer, bias: str) -> str:
    """Return the call that lets the sums begin at narrow biases."""
    count, stored = one.encoding.padded(one.layer.outputs), one.biases
    return f"widen({bias}, {count}u, {stored.bits}u, {stored.shift}u, s->sums);"


def _parts(constant: Constant) -> list[str]:
    return [f"{constant.name} + {place}" for place in constant.parts]
