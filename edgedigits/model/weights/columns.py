"""What encodings by columns share: they store only weights that are not zero, and zero inputs cost nothing.

A column holds the weights of one input. Its list of rows is a chain of steps: the first from row 0, each next one
from the row before. `starts` (inputs + 1) says where each column begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Weights


def starts_of(counts: NDArray[np.int64]) -> Constant:
    """Return "starts" for the lengths (inputs,) of the columns."""
    return narrow("starts", np.concatenate([[0], np.cumsum(counts)]))


def narrow(name: str, values: NDArray[np.int64]) -> Constant:
    """Return values of at least 0 in 16 bits each, or in 32 where those do not do."""
    return Constant(name, values.astype(np.uint16 if values.max(initial=0) <= 0xFFFF else np.uint32), is_index=True)


def gaps_of(weights: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return column and rows from the one before of each weight that is not zero, (n,), of weights (out, in)."""
    columns, rows = np.nonzero(weights.T)
    before = np.where(np.diff(columns, prepend=-1) != 0, 0, np.roll(rows, 1))
    return columns, rows - before


@dataclass(frozen=True, slots=True)
class Chains:
    """The columns of a layer, one behind the other.

    Attributes:
        steps: int64 (n,), none above the largest; a longer gap is bridged by fillers of that.
        values: the weights (n,) that steps lead to, of the weights' type; 0 of fillers.
        lengths: how many steps each column takes, int64 (in,).
    """

    steps: NDArray[np.int64]
    values: NDArray[Any]
    lengths: NDArray[np.int64]

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where each column ends, (in,)."""
        return np.cumsum(self.lengths)


def chains(weights: NDArray[Any], largest: int) -> Chains:
    """Return steps and weights of every column of weights (out, in), whatever their type."""
    columns, gaps = gaps_of(weights)
    fillers = np.maximum(0, -(-gaps // largest) - 1)
    last = np.cumsum(fillers + 1) - 1
    steps = np.full(int((fillers + 1).sum()), largest, np.int64)
    steps[last] = gaps - fillers * largest
    values = np.zeros(len(steps), weights.dtype)
    values[last] = weights.T[weights.T != 0]
    lengths = np.zeros(weights.shape[1], np.int64)
    np.add.at(lengths, columns, fillers + 1)
    return Chains(steps, values, lengths)


def place(columns: list[tuple[NDArray[np.int64], NDArray[np.int8]]], shape: tuple[int, int]) -> Weights:
    """Return the weights (out, in) that steps and weights of every column stand for."""
    weights = np.zeros(shape, np.int8)
    for index, (steps, values) in enumerate(columns):
        rows = np.cumsum(steps)[values != 0]
        weights[rows, index] = values[values != 0]
    return weights


def list_columns(shape: tuple[int, int], activity: Activity) -> float:
    """Return the instructions to list the active inputs of a layer (out, in), and to bring in biases and results."""
    outputs, inputs = shape
    scan = 1.25 * inputs + 3 * activity.words * inputs + 7 * activity.inputs * inputs
    return 100 + scan + OUTPUT_INSTRUCTIONS * outputs


def estimate(weights: Weights, activity: Activity, column: float, entry: float, entries: NDArray[np.int64]) -> float:
    """Return the instructions of a kernel that takes `column` for each active one and `entry` for each of its entries.

    These are counted by column, (in,).
    """
    walk = column * activity.inputs * weights.shape[1] + entry * activity.taken(entries)
    return list_columns(weights.shape, activity) + walk
