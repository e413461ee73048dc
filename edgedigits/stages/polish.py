"""Polishing: the network as it is deployed, improved one code at a time, behind joint compression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.compression_sections import WHOLE_BITS
from edgedigits.data.seeing import see
from edgedigits.levels.declaration import WIDEST
from edgedigits.model.packing import packed_bytes
from edgedigits.stages.declaration import Stage
from edgedigits.stages.descent import Descent, Freedom
from edgedigits.stages.int8_network import LARGEST_OUTPUT, Int8Network
from edgedigits.stages.quantize import Ranges, ranges_of, strip_fake_quantization, with_ranges

if TYPE_CHECKING:
    from edgedigits.config import BuildConfig
    from edgedigits.training.line import Line

LEARNED = "codebook"
"""The kind of levels whose values are free."""


def run(line: Line, model: Any) -> tuple[Any, Any]:
    """Polish the model to convert; where its engine then were beyond a budget, it stays as it was."""
    from edgedigits.training.line import TrainedStage
    from edgedigits.training.model import build_mlp

    config, view, sweeps = line.config, line.config.input.view, line.config.joint.polish
    plain, ranges = strip_fake_quantization(model, build_mlp(config)), ranges_of(model)
    network = _deployed(plain, ranges, see(view, line.splits.train.images))
    objective, watched = line.objective(line.splits.train), line.objective(line.splits.validation)
    held_out = see(view, line.splits.validation.images)
    descent = Descent(network, objective, _freedom(config, network))
    plan = line.plan("polish", "Polishing", sweeps, config.joint.rate)
    history: dict[str, list[float]] = {}
    with line.progress.stage(plan.title, sweeps) as bar:
        for _ in range(sweeps):
            made = descent.sweep()
            figures = objective.figures(network.logits)
            figures |= {f"val_{name}": value for name, value in watched.figures(network.given(held_out)).items()}
            for name, value in {**figures, "sparsity": _sparsity(network)}.items():
                history.setdefault(name, []).append(value)
            accuracy = figures["val_accuracy"]
            bar.advance(note=f"validation {100 * accuracy:.2f}%", accuracy=accuracy)
            if not made:
                break
    polished = _plain(network, plain, ranges)
    aware = with_ranges(polished, ranges)
    if line.excess and line.excess(aware, line.within):
        line.progress.say("Polishing took more than the budget: the network is left as it was.")
        return model, plain
    line.done.append(TrainedStage(plan, history, aware))
    return aware, polished


def _scales(plain: Any, ranges: Ranges) -> tuple[list[float], list[float], list[float]]:
    """Return what is worth a step of each layer's weights, of its sums, and of its outputs."""
    weights = [ranges[layer.name]["kernel"][1] / WIDEST for layer in plain.layers]
    outputs = [ranges[layer.name]["activation"][1] / LARGEST_OUTPUT for layer in plain.layers]
    inputs = [ranges["input"]["activation"][1] / LARGEST_OUTPUT, *outputs]
    return weights, [one * scale for one, scale in zip(inputs, weights, strict=False)], outputs


def _deployed(plain: Any, ranges: Ranges, pixels: NDArray[np.uint8]) -> Int8Network:
    """Return the network in the codes of its file."""
    weights, sums, outputs = _scales(plain, ranges)
    parts = [layer.get_weights() for layer in plain.layers]
    return Int8Network(
        [np.round(kernel.T / scale) for (kernel, _), scale in zip(parts, weights, strict=True)],
        [np.round(bias / scale) for (_, bias), scale in zip(parts, sums, strict=True)],
        sums,
        outputs[:-1],
        pixels,
    )


def _plain(network: Int8Network, like: Any, ranges: Ranges) -> Any:
    """Return a plain Keras MLP shaped as `like` with the weights and biases of the network."""
    from edgedigits.training.keras_env import keras

    plain = keras.models.clone_model(like)
    weights, sums, _ = _scales(like, ranges)
    for layer, codes, biases, scale, step in zip(
        plain.layers, network.weights, network.biases, weights, sums, strict=True
    ):
        layer.set_weights([codes.T * np.float32(scale), (biases * step).astype(np.float32)])
    return plain


def _freedom(config: BuildConfig, network: Int8Network) -> Freedom:
    """Return what may be changed: in a budget of constants zeros too, and else nothing that an engine goes through."""
    budget = config.budget
    of_constants = bool(budget.constants) and not (budget.flash or budget.instructions)
    moves_zeros = of_constants and config.prune.granularity == "weights"
    limit = max(_packed(network), budget.constants if moves_zeros else 0)
    return Freedom(
        [[float(code) for code in np.unique(weights) if code] for weights in network.weights],
        [_bias_steps(biases) for biases in network.biases],
        moves_levels=config.levels.weight_values == LEARNED,
        moves_zeros=moves_zeros,
        fits=lambda changed: _packed(changed) <= limit,
    )


def _bias_steps(biases: NDArray[np.float32]) -> tuple[float, float]:
    """Return the power of two that a layer's biases are multiples of, and the largest that is as short with it."""
    from edgedigits.training.compressed_dense import LARGEST_BIAS

    step = int(np.gcd.reduce(np.abs(biases).astype(np.int64)))
    return float(step & -step), float((step & -step) * LARGEST_BIAS)


def _packed(network: Int8Network) -> int:
    weights = [one.astype(np.int8) for one in network.weights]
    return packed_bytes(weights, [one.astype(np.int32) for one in network.biases])


def _sparsity(network: Int8Network) -> float:
    return 1.0 - sum(map(np.count_nonzero, network.weights)) / sum(one.size for one in network.weights)


STAGE = Stage(
    "polish",
    order=40,
    label="polished",
    asked=lambda config: config.joint.enabled and config.joint.polish > 0 and config.levels.weight_bits < WHOLE_BITS,
    run=run,
    past=lambda target_sparsity: "polished",
    brief=lambda tables: "polished" if tables.get("joint", {}).get("polish") else "",
)
