"""How the cells of the table's third column are trained, in numbers; needs no TensorFlow."""

from __future__ import annotations

HIDDEN = (10,)
QAT_SHARE, QAT_RATE = 0.1, 0.1
PRUNING_SHARE, PRUNING_END = 0.5, 0.6
PRUNING_UPDATES = 50
"""Updates of the masks on the way to the final sparsity."""
RATE_OF = {"hinge": 1 / 9}
"""The hinge adds up nine rivals: with a ninth of the rate its error at a logit is at most 1, like that of softmax."""
LOSS_OF = {"none": "one-hot"}
"""The report's "none" sent the error back as it was, which is what "one-hot" does here."""


def stage_length(family: str, iterations: int) -> int:
    """Return how many iterations a compressed cell goes on for behind its float training."""
    share = {"classical": 0.0, "quantized": QAT_SHARE, "pruned": PRUNING_SHARE}[family]
    return max(2, round(share * iterations)) if share else 0
