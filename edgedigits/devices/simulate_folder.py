"""Simulates the engine in a folder, from names as users give them to every figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path

import numpy as np

from edgedigits.compression_sections import USUAL_CORE
from edgedigits.data.load import Selection
from edgedigits.devices.boards import Board, find_board, load_boards
from edgedigits.devices.cores import Core, find_core
from edgedigits.devices.engine_model import check_model, check_pixels, find_engine_model
from edgedigits.devices.inputs import Inputs, find_inputs
from edgedigits.devices.remedies import check_readable, remedies
from edgedigits.devices.simulate import simulate
from edgedigits.devices.simulation import Simulation
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.devices.toolchain import find_toolchain
from edgedigits.errors import ConfigError
from edgedigits.html_table import html_table
from edgedigits.model.reader import read_tflite
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.advice import advice_on
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.reject import Decisions, decisions
from edgedigits.scoring.subject import Subject
from edgedigits.sections import READING

_LEVELS = ("0", "1", "2", "3", "s", "z")


@dataclass(frozen=True, slots=True)
class SimulationChoices:
    """How to simulate; an empty name means the default.

    Attributes:
        core: the core to compile for and to emulate; by default the board's, else cortex-m4.
        board: also hold the engine against this board; by default, of a core that is a chip with its own memory (AVR),
            the first with it.
        toolchain: "zig" or "gcc"; by default zig, and gcc for cores that it lacks.
        emulator: "unicorn", "qemu" or "simavr"; by default the first that has the core.
        optimize: the compiler's -O, such as "O2".
        data: a source as for `evaluate`; by default the build's own, or strokes and noise where those are not at hand;
            random inputs where the model takes no digits.
        split: "test" or "all".
        label_column: how the source is read, as for `load_subject_digits`.
        invert: the same.
        transpose: the same.
        fit: the same.
        images: how many digits at most, None for all; of other inputs, by default 200.
        model: the .tflite of an engine that lies elsewhere.
        rounding: "litert" or "tflm"; by default what the engine says.
        input_range: what pixels 0 and 255 are to the model; by default as its manifest or its quantization says.
    """

    core: str = ""
    board: str = ""
    toolchain: str = ""
    emulator: str = ""
    optimize: str = "O2"
    data: str = ""
    split: str = "test"
    label_column: str | None = None
    invert: bool | None = None
    transpose: bool | None = None
    fit: bool | None = None
    images: int | None = None
    model: Path | None = None
    rounding: str = ""
    input_range: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class FolderSimulation:
    """A simulation, and what it was on.

    Attributes:
        run: every figure.
        board: the board that the engine was held against; None where none was asked for.
        origin: what ran, such as "test set of mnist" or "200 random inputs, seed 0".
        notes: remarks about it, one sentence each.
        accuracy: share of the digits that the emulated core classified as labelled, 0…1; None without digits.
        decisions: what its engine refuses of them; None without digits, or where it refuses nothing.
        chosen: the digits; None where others ran.
        remedy: what would make the engine fit the board, in sentences; empty where it does.
    """

    run: Simulation
    board: Board | None
    origin: str
    notes: tuple[str, ...]
    accuracy: float | None = None
    decisions: Decisions | None = None
    chosen: Selection | None = field(default=None, repr=False)
    remedy: str = ""

    def _repr_html_(self) -> str:
        run, notes = self.run, "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        title = f"{run.core}, {run.toolchain} {run.optimize}, emulated by {run.emulator}"
        layers = [
            (one.name, one.shape, one.encoding, f"{one.nbytes:,}", f"{one.instructions.mean:,.0f}")
            for one in run.layers
            if one.instructions is not None
        ]
        costs = html_table(("layer", "shape", "packed as", "bytes", "instructions"), layers) if layers else ""
        return f"<p><b>{escape(title)}</b>, on {escape(self.origin)}</p>{html_table((), self._figures())}{costs}{notes}"

    def _figures(self) -> Iterator[tuple[str, str]]:
        run = self.run
        parity = "every byte equal" if not run.differing else f"{run.differing:,} bytes differ"
        yield "parity", f"{parity}, of {run.bytes:,} of {run.images:,} {run.kind}"
        if self.accuracy is not None:
            yield "accuracy", f"{self.accuracy:.2%} of the digits, by the emulated core"
        if self.decisions is not None:
            yield "refused", self.decisions.words
        for what, count in (("instructions", run.instructions), ("cycles", run.exact_cycles)):
            if count is not None:
                yield what, f"{count.mean:,.0f} {run.each}, from {count.least:,} to {count.most:,} (emulated)"
        if run.cycles is not None:
            yield "cycles", f"about {run.cycles.middle:,.0f} (estimate)"
        yield "flash", f"{run.footprint.flash:,} B, of it {run.footprint.code:,} code (measured)"
        yield "RAM", f"{run.ram.total:,} B: workspace {run.ram.workspace:,}, stack {run.ram.stack:,}, input and output"


def simulate_folder(path: Path, choices: SimulationChoices, progress: Progress = SILENT) -> FolderSimulation:
    """Compile the engine at `path`, run it on digits or random inputs, and compare it with its model's interpreter.

    Args:
        path: a build's folder, or one that holds an engine.
        choices: how.
        progress: gets bars.

    Raises:
        ConfigError: an unknown name, or a core that is not the board's.
        ToolMissingError: a compiler, an emulator or a package is missing.
        DataError, UnsupportedModelError, CheckFailedError: as `find_engine`, `find_engine_model` and `simulate`.
    """
    core, board = _target(choices)
    toolchain = find_toolchain(choices.toolchain or core.toolchain, core)
    engine, subject = find_engine(path).on(core), find_engine_model(path, choices.model)
    check_model(engine, subject.model)
    check_readable(path, engine, core, board if choices.board else None, choices.model)
    inputs = find_inputs(
        subject,
        read_tflite(subject.model),
        data=choices.data,
        split=choices.split,
        reading={name: getattr(choices, name) for name in READING},
        count=choices.images,
        input_range=choices.input_range,
        progress=progress,
    )
    if inputs.has_pixels:
        check_pixels(engine, inputs.model.pixels.range, inputs.model.pixels.view)
    run = simulate(
        engine,
        inputs.model,
        inputs.images,
        core,
        toolchain,
        emulator=choices.emulator,
        optimize=_optimize(choices.optimize),
        rounding=choices.rounding,
        kind=inputs.kind,
        progress=progress,
    )
    found = _judged(run, board, inputs, subject, engine.reject_margin)
    return replace(found, remedy=_remedy(path, engine, run, board, choices.model))


def _remedy(path: Path, engine: Engine, run: Simulation, board: Board | None, model: Path | None) -> str:
    if board is None:
        return ""
    flash_left, ram_left = board.flash - run.footprint.flash, board.ram - run.ram.total
    return remedies(path, engine, board.core, flash_left, ram_left, model) if min(flash_left, ram_left) < 0 else ""


def _judged(
    run: Simulation, board: Board | None, inputs: Inputs, subject: Subject, reject_margin: int
) -> FolderSimulation:
    """Hold classes against labels, where there are any, and say what would help a model that does badly."""
    chosen = inputs.chosen
    if chosen is None:
        return FolderSimulation(run, board, inputs.origin, inputs.notes)
    labels = chosen.digits.labels[: len(inputs.images)]
    accuracy = float(np.mean(classify(run.outputs) == labels))
    advice = advice_on(inputs.model, chosen, subject, accuracy)
    notes = (*([advice] if advice else []), *chosen.notes)
    decided = decisions(run.outputs, labels, reject_margin) if reject_margin else None
    return FolderSimulation(run, board, chosen.origin, notes, accuracy, decided, chosen)


def _target(choices: SimulationChoices) -> tuple[Core, Board | None]:
    board = find_board(choices.board) if choices.board else None
    core = find_core(choices.core) if choices.core else board.core if board else find_core(USUAL_CORE)
    if board is not None and board.core is not core:
        raise ConfigError(f"{board.name} has a {board.core.name}, not a {core.name}.", hint="Leave out --core.")
    if board is None and core.simavr:
        board = next((one for one in load_boards().values() if one.core is core), None)
    return core, board


def _optimize(text: str) -> str:
    level = text.removeprefix("-").removeprefix("O")
    if level not in _LEVELS:
        raise ConfigError(f"There is no optimization '{text}'.", hint="Write it like O2, O3 or Os.")
    return f"-O{level}"
