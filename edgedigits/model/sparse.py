"""Unpacks constants that a file keeps in TensorFlow Lite's sparse format, dense axes and compressed rows in any order.

An axis may be cut into blocks: then it counts blocks, and an axis of its own, numbered behind the tensor's, counts what
is in one. Source: `SparsityParameters` in schema.fbs of TensorFlow Lite, and `FormatConverter` of its kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """How one axis is stored, for each place that the axes before it lead to.

    Attributes:
        size: its length, where all of it is there; 0 where it is compressed.
        segments: int64 (places + 1,): where in `indices` a place's begin, and where the next one's.
        indices: int64 (k,): which of the axis are there.
    """

    size: int
    segments: Indices
    indices: Indices


@dataclass(frozen=True, slots=True)
class SparseLayout:
    """What the file says of a sparse constant.

    Attributes:
        order: which axis each level is; those of blocks count on behind the tensor's own.
        blocked: for each axis of blocks, the axis that is cut.
        levels: from the outermost.
    """

    order: tuple[int, ...]
    blocked: tuple[int, ...]
    levels: tuple[Level, ...]

    def unpack(self, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Return the constant, of `shape`, 0 where nothing is stored.

        Args:
            values: what is stored (k,), in the order of the levels.
            shape: of the tensor.

        Raises:
            ValueError: the layout contradicts itself, the shape or the number of values.
        """
        rank, sizes = len(shape), self._sizes(shape)
        largest = max([len(values), *(len(level.segments) for level in self.levels)])
        places, found = np.zeros(1, np.int64), np.zeros((len(sizes), 1), np.int64)
        for axis, level in zip(self.order, self.levels, strict=True):
            parents, along, places = _expand(level, places, sizes[axis], largest)
            found = found[:, parents]
            found[axis] = along
        if not np.array_equal(places, np.arange(len(values))):
            raise ValueError("it does not lead to every value once")
        for block, axis in enumerate(self.blocked, start=rank):
            found[axis] = found[axis] * sizes[block] + found[block]
        dense = np.zeros(shape, values.dtype)
        dense[tuple(found[:rank])] = values
        return dense

    def _sizes(self, shape: tuple[int, ...]) -> list[int]:
        """Return the lengths of the tensor's axes, in blocks where they are cut, and of those of blocks."""
        rank, axes = len(shape), len(shape) + len(self.blocked)
        if sorted(self.order) != list(range(axes)) or len(self.levels) != axes:
            raise ValueError("it does not have every axis once")
        if len({*self.blocked}) != len(self.blocked) or not {*self.blocked} <= {*range(rank)}:
            raise ValueError("it cuts an axis twice, or one that is not there")
        sizes = [*shape, *(self.levels[self.order.index(axis)].size for axis in range(rank, axes))]
        for block, axis in enumerate(self.blocked, start=rank):
            if sizes[block] < 1 or sizes[axis] % sizes[block]:
                raise ValueError("its blocks do not fill an axis")
            sizes[axis] //= sizes[block]
        return sizes


def _expand(level: Level, places: Indices, size: int, largest: int) -> tuple[Indices, Indices, Indices]:
    """Go on by one axis: return, for each new place, the one it comes from, where it is on the axis, and its number."""
    if level.size:
        if level.size != size or len(places) * size > largest:
            raise ValueError("a dense axis has another length than the tensor")
        parents = np.repeat(np.arange(len(places)), size)
        along = np.tile(np.arange(size), len(places))
        return parents, along, places[parents] * size + along
    segments, indices = level.segments, level.indices
    ends = len(segments) == len(places) + 1 and segments[0] == 0 and segments[-1] == len(indices)
    if not ends or np.any(np.diff(segments) < 0) or not np.array_equal(places, np.arange(len(places))):
        raise ValueError("a compressed axis does not have a segment for each place")
    parents = np.repeat(np.arange(len(places)), np.diff(segments))
    rising = (np.diff(indices) > 0) | (np.diff(parents) > 0)
    if len(indices) and (indices.min() < 0 or indices.max() >= size or not rising.all()):
        raise ValueError("a compressed axis has indices out of order, or beyond the tensor")
    return parents, indices, np.arange(len(indices))
