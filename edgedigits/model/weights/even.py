"""All weights, of values at equal distances such as a few bits give, in those bits, for cores with any instructions."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from edgedigits.model.weights.columns import list_columns
from edgedigits.model.weights.encoding import Activity, Constant, Encoding, Visits, Weights

WORD, HALF = 32, 16
LANES = 4
"""Sums of two outputs that a kernel has in registers at once."""
LARGEST_INPUT = 255
_MOST_INPUTS = 65_000
"""With more of them the sum of an output that only fills up could overflow."""


class Even(Encoding):
    """A word holds the weights of many outputs for one input, each as its place among the values, from 0.

    One multiplication does two outputs, 16 bits apart, as long as their sums of inputs times places fit there. With
    what lies between the values and with the lowest one these become sums of inputs times weights.

    Attributes:
        bits: of a weight.
    """

    bits: ClassVar[int]
    code_bytes = 880
    template = "even.c.j2"
    visits = Visits.LISTED_INPUTS
    at_equal_distances = True

    @property
    def lane_inputs(self) -> int:
        """How many inputs a sum of 16 bits is sure to hold."""
        return 0xFFFF // (LARGEST_INPUT * ((1 << self.bits) - 1))

    @property
    def lane_mask(self) -> str:
        """The places of two outputs in a word, as a literal in C."""
        return f"0x{((1 << self.bits) - 1) * 0x10001:08x}u"

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "weights": uint32, the lowest value and the distance, then words, [group of outputs][input]."""
        outputs, inputs = weights.shape
        low, values = int(weights.min()), weights.astype(np.int64) - int(weights.min())
        step = max(int(np.gcd.reduce(values, axis=None)), 1)
        if int(values.max()) // step >= 1 << self.bits or inputs > _MOST_INPUTS:
            return None
        fields = np.zeros((self.padded(outputs), inputs), np.uint32)
        fields[:outputs] = values // step
        # (group, which half, which place in it, input): the bits of one place lie together.
        groups = fields.reshape(-1, 2, HALF // self.bits, inputs)
        shifts = np.arange(2)[:, None] * HALF + np.arange(HALF // self.bits) * self.bits
        words = np.bitwise_or.reduce(groups << shifts[:, :, None].astype(np.uint32), axis=(1, 2))
        head = np.array([low & 0xFF | step << 8], np.uint32)
        return (Constant("weights", np.concatenate([head, words.reshape(-1)]).astype("<u4")),)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        head, words = int(constants[0].values[0]), constants[0].values[1:].reshape(-1, shape[1])
        shifts = np.arange(0, WORD, self.bits, dtype=np.uint32)
        places = (words[:, None, :] >> shifts[:, None] & ((1 << self.bits) - 1)).reshape(-1, shape[1])
        low = (head & 0xFF ^ 0x80) - 0x80
        return (places[: shape[0]].astype(np.int64) * (head >> 8) + low).astype(np.int8)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 12 an active input for eight outputs, and 70 for these whenever their sums are full."""
        outputs, inputs = weights.shape
        rounds = self.padded(outputs) // (2 * LANES)
        active = activity.inputs * inputs
        full = active / min(self.lane_inputs, 60) + 1
        return list_columns(weights.shape, activity) + rounds * (12.5 * active + 70 * full) + 4 * active


class Even4(Even):
    """Four bits a weight: eight outputs a word."""

    name = "even4"
    rank = 14
    summary = "4 bits a weight, of values at equal distances; inputs at their lowest value are skipped"
    kernel = "dense_even4"
    bits = 4
    outputs_at_once = 8
    most_distinct = 16


class Even2(Even):
    """Two bits a weight: 16 outputs a word."""

    name = "even2"
    rank = 15
    summary = "2 bits a weight, of values at equal distances; inputs at their lowest value are skipped"
    code_bytes = 980
    kernel = "dense_even2"
    bits = 2
    outputs_at_once = 16
    most_distinct = 4


ENCODINGS = (Even4(), Even2())
