"""Weights that are not zero, by columns: four bits of step to the row, a byte of weight."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np

from edgedigits.model.weights.columns import chains, estimate, place, starts_of
from edgedigits.model.weights.encoding import Activity, Constant, Encoding, Visits, Weights


class Lists4(Encoding):
    """Four bits of step and a byte of weight an entry; two entries are bytes (steps, weight, weight).

    Attributes:
        counted: its columns have lengths, not places.
    """

    name = "lists4"
    rank = 5
    summary = "weights that are not zero, by columns: 4 bits of step to the row, 8 of weight"
    code_bytes = 270
    kernel = "sparse_lists4"
    template = "lists4.c.j2"
    visits = Visits.LISTED_INPUTS
    counted: ClassVar[bool] = False

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "entries": uint8, and "starts" in bytes; a column of odd length ends with a zero weight."""
        found = chains(weights, 15)
        pairs = (found.lengths + 1) // 2
        # Of each step, how many columns before its own were filled up.
        filled = np.repeat(np.cumsum(found.lengths % 2) - found.lengths % 2, found.lengths)
        padded = np.zeros((2, 2 * int(pairs.sum())), np.uint8)
        padded[:, np.arange(len(filled)) + filled] = found.steps, found.values.view(np.uint8)
        steps, values = padded.reshape(2, -1, 2)
        triples = np.stack([steps[:, 0] | steps[:, 1] << 4, values[:, 0], values[:, 1]], axis=1)
        return Constant("entries", triples.reshape(-1)), starts_of(3 * pairs)

    def entries_of_word(self, outputs: int) -> tuple[int, ...] | None:
        """Return how many entries of each array four inputs take."""
        return 0, 4

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        entries, starts = (constant.values for constant in constants)
        columns = []
        for start, stop in pairwise(starts):
            triple = np.asarray(entries[start:stop], np.uint8).reshape(-1, 3)
            steps = np.stack([triple[:, 0] & 15, triple[:, 0] >> 4], axis=1).reshape(-1).astype(np.int64)
            columns.append((steps, np.ascontiguousarray(triple[:, 1:]).reshape(-1).view(np.int8)))
        return place(columns, shape)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 15 for two entries of an active column, fillers included."""
        entries = (chains(weights, 15).lengths + 1) // 2
        return estimate(weights, activity, 13, 15.2, entries)


ENCODINGS = (Lists4(),)
