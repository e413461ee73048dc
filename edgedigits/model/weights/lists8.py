"""Weights that are not zero, by columns, two an entry of four bytes: the fastest of the sparse ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.columns import narrow
from edgedigits.model.weights.encoding import (
    OUTPUT_INSTRUCTIONS,
    Activity,
    Constant,
    Encoding,
    OnVectors,
    Visits,
    Weights,
)

_LAST = 1 << 24


class Lists8(Encoding):
    """Two weights and their rows an entry of four bytes.

    Byte 0 is a weight, byte 1 the step to its row. Byte 2 is a weight, the upper seven bits of byte 3 the bits in which
    its row differs from the one before. Bit 24 marks the last entry of a column. Exclusive or, not a difference,
    because cores then get the mark as the carry of the same instruction. A column without weights is an entry of
    zeros, which all such columns share.
    """

    name = "lists8"
    rank = 4
    summary = "weights that are not zero, by columns: two and the way to their rows in 4 bytes"
    code_bytes = 580
    kernel = "sparse_lists8"
    template = "lists8.c.j2"
    visits = Visits.WORDS
    is_traded = True
    on_vectors = OnVectors.ROWS_IF_FASTER
    has_thumb1_code = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "entries": uint32, and "starts" in entries, (inputs,) filled up to a multiple of 4."""
        columns = [_pair_entries(np.flatnonzero(column), column) for column in weights.T]
        shared = [np.array([_LAST], np.int64)] if any(len(column) == 0 for column in columns) else []
        lengths = np.array([len(column) for column in columns], np.int64)
        starts = np.zeros(-(-len(columns) // 4) * 4, np.int64)
        starts[: len(columns)] = np.where(lengths > 0, len(shared) + np.cumsum(lengths) - lengths, 0)
        return (
            Constant("entries", np.concatenate([*shared, *columns]).astype("<u4")),
            narrow("starts", starts),
        )

    def entries_of_word(self, outputs: int) -> tuple[int, ...]:
        """Return how many entries of each array four inputs take."""
        return 0, 4

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        entries, starts = constants[0].values, constants[1].values[: shape[1]]
        signed = np.ascontiguousarray(entries).view(np.int8)[0::2].reshape(-1, 2)
        weights = np.zeros(shape, np.int64)
        for index, start in enumerate(starts.tolist()):
            row, position, last = 0, start, False
            while not last:
                word = int(entries[position])
                row += word >> 8 & 0xFF
                weights[row, index] += signed[position, 0]
                row ^= word >> 25
                weights[row, index] += signed[position, 1]
                position, last = position + 1, bool(word & _LAST)
        return weights.astype(np.int8)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 11 an entry of an active column, of which each has one at least."""
        outputs, inputs = weights.shape
        entries = np.array([max(1, len(_pair_entries(np.flatnonzero(column), column))) for column in weights.T])
        walk = (0.875 + 3 * activity.words + 4 * activity.inputs) * inputs
        return 40 + walk + OUTPUT_INSTRUCTIONS * outputs + 11.0 * activity.taken(entries)


def _pair_entries(rows: NDArray[np.int64], column: Weights) -> NDArray[np.int64]:
    """Return the words of one column of weights whose ascending `rows` are not zero, as int64."""
    words: list[int] = []
    row, position = 0, 0
    while position < len(rows):
        step = min(int(rows[position]) - row, 255)
        row += step
        first = second = other = 0
        if row == rows[position]:
            first = int(column[row]) & 0xFF
            position += 1
            if position < len(rows) and int(rows[position]) ^ row < 128:
                other = int(rows[position]) ^ row
                row = int(rows[position])
                second = int(column[row]) & 0xFF
                position += 1
        words.append(first | step << 8 | second << 16 | other << 25)
    if words:
        words[-1] |= _LAST
    return np.array(words, np.int64)


ENCODINGS = (Lists8(),)
