"""Encodings that store every weight: pairs of inputs for skipping what is zero, plain rows, and codebooks."""

from __future__ import annotations

import numpy as np

from edgedigits.model.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Weights

GROUP = 6
"""Outputs whose accumulators a kernel holds in registers at once."""
CODEBOOK_SIZE = 16


def group_sizes(outputs: int) -> list[int]:
    """Return the sizes of the groups that `pairs` divides the outputs into: sixes, then a four or a two."""
    rest = (outputs + 1) // 2 * 2 % GROUP
    return [GROUP] * ((outputs + 1) // 2 * 2 // GROUP) + ([rest] if rest else [])


def list_columns(shape: tuple[int, int], activity: Activity) -> float:
    """Return the instructions to list the active inputs of a layer (out, in), and to bring in biases and results."""
    outputs, inputs = shape
    scan = 1.25 * inputs + 3 * activity.words * inputs + 7 * activity.inputs * inputs
    return 100 + scan + OUTPUT_INSTRUCTIONS * outputs


class Pairs:
    """All weights, by pairs of inputs.

    A 32-bit word holds the weights of two outputs for two inputs, bytes (p0, p1, q0, q1), so that one SXTB16
    gives what one SMLAD takes. A pair of inputs that are both at their lowest value is skipped. An odd output or
    input is filled up with zeros.
    """

    name = "pairs"
    summary = "all weights, by pairs of inputs; pairs at their lowest value are skipped"
    code_bytes = 450

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
        sizes = group_sizes(outputs)
        groups = active * sum(per_pair[size] for size in sizes) + 40 * len(sizes)
        return 60 + 1.75 * inputs + 12 * active + groups + 9 * outputs


class Rows:
    """All weights as the file has them, row by row; nothing is skipped."""

    name = "rows"
    summary = "all weights, row by row"
    code_bytes = 500

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "weights": int8, [output][input]."""
        return (Constant("weights", np.ascontiguousarray(weights).reshape(-1)),)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        return np.asarray(constants[0].values, np.int8).reshape(shape)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """Multiply everything."""
        return 50 + 2.5 * weights.size + OUTPUT_INSTRUCTIONS * len(weights)


class Codebook:
    """At most 16 different weights: a table of them, and four bits a weight, by columns."""

    name = "codebook"
    summary = "4 bits a weight and a table of at most 16 different weights; inputs at their lowest value are skipped"
    code_bytes = 650

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "codes": uint8, [input][pair of outputs], the even output in the low bits; and "codebook"."""
        outputs, inputs = weights.shape
        codebook, codes = np.unique(weights.T, return_inverse=True)
        if len(codebook) > CODEBOOK_SIZE:
            return None
        padded = np.zeros((inputs, (outputs + 1) // 2 * 2), np.uint8)
        padded[:, :outputs] = codes.reshape(inputs, outputs)
        packed = padded[:, 0::2] | padded[:, 1::2] << 4
        return Constant("codes", packed.reshape(-1)), Constant("codebook", codebook.astype(np.int8))

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        outputs, inputs = shape
        codes, codebook = (constant.values for constant in constants)
        packed = np.asarray(codes, np.uint8).reshape(inputs, -1)
        both = np.stack([packed & 15, packed >> 4], axis=2).reshape(inputs, -1)
        return np.asarray(codebook, np.int8)[both[:, :outputs]].T

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """Scan, then look up and multiply the weights of each active column, two at a time."""
        outputs, inputs = weights.shape
        pairs = (outputs + 1) // 2
        return list_columns(weights.shape, activity) + activity.inputs * inputs * (3 + 12 * pairs)
