"""The flags that every verb takes, also behind a verb of a verb, and values that several verbs take."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence

from edgedigits.errors import ConfigError, shown
from edgedigits.options import JOINT, SIZE_UNITS, in_ascii, instructions, with_unit

INPUT_RANGE = "--input-range"
COMMON_DEFAULTS = {"json": False, "verbose": False, "quiet": False}


def common_flags() -> argparse.ArgumentParser:
    """Return a parser to name in `parents=` of a verb's or sub-verb's parser.

    A flag that is not given leaves no attribute, so that an inner parser does not undo what an outer one was
    given (`data --json inspect X`); the outermost parser sets `COMMON_DEFAULTS`.
    """
    flags = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    flags.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    flags.add_argument("-v", "--verbose", action="store_true", help="say more; tracebacks for errors")
    flags.add_argument("--quiet", action="store_true", help="print errors only")
    return flags


def whole_number(text: str, most: int = 10**9) -> int:
    """Parse a number from 1 to `most`; 0 for what is none."""
    few_digits = re.fullmatch(r"0*([0-9]{1,18})", text)
    return int(few_digits[1]) if few_digits and int(few_digits[1]) <= most else 0


def image_count(text: str) -> int:
    """Parse a number of images, at least 1."""
    count = whole_number(text)
    if not count:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a number of images")
    return count


def positive_count(text: str) -> int:
    """Parse a number of at least 1."""
    count = whole_number(text, 1_000_000)
    if not count:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a number of at least 1")
    return count


def byte_count(text: str) -> int:
    """Parse "16384", "16K", "16KiB" or "1M" as bytes; K is 1,024."""
    value = with_unit(text, SIZE_UNITS)
    if value is None or not 1 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a size; write it like 16384 or 16K")
    return int(value)


def instruction_count(text: str) -> int:
    """Parse "20000", "20k" or "20,000" as instructions; k is 1,000."""
    try:
        count = instructions(text.replace(",", "").replace("_", ""))
    except ValueError:
        count = 0
    if not count:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a number of instructions; write it like 20000 or 20k")
    return count


def refuse_idle(flag: str, given: object, needed: str, has_it: object, *, without: bool = True) -> None:
    """Refuse a flag that does nothing.

    Args:
        flag: its name.
        given: true where it was given.
        needed: what it does something with, or without.
        has_it: whether that was given.
        without: whether the flag has no effect without it, or else with it.

    Raises:
        ConfigError: it does nothing.
    """
    if given and bool(has_it) != without:
        word = "without" if without else "with"
        raise ConfigError(f"{flag} has no effect {word} {needed}.", hint="Leave it out.")


def add_data_argument(parser: argparse.ArgumentParser, words: str, *, required: bool = False) -> None:
    """Add the flag that names a source of digits; where it is repeated, they are one data set, as for a build."""
    parser.add_argument("--data", action=_Joined, required=required, default="", metavar="SOURCE", help=words)


class _Joined(argparse.Action):
    """Keeps every value of a flag, as the one text that `data.mixture` reads."""

    def __call__(self, parser: object, namespace: argparse.Namespace, value: object, flag: object = None) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, f"{before}{JOINT}{value}" if before else value)


def add_input_range(parser: argparse.ArgumentParser) -> None:
    """Add the flag that says what pixels are to a model, for verbs that take somebody else's."""
    parser.add_argument(
        INPUT_RANGE,
        type=_input_range,
        metavar="LOW,HIGH",
        help="what pixels 0 and 255 are to the model, such as 0,1 or -1,1 (default: as its quantization says)",
    )


def _input_range(text: str) -> tuple[float, float]:
    try:
        low, high = map(float, in_ascii(text).split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is no range; write it like 0,1 or -1,1") from None
    return low, high


def join_input_range(argv: Sequence[str]) -> list[str]:
    """Return the arguments with `--input-range -1,1` as one word: argparse would take the second for a flag."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] == INPUT_RANGE:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined
