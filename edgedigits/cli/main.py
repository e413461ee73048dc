"""Entry point: picks the verb, prints its outcome, turns errors into sentences and exit codes.

Results go to stdout, progress and errors to stderr. Nothing heavy is imported before a verb runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgedigits.cli.interrupts import interruptible
from edgedigits.cli.outcome import Outcome
from edgedigits.cli.parsing import VERBS, HelpAsked, find_verb, make_parser, parse
from edgedigits.cli.streams import WIDTH_WHEN_PIPED, Output, prepare, tell, tell_lines
from edgedigits.cli.terminal import TerminalProgress
from edgedigits.errors import (
    EXIT_CHECK_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    ConfigError,
    DataError,
    EdgedigitsError,
    InternalError,
    ToolMissingError,
)

__all__ = ["VERBS", "WIDTH_WHEN_PIPED", "main"]

JSON_SCHEMA = 1
_PACKAGE = Path(__file__).parents[1]
_LONGEST_REASON = 200
_REINSTALL = "Install edgedigits again, with all that it depends on: pip install --force-reinstall edgedigits"


RESUMABLE = (("search",), ("study", "run"))
"""What keeps finished trials in its folder and takes them up again."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after the program's name; `sys.argv` by default.

    Returns:
        The exit code, as documented in the README.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    prepare()
    output = Output()
    return output.finish(_run(argv, output))


def interrupted(argv: Sequence[str] | None = None, output: Output | None = None) -> int:
    """Tell that a signal ended the work; return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    words = tuple(word for word in argv if not word.startswith("-"))
    kept = any(words[: len(verb)] == verb for verb in RESUMABLE)
    left = (
        "trials that were done are kept, and the same command goes on" if kept else "nothing half-made was left behind"
    )
    tell(f"edgedigits: interrupted; {left}.")
    if "--json" in argv:
        facts = {"exit_code": EXIT_INTERRUPTED, "message": "interrupted", "hint": ""}
        _put_json(output or Output(), "error", {"error": facts})
    return EXIT_INTERRUPTED


def _run(argv: Sequence[str], output: Output) -> int:
    """Do what the arguments say, and tell whatever goes wrong; return the exit code."""
    try:
        try:
            args = parse(argv)
        except HelpAsked as asked:
            return _print_help(str(asked), output)
        if args.verb is None:
            return _without_verb(args, output)
        if args.json or not args.quiet:
            output.require(may_be_quiet=not args.json)
        progress = TerminalProgress(quiet=args.quiet, verbose=args.verbose)
        with interruptible():
            outcome = find_verb(args.verb).run(args, progress)
        return _print_outcome(outcome, args, output)
    except KeyboardInterrupt:
        return interrupted(argv, output)
    except Exception as error:
        if "-v" in argv or "--verbose" in argv:
            tell_lines(traceback.format_exc().rstrip())
        return _print_error(as_sentence(error), output if "--json" in argv else None)


def as_sentence(error: Exception) -> EdgedigitsError:
    """Return an error as one that is told to users: what this tool raised itself, or what nobody foresaw."""
    if isinstance(error, EdgedigitsError):
        return error
    if isinstance(error, MemoryError):
        return DataError("There is not enough memory for this.", hint="Give less data, or a smaller network.")
    if isinstance(error, ImportError) and not str(error.name).startswith(_PACKAGE.name):
        return ToolMissingError(f"A library cannot be imported: {_reason(error)}.", hint=_REINSTALL)
    if isinstance(error, OSError) and error.errno is not None:
        if isinstance(error, FileNotFoundError) and error.filename is None:
            return DataError("The folder that this runs in is gone.", hint="Change to another.")
        place = "" if error.filename is None else f"{error.filename}: "
        return DataError(f"{place}{error.strerror}.", hint="Run it again with -v to see where.")
    what = ": ".join(filter(None, (type(error).__name__, _reason(error))))
    return InternalError(
        f"This is a fault of edgedigits, not yours: {what}{_place(error)}.",
        hint="Run it again with -v to see more, and report that.",
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST_REASON].rstrip(".")


def _place(error: Exception) -> str:
    """Return the innermost line of this package that an error went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(_PACKAGE))]
    return f" ({Path(frames[-1].filename).relative_to(_PACKAGE)}, line {frames[-1].lineno})" if frames else ""


def _without_verb(args: argparse.Namespace, output: Output) -> int:
    if args.json:
        raise ConfigError("edgedigits needs a verb.", hint=f"Known: {', '.join(VERBS)}. See edgedigits --help.")
    return _print_help(make_parser().format_help().rstrip(), output)


def _print_help(text: str, output: Output) -> int:
    output.require(may_be_quiet=False)
    output.put(text)
    return EXIT_OK


def _print_outcome(outcome: Outcome, args: argparse.Namespace, output: Output) -> int:
    status = "failed" if outcome.failures else "ok"
    if args.json:
        _put_json(output, status, {**outcome.payload, "failures": list(outcome.failures)})
    elif not args.quiet:
        output.show(outcome)
    for failure in outcome.failures:
        tell(f"edgedigits: failed: {failure}")
    return outcome.failed_with if outcome.failures else EXIT_OK


def _print_error(error: EdgedigitsError, json_output: Output | None) -> int:
    if json_output is not None:
        status = "failed" if error.exit_code == EXIT_CHECK_FAILED else "error"
        facts = {"exit_code": error.exit_code, "message": error.message, "hint": error.hint}
        _put_json(json_output, status, {"error": facts})
    tell(f"edgedigits: error: {error}")
    return error.exit_code


def _put_json(output: Output, status: str, payload: dict[str, Any]) -> None:
    output.put(json.dumps({"schema": JSON_SCHEMA, "status": status, **payload}, indent=2, allow_nan=False))


if __name__ == "__main__":
    raise SystemExit(main())
