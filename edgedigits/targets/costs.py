"""What each layer of an engine costs in one image: its bytes and their encoding from the ELF, its instructions."""

from __future__ import annotations

from edgedigits.targets.cores import Core
from edgedigits.targets.elf import Image, Symbol
from edgedigits.targets.emulator_unicorn import Emulation
from edgedigits.targets.simulation import Instructions, LayerCost
from edgedigits.targets.steps import Step, read_steps
from edgedigits.targets.stub import Engine

ROWS = "rows"
"""Last part of the name of weights that only cores with MVE get."""
NO_WEIGHTS = frozenset({"bias", "multipliers", "shifts"})


def layer_costs(engine: Engine, core: Core, image: Image, run: Emulation) -> tuple[LayerCost, ...]:
    """Return the cost of each layer, and of a softmax; none for an engine whose source does not mark them.

    Args:
        engine: the engine.
        core: what `image` was compiled for.
        image: the engine's ELF.
        run: its emulation.
    """
    steps = read_steps(engine)
    told = run.by_step.shape[1] == 1 + len(steps)
    costs: list[LayerCost] = []
    counted: set[int] = set()
    for number, step in enumerate(steps, start=1):
        own = constants_of(step, image)
        # What comes before the first layer, a copy of the input at most, is there for it.
        counts = run.by_step[:, number] + (run.by_step[:, 0] if number == 1 else 0) if told else None
        costs.append(
            LayerCost(
                name=step.name,
                shape=step.shape,
                weights=step.weights,
                encoding=encoding_of(step, own, core),
                symbols=tuple(found.name for found in own),
                # Compilers lay equal constants on top of each other; the first layer pays.
                nbytes=sum({found.address: found.size for found in own if found.address not in counted}.values()),
                instructions=None if counts is None else Instructions.of(counts),
            )
        )
        counted |= {found.address for found in own}
    return tuple(costs)


def constants_of(step: Step, image: Image) -> tuple[Symbol, ...]:
    """Return the constants in the ELF that belong to a step; a function's name may begin with the same letters."""
    return tuple(found for found in image.symbols if found.kind == "constant" and found.name.startswith(step.symbols))


def encoding_of(step: Step, constants: tuple[Symbol, ...], core: Core) -> str:
    """Return how the weights of a step are stored in the ELF that its `constants` are from.

    An engine's source may hold weights twice: row by row for cores with MVE, and otherwise for others. Which of
    the two were compiled, their names tell; where the compiler has put all of a small layer into code, the core does.
    """
    weights = {found.name.removeprefix(step.symbols) for found in constants} - NO_WEIGHTS
    with_vectors = ROWS in weights if weights else core.has_vectors
    return step.vector_encoding if with_vectors else step.encoding
