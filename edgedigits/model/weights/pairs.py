"""All weights, by pairs of inputs, so that a core with DSP multiplies two at a time and skips what is zero."""

from __future__ import annotations

import numpy as np

from edgedigits.model.weights.encoding import Activity, Constant, Encoding, OnVectors, Visits, Weights


class Pairs(Encoding):
    """All weights, by pairs of inputs.

    A 32-bit word holds the weights of two outputs for two inputs, bytes (p0, p1, q0, q1), so that one SXTB16
    gives what one SMLAD takes. A pair of inputs that are both at their lowest value is skipped. An odd output or
    input is filled up with zeros.
    """

    name = "pairs"
    rank = 1
    summary = "all weights, by pairs of inputs; pairs at their lowest value are skipped"
    code_bytes = 450
    kernel = "dense_pairs"
    template = "pairs.c.j2"
    visits = Visits.LISTED_PAIRS
    outputs_at_once = 2
    groups = (6, 4, 2)
    on_vectors = OnVectors.ROWS
    has_thumb1_code = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "weights": uint32 words, [pair of inputs][pair of outputs]."""
        outputs, inputs = ((size + 1) // 2 for size in weights.shape)
        padded = np.zeros((outputs * 2, inputs * 2), np.int8)
        padded[: weights.shape[0], : weights.shape[1]] = weights
        # (pair of outputs, which of it, pair of inputs, which of it) → (inputs, outputs, which input, which output)
        block = padded.reshape(outputs, 2, inputs, 2).transpose(2, 0, 3, 1)
        return (Constant("weights", np.ascontiguousarray(block).reshape(-1).view("<u4")),)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        outputs, inputs = ((size + 1) // 2 for size in shape)
        block = constants[0].values.view(np.int8).reshape(inputs, outputs, 2, 2)
        return block.transpose(1, 3, 0, 2).reshape(outputs * 2, inputs * 2)[: shape[0], : shape[1]]

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """Scan every word, list the active pairs, and go through the list once a group."""
        outputs, inputs = weights.shape
        active = activity.pairs * inputs / 2
        per_pair = {6: 17, 4: 12, 2: 8}
        sixes, rest = divmod(self.padded(outputs), 6)
        sizes = [6] * sixes + [rest] * (rest > 0)
        groups = active * sum(per_pair[size] for size in sizes) + 40 * len(sizes)
        return 60 + 1.75 * inputs + 12 * active + groups + 9 * outputs


ENCODINGS = (Pairs(),)
