"""Blocks of four rows of a column, stored whole where one of the four is not zero."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from edgedigits.model.weights.columns import starts_of, steps_between
from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Encoding, Visits, Weights

BLOCK = 4


class Blocks(Encoding):
    """Blocks of four rows of a column, stored whole where one of the four is not zero."""

    name = "blocks"
    rank = 10
    summary = "blocks of 4 rows that are not all zero, by columns: 8 bits of step to the block, 4 weights"
    code_bytes = 500
    kernel = "sparse_blocks"
    template = "blocks.c.j2"
    visits = Visits.WORDS
    outputs_at_once = BLOCK
    has_thumb1_code = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "weights": uint32, a block a word; "steps": uint8, in blocks; and "starts" in blocks."""
        outputs, inputs = weights.shape
        padded = np.zeros((-(-outputs // BLOCK) * BLOCK, inputs), np.int8)
        padded[:outputs] = weights
        words = np.ascontiguousarray(padded.T).view("<u4")
        values, steps, counts = [], [], []
        for column in words:
            rows = np.flatnonzero(column)
            gaps, owners = steps_between(rows, 255)
            values.append(np.where(owners >= 0, column[rows[owners]] if len(rows) else 0, 0).astype("<u4"))
            steps.append(gaps)
            counts.append(len(gaps))
        return (
            Constant("weights", np.concatenate(values)),
            Constant("steps", np.concatenate(steps).astype(np.uint8)),
            starts_of(np.array(counts, np.int64)),
        )

    def entries_of_word(self, outputs: int) -> tuple[int, ...]:
        """Return how many entries of each array four inputs take."""
        return 0, 0, 4

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
        """About 13 a block of an active column."""
        outputs, inputs = weights.shape
        padded = np.zeros((-(-outputs // BLOCK) * BLOCK, inputs), np.bool_)
        padded[:outputs] = weights != 0
        blocks = padded.reshape(-1, BLOCK, inputs).any(axis=1).sum(axis=0)
        walk = inputs + 8 * activity.words * inputs + 12 * activity.inputs * inputs
        return 100 + walk + OUTPUT_INSTRUCTIONS * outputs + 13.0 * activity.taken(blocks)


ENCODINGS = (Blocks(),)
