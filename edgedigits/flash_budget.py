"""Flash for a whole engine: what its code takes is measured, and the rest is the budget of its constants.

The code hardly depends on which weights there are. So an engine of the same shape with made-up weights is compiled
before training, and the trained one behind it, which is trimmed until it fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.compile import write_engine
from edgedigits.config import BuildConfig
from edgedigits.devices.cores import Core, find_core
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.stub import find_engine
from edgedigits.devices.toolchain import Toolchain, find_toolchain
from edgedigits.engine.source import render_engine
from edgedigits.errors import CheckFailedError, ConfigError
from edgedigits.files.scratch import scratch
from edgedigits.levels.declaration import WIDEST
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Graph
from edgedigits.model.lowering import lower
from edgedigits.model.packing import FACTOR_BYTES, Goal, PackedLayer, arrange
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.scoring.pixels import engine_map

OPTIMIZE = "-Os"
TOOLCHAIN = "zig"
BITS_A_WEIGHT = 8.0
"""Of a pruned weight and its place, about: how dense the made-up weights are."""


def with_constants(config: BuildConfig) -> BuildConfig:
    """Return the choices with a budget of constants for one of flash; unchanged where there is none, or both are given.

    Raises:
        ToolMissingError: the compiler is not installed.
        ConfigError: the code alone takes more.
    """
    budget = config.budget
    if not budget.flash or budget.constants:
        return config
    core, toolchain = check_target(config)
    packed, flash = _measure(_made_up(config), config)
    code = flash - sum(one.nbytes + one.biases.nbytes + FACTOR_BYTES for one in packed)
    if code >= budget.flash:
        raise ConfigError(
            f"[budget] flash is {budget.flash:,} B, and the engine's code alone takes {code:,} B on {core.name} "
            f"({toolchain.version}, {OPTIMIZE}).",
            hint=f"Take a budget above {code:,} B; better networks take more.",
        )
    return replace(config, budget=replace(budget, constants=budget.flash - code))


def flash_of(config: BuildConfig) -> Callable[[Any], int] | None:
    """Return what measures a trained network: Keras model to convert → bytes of flash of its whole engine.

    None where there is no budget of flash.
    """
    if not config.budget.flash:
        return None

    def measure(model: Any) -> int:
        from edgedigits.convert import to_int8_tflite

        images = np.zeros((1, config.input.view.inputs), np.float32)
        content = to_int8_tflite(model, images, per_tensor=False)
        return _measure(read_tflite(content, "the engine of the budget"), config)[1]

    return measure


def check_flash(config: BuildConfig, engine_folder: Path) -> int:
    """Return the bytes of flash that an engine takes, compiled for the core of the budget.

    Args:
        config: every choice; with a budget of flash.
        engine_folder: what `write_engine` wrote.

    Raises:
        CheckFailedError: it takes more than the budget.
    """
    core, toolchain = check_target(config)
    with scratch("budget") as folder:
        flash = compile_engine(toolchain, core, find_engine(engine_folder), folder, optimize=OPTIMIZE).footprint.flash
    if flash > config.budget.flash:
        raise CheckFailedError(
            f"The engine takes {flash:,} B of flash on {core.name} ({toolchain.version}, {OPTIMIZE}), more than the "
            f"budget of {config.budget.flash:,} B.",
            hint="It was smaller when it was trained: please report it.",
        )
    return flash


def check_target(config: BuildConfig) -> tuple[Core, Toolchain]:
    """Return the core of a budget of flash, and what compiles for it.

    Raises:
        ConfigError: there is no such core.
        ToolMissingError: the compiler is not installed.
    """
    core = find_core(config.budget.core)
    return core, find_toolchain(TOOLCHAIN, core)


def _measure(graph: Graph, config: BuildConfig) -> tuple[tuple[PackedLayer, ...], int]:
    """Return the packed layers of a file, and the bytes of flash of its engine."""
    core, toolchain = check_target(config)
    network, packed = arrange(simplify(lower(graph, Rounding(config.engine.rounding))), Goal.SIZE)
    pixels = engine_map(graph, None, config.input.view)
    with scratch("budget") as folder:
        write_engine(render_engine(network, packed, config.output.name, pixels, 0), folder)
        image = compile_engine(toolchain, core, find_engine(folder), folder, optimize=OPTIMIZE)
    return packed, image.footprint.flash


def _made_up(config: BuildConfig) -> Graph:
    """Return a file of the shape that training will end with: as many levels, and about as many weights."""
    from edgedigits.convert import to_int8_tflite
    from edgedigits.stages.quantize import measured_ranges, with_ranges
    from edgedigits.training.model import build_mlp

    generator = np.random.default_rng(0)
    model = build_mlp(config)
    kernels = [layer.kernel for layer in model.layers]
    density = min(0.5, config.budget.flash * 8 / BITS_A_WEIGHT / sum(math.prod(kernel.shape) for kernel in kernels))
    levels = np.setdiff1d(np.linspace(-WIDEST, WIDEST, 2**config.levels.weight_bits).round(), [0])
    for layer in model.layers:
        shape = tuple(layer.kernel.shape)
        codes = generator.choice(levels, shape) * (generator.random(shape) < density)
        codes[0], codes[:, 0] = WIDEST, WIDEST
        layer.set_weights([codes / WIDEST * 0.1, generator.normal(0, 0.1, shape[1]).round(2)])
    images = generator.random((100, config.input.view.inputs)).astype(np.float32)
    aware = with_ranges(model, measured_ranges(model, images))
    return read_tflite(to_int8_tflite(aware, images, per_tensor=False), "the engine of the budget")
