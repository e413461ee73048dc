"""The first stage: the network trained in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgedigits.ramps.catalogue import RAMPS
from edgedigits.stages.declaration import Stage
from edgedigits.stages.start import starting_weights

if TYPE_CHECKING:
    from edgedigits.training.line import Line


def run(line: Line, model: Any) -> tuple[Any, Any]:
    """Train a fresh network, or on from the weights of another build; there is no `model` before it."""
    from edgedigits.training.model import build_mlp

    made = build_mlp(line.config)
    if line.config.training.start:
        made.set_weights(starting_weights(line.config))
    plan = line.plan("float", "Training in float32", line.config.training.epochs, 1.0)
    line.train(plan, made, [_snapshot(line, made)] if RAMPS[line.config.prune.schedule].rewinds else [])
    return made, made


def _snapshot(line: Line, model: Any) -> Any:
    """Return the callback that keeps the weights of the first epoch, which pruned ones are set back to."""
    from edgedigits.training.keras_env import when_epoch_ends

    def keep(epoch: int, logs: dict[str, Any]) -> None:
        if epoch == 0:
            line.early = model.get_weights()

    return when_epoch_ends(keep)


STAGE = Stage(
    "float",
    order=0,
    label="float32",
    asked=lambda config: True,
    run=run,
    past=lambda target_sparsity: "",
    brief=lambda tables: "",
    check=lambda config: bool(config.training.start) and starting_weights(config),
)
