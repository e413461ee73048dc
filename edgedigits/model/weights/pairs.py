"""All weights, by pairs of inputs, so that a core with DSP multiplies two at a time and skips what is zero."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from edgedigits.model.weights.encoding import (
    OUTPUT_INSTRUCTIONS,
    Activity,
    Constant,
    Encoding,
    OnVectors,
    Visits,
    Weights,
)

LOWEST_LANE = -(1 << 15)


class PairsApart(Encoding):
    """All weights, by pairs of inputs.

    A 32-bit word holds the weights of two outputs for two inputs, bytes (p0, q0, p1, q1), so that one SXTB16
    gives what one SMLAD takes. A pair of inputs that are both at their lowest value is skipped. An odd output or
    input is filled up with zeros.

    Attributes:
        in_lanes: the halves of a word are numbers, 256·q + p.
    """

    name = "pairs_apart"
    rank = 16
    summary = "all weights, by pairs of inputs, each in a byte; pairs at their lowest value are skipped"
    code_bytes = 440
    kernel = "dense_pairs_apart"
    template = "pairs.c.j2"
    visits = Visits.LISTED_PAIRS
    outputs_at_once = 2
    groups = (6, 4, 2)
    on_vectors = OnVectors.ROWS
    has_thumb1_code = True
    in_lanes: ClassVar[bool] = False
    per_pair: ClassVar[dict[int, float]] = {6: 20.2, 4: 15.8, 2: 10.9}

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "weights": uint32 words, [pair of inputs][pair of outputs]."""
        outputs, inputs = ((size + 1) // 2 for size in weights.shape)
        padded = np.zeros((outputs * 2, inputs * 2), np.int8)
        padded[: weights.shape[0], : weights.shape[1]] = weights
        # (pair of outputs, which of it, pair of inputs, which of it) → (inputs, outputs, which input, which output)
        block = padded.reshape(outputs, 2, inputs, 2).transpose(2, 0, 3, 1)
        return (Constant("weights", np.ascontiguousarray(block).reshape(-1).view("<u4")),)

    def entries_of_word(self, outputs: int) -> tuple[int, ...]:
        """Return how many entries of each array four inputs take."""
        return (self.padded(outputs),)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        outputs, inputs = ((size + 1) // 2 for size in shape)
        block = constants[0].values.view(np.int8).reshape(inputs, outputs, 2, 2)
        return block.transpose(1, 3, 0, 2).reshape(outputs * 2, inputs * 2)[: shape[0], : shape[1]]

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """Scan every word, list the active pairs, and go through the list once a group."""
        outputs, inputs = weights.shape
        sixes, rest = divmod(self.padded(outputs), 6)
        a_pair = sixes * self.per_pair[6] + (self.per_pair[rest] if rest else 0)
        scan = (0.88 + 3 * activity.words) * inputs
        return 68 + scan + activity.pairs * inputs / 2 * a_pair + OUTPUT_INSTRUCTIONS * outputs


class Pairs(PairsApart):
    """The same with the weights of two outputs in one number.

    A half of a word is 256·q + p. Multiplied as it is, it adds to 256·Q + P, where P and Q are the sums of the two
    outputs, and its low byte to P: one instruction less takes them apart. Modulo 2³² that gives Q exactly if it lies
    within 24 bits.
    """

    name = "pairs"
    rank = 1
    summary = "all weights, by pairs of inputs; pairs at their lowest value are skipped"
    code_bytes = 450
    kernel = "dense_pairs"
    sums_below = 1 << 23
    in_lanes = True
    per_pair: ClassVar[dict[int, float]] = {6: 14.3, 4: 11.9, 2: 9.1}

    @property
    def limits(self) -> str:
        """What it can hold, in words."""
        return "sums of at most 24 bits, and no weight of -128 beside one below 0"

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "weights": uint32 words, [pair of inputs][pair of outputs]; none where q is -128 and p below 0."""
        apart = super().pack(weights)
        assert apart is not None
        first, second = apart[0].values.view(np.int8).reshape(-1, 2).T.astype(np.int64)
        lanes = 256 * second + first
        if lanes.min() < LOWEST_LANE:
            return None
        return (Constant("weights", lanes.astype("<i2").view("<u4")),)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        lanes = constants[0].values.view("<i2").astype(np.int64)
        first = lanes.astype(np.int8)
        apart = np.stack([first, (lanes - first >> 8).astype(np.int8)], axis=1)
        return super().unpack((Constant("weights", apart.reshape(-1).view("<u4")),), shape)


ENCODINGS = (Pairs(), PairsApart())
