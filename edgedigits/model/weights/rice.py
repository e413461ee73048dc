"""The smallest encoding of sparse weights that are not clustered: a bit stream, steps between rows as Rice codes.

Source: R. F. Rice, "Some Practical Universal Noiseless Coding Techniques", JPL 1979. A step g is g >> k ones, a zero,
and the low k bits of g. Steps of a layer pruned at random are distributed geometrically, for which such codes are
nearly as short as any.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.columns import gaps_of
from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Encoding, Visits, Weights

WINDOW = 25
"""Bits that a kernel is sure to hold: no entry may be longer."""
LEAST = 8
"""Bits of the shortest entry: a column's last byte holds fewer that mean nothing."""
_STEP_BITS, _WEIGHT_BITS = range(8), range(4, 9)


class Rice(Encoding):
    """By columns, a stream of entries: the step to the row as a Rice code, then a weight of a few bits.

    A weight that its bits cannot hold is the sum of several entries of the same row. A column ends with its last whole
    entry; it starts at a byte.
    """

    name = "rice"
    rank = 8
    summary = "weights that are not zero, by columns, in a bit stream: Rice codes of steps to the row, then the weight"
    code_bytes = 460
    kernel = "sparse_rice"
    template = "rice.c.j2"
    visits = Visits.WORDS

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "codes": uint8, a byte of parameters and the stream; and "lengths" (inputs,) of columns in bytes."""
        step_bits, weight_bits = _parameters(weights)
        columns = [_column(column, step_bits, weight_bits) for column in weights.T]
        lengths = np.array([len(column) for column in columns])
        stream = bytes([step_bits | weight_bits << 4]) + b"".join(columns)
        return (
            Constant("codes", np.frombuffer(stream, np.uint8)),
            Constant("lengths", lengths.astype(np.uint8 if lengths.max() <= 0xFF else np.uint16), is_index=True),
        )

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        stream, lengths = constants[0].values.tobytes(), constants[1].values.tolist()
        step_bits, weight_bits = stream[0] & 15, stream[0] >> 4
        weights = np.zeros(shape, np.int64)
        start = 1
        for index, length in enumerate(lengths):
            row = 0
            for step, weight in _read(stream[start : start + length], step_bits, weight_bits):
                row += step
                weights[row, index] += weight
            start += length
        return weights.astype(np.int8)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 37 an entry of an active column, and 3 for each one in its code."""
        outputs, inputs = weights.shape
        step_bits, weight_bits = _parameters(weights)
        columns, gaps = gaps_of(weights)
        by_column = weights.T[weights.T != 0].astype(np.int64)
        codes = 37 * _parts(by_column, weight_bits) + 3 * (gaps >> step_bits)
        entries = activity.taken(np.bincount(columns, codes, minlength=inputs))
        walk = 6 * inputs + 2 * activity.words * inputs + 30 * activity.inputs * inputs
        return 100 + walk + OUTPUT_INSTRUCTIONS * outputs + entries


def _parts(values: NDArray[np.int64], weight_bits: int) -> NDArray[np.int64]:
    """Return how many entries each weight, not 0, takes."""
    high = (1 << (weight_bits - 1)) - 1
    return np.where(values > 0, -(-values // high), -(values // (high + 1)))


def _parameters(weights: Weights) -> tuple[int, int]:
    """Return the bits of steps and weights that make the stream shortest."""
    gaps, values = gaps_of(weights)[1], weights[weights != 0].astype(np.int64)
    best = {}
    for weight_bits in _WEIGHT_BITS:
        extra = int((_parts(values, weight_bits) - 1).sum())
        for step_bits in _STEP_BITS:
            entry = 1 + step_bits + weight_bits
            if entry >= LEAST:
                best[step_bits, weight_bits] = (len(gaps) + extra) * entry + int((gaps >> step_bits).sum())
    return min(best, key=lambda pair: best[pair])


def _column(column: Weights, step_bits: int, weight_bits: int) -> bytes:
    """Return the stream of one column (out,)."""
    stream, length = 0, 0
    for step, weight in _entries(column, step_bits, weight_bits):
        ones = step >> step_bits
        code = (1 << ones) - 1 | (step & ((1 << step_bits) - 1)) << (ones + 1)
        code |= (weight & ((1 << weight_bits) - 1)) << (ones + 1 + step_bits)
        stream |= code << length
        length += ones + 1 + step_bits + weight_bits
    return stream.to_bytes((length + 7) // 8, "little")


def _entries(column: Weights, step_bits: int, weight_bits: int) -> Iterator[tuple[int, int]]:
    """Yield step and weight of each entry of a column (out,)."""
    low, high = -(1 << (weight_bits - 1)), (1 << (weight_bits - 1)) - 1
    longest = (WINDOW - 1 - step_bits - weight_bits) << step_bits
    row = 0
    for target in np.flatnonzero(column).tolist():
        while target - row > longest:
            yield longest, 0
            row += longest
        rest, step, row = int(column[target]), target - row, target
        while rest != 0:
            part = min(max(rest, low), high)
            yield step, part
            rest, step = rest - part, 0


def _read(stream: bytes, step_bits: int, weight_bits: int) -> Iterator[tuple[int, int]]:
    """Yield step and weight of each entry of a column's bytes."""
    bits, held = int.from_bytes(stream, "little"), 8 * len(stream)
    while held >= 1 + step_bits + weight_bits:
        ones = (~bits & (bits + 1)).bit_length() - 1
        step = ones << step_bits | (bits >> (ones + 1) & ((1 << step_bits) - 1))
        weight = bits >> (ones + 1 + step_bits) & ((1 << weight_bits) - 1)
        yield step, weight - ((weight >> (weight_bits - 1)) << weight_bits)
        bits >>= ones + 1 + step_bits + weight_bits
        held -= ones + 1 + step_bits + weight_bits


ENCODINGS = (Rice(),)
