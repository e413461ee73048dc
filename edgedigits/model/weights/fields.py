"""Weights that are not zero and of few different values, by columns, in bit fields of equal widths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.columns import gaps_of
from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Encoding, Visits, Weights

_HEAD = 2
_READ = 2
"""Bytes that a kernel reads at once: a layer without a weight has these behind its widths, not to be read beyond."""
_MOST_RANK_BITS = 5
_MOST_BITS = 9
"""Of an entry, and of the count of a column's: a kernel reads two bytes, of which up to seven bits are of another."""


@dataclass(frozen=True, slots=True)
class _Widths:
    """Bits of a step, of a rank and of a column's count."""

    step: int
    rank: int
    count: int = 0

    @property
    def longest(self) -> int:
        """The step that leads on to no weight."""
        return (1 << self.step) - 1


class Fields(Encoding):
    """A column is a count and as many entries, each a step to the row and, above it, a rank in a table of weights.

    The largest step leads to no weight: it stands for as many of its like as the rank says, and one.
    """

    name = "fields"
    rank = 12
    summary = "weights that are not zero, by columns, in bit fields: the step to the row and the rank in a table"
    code_bytes = 620
    kernel = "sparse_fields"
    template = "fields.c.j2"
    visits = Visits.BYTES
    most_distinct = 1 + (1 << _MOST_RANK_BITS)
    for_size_alone = True
    is_traded = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "codes": uint8, two bytes of widths, a stream of fields, low bits first, and the table."""
        table = np.unique(weights[weights != 0])
        widths = _best(weights, len(table))
        if widths is None:
            return None
        fields = [field for column in weights.T for field in _fields(column, table, widths)]
        stream = length = 0
        pieces = []
        for value, width in fields:
            stream |= value << length
            length += width
            if length >= 64:
                pieces.append((stream & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little"))
                stream, length = stream >> 64, length - 64
        pieces.append(stream.to_bytes((length + 7) // 8, "little"))
        head = bytes([widths.step | widths.rank << 4, widths.count])
        end = table.tobytes() or bytes(_READ)
        codes = np.frombuffer(head + b"".join(pieces) + end, np.uint8)
        return (Constant("codes", codes, parts=(len(codes) - max(len(table), 1),)),)

    def nbytes(self, weights: Weights) -> int | None:
        """Return the bytes of what `pack` would give, without making it."""
        different = len(np.unique(weights[weights != 0]))
        widths = _best(weights, different)
        if widths is None:
            return None
        entries = int(_counts(weights, widths).sum())
        bits = entries * (widths.step + widths.rank) + widths.count * weights.shape[1]
        return _HEAD + -(-bits // 8) + (different or _READ)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        [codes] = constants
        data, table = codes.values.tobytes(), codes.values[codes.parts[0] :].view(np.int8)
        widths = _Widths(data[0] & 15, data[0] >> 4, data[1])
        place = 8 * _HEAD
        weights = np.zeros(shape, np.int8)

        def take(width: int) -> int:
            nonlocal place
            window = int.from_bytes(data[place >> 3 : (place >> 3) + 2], "little") >> (place & 7)
            place += width
            return window & ((1 << width) - 1)

        for index in range(shape[1]):
            row = 0
            for _ in range(take(widths.count)):
                field = take(widths.step + widths.rank)
                step, rank = field & widths.longest, field >> widths.step
                if step == widths.longest:
                    row += step * (rank + 1)
                else:
                    row += step
                    weights[row, index] = table[rank]
        return weights

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 18 an entry of an active column, and 16 a column."""
        outputs, inputs = weights.shape
        widths = _best(weights, len(np.unique(weights[weights != 0])))
        entries = 0.0 if widths is None else activity.taken(_counts(weights, widths))
        return 100 + 16.0 * inputs + OUTPUT_INSTRUCTIONS * outputs + 18 * entries


def _counts(weights: Weights, widths: _Widths) -> NDArray[np.intp]:
    """Return how many entries each column takes, (in,)."""
    columns, steps = gaps_of(weights)
    entries = 1 + -(-(steps // widths.longest) >> widths.rank)
    return np.bincount(columns, entries, minlength=weights.shape[1]).astype(np.intp)


def _best(weights: Weights, different: int) -> _Widths | None:
    """Return the widths that make the stream shortest, or None where none can hold `different` weights."""
    rank = max(different - 1, 0).bit_length()
    found: dict[_Widths, int] = {}
    for step in range(1, _MOST_BITS + 1 - rank) if rank <= _MOST_RANK_BITS else ():
        counts = _counts(weights, _Widths(step, rank))
        count = int(counts.max()).bit_length()
        if count <= _MOST_BITS:
            found[_Widths(step, rank, count)] = int(counts.sum()) * (step + rank) + count * len(counts)
    return min(found, key=lambda widths: found[widths]) if found else None


def _fields(column: Weights, table: Weights, widths: _Widths) -> list[tuple[int, int]]:
    """Return the fields of one column of weights (out,), each a number and its width."""
    width, most = widths.step + widths.rank, 1 << widths.rank
    entries: list[tuple[int, int]] = []
    row = 0
    for target, rank in zip(np.flatnonzero(column), np.searchsorted(table, column[column != 0]), strict=True):
        bridges, step = divmod(int(target) - row, widths.longest)
        while bridges:
            taken = min(bridges, most)
            entries.append((widths.longest | (taken - 1) << widths.step, width))
            bridges -= taken
        entries.append((step | int(rank) << widths.step, width))
        row = int(target)
    return [(len(entries), widths.count), *entries]


FIELDS = Fields()
ENCODINGS = (FIELDS,)
