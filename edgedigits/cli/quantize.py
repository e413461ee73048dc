"""`edgedigits quantize`: a full-integer int8 .tflite of a float one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.config_flags import add_reading_arguments, given_reading
from edgedigits.cli.flags import INPUT_RANGE, add_data_argument, add_input_range
from edgedigits.cli.next_step import quoted
from edgedigits.cli.outcome import Outcome
from edgedigits.files.paths import user_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress
    from edgedigits.to_int8 import Quantized

HELP = "make a float .tflite full-integer int8, calibrated on your digits; compile takes it then"
EXAMPLES = (
    "edgedigits quantize float.tflite --data mnist",
    "edgedigits quantize float.tflite --data train.csv --input-range -1,1 --out int8.tflite",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", metavar="MODEL", type=user_path, help="a .tflite that computes in float32")
    add_data_argument(
        parser,
        "digits to measure ranges and accuracy on: CSV, IDX folder, .npz, PNG folder, mnist, mnist-5k, auto",
        required=True,
    )
    parser.add_argument(
        "--out", metavar="FILE", type=user_path, help="the int8 model (default: MODEL_int8.tflite beside MODEL)"
    )
    add_input_range(parser)
    parser.add_argument("--force", action="store_true", help="replace FILE")
    add_reading_arguments(parser)


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Quantize the model."""
    from edgedigits.to_int8 import place_beside, quantize_model

    out = args.out or place_beside(args.model)
    made = quantize_model(
        args.model,
        args.data,
        out,
        input_range=args.input_range,
        force=args.force,
        progress=progress,
        **given_reading(args),
    )
    return Outcome({"quantized": made.to_json()}, lambda console: _show(console, made, args.input_range))


def _show(console: Console, made: Quantized, told: tuple[float, float] | None) -> None:
    for what, words in made.lines.items():
        console.print(f"{what:<9} {words}", markup=False, soft_wrap=True)
    for note in made.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    console.print(f"written   {made.model}", markup=False, soft_wrap=True)
    said = f" {INPUT_RANGE} {told[0]:g},{told[1]:g}" if told else ""
    command = f"edgedigits compile {quoted(Path(made.model))} --out engine{said}"
    console.print(f"next      {command}", markup=False, soft_wrap=True)
