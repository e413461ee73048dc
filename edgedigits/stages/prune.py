"""Pruning: a Keras model in, a Keras model with exact zeros out; by TF-MOT what TF-MOT can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgedigits.config import PruningConfig
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.stages.cutting import cut
from edgedigits.stages.declaration import Stage, Tables

if TYPE_CHECKING:
    from edgedigits.training.line import Line

DECAY_POWER = 3


def add_pruning(model: Any, config: PruningConfig, target: Mapping[str, float], steps: int) -> Any:
    """Return a clone of `model` whose layers named in `target` are wrapped for TF-MOT's pruning.

    TF-MOT would prune the ten-unit output layer as well, which collapses at high sparsity: layers are chosen by name.

    Args:
        model: trained Keras MLP.
        config: initial sparsity, begin, end and frequency.
        target: final share of zeros by layer name.
        steps: training steps of the whole pruning stage.
    """
    from edgedigits.training.keras_env import keras, tfmot

    begin = int(config.begin * steps)
    # At least one update must see the final sparsity, also in a stage shorter than one period.
    frequency = max(1, min(config.frequency, int(config.end * steps) - begin))
    end = begin + max(1, (int(config.end * steps) - begin) // frequency) * frequency

    def wrap(layer: Any) -> Any:
        if layer.name not in target:
            return layer
        # TF-MOT rounds the number of weights it keeps; rounding down gives at least the zeros asked for.
        size = layer.kernel.shape.num_elements()
        final = 1.0 - max(1, int(size * (1.0 - target[layer.name]))) / size
        when = {"begin_step": begin, "end_step": end, "frequency": frequency}
        if RAMPS[config.schedule].is_at_once:
            schedule = tfmot.sparsity.keras.ConstantSparsity(final, **when)
        else:
            first = min(config.initial_sparsity, final)
            schedule = tfmot.sparsity.keras.PolynomialDecay(first, final, power=DECAY_POWER, **when)
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    # The wrapper trains the very layer it is given, so the model to wrap is a copy.
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return keras.models.clone_model(copy, clone_function=wrap)


def strip_pruning(model: Any) -> Any:
    """Return the plain Keras model with the zeros written into its kernels."""
    from edgedigits.training.keras_env import tfmot

    return tfmot.sparsity.keras.strip_pruning(model)


def pruning_callbacks(wrapped: Any) -> list[Any]:
    """Return what `fit` needs beside the wrapped model: TF-MOT's step counter, and a record of zeros by epoch."""
    from edgedigits.training.keras_env import tfmot, when_epoch_ends

    def record(epoch: int, logs: dict[str, Any]) -> None:
        """Note an epoch's share of zeros over all pruned weights under "sparsity"."""
        masks = [mask.numpy() for layer in wrapped.layers for _, mask, _ in getattr(layer, "pruning_vars", ())]
        if masks:
            logs["sparsity"] = sum(int(np.sum(mask == 0)) for mask in masks) / sum(mask.size for mask in masks)

    return [tfmot.sparsity.keras.UpdatePruningStep(), when_epoch_ends(record)]


def run(line: Line, model: Any) -> tuple[Any, Any]:
    """Prune on, and strip what TF-MOT wrapped around the layers."""
    prune, target = line.config.prune, line.config.target_sparsity
    if not prune.is_tfmots:
        pruned = cut(line, model, f"Pruning to {_shares(target)}")
        return pruned, pruned
    wrapped = add_pruning(model, prune, target, line.steps(prune.epochs))
    settled = int(np.ceil(prune.end * prune.epochs))
    plan = line.plan("prune", f"Pruning to {_shares(target)}", prune.epochs, prune.rate, settled)
    pruned = line.train(plan, wrapped, pruning_callbacks(wrapped), finish=strip_pruning)
    return pruned, pruned


def _shares(target_sparsity: Mapping[str, float]) -> str:
    """Return the shares of zeros that layers are pruned to, each once: "50%, 90%"."""
    return ", ".join(f"{100 * share:g}%" for share in sorted(set(target_sparsity.values())))


def _brief(tables: Tables) -> str:
    prune = tables["prune"]
    if not prune["enabled"]:
        return ""
    budget = tables.get("budget", {})
    if any(budget.get(limit) for limit in ("constants", "flash", "instructions")):
        return "pruned to a budget"  # which says how many weights are left, whatever the sparsity
    return f"pruned {100 * prune['sparsity']:g}%"


STAGE = Stage(
    "prune",
    order=10,
    label="pruned",
    asked=lambda config: bool(config.target_sparsity) and not config.joint.enabled,
    run=run,
    past=lambda target_sparsity: f"pruned to {_shares(target_sparsity)}",
    brief=_brief,
    slug="prune",
)
