"""As lists4, for cores that go through the columns in order: a byte of length a column instead of its place."""

from __future__ import annotations

import numpy as np

from edgedigits.model.weights.columns import chains, estimate
from edgedigits.model.weights.encoding import Activity, Constant, Weights
from edgedigits.model.weights.lists4 import Lists4


class Counted4(Lists4):
    """Four bits of step and a byte of weight an entry, as in lists4; columns are found by adding up their lengths."""

    name = "counted4"
    rank = 17
    summary = "weights that are not zero, by columns of known lengths: 4 bits of step to the row, 8 of weight"
    code_bytes = 290
    kernel = "sparse_counted4"
    counted = True
    for_size_alone = True
    is_traded = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "entries": uint8, and "lengths" (inputs,) of columns in bytes."""
        entries, starts = super().pack(weights) or ()
        lengths = np.diff(starts.values.astype(np.int64))
        narrow = np.uint8 if lengths.max() <= 0xFF else np.uint16
        return entries, Constant("lengths", lengths.astype(narrow), is_index=True)

    def entries_of_word(self, outputs: int) -> tuple[int, ...] | None:
        """Return None: where a column begins is known only to who has seen those before it."""
        return None

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        entries, lengths = constants
        starts = np.concatenate([[0], np.cumsum(lengths.values, dtype=np.int64)])
        return super().unpack((entries, Constant("starts", starts, is_index=True)), shape)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 15 for two entries of an active column, fillers included, and 4 a column."""
        entries = (chains(weights, 15).lengths + 1) // 2
        return estimate(weights, activity, 13, 15.2, entries) + 4 * weights.shape[1]


ENCODINGS = (Counted4(),)
