"""The first stage: the network trained in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgedigits.stages.declaration import Stage

if TYPE_CHECKING:
    from edgedigits.training.line import Line


def run(line: Line, model: Any) -> tuple[Any, Any]:
    """Train a fresh network; there is no `model` before it."""
    from edgedigits.training.model import build_mlp

    made = build_mlp(line.config)
    line.train(line.plan("float", "Training in float32", line.config.training.epochs, 1.0), made)
    return made, made


STAGE = Stage(
    "float",
    order=0,
    label="float32",
    asked=lambda config: True,
    run=run,
    past=lambda target_sparsity: "",
    brief=lambda tables: "",
)
