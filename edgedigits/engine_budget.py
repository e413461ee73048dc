"""Flash and instructions of a whole engine: what it takes is measured, and held against the budget.

Code hardly depends on which weights there are. So an engine of the same shape with made-up weights is compiled before
training, and what its code leaves is the budget of the constants. The trained one is compiled and emulated, and trimmed
or packed to be faster until it keeps both budgets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.compile import write_engine
from edgedigits.config import BuildConfig
from edgedigits.data.seeing import see
from edgedigits.devices.cores import Core, find_core
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.devices.toolchain import Toolchain, find_toolchain
from edgedigits.engine.source import render_engine
from edgedigits.errors import CheckFailedError, ConfigError
from edgedigits.extras import install_command, is_installed
from edgedigits.files.scratch import scratch
from edgedigits.levels.declaration import WIDEST
from edgedigits.model.activity import MEASURED_IMAGES
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Graph
from edgedigits.model.lowering import lower
from edgedigits.model.packing import FACTOR_BYTES, Goal, arrange
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.within import FASTEST
from edgedigits.recipes import room_for
from edgedigits.scoring.interpreter import Classifier, open_classifier
from edgedigits.scoring.oracle import engine_inputs
from edgedigits.scoring.pixels import engine_map
from edgedigits.stages.chain import barest, layer_widths, least_of, level_codes, made_up
from edgedigits.training.excess import Excess

BITS_A_WEIGHT = 8.0
"""Of a pruned weight and its place, about: how dense the made-up weights are."""
COUNTED_IMAGES = 200
"""Validation images that instructions are counted on while a network is trimmed."""
SPARE = 0.02
"""Share of the instructions that is left for other images than those."""
SPARE_BYTES = 8
"""Of flash that the smallest engine may take with other weights: constants in its code are a word or two."""
OTHER_WEIGHTS = 1.02
"""Times its instructions that the smallest engine may take with other weights: a constant or two more to load."""
NEAR = 0.9
"""Share of the instructions that are counted, from which on what is too much goes at once."""
_UNITS = {"flash": "B of flash", "instructions": "instructions an image"}


def with_constants(config: BuildConfig, images: NDArray[np.uint8]) -> BuildConfig:
    """Return the choices with a budget of constants for one of flash; unchanged where there is none, or both are given.

    Args:
        config: every choice.
        images: uint8 (n, 784), of validation.

    Raises:
        ToolMissingError: the compiler is not installed.
        ConfigError: no network keeps the budgets.
    """
    budget = config.budget
    if not (budget.flash or budget.instructions):
        return config
    _check_least(config, images)
    if not budget.flash or budget.constants:
        return config
    taken = _measure(_made_up(config), config, budget.instructions, images, counted=0)
    # The smallest network may have less code than those as large as the budget.
    constants = max(budget.flash - (taken.flash - taken.constants), least_of(config).nbytes)
    return replace(config, budget=replace(budget, constants=constants))


def _check_least(config: BuildConfig, images: NDArray[np.uint8]) -> None:
    """Compile, and emulate where that can be done, the smallest engine that the budgets can leave.

    Raises:
        ConfigError: it takes more.
    """
    budget, (core, toolchain) = config.budget, check_target(config)
    what = f"no network of {len(config.model.hidden) + 1} layers"
    on = f" on {core.name} ({toolchain.version}, {_optimize(config)})" if toolchain else " (estimate, for Cortex-M4)"
    chain = _chain(config, images)
    ways = (budget.instructions, FASTEST) if budget.instructions else (0,)
    packed = [_measure(chain, config, within, images) for within in ways]
    wanted = [math.ceil((one.instructions or one.estimate) * OTHER_WEIGHTS / (1.0 - SPARE)) for one in packed]
    if 0 < budget.instructions < min(wanted):
        raise ConfigError(
            f"[budget] instructions is {budget.instructions:,}: {what} that sees {config.input.view.inputs:,} inputs "
            f"takes so few{on}.",
            hint=f"The fastest that feeds all ten classes takes about {min(wanted):,}; a smaller --input-size takes "
            "fewer.",
        )
    fitting = [one for one, needs in zip(packed, wanted, strict=True) if needs <= (budget.instructions or math.inf)]
    smallest = min(fitting, key=lambda one: one.flash)
    if 0 < budget.flash < (flash := smallest.flash + SPARE_BYTES):
        words = f" within {budget.instructions:,} instructions" if budget.instructions else ""
        raise ConfigError(
            f"[budget] flash is {budget.flash:,} B: {what} fits in that{words}{on}.",
            hint=f"The smallest that feeds all ten classes takes {flash:,} B, "
            f"{flash - smallest.constants:,} B of it code; better ones take more.",
        )


def excess_of(config: BuildConfig, images: NDArray[np.uint8]) -> Callable[[Any, int], Excess | None] | None:
    """Return what measures a trained network for `pipeline.train_and_compress`; None where nothing is to be measured.

    Args:
        config: every choice.
        images: uint8 (n, 784), to count instructions on; none of the test split.
    """
    if not (config.budget.flash or config.budget.instructions):
        return None

    def measure(model: Any, within: int) -> Excess | None:
        from edgedigits.convert import to_int8_tflite

        blank = np.zeros((1, config.input.view.inputs), np.float32)
        graph = read_tflite(to_int8_tflite(model, blank, per_tensor=False), "the engine of the budget")
        return _excess(_measure(graph, config, within, images), config, within)

    return measure


def _excess(taken: Taken, config: BuildConfig, within: int) -> Excess | None:
    budget, more = config.budget, 0
    if budget.flash:
        more = max(0, taken.flash - budget.flash)
    elif budget.constants and within:
        more = max(0, taken.constants - budget.constants)
    wanted = budget.instructions * (1.0 - SPARE)
    if taken.instructions > wanted:
        # As much less by estimate as it is too much on the core; at least so much that the layout has to change. Where
        # the estimate is far off it is so for each layout otherwise: half of the way, and measured again.
        share = wanted / taken.instructions
        within = math.floor(min(within, taken.estimate) * (share if share > NEAR else math.sqrt(share)))
    elif not more:
        return None
    return Excess(more, within)


def check_engine(
    config: BuildConfig, engine_folder: Path, classifier: Classifier, images: NDArray[np.uint8]
) -> tuple[str, ...]:
    """Return a sentence on each budget that an engine keeps, compiled for the core of the budget.

    Args:
        config: every choice.
        engine_folder: what `write_engine` wrote.
        classifier: the model it was made from.
        images: uint8 (n, 784), to count instructions on.

    Raises:
        CheckFailedError: it takes more than a budget.
    """
    budget = config.budget
    if not (budget.flash or budget.instructions):
        return ()
    core, toolchain = check_target(config)
    run = _run(config, find_engine(engine_folder), classifier, images)
    flags = f"{core.name}, {toolchain.version}, {_optimize(config)}" if toolchain else core.name
    said = [f"{run.flash:,} B of flash of {budget.flash:,} (measured: {flags})"] if budget.flash else []
    if budget.instructions and not run.instructions:
        said.append(
            f"instructions are an estimate (for Cortex-M4), as nothing here counts those of {core.name}: "
            f"{install_command('mcu')}"
        )
    elif budget.instructions:
        counted = f"mean of {len(images):,} test images"
        said.append(f"{run.instructions:,.0f} instructions of {budget.instructions:,} (emulated: {flags}, {counted})")
    for name, taken in (("flash", run.flash), ("instructions", run.instructions)):
        if (limit := getattr(budget, name)) and taken > limit:
            raise CheckFailedError(
                f"The engine takes {taken:,.0f} {_UNITS[name]} on {flags}, more than the budget of {limit:,}.",
                hint="It was less on validation images when it was trained: take a slightly smaller budget.",
            )
    return tuple(said)


def check_target(config: BuildConfig) -> tuple[Core, Toolchain | None]:
    """Return the core of a budget, and what compiles for it; None where only instructions are asked for and nothing
    is there that counts them.

    Raises:
        ConfigError: there is no such core.
        ToolMissingError: the compiler is not installed.
    """
    core = find_core(config.budget.core)
    needed = config.budget.flash or (is_installed("mcu") and core.unicorn_cpu)
    return core, find_toolchain(core.toolchain, core) if needed else None


@dataclass(frozen=True)
class Taken:
    """What an engine takes.

    Attributes:
        constants: bytes of weights and biases, and of factors as `packed_bytes` counts them.
        estimate: instructions by estimate, on a Cortex-M4.
        flash: bytes of the whole engine; 0 where it was not compiled.
        instructions: of an image, mean; 0 where they were not counted.
    """

    constants: int
    estimate: float
    flash: int = 0
    instructions: float = 0.0


def _measure(
    graph: Graph, config: BuildConfig, within: int, images: NDArray[np.uint8], counted: int = COUNTED_IMAGES
) -> Taken:
    """Return what the engine of a file takes that is packed for images, its instructions counted on the first."""
    classifier = open_classifier(graph, view=config.input.view)
    seen = engine_inputs(classifier, images[:MEASURED_IMAGES])
    lowered = simplify(lower(graph, Rounding(config.engine.rounding)))
    network, packed = arrange(lowered, Goal.SIZE, within, seen)
    source = render_engine(network, packed, config.output.name, engine_map(graph, None, config.input.view))
    beside = Taken(
        constants=source.weight_bytes + source.bias_bytes + FACTOR_BYTES * len(packed),
        estimate=sum(one.instructions for one in packed),
    )
    with scratch("budget") as folder:
        write_engine(source, folder)
        run = _run(config, find_engine(folder), classifier, images[:counted])
    return replace(beside, flash=run.flash, instructions=run.instructions)


def _run(config: BuildConfig, engine: Engine, classifier: Classifier, images: NDArray[np.uint8]) -> Taken:
    """Compile an engine, and count its instructions on images, where that is asked for and can be done."""
    core, toolchain = check_target(config)
    if toolchain is None:
        return Taken(0, 0.0)
    optimize = _optimize(config)
    if len(images) and config.budget.instructions and is_installed("mcu") and core.unicorn_cpu:
        run = simulate_inputs(engine, engine_inputs(classifier, images), core, toolchain, optimize=optimize)
        return Taken(0, 0.0, run.footprint.flash, run.instructions.mean)
    with scratch("budget") as folder:
        return Taken(0, 0.0, compile_engine(toolchain, core, engine, folder, optimize=optimize).footprint.flash)


def _optimize(config: BuildConfig) -> str:
    """Return the compiler's flag: a budget of flash is kept by an engine that is compiled for size."""
    return "-Os" if config.budget.flash else "-O2"


