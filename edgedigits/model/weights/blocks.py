"""Blocks of four rows of a column, stored whole where one of the four is not zero."""

from __future__ import annotations

import numpy as np

from edgedigits.model.weights.columns import chains, narrow
from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Encoding, Visits, Weights

BLOCK = 4
_LAST, _LARGEST = 1, 127


class Blocks(Encoding):
    """Blocks of four rows of a column, stored whole where one of the four is not zero.

    The lowest bit of a step marks the last block of a column, so that it leaves by the carry of the shift that takes it
    off. A column without blocks is one of zeros, which all such columns share.
    """

    name = "blocks"
    rank = 10
    summary = "blocks of 4 rows that are not all zero, by columns: 7 bits of step to the block, 4 weights"
    code_bytes = 310
    kernel = "sparse_blocks"
    template = "blocks.c.j2"
    visits = Visits.WORDS
    outputs_at_once = BLOCK
    has_thumb1_code = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "weights": uint32, a block a word; "steps": uint8, in blocks; and "starts" in blocks, (inputs,)."""
        outputs, inputs = weights.shape
        padded = np.zeros((-(-outputs // BLOCK) * BLOCK, inputs), np.int8)
        padded[:outputs] = weights
        words = np.ascontiguousarray(padded.T).view("<u4")
        found = chains(words.T, _LARGEST)
        used = found.lengths > 0
        # A word of zeros at the front is what all columns share that have no block.
        shared = int(not used.all())
        steps = found.steps << 1
        steps[found.ends[used] - 1] |= _LAST
        starts = np.where(used, found.ends - found.lengths + shared, 0)
        return (
            Constant("weights", np.pad(found.values, (shared, 0))),
            Constant("steps", np.pad(steps, (shared, 0), constant_values=_LAST).astype(np.uint8)),
            narrow("starts", np.pad(starts, (0, -inputs % 4))),
        )

    def entries_of_word(self, outputs: int) -> tuple[int, ...]:
        """Return how many entries of each array four inputs take."""
        return 0, 0, 4

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        outputs, inputs = shape
        values, steps, starts = (constant.values for constant in constants)
        words = np.zeros((inputs, -(-outputs // BLOCK)), "<u4")
        ends = np.flatnonzero(steps & _LAST) + 1
        for index, start in enumerate(starts[:inputs].tolist()):
            stop = int(ends[np.searchsorted(ends, start, "right")])
            present = values[start:stop] != 0
            rows = np.cumsum(steps[start:stop].astype(np.int64) >> 1)[present]
            words[index, rows] = values[start:stop][present]
        return words.view(np.int8)[:, :outputs].T

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 13 a block of an active column, of which each has one at least."""
        outputs, inputs = weights.shape
        padded = np.zeros((-(-outputs // BLOCK) * BLOCK, inputs), np.bool_)
        padded[:outputs] = weights != 0
        blocks = np.maximum(padded.reshape(-1, BLOCK, inputs).any(axis=1).sum(axis=0), 1)
        walk = (0.875 + 4.8 * activity.words + 6.7 * activity.inputs) * inputs
        return 70 + walk + (OUTPUT_INSTRUCTIONS + 1) * outputs + 13.0 * activity.taken(blocks)


ENCODINGS = (Blocks(),)
