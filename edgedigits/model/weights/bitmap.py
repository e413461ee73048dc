"""Weights that are not zero, by columns, with a bit for each row."""

from __future__ import annotations

import numpy as np

from edgedigits.model.weights.columns import estimate, starts_of
from edgedigits.model.weights.encoding import Activity, Constant, Encoding, Visits, Weights


class Bitmap(Encoding):
    """A bit a weight that says whether it is there, by columns, and the weights that are."""

    name = "bitmap"
    rank = 9
    summary = "weights that are not zero, by columns, with a bit for each row"
    code_bytes = 370
    kernel = "sparse_bitmap"
    template = "bitmap.c.j2"
    visits = Visits.LISTED_INPUTS

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "masks": uint8, [input][8 rows], low bit first; "weights": int8; and "starts" in weights."""
        present = weights.T != 0
        masks = np.packbits(present, axis=1, bitorder="little")
        values = np.ascontiguousarray(weights.T)[present]
        return Constant("masks", masks.reshape(-1)), Constant("weights", values), starts_of(present.sum(axis=1))

    def entries_of_word(self, outputs: int) -> tuple[int, ...]:
        """Return how many entries of each array four inputs take."""
        return 4 * -(-outputs // 8), 0, 4

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
        return estimate(weights, activity, 4 + masks, 10.5, np.count_nonzero(weights, axis=0))


ENCODINGS = (Bitmap(),)
