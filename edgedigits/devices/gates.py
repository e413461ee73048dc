"""Limits on a simulation, and the fit on a board."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from edgedigits.devices.boards import Board
from edgedigits.devices.simulation import Simulation
from edgedigits.devices.stand_ins import STAND_INS


@dataclass(frozen=True, slots=True)
class Limits:
    """Most that is allowed; None for no limit.

    Attributes:
        flash: bytes of the engine, code and constants.
        ram: bytes of variables, workspace, input, output and stack together.
        instructions: instructions an image, mean.
    """

    flash: int | None = None
    ram: int | None = None
    instructions: float | None = None


def check_simulation(run: Simulation, limits: Limits, board: Board | None = None, remedy: str = "") -> tuple[str, ...]:
    """Return what fails, a text a check: outputs that differ, limits, and the board's memory.

    Args:
        run: what is checked.
        limits: on it.
        board: whose memory it is to fit.
        remedy: what would make it fit, in sentences.
    """
    failures = []
    if run.differing:
        first, thing = run.differences[0], run.things.removesuffix("s")
        failures.append(
            f"{run.differing:,} of {run.bytes:,} output bytes differ from {run.oracle}, first of {thing} "
            f"{first.image}, output {first.output}: {first.engine} instead of {first.oracle}."
        )
    failures += [
        f"{other.differing:,} of {other.bytes:,} output bytes of the {other.what} differ from "
        f"{other.against or run.oracle}."
        for other in run.others
        if other.differing
    ]
    flash, ram, mean = run.footprint.flash, run.ram.total, run.instructions.mean
    biggest = ", ".join(f"{symbol.name} {symbol.size:,} B" for symbol in run.biggest)
    if limits.flash is not None and flash > limits.flash:
        over = flash - limits.flash
        failures.append(f"flash {flash:,} B is {over:,} B above the {limits.flash:,} B allowed; biggest: {biggest}.")
    if limits.ram is not None and ram > limits.ram:
        over = ram - limits.ram
        failures.append(f"RAM {ram:,} B is {over:,} B above the {limits.ram:,} B allowed: {_ram_parts(run)}.")
    if limits.instructions is not None and run.kind == STAND_INS:
        failures.append("a limit on instructions is one on those of digits, and no digits are at hand.")
    elif limits.instructions is not None and mean > limits.instructions:
        failures.append(f"{mean:,.0f} instructions {run.each}, mean, are above the {limits.instructions:,.0f} allowed.")
    short = [] if board is None else list(_shortage(run, board, biggest))
    if short:
        short[-1] = f"{short[-1]} {remedy}".rstrip()
    return (*failures, *short)


def _shortage(run: Simulation, board: Board, biggest: str) -> Iterator[str]:
    foot, flash, ram = run.footprint, run.footprint.flash, run.ram.total
    if flash > board.flash:
        yield (
            f"the engine is {flash - board.flash:,} B too big for the flash of {board.name}: code {foot.code:,} B, "
            f"weights and constants {foot.constants + foot.data:,} B; biggest: {biggest}."
        )
    if ram > board.ram:
        yield f"the engine needs {ram - board.ram:,} B more RAM than {board.name} has: {_ram_parts(run)}."


def _ram_parts(run: Simulation) -> str:
    return ", ".join(f"{name} {size:,} B" for name, size in asdict(run.ram).items() if size)
