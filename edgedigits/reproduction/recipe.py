"""How the cells of the table's third column are trained, in numbers; needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HIDDEN = (10,)
QAT_SHARE = 0.1
"""The last tenth of a quantized cell's iterations is quantization-aware, at the setting's rate."""
PRUNING_SHARE, PRUNING_END = 0.2, 0.6
"""A pruned cell goes on for a fifth of its iterations; over three fifths of these its sparsity rises.

Of a fifth, three tenths and a half, the one that comes nearest to the float network of the same setting, on the 18,000
rows of MNIST that the table does not use and with seeds that it does not show. More only adds training.
"""
PRUNING_UPDATES = 50
"""Updates of the masks on the way to the final sparsity."""
RATE_OF = {"hinge": 1 / 9}
"""The hinge adds up nine rivals: with a ninth of the rate its error at a logit is at most 1, like that of softmax."""
LOSS_OF = {"none": "one-hot"}
"""The report's "none" sent the error back as it was, which is what "one-hot" does here."""


def stretch(family: str, iterations: int) -> tuple[int, int]:
    """Return at which iteration the compression of a cell begins and at which its training ends.

    A quantized cell has as many iterations as its setting says, a pruned one more: it starts from the setting's
    float network, as TF-MOT's guides do.
    """
    if family == "quantized":
        return iterations - min(iterations - 1, max(2, round(QAT_SHARE * iterations))), iterations
    if family == "pruned":
        return iterations, iterations + max(2, round(PRUNING_SHARE * iterations))
    return 0, iterations


def updates_every(steps: int) -> int:
    """Return how many iterations lie between two updates of the masks of a stretch."""
    return max(1, int(PRUNING_END * steps) // PRUNING_UPDATES)


def build_choices(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of a build that does what a cell did."""
    family, loss = cell["family"], str(LOSS_OF.get(cell["loss"], cell["loss"]))
    start, end = stretch(family, cell["iterations"])
    config: dict[str, Any] = {
        "data": {"source": cell.get("source", "auto")},
        "model": {"hidden": list(HIDDEN)},
        "loss": {"name": loss},
        "training": {
            "epochs": start if family == "quantized" else cell["iterations"],
            "batch_size": "full",
            "optimizer": "sgd",
            "learning_rate": cell["rate"] * RATE_OF.get(loss, 1.0),
            "schedule": "constant",
            "augment": "none",
            "seed": cell["seed"],
        },
    }
    if family == "quantized":
        config["qat"] = {"enabled": True, "epochs": end - start, "rate": 1.0}
    if family == "pruned":
        stage = {"sparsity": cell["sparsity"], "epochs": end - start, "frequency": updates_every(end - start)}
        config["prune"] = {"enabled": True, **stage}
    return config
