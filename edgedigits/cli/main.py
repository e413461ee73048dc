"""Entry point: picks the verb, prints its outcome, turns errors into sentences and exit codes.

Results go to stdout, progress and errors to stderr. Nothing heavy is imported before a verb runs.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn, cast

from edgedigits.cli.flags import COMMON_DEFAULTS, common_flags
from edgedigits.cli.interrupts import interruptible
from edgedigits.cli.outcome import Outcome, Verb
from edgedigits.errors import (
    EXIT_CHECK_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    ConfigError,
    EdgedigitsError,
    nearest,
)
from edgedigits.version import __version__

VERBS = ("build", "evaluate", "inspect", "data", "study", "compare", "compile", "simulate", "boards", "flash", "device")
JSON_SCHEMA = 1
WIDTH_WHEN_PIPED = 110


class _Parser(argparse.ArgumentParser):
    """argparse whose mistakes are ConfigErrors, so that `--json` covers them too."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.prog}: {message}.", hint=f"See {self.prog} --help.")


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the command line's parser, and that of each verb."""
    parser = _Parser(
        prog="edgedigits",
        description="From a CSV of handwritten digits to a proven int8 model for a microcontroller.",
    )
    parser.set_defaults(**COMMON_DEFAULTS)
    parser.add_argument("--version", action="version", version=f"edgedigits {__version__}")
    verbs: Any = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    for name in VERBS:
        verb = _verb(name)
        sub = verbs.add_parser(name, help=verb.HELP, description=verb.HELP, parents=[common_flags()])
        verb.add_arguments(sub)
    return parser, verbs.choices


def _verb(name: str) -> Verb:
    return cast(Verb, importlib.import_module(f"edgedigits.cli.{name}"))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    words = [word for word in argv if not word.startswith("-")]
    if words and argv[0] == words[0] and words[0] not in VERBS:
        raise ConfigError(f"edgedigits has no verb '{words[0]}'.", hint=nearest(words[0], VERBS))
    parser, parsers = _parser()
    args, unknown = parser.parse_known_args(argv)
    if args.verb is None:
        raise ConfigError("edgedigits needs a verb.", hint=f"Known: {', '.join(VERBS)}. See edgedigits --help.")
    if unknown:
        raise _unknown(unknown[0].partition("=")[0], parsers[args.verb])
    return args


def _unknown(word: str, verb: argparse.ArgumentParser) -> ConfigError:
    if not word.startswith("-"):
        return ConfigError(f"{verb.prog} takes no further '{word}'.", hint=f"See {verb.prog} --help.")
    close = nearest(word, _flags(verb))
    hint = close if close.startswith("Did") else f"See {verb.prog} --help."
    return ConfigError(f"{verb.prog} has no option '{word}'.", hint=hint)


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    found: list[str] = []
    for action in parser._actions:
        found += action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            found += [flag for child in action.choices.values() for flag in _flags(child)]
    return found


def _print_json(payload: dict[str, Any], status: str) -> None:
    print(json.dumps({"schema": JSON_SCHEMA, "status": status, **payload}, indent=2, allow_nan=False))


def _print_outcome(outcome: Outcome, args: argparse.Namespace) -> int:
    status = "failed" if outcome.failures else "ok"
    if args.json:
        _print_json({**outcome.payload, "failures": list(outcome.failures)}, status)
    elif not args.quiet:
        _show(outcome)
    for failure in outcome.failures:
        print(f"edgedigits: failed: {failure}", file=sys.stderr)
    return EXIT_CHECK_FAILED if outcome.failures else EXIT_OK


def _show(outcome: Outcome) -> None:
    from rich.console import Console

    if sys.stdout.isatty():
        outcome.show(Console(highlight=False))
        return
    # Tables are padded with blanks, which nobody wants in a file.
    console = Console(width=WIDTH_WHEN_PIPED, highlight=False, file=io.StringIO())
    outcome.show(console)
    for line in console.file.getvalue().splitlines():  # type: ignore[attr-defined]
        print(line.rstrip())


def _print_error(error: EdgedigitsError, json_wanted: bool) -> int:
    if json_wanted:
        status = "failed" if error.exit_code == EXIT_CHECK_FAILED else "error"
        facts = {"exit_code": error.exit_code, "message": error.message, "hint": error.hint}
        _print_json({"error": facts}, status)
    print(f"edgedigits: error: {error}", file=sys.stderr)
    return error.exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after the program's name; `sys.argv` by default.

    Returns:
        The exit code, as documented in the README.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    verbose = "-v" in argv or "--verbose" in argv
    try:
        from edgedigits.cli.terminal import TerminalProgress

        args = _parse(argv)
        progress = TerminalProgress(quiet=args.quiet, verbose=args.verbose)
        with interruptible():
            outcome = _verb(args.verb).run(args, progress)
        return _print_outcome(outcome, args)
    except EdgedigitsError as error:
        if verbose:
            traceback.print_exc()
        return _print_error(error, "--json" in argv)
    except KeyboardInterrupt:
        print("edgedigits: interrupted; nothing half-made was left behind.", file=sys.stderr)
        if "--json" in argv:
            _print_json({"error": {"exit_code": EXIT_INTERRUPTED, "message": "interrupted", "hint": ""}}, "error")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
