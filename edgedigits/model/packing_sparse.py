"""Encodings that store only weights that are not zero, by columns, so that zero inputs cost nothing.

A column holds the weights of one input. Its list of rows is a chain of steps: the first from row 0, each next one
from the row before. `starts` (inputs + 1) says where each column begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Weights
from edgedigits.model.packing_dense import list_columns

BLOCK = 4
CODEBOOK_SIZE = 16
_LAST = 1 << 24


def _starts(counts: NDArray[np.int64]) -> Constant:
    """Return "starts" for the lengths (inputs,) of the columns."""
    return _narrow("starts", np.concatenate([[0], np.cumsum(counts)]))


def _narrow(name: str, values: NDArray[np.int64]) -> Constant:
    """Return values of at least 0 in 16 bits each, or in 32 where those do not do."""
    return Constant(name, values.astype(np.uint16 if values.max(initial=0) <= 0xFFFF else np.uint32))


def _steps(rows: NDArray[np.int64], largest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return steps between ascending rows, none above `largest`, and which entry each belongs to.

    A longer gap is bridged by fillers of the largest step, which belong to entry −1.
    """
    gaps = np.diff(rows, prepend=0)
    fillers = np.maximum(0, -(-gaps // largest) - 1)
    last = np.cumsum(fillers + 1) - 1
    steps = np.full(int((fillers + 1).sum()), largest, np.int64)
    steps[last] = gaps - fillers * largest
    owners = np.full(len(steps), -1, np.int64)
    owners[last] = np.arange(len(rows))
    return steps, owners


def _columns(weights: Weights, largest: int) -> list[tuple[NDArray[np.int64], Weights]]:
    """Return steps and weights of every column; fillers have weight 0."""
    columns = []
    for column in weights.T:
        rows = np.flatnonzero(column)
        steps, owners = _steps(rows, largest)
        values = np.where(owners >= 0, column[rows[owners]] if len(rows) else 0, 0).astype(np.int8)
        columns.append((steps, values))
    return columns


def _place(columns: list[tuple[NDArray[np.int64], NDArray[np.int8]]], shape: tuple[int, int]) -> Weights:
    """Return the weights (out, in) that steps and weights of every column stand for."""
    weights = np.zeros(shape, np.int8)
    for index, (steps, values) in enumerate(columns):
        rows = np.cumsum(steps)[values != 0]
        weights[rows, index] = values[values != 0]
    return weights


def _by_columns(weights: Weights, activity: Activity, column: float, entry: float, entries: float) -> float:
    """Return the instructions of a kernel that takes `column` for each active one and `entry` for each of `entries`."""
    return list_columns(weights.shape, activity) + activity.inputs * (column * weights.shape[1] + entry * entries)


class Lists8:
    """Two weights and their rows an entry of four bytes.

    Byte 0 is a weight, byte 1 the step to its row. Byte 2 is a weight, the upper seven bits of byte 3 the bits in which
    its row differs from the one before. Bit 24 marks the last entry of a column. Exclusive or, not a difference,
    because cores then get the mark as the carry of the same instruction. A column without weights is an entry of
    zeros, which all such columns share.
    """

    name = "lists8"
    summary = "weights that are not zero, by columns: two and the way to their rows in 4 bytes"
    code_bytes = 640

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "entries": uint32, and "starts" in entries, (inputs,) filled up to a multiple of 4."""
        columns = [_pair_entries(np.flatnonzero(column), column) for column in weights.T]
        shared = [np.array([_LAST], np.int64)] if any(len(column) == 0 for column in columns) else []
        lengths = np.array([len(column) for column in columns], np.int64)
        starts = np.zeros(-(-len(columns) // 4) * 4, np.int64)
        starts[: len(columns)] = np.where(lengths > 0, len(shared) + np.cumsum(lengths) - lengths, 0)
        return (
            Constant("entries", np.concatenate([*shared, *columns]).astype("<u4")),
            _narrow("starts", starts),
        )

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
        """About 11 an entry of an active column."""
        outputs, inputs = weights.shape
        entries = sum(len(_pair_entries(np.flatnonzero(column), column)) for column in weights.T)
        walk = inputs + 2 * activity.words * inputs + 9 * activity.inputs * inputs
        return 100 + walk + OUTPUT_INSTRUCTIONS * outputs + 11.0 * activity.inputs * entries


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


class Lists4:
    """Four bits of step and a byte of weight an entry; two entries are bytes (steps, weight, weight)."""

    name = "lists4"
    summary = "weights that are not zero, by columns: 4 bits of step to the row, 8 of weight"
    code_bytes = 430

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "entries": uint8, and "starts" in bytes; a column of odd length ends with a zero weight."""
        triples = []
        for steps, values in _columns(weights, 15):
            count = (len(steps) + 1) // 2
            padded = np.zeros((2, count * 2), np.uint8)
            padded[0, : len(steps)], padded[1, : len(steps)] = steps, values.view(np.uint8)
            both = padded.reshape(2, count, 2)
            triple = np.stack([both[0, :, 0] | both[0, :, 1] << 4, both[1, :, 0], both[1, :, 1]], axis=1)
            triples.append(triple.reshape(-1))
        counts = np.array([len(column) for column in triples], np.int64)
        return Constant("entries", np.concatenate(triples)), _starts(counts)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        entries, starts = (constant.values for constant in constants)
        columns = []
        for start, stop in pairwise(starts):
            triple = np.asarray(entries[start:stop], np.uint8).reshape(-1, 3)
            steps = np.stack([triple[:, 0] & 15, triple[:, 0] >> 4], axis=1).reshape(-1).astype(np.int64)
            columns.append((steps, np.ascontiguousarray(triple[:, 1:]).reshape(-1).view(np.int8)))
        return _place(columns, shape)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 15 for two entries of an active column, fillers included."""
        entries = sum((len(steps) + 1) // 2 for steps, _ in _columns(weights, 15))
        return _by_columns(weights, activity, 13, 15.2, entries)


@dataclass(frozen=True)
class CodedLists:
    """One byte an entry: the step in the low bits, and an index into a table of the different weights.

    Args:
        step_bits: 4 or 5; the rest indexes up to 16 or 8 different weights, zero among them.
    """

    step_bits: int
    code_bytes: int = 670

    @property
    def name(self) -> str:
        """Such as "coded44"."""
        return f"coded{self.step_bits}{8 - self.step_bits}"

    @property
    def summary(self) -> str:
        """One clause for comments and reports."""
        bits = f"{self.step_bits} bits of step to the row, {8 - self.step_bits} of an index of different weights"
        return f"weights that are not zero, by columns: {bits}"

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "entries": uint8, "starts" in entries, and "codebook": int8."""
        codebook = np.unique(np.append(weights, np.int8(0)))
        if len(codebook) > 1 << (8 - self.step_bits):
            return None
        columns = _columns(weights, (1 << self.step_bits) - 1)
        entries = [steps | np.searchsorted(codebook, values) << self.step_bits for steps, values in columns]
        counts = np.array([len(column) for column in entries], np.int64)
        flat = np.concatenate(entries).astype(np.uint8)
        return Constant("entries", flat), _starts(counts), Constant("codebook", codebook.astype(np.int8))

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        entries, starts, codebook = (constant.values for constant in constants)
        columns = []
        for start, stop in pairwise(starts):
            column = np.asarray(entries[start:stop], np.int64)
            steps = column & ((1 << self.step_bits) - 1)
            columns.append((steps, np.asarray(codebook, np.int8)[column >> self.step_bits]))
        return _place(columns, shape)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 9 an entry of an active column, fillers included."""
        entries = sum(len(steps) for steps, _ in _columns(weights, (1 << self.step_bits) - 1))
        return _by_columns(weights, activity, 15, 9, entries)


class Bitmap:
    """A bit a weight that says whether it is there, by columns, and the weights that are."""

    name = "bitmap"
    summary = "weights that are not zero, by columns, with a bit for each row"
    code_bytes = 480

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "masks": uint8, [input][8 rows], low bit first; "weights": int8; and "starts" in weights."""
        present = weights.T != 0
        masks = np.packbits(present, axis=1, bitorder="little")
        values = np.ascontiguousarray(weights.T)[present]
        return Constant("masks", masks.reshape(-1)), Constant("weights", values), _starts(present.sum(axis=1))

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        outputs, inputs = shape
        masks = np.asarray(constants[0].values, np.uint8).reshape(inputs, -1)
        present = np.unpackbits(masks, axis=1, count=outputs, bitorder="little").astype(np.bool_)
        columns = np.zeros((inputs, outputs), np.int8)
        columns[present] = constants[1].values
        return columns.T

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 15 for eight rows and 10 more a weight of an active column."""
        masks = 15.0 * ((len(weights) + 7) // 8)
        return _by_columns(weights, activity, 4 + masks, 10.5, float(np.count_nonzero(weights)))


class Blocks:
    """Blocks of four rows of a column, stored whole where one of the four is not zero."""

    name = "blocks"
    summary = "blocks of 4 rows that are not all zero, by columns: 8 bits of step to the block, 4 weights"
    code_bytes = 900

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "weights": uint32, a block a word; "steps": uint8, in blocks; and "starts" in blocks."""
        outputs, inputs = weights.shape
        padded = np.zeros((-(-outputs // BLOCK) * BLOCK, inputs), np.int8)
        padded[:outputs] = weights
        words = np.ascontiguousarray(padded.T).view("<u4")
        values, steps, counts = [], [], []
        for column in words:
            rows = np.flatnonzero(column)
            gaps, owners = _steps(rows, 255)
            values.append(np.where(owners >= 0, column[rows[owners]] if len(rows) else 0, 0).astype("<u4"))
            steps.append(gaps)
            counts.append(len(gaps))
        return (
            Constant("weights", np.concatenate(values)),
            Constant("steps", np.concatenate(steps).astype(np.uint8)),
            _starts(np.array(counts, np.int64)),
        )

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        outputs, inputs = shape
        values, steps, starts = (constant.values for constant in constants)
        words = np.zeros((inputs, -(-outputs // BLOCK)), "<u4")
        for index, (start, stop) in enumerate(pairwise(starts)):
            present = values[start:stop] != 0
            rows = np.cumsum(steps[start:stop].astype(np.int64))[present]
            words[index, rows] = values[start:stop][present]
        return words.view(np.int8)[:, :outputs].T

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 20 a block of an active column."""
        outputs, inputs = weights.shape
        padded = np.zeros((-(-outputs // BLOCK) * BLOCK, inputs), np.bool_)
        padded[:outputs] = weights != 0
        blocks = float(padded.reshape(-1, BLOCK, inputs).any(axis=1).sum())
        return _by_columns(weights, activity, 18, 20, blocks)
