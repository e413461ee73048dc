"""Weights that are not zero and of few different values, by columns, a byte each."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np

from edgedigits.model.weights.columns import chains, estimate, place, starts_of
from edgedigits.model.weights.encoding import Activity, Constant, Encoding, Visits, Weights


class CodedLists(Encoding):
    """One byte an entry: the step in the low bits, and an index into a table of the different weights, zero among them.

    Attributes:
        step_bits: bits of the step; the rest are the index.
    """

    step_bits: ClassVar[int]
    code_bytes = 510
    template = "coded_lists.c.j2"
    visits = Visits.LISTED_INPUTS

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "entries": uint8, "starts" in entries, and "codebook": int8."""
        codebook = np.unique(np.append(weights, np.int8(0)))
        if len(codebook) > self.most_distinct:
            return None
        found = chains(weights, (1 << self.step_bits) - 1)
        entries = found.steps | np.searchsorted(codebook, found.values) << self.step_bits
        return (
            Constant("entries", entries.astype(np.uint8)),
            starts_of(found.lengths),
            Constant("codebook", codebook.astype(np.int8)),
        )

    def entries_of_word(self, outputs: int) -> tuple[int, ...]:
        """Return how many entries of each array four inputs take."""
        return 0, 4, 0

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        entries, starts, codebook = (constant.values for constant in constants)
        columns = []
        for start, stop in pairwise(starts):
            column = np.asarray(entries[start:stop], np.int64)
            steps = column & ((1 << self.step_bits) - 1)
            columns.append((steps, np.asarray(codebook, np.int8)[column >> self.step_bits]))
        return place(columns, shape)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 9 an entry of an active column, fillers included."""
        entries = chains(weights, (1 << self.step_bits) - 1).lengths
        return estimate(weights, activity, 15, 9, entries)


class Coded44(CodedLists):
    """4 bits of step, 4 of index."""

    name = "coded44"
    rank = 6
    summary = "weights that are not zero, by columns: 4 bits of step to the row, 4 of an index of different weights"
    kernel = "sparse_coded44"
    step_bits = 4
    is_traded = True
    most_distinct = 16


class Coded53(CodedLists):
    """5 bits of step, 3 of index."""

    name = "coded53"
    rank = 7
    summary = "weights that are not zero, by columns: 5 bits of step to the row, 3 of an index of different weights"
    kernel = "sparse_coded53"
    step_bits = 5
    most_distinct = 8


ENCODINGS = (Coded44(), Coded53())
