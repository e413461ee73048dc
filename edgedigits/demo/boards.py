"""What an image takes on the boards of the catalogue, by estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.boards import load_boards
from edgedigits.devices.stub import Engine
from edgedigits.errors import UnsupportedModelError
from edgedigits.model.activity import expected, measured
from edgedigits.model.network import Network
from edgedigits.model.packing import PackedLayer, times, use
from edgedigits.model.simplify import simplify
from edgedigits.model.weights import ENCODINGS


def board_cycles(engine: Engine, lowered: Network, seen: NDArray[np.int8] | None) -> list[dict[str, Any]]:
    """Return the boards with cycles of an image from the network's input to its scores, as JSON values.

    Args:
        engine: its facts say how each layer is stored.
        lowered: its network.
        seen: int8 (n, in), inputs to measure on how many each layer has to visit; None for what is expected.

    Returns:
        Name, title, core, MHz and cycles, by title; nothing for an engine whose facts do not tell its encodings.
    """
    names = [step.stored.plain.encoding for step in engine.facts.steps if step.inputs is not None]
    taken = times(_packed(simplify(lowered), names, seen))
    told = sorted(load_boards().values(), key=lambda board: board.title.lower()) if taken else []
    return [
        {
            "name": board.name,
            "title": board.title,
            "core": board.core.name,
            "mhz": board.clock_mhz,
            "cycles": round(board.core.costs.cycles(taken)),
        }
        for board in told
        if board.core.costs
    ]


def _packed(network: Network, names: Sequence[str], seen: NDArray[np.int8] | None) -> tuple[PackedLayer, ...]:
    if len(names) != len(network.layers) or not {one.name for one in ENCODINGS}.issuperset(names):
        return ()
    try:
        return use(network, names, expected(network) if seen is None else measured(network, seen))
    except UnsupportedModelError:
        return ()  # its neurons lie in another order there
