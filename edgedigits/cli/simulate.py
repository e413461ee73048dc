"""`edgedigits simulate`: the engine on an emulated core, byte for byte against the interpreter."""

from __future__ import annotations

import argparse
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from edgedigits.cli.config_flags import add_reading_arguments, given_reading
from edgedigits.cli.flags import (
    add_data_argument,
    add_input_range,
    byte_count,
    image_count,
    instruction_count,
    refuse_idle,
)
from edgedigits.cli.outcome import Outcome
from edgedigits.compression_sections import USUAL_CORE
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.devices.boards import Board
    from edgedigits.devices.simulate_folder import FolderSimulation
    from edgedigits.devices.simulation import CrossCheck, Instructions, LayerCost, PreprocessCost, Simulation
    from edgedigits.progress import Progress

HELP = "run the C engine on an emulated core: parity, flash, RAM, stack, instructions"
EXAMPLES = (
    "edgedigits simulate deploy/focal-qat-prune --core cortex-m4 --report",
    "edgedigits simulate deploy/focal-qat-prune --max-flash 16K --max-instructions 20000",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("path", metavar="PATH", type=build_path, help="a build's folder, or one that holds an engine")
    parser.add_argument(
        "--core", metavar="CORE", default="", help=f"core to emulate (default {USUAL_CORE}, or the board's)"
    )
    parser.add_argument(
        "--board", metavar="BOARD", default="", help="also hold it against this board's memory and clock"
    )
    parser.add_argument("--toolchain", choices=("zig", "gcc"), default="", help="compiler (default zig, for AVR gcc)")
    parser.add_argument(
        "--emulator",
        choices=("unicorn", "qemu", "simavr"),
        default="",
        help="default unicorn, for cortex-m55 qemu, for AVR simavr",
    )
    parser.add_argument("--optimize", metavar="FLAG", default="O2", help="the compiler's -O, such as O2, O3, Os")
    parser.add_argument(
        "--images", type=image_count, metavar="N", help="first N digits only (default all), or N random inputs"
    )
    add_data_argument(
        parser,
        "as for evaluate (default: the build's own, or strokes and noise where they are not at hand; random inputs "
        "for a model that takes no digits)",
    )
    parser.add_argument("--split", choices=("test", "all"), default="test", help="which digits (default test)")
    parser.add_argument("--model", type=user_path, metavar="FILE", help="the .tflite of an engine that lies elsewhere")
    parser.add_argument(
        "--rounding", choices=("litert", "tflm"), default="", help="oracle (default: what the engine says)"
    )
    add_input_range(parser)
    parser.add_argument(
        "--report",
        metavar="DIR",
        nargs="?",
        type=user_path,
        const=True,
        help="write simulate.json and simulate.html there (without DIR: beside PATH, PATH-simulation)",
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier report")
    add_reading_arguments(parser)
    _add_limits(parser)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    gates = parser.add_argument_group("limits (exit code 1 when one is not kept)")
    gates.add_argument("--max-flash", type=byte_count, metavar="BYTES", help="most bytes of flash, such as 16K")
    gates.add_argument("--max-ram", type=byte_count, metavar="BYTES", help="most bytes of RAM, stack included")
    gates.add_argument(
        "--max-instructions", type=instruction_count, metavar="N", help="most instructions an image, mean"
    )


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Compile, emulate, compare, and hold the figures against the limits."""
    from edgedigits.devices.gates import Limits, check_simulation
    from edgedigits.devices.simulate_folder import SimulationChoices, simulate_folder
    from edgedigits.devices.simulation_json import to_json
    from edgedigits.report.engine_report import check_place, write_engine_report
    from edgedigits.report.places import build_of, simulation_folder

    refuse_idle("--force", args.force, "--report", args.report)
    folder = simulation_folder(args.path) if args.report is True else args.report
    if folder is not None:
        check_place(folder, force=args.force)
    names = {field.name for field in fields(SimulationChoices)} & vars(args).keys()
    choices = SimulationChoices(**{name: getattr(args, name) for name in names}, **given_reading(args))
    done = simulate_folder(args.path, choices, progress)
    payload: dict[str, Any] = {
        "simulation": to_json(done.run, done.board),
        "data": done.origin,
        **(done.chosen.to_json() if done.chosen else {}),
        # What is unusual about the digits was told on the way.
        "notes": [note for note in done.notes if not done.chosen or note not in done.chosen.findings],
        "accuracy": done.accuracy,
        **({"decisions": asdict(done.decisions)} if done.decisions else {}),
    }
    limits = Limits(args.max_flash, args.max_ram, args.max_instructions)
    failures = check_simulation(done.run, limits, done.board, done.remedy)
    if folder is not None:
        about = {"name": args.path.resolve().name, "origin": done.origin, "board": done.board, "notes": done.notes}
        paths = write_engine_report(folder, done.run, payload, **about, failures=failures, build=build_of(args.path))
        payload["report"] = [str(path) for path in paths]
    return Outcome(payload, lambda console: _show(console, done, payload), failures)


def _show(console: Console, done: FolderSimulation, payload: dict[str, Any]) -> None:
    from rich.markup import escape

    for line in _lines(done.run, done.board, done.origin):
        console.print(line, soft_wrap=True)
    if done.accuracy is not None:
        console.print(f"accuracy      {done.accuracy:.2%} of the digits, by the emulated core", soft_wrap=True)
    if done.decisions is not None:
        console.print(f"refused       {done.decisions.words}", soft_wrap=True)
    for note in payload["notes"]:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    if "report" in payload:
        console.print(f"written       {escape(', '.join(payload['report']))}", soft_wrap=True)


def _lines(result: Simulation, board: Board | None, origin: str) -> list[str]:
    from rich.markup import escape

    foot, ram, count = result.footprint, result.ram, result.instructions
    parity = "every byte equal" if not result.differing else f"[red]{result.differing:,} bytes differ[/red]"
    skipped = "background" if result.things == "images" else "lowest value"
    worst = f"; {result.no_background:,} without any {skipped}" if result.no_background is not None else ""
    lines = [
        f"[bold]{result.core}[/bold], {escape(result.toolchain)} {result.optimize}, "
        f"emulated by {escape(result.emulator)}",
        f"parity        [bold]{parity}[/bold]: {result.bytes:,} output bytes of {result.images:,} {result.kind} "
        f"against {escape(result.oracle)}",
        *(_other_line(other) for other in result.others),
        f"instructions  [bold]{count.mean:,.0f}[/bold] {result.each}, p95 {count.p95:,.0f}, "
        f"from {count.least:,} to {count.most:,}{worst} (emulated)",
        *(_layer_line(layer, count.mean) for layer in result.layers),
        f"flash         [bold]{foot.flash:,} B[/bold]: code {foot.code:,}, weights and constants "
        f"{foot.constants + foot.data:,} (measured: ELF)",
        f"RAM           [bold]{ram.total:,} B[/bold]: workspace {ram.workspace:,}, input {ram.input:,}, "
        f"output {ram.output:,}, stack {ram.stack:,}" + (f", variables {ram.variables:,}" if ram.variables else ""),
        f"biggest       {escape(', '.join(f'{symbol.name} {symbol.size:,}' for symbol in result.biggest))}",
    ]
    if result.pixels is not None:
        lines.append(f"pixels        0 to 255 are {escape(str(result.pixels))}")
    if result.from_pixels is not None:
        own = result.from_pixels
        lines.append(
            f"from pixels   {own.mean:,.0f} instructions to the class, p95 {own.p95:,.0f} (emulated): classify_pixels"
        )
    if result.preprocess is not None:
        lines.append(_preprocess_line(result.preprocess))
    if result.exact_cycles is not None:
        lines.append(
            f"cycles        {_cycles(result.exact_cycles)} {result.each} (emulated, exact){_cycles_from_pixels(result)}"
        )
    if result.cycles is not None:
        low, middle, high = result.cycles.low, result.cycles.middle, result.cycles.high
        lines.append(f"cycles        about {middle:,.0f}, between {low:,.0f} and {high:,.0f} (estimate)")
    if board is not None:
        lines.append(_board_line(result, board))
    lines.append(f"on {escape(origin)}")
    return lines


def _cycles(count: Instructions) -> str:
    return f"[bold]{count.mean:,.0f}[/bold], p95 {count.p95:,.0f}, from {count.least:,} to {count.most:,}"


def _cycles_from_pixels(result: Simulation) -> str:
    if result.from_pixels_cycles is None:
        return ""
    return f"; from pixels {result.from_pixels_cycles.mean:,.0f}"


def _other_line(other: CrossCheck) -> str:
    from rich.markup import escape

    verdict = "equal too" if not other.differing else f"[red]{other.differing:,} bytes differ[/red]"
    return f"              {verdict}: {escape(other.what)}, {other.bytes:,} bytes ({escape(other.how)})"


def _preprocess_line(cost: PreprocessCost) -> str:
    return (
        f"preprocess    {cost.instructions.mean:,.0f} instructions an image, {cost.code:,} B of code, "
        f"{cost.stack:,} B of stack (emulated): {cost.view}"
    )


def _layer_line(layer: LayerCost, total: float) -> str:
    from rich.markup import escape

    words = [f"{layer.nbytes:,} B" + (f" as {layer.encoding}" if layer.encoding else "")]
    if layer.instructions is not None:
        share = layer.instructions.mean / total
        words.insert(0, f"{layer.instructions.mean:,.0f} ({share:.0%})")
    if layer.shape:
        words.append(layer.shape)
    return f"  {layer.name:<11} {escape(', '.join(words))}"


def _times(low: float, high: float) -> str:
    return f"{low:.3g} to {high:.3g}"


def _board_line(result: Simulation, board: Board) -> str:
    from edgedigits.devices.simulation_json import milliseconds

    time = milliseconds(result, board)
    clock = (
        ""
        if time is None
        else f", {_times(*time)} ms at {board.clock_mhz:g} MHz ({'emulated' if result.exact_cycles else 'estimate'})"
    )
    flash, ram = board.flash - result.footprint.flash, board.ram - result.ram.total
    left = f"{flash:,} B of flash and {ram:,} B of RAM left beside the engine alone"
    return f"{board.name:<13} {left}{clock}; with firmware: edgedigits boards"
