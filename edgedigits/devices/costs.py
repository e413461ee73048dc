"""What each layer of an engine costs in one image: its bytes and their encoding from the ELF, its instructions."""

from __future__ import annotations

from edgedigits.devices.cores import Core
from edgedigits.devices.elf import Image
from edgedigits.devices.emulator_unicorn import Emulation
from edgedigits.devices.simulation import Instructions, LayerCost
from edgedigits.devices.stub import Engine
from edgedigits.engine.engine_json import EngineStep, Stored


def layer_costs(engine: Engine, core: Core, image: Image, run: Emulation) -> tuple[LayerCost, ...]:
    """Return the cost of each layer, and of a softmax; none for an engine whose facts do not tell them apart.

    Args:
        engine: the engine.
        core: what `image` was compiled for.
        image: the engine's ELF.
        run: its emulation.
    """
    told = run.by_step.shape[1] == 1 + len(engine.facts.steps)
    costs: list[LayerCost] = []
    counted: set[int] = set()
    for number, step in enumerate(engine.facts.steps, start=1):
        stored = _stored(step, image, core)
        own = [found for found in image.symbols if found.name in stored.bytes]
        # What comes before the first layer, a copy of the input at most, is there for it.
        counts = run.by_step[:, number] + (run.by_step[:, 0] if number == 1 else 0) if told else None
        costs.append(
            LayerCost(
                name=step.name,
                shape=step.shape,
                weights=step.weights,
                encoding=stored.encoding,
                symbols=tuple(found.name for found in own),
                # Compilers lay equal constants on top of each other; the first layer pays.
                nbytes=sum({found.address: found.size for found in own if found.address not in counted}.values()),
                instructions=None if counts is None else Instructions.of(counts),
            )
        )
        counted |= {found.address for found in own}
    return tuple(costs)


def _stored(step: EngineStep, image: Image, core: Core) -> Stored:
    """Return which of a step's two ways of storing its constants is in an ELF.

    Those of one alone tell; where the compiler has put all of a small layer into its code, the core does.
    """
    names = {symbol.name for symbol in image.symbols}
    plain, mve = step.stored.plain, step.stored.mve
    if mve is None or plain.bytes.keys() & names - mve.bytes.keys():
        return plain
    return mve if mve.bytes.keys() & names - plain.bytes.keys() or core.has_vectors else plain
