"""Weights that are not zero and of at most eight values, by columns, in bytes that mark the last of a column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.columns import gaps_of
from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Encoding, Visits, Weights

_STEP_BITS, _RANK_BITS = 4, 3
_LONGEST = (1 << _STEP_BITS) - 1
_MOST_LONGEST = 1 << _RANK_BITS
_LAST = 1
_STEP_AT, _RANK_AT = 1, 1 + _STEP_BITS


class Marked(Encoding):
    """The mark of the last, four bits of step to the row, and above them the rank in a table of the different weights.

    The largest step leads to no weight: it stands for as many of its like as the rank says, and one. A column without
    weights is one such entry. Where columns begin is stored nowhere: those of idle inputs are walked to their mark.
    """

    name = "marked"
    rank = 18
    summary = "weights that are not zero, by columns: a byte of step to the row, rank in a table and mark of the last"
    code_bytes = 240
    kernel = "sparse_marked"
    template = "marked.c.j2"
    visits = Visits.BYTES
    most_distinct = 1 + (1 << _RANK_BITS)
    for_size_alone = True
    is_traded = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "entries": uint8, and "codebook": int8, the different weights."""
        codebook = _codebook(weights)
        if len(codebook) > 1 << _RANK_BITS:
            return None
        columns, gaps = gaps_of(weights)
        whole, steps = np.divmod(gaps, _LONGEST)
        ranks = np.searchsorted(codebook, weights.T[weights.T != 0])
        entries: list[list[int]] = [[] for _ in range(weights.shape[1])]
        for column, many, step, rank in zip(columns, whole, steps, ranks, strict=True):
            entries[column] += [*_bridges(int(many)), int(step << _STEP_AT | rank << _RANK_AT)]
        for own in entries:
            own[-1:] = [(own[-1] if own else _LONGEST << _STEP_AT) | _LAST]
        return Constant("entries", np.array([*map(int, np.concatenate(entries))], np.uint8)), Constant(
            "codebook", codebook
        )

    def nbytes(self, weights: Weights) -> int | None:
        """Return the bytes of what `pack` would give, without making it."""
        codebook = _codebook(weights)
        return None if len(codebook) > 1 << _RANK_BITS else int(_counts(weights).sum()) + len(codebook)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        entries, codebook = (constant.values for constant in constants)
        weights = np.zeros(shape, np.int8)
        column = row = 0
        for entry in entries.tolist():
            step, rank = entry >> _STEP_AT & _LONGEST, entry >> _RANK_AT
            if step == _LONGEST:
                row += step * (rank + 1)
            else:
                row += step
                weights[row, column] = codebook[rank]
            if entry & _LAST:
                column, row = column + 1, 0
        return weights

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 12 an entry of an active column, 3 of an idle one, and 12 a column."""
        outputs, inputs = weights.shape
        counts = _counts(weights)
        taken = activity.taken(counts)
        walk = 12.0 * inputs + 12 * taken + 3 * (float(counts.sum()) - taken)
        return 100 + walk + OUTPUT_INSTRUCTIONS * outputs


def _codebook(weights: Weights) -> Weights:
    """Return the different weights that are not zero; a zero where there is none, since an array has a value."""
    found = np.unique(weights[weights != 0])
    return found if len(found) else np.zeros(1, np.int8)


def _counts(weights: Weights) -> NDArray[np.intp]:
    """Return how many entries each column takes, (in,)."""
    columns, gaps = gaps_of(weights)
    entries = 1 + -(-(gaps // _LONGEST) // _MOST_LONGEST)
    return np.maximum(1, np.bincount(columns, entries, minlength=weights.shape[1])).astype(np.intp)


def _bridges(many: int) -> list[int]:
    """Return the entries that lead on by so many of the largest steps."""
    whole, rest = divmod(many, _MOST_LONGEST)
    lengths = [_MOST_LONGEST] * whole + [rest] * bool(rest)
    return [_LONGEST << _STEP_AT | (length - 1) << _RANK_AT for length in lengths]


ENCODINGS = (Marked(),)
