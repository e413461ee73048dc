"""The command line's parser: argparse whose mistakes are ConfigErrors that name the nearest word that is known."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, cast

from edgedigits.cli.flags import COMMON_DEFAULTS, common_flags, join_input_range
from edgedigits.cli.outcome import Verb
from edgedigits.errors import ConfigError, nearest, shown
from edgedigits.version import __version__

GROUPS = {
    "train": ("build", "teacher", "models", "search", "study"),
    "judge": ("evaluate", "report", "predict", "inspect", "compare", "data", "collect"),
    "deploy": ("quantize", "compile", "export", "simulate", "boards", "flash", "device", "demo"),
    "keep in order": ("doctor", "verify", "examples", "completion"),
}
"""What there is to do, and the verbs for it, in the order of help."""
VERBS = tuple(verb for verbs in GROUPS.values() for verb in verbs)
_LONGEST_MESSAGE = 300


class HelpAsked(Exception):  # noqa: N818 - no error
    """Help or the version was asked for; its text is what to print."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Lists verbs by what they are for."""

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        title = {verbs[0]: title for title, verbs in GROUPS.items()}.get(action.dest)
        is_verb = type(action).__name__ == "_ChoicesPseudoAction"
        return f"\n  {title}\n{text}" if title and is_verb else text


class _Parser(argparse.ArgumentParser):
    """Takes options by their whole name only, and lets `--json` cover mistakes too."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def _print_message(self, message: str, file: Any = None) -> NoReturn:
        # argparse would print it itself, and pass over a stdout that takes nothing.
        raise HelpAsked(message.rstrip())

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.prog}: {shown(message, _LONGEST_MESSAGE)}.", hint=_see(self))


def find_verb(name: str) -> Verb:
    """Return the module of a verb."""
    return cast(Verb, importlib.import_module(f"edgedigits.cli.{name}"))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments after the program's name.

    Returns:
        The values; its `verb` is None where there was no word but options.

    Raises:
        ConfigError: a verb, an option or a value is unknown or missing.
        HelpAsked: help or version was asked for.
    """
    parser, argv = make_parser(), join_input_range(argv)
    innermost = _check_words(parser, argv)
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        what = "has no option" if unknown[0].startswith("-") else "takes no further"
        raise ConfigError(f"{innermost.prog} {what} '{shown(unknown[0])}'.", hint=_see(innermost))
    return args


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser: argparse.ArgumentParser = _Parser(
        prog="edgedigits",
        description="From a CSV of handwritten digits to a proven int8 model for a microcontroller.",
        parents=[common_flags()],
        formatter_class=_Formatter,
        epilog="First of all: edgedigits build --loss focal --qat --prune. More of each: edgedigits VERB --help",
    )
    parser.set_defaults(**COMMON_DEFAULTS)
    parser.add_argument("--version", action="version", version=f"edgedigits {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name in VERBS:
        verb = find_verb(name)
        sub = verbs.add_parser(
            name,
            help=verb.HELP,
            description=verb.HELP,
            parents=[common_flags()],
            formatter_class=_Formatter,
            epilog="\n  ".join(["examples:", *verb.EXAMPLES]),
        )
        verb.add_arguments(sub)
    return parser


def _check_words(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.ArgumentParser:
    """Refuse verbs and options that there are not, before argparse takes them for something else.

    Returns:
        The parser of the verb, or of the verb's verb.
    """
    start = 0
    while (verbs := _verbs(parser)) is not None:
        place = next((at for at in range(start, len(argv)) if not argv[at].startswith("-")), len(argv))
        _check_options(parser, argv[start:place])
        if place == len(argv):
            return parser
        if argv[place] not in verbs.choices:
            is_outer = verbs.dest == "verb"
            what = " has no verb" if is_outer else ": invalid choice:"
            raise ConfigError(f"{parser.prog}{what} '{shown(argv[place])}'.", hint=nearest(argv[place], verbs.choices))
        parser, start = verbs.choices[argv[place]], place + 1
    _check_options(parser, argv[start:])
    return parser


def _verbs(parser: argparse.ArgumentParser) -> Any:
    return next((action for action in parser._actions if isinstance(action, argparse._SubParsersAction)), None)


def _check_options(parser: argparse.ArgumentParser, words: Iterable[str]) -> None:
    for word in words:
        if word == "--":
            return
        name = word.partition("=")[0]
        # What holds a blank is a value to argparse.
        if word.startswith("--") and " " not in word and name not in parser._option_string_actions:
            verb = " ".join(parser.prog.split()[:2])
            raise ConfigError(f"{verb} has no option '{shown(name)}'.", hint=_nearest_option(name, parser))


def _nearest_option(name: str, parser: argparse.ArgumentParser) -> str:
    options = list(parser._option_string_actions)
    longer = [option for option in options if option.startswith(name)]
    if len(longer) > 1:
        return f"Did you mean one of {', '.join(longer)}?"
    close = f"Did you mean '{longer[0]}'?" if longer else nearest(name, options)
    return close if close.startswith("Did") else _see(parser)


def _see(parser: argparse.ArgumentParser) -> str:
    return f"See {parser.prog} --help."
