"""At most 16 different weights: a table of them, and four bits a weight, by columns."""

from __future__ import annotations

import numpy as np

from edgedigits.model.weights.columns import list_columns
from edgedigits.model.weights.encoding import Activity, Constant, Encoding, Visits, Weights


class Codebook(Encoding):
    """At most 16 different weights: a table of them, and four bits a weight, by columns."""

    name = "codebook"
    rank = 3
    summary = "4 bits a weight and a table of at most 16 different weights; inputs at their lowest value are skipped"
    code_bytes = 470
    kernel = "dense_codebook"
    template = "codebook.c.j2"
    visits = Visits.LISTED_INPUTS
    outputs_at_once = 2
    most_distinct = 16

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "codes": uint8, [input][pair of outputs], the even output in the low bits; and "codebook"."""
        outputs, inputs = weights.shape
        codebook, codes = np.unique(weights.T, return_inverse=True)
        if len(codebook) > self.most_distinct:
            return None
        padded = np.zeros((inputs, (outputs + 1) // 2 * 2), np.uint8)
        padded[:, :outputs] = codes.reshape(inputs, outputs)
        packed = padded[:, 0::2] | padded[:, 1::2] << 4
        return Constant("codes", packed.reshape(-1)), Constant("codebook", codebook.astype(np.int8))

    def entries_of_word(self, outputs: int) -> tuple[int, ...]:
        """Return how many entries of each array four inputs take."""
        return 2 * self.padded(outputs), 0

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


ENCODINGS = (Codebook(),)
