"""All weights as the file has them, row by row; what cores with MVE get in place of pairs and of lists."""

from __future__ import annotations

import numpy as np

from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Encoding, Visits, Weights


class Rows(Encoding):
    """All weights as the file has them, row by row; nothing is skipped."""

    name = "rows"
    rank = 2
    summary = "all weights, row by row"
    code_bytes = 500
    kernel = "dense_rows"
    template = "rows.c.j2"
    visits = Visits.EVERY_INPUT

    def pack(self, weights: Weights) -> tuple[Constant, ...]:
        """Return "weights": int8, [output][input]."""
        return (Constant("weights", np.ascontiguousarray(weights).reshape(-1)),)

    def entries_of_word(self, outputs: int) -> tuple[int, ...]:
        """Return how many entries of each array four inputs take."""
        return (4,)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        return np.asarray(constants[0].values, np.int8).reshape(shape)

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """Multiply everything."""
        return 50 + 2.5 * weights.size + OUTPUT_INSTRUCTIONS * len(weights)

    def vector_instructions(self, weights: Weights) -> float:
        """Estimate the instructions of one inference on a core with MVE, requantization included."""
        outputs, inputs = weights.shape
        fours, ones = divmod(outputs, 4)
        words = -(-inputs // 16)
        return 60 + fours * (10 * words + 40) + ones * (4 * words + 20) + 2.5 * outputs


ROWS = Rows()
ENCODINGS = (ROWS,)
