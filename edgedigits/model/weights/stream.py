"""The smallest encoding of sparse weights: one stream of bits, codes of gaps that adapt and ranks of common values."""

from __future__ import annotations

import numpy as np

from edgedigits.model.weights.bit_stream import EntryReader, entry_bits, fit, head
from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Encoding, Visits, Weights
from edgedigits.model.weights.gap_codes import GapCodes, gap_codes, gaps_of, start_for
from edgedigits.model.weights.rank_codes import RankCodes, rank_codes


class Stream(Encoding):
    """Gaps between weights, down one column after the other, each followed by the rank of the weight behind it.

    Ranks count different weights from the most frequent one. The stream ends with the gap behind the last weight; a
    table of the weights by rank follows.
    """

    name = "stream"
    rank = 11
    summary = "weights that are not zero in one bit stream: adaptive codes of gaps, ranks by frequency, and their table"
    code_bytes = 300
    kernel = "sparse_stream"
    template = "stream.c.j2"
    visits = Visits.BYTES
    for_size_alone = True
    is_traded = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "codes": uint8, a byte of parameters, the stream, its high bits first, and the table."""
        start, gaps, ranks = _codes(weights)
        if not fit(start, gaps, ranks):
            return None
        bits = entry_bits(gaps, np.append(ranks.codes, 0), np.append(ranks.lengths, 0))
        codes = np.concatenate([head(start, ranks), np.packbits(bits), ranks.table.view(np.uint8)])
        return (Constant("codes", codes, parts=(len(codes) - len(ranks.table),)),)

    def nbytes(self, weights: Weights) -> int | None:
        """Return the bytes of what `pack` would give, without making it."""
        start, gaps, ranks = _codes(weights)
        if not fit(start, gaps, ranks):
            return None
        return 1 + -(-int(gaps.lengths.sum() + ranks.lengths.sum()) // 8) + len(ranks.table)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        [codes] = constants
        reader = EntryReader(codes.values, codes.parts[0])
        flat = np.zeros(shape[0] * shape[1], np.int8)
        place = reader.gap() or 0
        while place < len(flat):
            flat[place] = reader.weight()
            place += 1 + (reader.gap() or 0)
        return flat.reshape(shape[1], shape[0]).T

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 50 a weight and 7 for each one in the codes of gaps, whatever the inputs are."""
        outputs, inputs = weights.shape
        ones = int(_codes(weights)[1].ones.sum())
        return 100.0 + 4 * inputs + OUTPUT_INSTRUCTIONS * outputs + 50 * int(np.count_nonzero(weights)) + 7 * ones


def _codes(weights: Weights) -> tuple[int, GapCodes, RankCodes]:
    gaps = gaps_of(weights)
    start = start_for(gaps)
    return start, gap_codes(gaps, start), rank_codes(weights)


STREAM = Stream()
ENCODINGS = (STREAM,)
