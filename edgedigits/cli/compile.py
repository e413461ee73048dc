"""`edgedigits compile`: the C engine of any int8 MLP."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.c_names import DEFAULT_PREFIX
from edgedigits.cli.config_flags import add_reading_arguments, add_some_arguments, given_choices, given_reading
from edgedigits.cli.flags import add_data_argument, add_input_range, instruction_count, refuse_idle
from edgedigits.cli.next_step import simulate_command
from edgedigits.cli.outcome import Outcome
from edgedigits.config import EngineConfig
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path
from edgedigits.sections import GOALS, ROUNDINGS

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.engine.engine_facts import EngineFacts
    from edgedigits.model.proof import Proof
    from edgedigits.progress import Progress

HELP = "write the C engine of any int8 MLP, ours or not"
EXAMPLES = ("edgedigits compile someone_elses.tflite --out engine_of_it --optimize size",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=build_path,
        help="a .tflite file, the folder of a build, or a model that `models` lists",
    )
    parser.add_argument("--out", metavar="DIR", type=user_path, required=True, help="folder to write")
    parser.add_argument(
        "--prefix", metavar="NAME", default=DEFAULT_PREFIX, help=f"prefix of the C symbols (default {DEFAULT_PREFIX})"
    )
    defaults = EngineConfig()
    parser.add_argument(
        "--rounding",
        choices=ROUNDINGS,
        default=defaults.rounding,
        help=f"whose arithmetic to repeat bit for bit (default {defaults.rounding})",
    )
    parser.add_argument(
        "--optimize",
        choices=GOALS,
        default=defaults.optimize,
        help=f"what the weights are packed for (default {defaults.optimize})",
    )
    parser.add_argument(
        "--most-instructions",
        type=instruction_count,
        default=0,
        metavar="N",
        help="with --optimize size: as few bytes as can be had within so many instructions (estimate, Cortex-M4)",
    )
    add_some_arguments(parser, "what it is packed for besides", ("engine", "core"), ("engine", "list_room"))
    add_data_argument(
        parser,
        "digits on which it is measured how many inputs of each layer are active, and the engine proven besides "
        "(default mnist-5k)",
    )
    add_reading_arguments(parser)
    add_input_range(parser)
    parser.add_argument("--force", action="store_true", help="replace what an earlier run wrote there")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Compile the model."""
    from edgedigits.compile import compile_model

    refuse_idle("--most-instructions", args.most_instructions, "--optimize size", args.optimize == "size")
    given = given_choices(args).get("engine", {})
    core = given.get("core", ())
    refuse_idle("--core", core, "--optimize speed or balanced", args.optimize != "size")
    reading = given_reading(args)
    for name in reading:
        refuse_idle("--" + name.replace("_", "-"), name, "--data", args.data)
    choices = EngineConfig(
        rounding=args.rounding, optimize=args.optimize, most_instructions=args.most_instructions, **given
    )
    facts = compile_model(
        args.model,
        args.out,
        choices,
        args.prefix,
        source=args.data,
        input_range=args.input_range,
        force=args.force,
        progress=progress,
        **reading,
    )
    return Outcome(
        {"folder": str(args.out), "engine": facts.to_json()},
        lambda console: _show(console, facts, args.out, args.most_instructions),
    )


def _show(console: Console, facts: EngineFacts, folder: Path, most: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("layer", "shape", "encoding"):
        table.add_column(title, no_wrap=True)
    for title in ("bytes", "instructions", *(f"cycles, {core}" for core in facts.cycles)):
        table.add_column(title, justify="right", no_wrap=True)
    for number, layer in enumerate(facts.layers, 1):
        # Names come from the file: as Text they cannot be taken for markup.
        shape = f"{layer.inputs}-{layer.outputs}"
        figures = layer.nbytes, layer.instructions, *layer.cycles.values()
        table.add_row(str(number), shape, Text(layer.encoding), *map("{:,}".format, figures))
    totals = facts.weight_bytes, facts.instructions, *facts.cycles.values()
    table.add_row("all", "", "", *map("{:,}".format, totals), style="bold")
    console.print(table)
    if 0 < most < facts.instructions:
        console.print(
            f"beyond   {most:,} instructions: no packing for size keeps that; --optimize speed takes the fewest"
        )
    for line in _notes(facts):
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"written  {folder}", markup=False, soft_wrap=True)
    console.print(f"next     {simulate_command(folder, tuple(facts.cycles))}", markup=False, soft_wrap=True)


def _notes(facts: EngineFacts) -> list[str]:
    tables = f", {facts.table_bytes:,} B of tables" if facts.table_bytes else ""
    notes = [
        f"besides  {facts.bias_bytes:,} B of biases{tables} and the code; {facts.workspace_bytes:,} B of workspace",
        _proof(facts.proof),
        f"note     instructions are {facts.instructions_how}",
        f"pixels   0 to 255 are {facts.pixels}"
        if facts.pixels
        else "pixels   are nothing to a model that is no classifier of digits; it has quantize and dequantize instead",
    ]
    if not facts.view.is_plain:
        notes.append(f"sees     {facts.view}")
    if facts.dead_neurons:
        notes.append(f"without  {facts.dead_neurons} dead neurons")
    if facts.reject_margin:
        notes.append(f"refuses  what leads by less than {facts.reject_margin} steps, as its build does")
    return [*notes, *(f"without  {reason}" for reason in facts.dropped)]


def _proof(proof: Proof) -> str:
    if not proof.proven:
        return f"unproven {proof.note}"
    digits = f", {proof.digits:,} digits" if proof.digits else ""
    return (
        f"proven   {proof.bytes:,} output bytes equal to {proof.oracle}, {proof.version}: "
        f"{proof.extreme:,} extreme and {proof.random:,} random inputs{digits}"
    )
