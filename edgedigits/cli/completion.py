"""`edgedigits completion`: what a shell needs to complete verbs, options, choices and files."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from edgedigits.cli.outcome import Outcome
from edgedigits.config import BuildConfig
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path
from edgedigits.options import Choice
from edgedigits.teachers.choices import TeacherConfig

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress

HELP = "print what a shell needs to complete verbs, options and files"
EXAMPLES = (
    'eval "$(edgedigits completion bash)"',
    "edgedigits completion zsh > ~/.zfunc/_edgedigits",
    "edgedigits completion fish > ~/.config/fish/completions/edgedigits.fish",
)
SHELLS = ("bash", "zsh", "fish", "powershell")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Make the script from the very parser that reads the command line."""
    import shtab

    from edgedigits.cli.parsing import make_parser
    from edgedigits.devices.boards import load_boards
    from edgedigits.devices.cores import load_cores
    from edgedigits.examples import EXAMPLES as SHIPPED
    from edgedigits.pictures.check_digits import CHECK_DIGITS

    parser = make_parser()
    names = {"CORE": load_cores(), "BOARD": load_boards(), "EXAMPLE": SHIPPED, "KIND": CHECK_DIGITS}
    _complete(parser, shtab.FILE, names)
    script = shtab.complete(parser, args.shell)
    return Outcome({"shell": args.shell, "script": script}, lambda console: _show(console, script))


def _show(console: Console, script: str) -> None:
    # As it is: a console would break its lines.
    console.file.write(script + "\n")


def _complete(parser: argparse.ArgumentParser, files: Any, names: Mapping[Any, Iterable[str]]) -> None:
    """Say of the arguments of a parser, and of its verbs, which words they take, and which are files.

    Args:
        parser: whose arguments.
        files: how shtab calls what is completed as a file.
        names: those that there are, by what help calls an argument that takes one.
    """
    kinds = BuildConfig.sections() | TeacherConfig.sections()
    words = {f"{section}.{one.name}": one.metadata["parse"] for section, kind in kinds.items() for one in fields(kind)}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                _complete(inner, files, names)
        elif isinstance(known := words.get(action.dest), Choice):
            action.choices = known.known
        elif not action.choices and action.metavar in names:
            action.choices = tuple(names[action.metavar])
        elif action.type in (user_path, build_path) or action.metavar in _FILES:
            action.complete = files  # type: ignore[attr-defined]


_FILES = ("FILE", "DIR", "SOURCE", "BUILD", "TEACHER", "PLAN")
"""Arguments, as help calls them, that may be files."""