def _chain(config: BuildConfig, images: NDArray[np.uint8]) -> Graph:
    """Return a file of the smallest network that a budget leaves, fed by the input that is active most often."""
    from edgedigits.convert import to_int8_tflite
    from edgedigits.stages.quantize import Ranges, with_ranges
    from edgedigits.training.compressed_dense import ACTIVATION_STEPS
    from edgedigits.training.model import build_mlp

    seen = see(config.input.view, images[:MEASURED_IMAGES])
    masks = barest(layer_widths(config), config.prune.granularity, int((seen > 0).sum(axis=0).argmax()))
    weights, biases = made_up(masks, config.levels.weight_bits, np.random.default_rng(0))
    model, code = build_mlp(config), 1.0 / WIDEST
    ranges: Ranges = {"input": {"activation": (0.0, 1.0)}}
    for layer, own, added in zip(model.layers, weights, biases, strict=True):
        # No weight of a hidden layer is below 0: all neurons are active. A bias is in codes of 255ths.
        last = layer is model.layers[-1]
        own, added = (own, added) if last else (np.abs(own), np.abs(added))
        layer.set_weights([own.T * code, added * code / ACTIVATION_STEPS])
        ranges[layer.name] = {"activation": (-2.0 if last else 0.0, 1.0), "kernel": (-1.0, 1.0)}
    aware = with_ranges(model, ranges)
    blank = np.zeros((1, config.input.view.inputs), np.float32)
    return read_tflite(to_int8_tflite(aware, blank, per_tensor=False), "the engine of the budget")


