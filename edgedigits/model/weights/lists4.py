"""Weights that are not zero, by columns: four bits of step to the row, a byte of weight."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np

from edgedigits.model.weights.columns import chains, estimate, lengths, place, starts_of
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
        triples = []
        for steps, values in chains(weights, 15):
            count = (len(steps) + 1) // 2
            padded = np.zeros((2, count * 2), np.uint8)
            padded[0, : len(steps)], padded[1, : len(steps)] = steps, values.view(np.uint8)
            both = padded.reshape(2, count, 2)
            triple = np.stack([both[0, :, 0] | both[0, :, 1] << 4, both[1, :, 0], both[1, :, 1]], axis=1)
            triples.append(triple.reshape(-1))
        counts = np.array([len(column) for column in triples], np.int64)
        return Constant("entries", np.concatenate(triples)), starts_of(counts)

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
        entries = (lengths(steps for steps, _ in chains(weights, 15)) + 1) // 2
        return estimate(weights, activity, 13, 15.2, entries)


ENCODINGS = (Lists4(),)
