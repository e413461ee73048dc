"""A simulation as JSON values; each group says how it was obtained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from edgedigits.devices.boards import Board
from edgedigits.devices.simulation import LayerCost, Simulation

HISTOGRAM_BINS = 40


def to_json(run: Simulation, board: Board | None = None) -> dict[str, Any]:
    """Return a simulation, and the board it was held against, as JSON values."""
    how = f"emulated: {run.core}, {run.emulator}, compiled by {run.toolchain} {run.optimize}"
    facts: dict[str, Any] = {
        "core": run.core,
        "toolchain": run.toolchain,
        "optimize": run.optimize,
        "emulator": run.emulator,
        "images": run.images,
        "inputs": f"{run.images:,} {run.kind}",
        "pixels": None if run.pixels is None else asdict(run.pixels),
        "parity": _parity(run, how),
        "flash": _flash(run),
        "ram": {**asdict(run.ram), "total": run.ram.total, "how": f"stack {how}; the rest measured: ELF and header"},
        "instructions": {
            **asdict(run.instructions),
            "no_background": run.no_background,
            "histogram": _histogram(run),
            "by_layer": [_layer(layer) for layer in run.layers],
            "by_function": run.by_function,
            "how": how,
        },
    }
    if run.preprocess is not None:
        facts["preprocess"] = {**asdict(run.preprocess), "how": how}
    if run.from_pixels is not None:
        facts["from_pixels"] = {**asdict(run.from_pixels), "how": how}
    if run.exact_cycles is not None:
        own = run.from_pixels_cycles
        facts["cycles"] = {**asdict(run.exact_cycles), "from_pixels": asdict(own) if own else None, "how": how}
    if run.cycles is not None:
        facts["cycles"] = {
            **asdict(run.cycles),
            "middle": run.cycles.middle,
            "how": "estimated: costs by class of instruction, no wait states",
        }
    if board is not None:
        facts["board"] = _board(run, board)
    return facts


def _parity(run: Simulation, how: str) -> dict[str, Any]:
    return {
        "oracle": run.oracle,
        "differing_bytes": run.differing,
        "bytes": run.bytes,
        "first_differences": [asdict(difference) for difference in run.differences],
        "how": how,
        "others": [asdict(other) for other in run.others],
    }


def _flash(run: Simulation) -> dict[str, Any]:
    return {
        **asdict(run.footprint),
        "total": run.footprint.flash,
        "biggest": [asdict(symbol) for symbol in run.biggest],
        "symbols": [asdict(symbol) for symbol in run.symbols],
        "how": f"measured: sections of the ELF, {run.toolchain} {run.optimize}, invoke() and what it reaches",
    }


def _layer(layer: LayerCost) -> dict[str, Any]:
    return {
        "name": layer.name,
        "shape": layer.shape,
        "weights": layer.weights,
        "encoding": layer.encoding,
        "flash": layer.nbytes,
        "instructions": None if layer.instructions is None else asdict(layer.instructions),
    }


def _histogram(run: Simulation) -> dict[str, list[int]]:
    """Return how many images took how many instructions: `images[i]` those from `edges[i]` to below `edges[i + 1]`."""
    low, high = int(run.counts.min()), int(run.counts.max()) + 1
    bins = min(HISTOGRAM_BINS, high - low)
    edges = np.unique(np.linspace(low, high, bins + 1).round().astype(np.int64))
    images, _ = np.histogram(run.counts, edges)
    return {"edges": edges.tolist(), "images": images.tolist()}


def _board(run: Simulation, board: Board) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": board.name,
        "flash": board.flash,
        "ram": board.ram,
        "clock_mhz": board.clock_mhz,
        "flash_left": board.flash - run.footprint.flash,
        "ram_left": board.ram - run.ram.total,
        "how": board.source,
    }
    time = milliseconds(run, board)
    if time is not None:
        obtained = "estimated" if run.exact_cycles is None else "emulated"
        facts["milliseconds"] = {"low": time[0], "high": time[1], "how": f"{obtained}: cycles at the highest clock"}
    return facts


def milliseconds(run: Simulation, board: Board) -> tuple[float, float] | None:
    """Return the least and most milliseconds of one inference at the board's clock, or None.

    Of a mean image by an estimate of cycles, or of all images by exact cycles.
    """
    if run.exact_cycles is not None:
        low, high = float(run.exact_cycles.least), float(run.exact_cycles.most)
    elif run.cycles is not None:
        low, high = run.cycles.low, run.cycles.high
    else:
        return None
    return low / (1000 * board.clock_mhz), high / (1000 * board.clock_mhz)