def _made_up(config: BuildConfig) -> Graph:
    """Return a file of the shape that training will end with: as many levels, and about as many weights."""
    from edgedigits.convert import to_int8_tflite
    from edgedigits.stages.quantize import measured_ranges, with_ranges
    from edgedigits.training.model import build_mlp

    generator = np.random.default_rng(0)
    model = build_mlp(config)
    shapes = [layer.kernel.shape for layer in model.layers]
    # Every neuron and every input has a weight.
    left = room_for(0, config.budget.flash, 0) * 8 / BITS_A_WEIGHT - sum(map(sum, shapes))
    density = min(0.5, max(0.0, left / sum(map(math.prod, shapes))))
    levels = level_codes(config.levels.weight_bits).astype(np.float64)
    for layer in model.layers:
        shape = tuple(layer.kernel.shape)
        codes = generator.choice(levels, shape) * (generator.random(shape) < density)
        codes[0], codes[:, 0] = WIDEST, WIDEST
        layer.set_weights([codes / WIDEST * 0.1, generator.normal(0, 0.1, shape[1]).round(2)])
    images = generator.random((100, config.input.view.inputs)).astype(np.float32)
    aware = with_ranges(model, measured_ranges(model, images))
    return read_tflite(to_int8_tflite(aware, images, per_tensor=False), "the engine of the budget")
