"""`edgedigits device`: send digits to a board, or to an emulated one, and judge what comes back."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgedigits.cli.config_flags import add_reading_arguments, given_reading
from edgedigits.cli.flags import add_data_argument, add_input_range, image_count, refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.devices.device_report import DeviceReport
    from edgedigits.devices.link import BoardLink
    from edgedigits.devices.stub import Engine
    from edgedigits.progress import Progress

HELP = "send test images to a board running the firmware: accuracy, parity, time"
EXAMPLES = (
    "edgedigits device deploy/focal-qat-prune --port /dev/ttyACM0",
    "edgedigits device deploy/focal-qat-prune --port qemu:mps2-an386",
)
QEMU_PORT = "qemu:"
DEFAULT_IMAGES = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("path", metavar="PATH", type=build_path, help="the build that was flashed")
    parser.add_argument(
        "--port",
        required=True,
        metavar="PORT",
        help="/dev/ttyACM0, COM3, socket://host:number, or qemu:BOARD to build for and run that board in QEMU",
    )
    parser.add_argument(
        "--images",
        type=image_count,
        default=DEFAULT_IMAGES,
        metavar="N",
        help=f"how many digits to send (default {DEFAULT_IMAGES}; about 7 a second at 115,200 baud)",
    )
    add_data_argument(parser, "as for evaluate (default: the build's own)")
    parser.add_argument("--split", choices=("test", "all"), default="test", help="which digits (default test)")
    parser.add_argument("--model", type=user_path, metavar="FILE", help="the .tflite of an engine that lies elsewhere")
    add_input_range(parser)
    parser.add_argument("--rounding", choices=("litert", "tflm"), help="oracle (default: what the engine says)")
    add_reading_arguments(parser)
    parser.add_argument("--toolchain", choices=("zig", "gcc"), help="for qemu:BOARD (default zig, for AVR gcc)")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Connect, send, compare."""
    from edgedigits.devices.device import Device
    from edgedigits.devices.device_report import check_report, examine_device
    from edgedigits.devices.engine_model import check_model, check_pixels, find_engine_model
    from edgedigits.devices.inputs import find_inputs
    from edgedigits.devices.stub import find_engine
    from edgedigits.model.reader import read_tflite
    from edgedigits.scoring.advice import advice_on

    refuse_idle("--toolchain", args.toolchain, f"--port {QEMU_PORT}BOARD", args.port.startswith(QEMU_PORT))
    engine = find_engine(args.path)
    subject = find_engine_model(args.path, args.model)
    check_model(engine, subject.model)
    inputs = find_inputs(
        subject,
        read_tflite(subject.model),
        data=args.data,
        split=args.split,
        reading=given_reading(args),
        count=args.images,
        input_range=args.input_range,
        progress=progress,
    )
    if inputs.has_pixels:
        check_pixels(engine, inputs.model.pixels.range, inputs.model.pixels.view)
    with _link(args, engine, progress) as link:
        rounding = args.rounding or engine.facts.rounding
        report = examine_device(
            Device(link), engine, inputs.model, inputs.images, inputs.labels, rounding, progress=progress
        )
    notes, facts = list(inputs.notes), {}
    if inputs.chosen and report.accuracy is not None:
        advice = advice_on(inputs.model, inputs.chosen, subject, report.accuracy)
        notes, facts = [note for note in (advice, inputs.chosen.note) if note], inputs.chosen.to_json()
    payload = {"device": report.to_json(), "data": inputs.origin, **facts, "notes": notes}
    return Outcome(payload, lambda console: _show(console, report, inputs.origin, notes), check_report(report))


@contextmanager
def _link(args: argparse.Namespace, engine: Engine, progress: Progress) -> Iterator[BoardLink]:
    from edgedigits.devices.link import emulated_board, open_link

    if not args.port.startswith(QEMU_PORT):
        link = open_link(args.port)
        try:
            yield link
        finally:
            link.close()
        return
    from edgedigits.devices.boards import find_board
    from edgedigits.devices.firmware import build_firmware
    from edgedigits.devices.toolchain import find_toolchain
    from edgedigits.files.scratch import scratch

    board = find_board(args.port.removeprefix(QEMU_PORT))
    with scratch("device") as folder:
        toolchain = find_toolchain(args.toolchain or board.core.toolchain, board.core)
        image = build_firmware(engine, board, toolchain, folder / "firmware.elf")
        with emulated_board(board, image.path) as emulated:
            yield emulated


def _show(console: Console, report: DeviceReport, origin: str, notes: list[str]) -> None:
    from rich.markup import escape

    identity = report.identity
    parity = "every byte equal" if not report.differing else f"[red]{report.differing:,} bytes differ[/red]"
    again = f", {report.resent} sent again" if report.resent else ""
    for line in (
        f"[bold]{escape(report.name)}[/bold] runs {escape(identity.model)}: self-test passed, "
        f"{identity.flash_bytes:,} B of flash, CRC-32 {identity.flash_crc:08x}",
        _images_line(report, origin) + again,
        f"parity    [bold]{parity}[/bold]: {report.bytes:,} output bytes against {escape(report.oracle)}",
        f"time      [bold]{report.mean_us:,.1f} µs[/bold] an image, p95 {report.p95_us:,.1f}, "
        f"slowest {report.most_us:,.1f} ({escape(report.how)})",
    ):
        console.print(line, soft_wrap=True)
    for note in notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)


def _images_line(report: DeviceReport, origin: str) -> str:
    from rich.markup import escape

    if report.accuracy is None:
        return f"inputs    {escape(origin)}, which have no labels: no accuracy"
    refused = f"; {report.refused:,} refused" if report.refused is not None else ""
    return f"accuracy  [bold]{report.accuracy:.2%}[/bold] of {report.images:,} digits{refused}: {escape(origin)}"
