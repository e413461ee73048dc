"""How a flag's text or a TOML value becomes a field of the config, and how a field is declared.

A parser takes either form and raises ValueError with what it expected.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgedigits.c_names import DEFAULT_PREFIX, check_prefix
from edgedigits.data.shape import CLASSES
from edgedigits.errors import ConfigError, nearest, shown
from edgedigits.files.paths import user_path

FULL_BATCH = 0
"""`batch_size` of full-batch gradient descent; written "full" by users."""

_KIB = 1024
SIZE_UNITS = {"": 1, "b": 1, "k": _KIB, "kib": _KIB, "m": _KIB**2, "mib": _KIB**2, "g": _KIB**3}
_LARGEST_BUDGET = _KIB**3
_THOUSANDS = {"": 1, "k": 1000, "m": 1_000_000}
_MOST_LAYERS = 64
_MOST_STEPS = 10**9
_LEAST_PERCENT = 2
_LONGEST_VALUE = 80

JOINT = " + "
"""What stands between several sources of digits."""

Parser = Callable[[Any], Any]


def integer(low: int, high: int | None = None) -> Parser:
    """Return a parser of integers from `low` to `high`; 3.0 counts as one, true does not."""
    span = f"an integer from {low} to {high}" if high is not None else f"an integer of at least {low}"

    def parse(raw: Any) -> int:
        if isinstance(raw, bool) or (isinstance(raw, float) and not raw.is_integer()):
            raise ValueError(span)
        try:
            value = int(in_ascii(raw))
        except (TypeError, ValueError):
            raise ValueError(span) from None
        if value < low or (high is not None and value > high):
            raise ValueError(span)
        return value

    return parse


def number(low: float, high: float, *, open_low: bool = False, open_high: bool = False) -> Parser:
    """Return a parser of numbers; NaN is never inside. Where `high` is at most 1, they are shares: "80%" is 0.8."""
    span = f"a number {'above' if open_low else 'from'} {low:g} {'and below' if open_high else 'to'} {high:g}"

    def inside(value: float) -> bool:
        return (low < value if open_low else low <= value) and (value < high if open_high else value <= high)

    def parse(raw: Any) -> float:
        value = as_share(raw) if high <= 1 else _as_float(raw)
        if not inside(value):
            meant = _meant(raw, is_share=high <= 1)
            raise ValueError(f"{span}. Did you mean {meant:g}?" if inside(meant) else span)
        return value

    return parse


def in_ascii(raw: Any) -> Any:
    """Return the value, unless it is a text of what Python takes for a number and nobody else: ٣ or 1_0.

    Raises:
        ValueError: it is one.
    """
    if isinstance(raw, str) and ("_" in raw or not raw.isascii()):
        raise ValueError("figures 0 to 9")
    return raw


def as_share(raw: Any) -> float:
    """Return a number, hundredths of what stands before a %, NaN for what is neither."""
    written = raw.strip() if isinstance(raw, str) else ""
    return _as_float(f"{written[:-1].rstrip()}e-2") if written.endswith("%") else _as_float(raw)


def _as_float(raw: Any) -> float:
    """Return a number, NaN for what is none."""
    try:
        return math.nan if isinstance(raw, bool) else float(in_ascii(raw))
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _meant(raw: Any, *, is_share: bool) -> float:
    """Return the number that may have been meant: with a decimal comma, or a share in percent; NaN for none."""
    written = str(raw) if isinstance(raw, (str, int, float)) and not isinstance(raw, bool) else ""
    value = _as_float(written.strip().removesuffix("%").replace(",", "."))
    in_percent = written.strip().endswith("%") or (is_share and value >= _LEAST_PERCENT)
    return value / 100 if in_percent else value


def boolean(raw: Any) -> bool:
    """Parse true or false; flags give it ready-made."""
    if not isinstance(raw, bool):
        raise ValueError("true or false")
    return raw


def text(raw: Any) -> str:
    """Parse any text."""
    if not isinstance(raw, str):
        raise ValueError("a text")
    return raw


def sources(raw: Any) -> str:
    """Parse a source of digits, or several in a list, as the one text that `data.mixture` reads."""
    several = raw if isinstance(raw, (list, tuple)) else [raw]
    try:
        names = [text(one) for one in several]
    except ValueError:
        names = []
    if not names or (len(names) > 1 and not all(map(str.strip, names))):
        raise ValueError("a text, or a list of texts")
    return JOINT.join(names)


def names(raw: Any) -> tuple[str, ...]:
    """Parse names: "a,b", or a list of such texts; each counts once."""
    several = raw if isinstance(raw, (list, tuple)) else [raw]
    try:
        found = [name for one in several for name in _sequence(text(one))]
    except ValueError:
        raise ValueError("names, separated by commas or in a list") from None
    return tuple(dict.fromkeys(found))


def path(raw: Any) -> str:
    """Parse the path of a file or folder to write, ~ expanded; nothing is none."""
    try:
        return str(user_path(raw)) if text(raw) else ""
    except ConfigError as error:
        reason = error.message.rpartition("' ")[2].rstrip(".")
        raise ValueError(f"a path; this one {reason}") from None


@dataclass(frozen=True)
class Choice:
    """Takes one of some words and names the nearest for any other.

    Attributes:
        known: the words.
    """

    known: tuple[str, ...]

    def __call__(self, raw: Any) -> str:
        """Return the word; raise ValueError for another."""
        if raw not in self.known:
            close = nearest(str(raw), self.known)
            raise ValueError(f"one of {', '.join(self.known)}." + f" {close}" * close.startswith("Did"))
        return str(raw)


def choice(known: tuple[str, ...]) -> Parser:
    """Return a parser that takes one of `known` and names the nearest for any other."""
    return Choice(known)


def one_of(known: tuple[int, ...]) -> Parser:
    """Return a parser that takes one of a few integers."""
    span = f"one of {', '.join(map(str, known))}"

    def parse(raw: Any) -> int:
        try:
            return known[known.index(integer(min(known), max(known))(raw))]
        except ValueError:
            raise ValueError(span) from None

    return parse


def _sequence(raw: Any) -> list[Any]:
    if isinstance(raw, str):
        return [part.strip() for part in raw.split(",") if part.strip()]
    return list(raw) if isinstance(raw, (list, tuple)) else [raw]


def with_unit(text: str, units: Mapping[str, float]) -> float | None:
    """Return a number with one of `units` behind it, times what the unit is; None for anything else."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?([a-zµμ]*)", text.strip().lower())
    return float(match[1]) * units[match[2]] if match and match[2] in units else None


def budget(raw: Any) -> int:
    """Parse bytes: 8192, "8K" or "8KiB"; 0 is no budget."""
    value = (
        with_unit(str(raw), SIZE_UNITS)
        if isinstance(raw, (str, int, float)) and raw is not True and raw is not False
        else None
    )
    if value is None or value > _LARGEST_BUDGET or not value.is_integer():
        raise ValueError("bytes such as 8192 or 8K, at most 1G")
    return int(value)


def instructions(raw: Any) -> int:
    """Parse instructions: 20000, "20k" or "1.5M"; 0 is no limit."""
    value = None if isinstance(raw, bool) else with_unit(str(raw), _THOUSANDS)
    if value is None or value > _MOST_STEPS or not value.is_integer():
        raise ValueError("instructions such as 20000 or 20k, at most 1,000M")
    return int(value)


def hidden_widths(raw: Any) -> tuple[int, ...]:
    """Parse layer widths: "32,16", [32, 16] or 32."""
    widths = _sequence(raw)
    if len(widths) > _MOST_LAYERS:
        raise ValueError(f"at most {_MOST_LAYERS} layers")
    try:
        return tuple(integer(1, 4096)(width) for width in widths)
    except ValueError:
        raise ValueError("layer widths from 1 to 4096, such as 32,16") from None


def batch_size(raw: Any) -> int:
    """Parse a batch size; "full" is FULL_BATCH."""
    if raw == "full":
        return FULL_BATCH
    try:
        return int(integer(1, _MOST_STEPS)(raw))
    except ValueError:
        raise ValueError("an integer of at least 1, or full") from None


def per_class(raw: Any) -> tuple[float, ...]:
    """Parse nothing, one number for all classes, or ten."""
    try:
        values = tuple(number(0, 1e6)(value) for value in _sequence(raw))
    except ValueError:
        values = (0.0, 0.0)
    if len(values) not in (0, 1, CLASSES):
        raise ValueError("one non-negative number, or ten separated by commas")
    return values


def layer_sparsity(raw: Any) -> tuple[tuple[str, float], ...]:
    """Parse "hidden_1=0.9,hidden_2=0.5" or a table as pairs of layer and share."""
    expected = "layer=sparsity pairs such as hidden_1=0.9,hidden_2=0.5, each sparsity from 0 and below 1"
    pairs = raw.items() if isinstance(raw, Mapping) else _sequence(raw)
    parsed = []
    for pair in pairs:
        try:
            name, value = pair.partition("=")[::2] if isinstance(pair, str) else pair
            parsed.append((str(name).strip(), float(number(0, 1, open_high=True)(value))))
        except (TypeError, ValueError) as error:
            meant = str(error).partition(" Did you mean ")[2]
            raise ValueError(f"{expected}. Did you mean {name}={meant}" if meant else expected) from None
    return tuple(parsed)


def symbol(raw: Any) -> str:
    """Parse the beginning of C names."""
    try:
        return check_prefix(text(raw))
    except ConfigError as error:
        reason = error.message.partition("' ")[2]
        raise ValueError(f"a prefix for C names such as {DEFAULT_PREFIX}; this one {reason}") from None


Need = tuple[str, str, Any]
"""Section, field and value that an option has no effect without."""


class Other(str):
    """The value of a need that any other than one fulfils; its own text is what a user is told to write."""

    unwanted: str | int

    def __new__(cls, unwanted: str | int, told: str) -> Other:
        made = super().__new__(cls, told)
        made.unwanted = unwanted
        return made

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return other != self.unwanted

    def __ne__(self, other: object) -> bool:
        return not self == other


class Below(int):
    """The value of a need that any number below a limit fulfils; it is the one that a user is told to write."""

    limit: int

    def __new__(cls, limit: int, told: int) -> Below:
        made = super().__new__(cls, told)
        made.limit = limit
        return made

    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and int(other) < self.limit

    def __ne__(self, other: object) -> bool:
        return not self == other


def option(
    default: Any,
    parse: Parser,
    help_text: str,
    *,
    flag: str = "",
    metavar: str = "",
    needs: Need | None = None,
    repeated: bool = False,
) -> Any:
    """Declare a field: its default, how text becomes its value, what `--help` says of it, and what it needs.

    One that may be repeated gets a list of texts from its flag.
    """
    return dataclasses.field(
        default=default,
        metadata={
            "parse": parse,
            "help": help_text,
            "flag": flag,
            "metavar": metavar,
            "needs": needs,
            "repeated": repeated,
        },
    )


def flag_of(option_field: dataclasses.Field[Any]) -> str:
    """Return the command-line flag of a field, e.g. "--batch-size"."""
    return str(option_field.metadata["flag"]) or "--" + option_field.name.replace("_", "-")


def parse_option(option_field: dataclasses.Field[Any], raw: Any, where: str) -> Any:
    """Turn a flag's text or a TOML value into the field's value.

    Args:
        option_field: the dataclass field.
        raw: the text or TOML value.
        where: what the user wrote it as, for the message: a flag or a file and key.

    Raises:
        ConfigError: the value is not one the field takes.
    """
    try:
        return option_field.metadata["parse"](raw)
    except ValueError as error:
        raise ConfigError(
            f"{where} is {shown_value(raw)}, expected {error}" + "." * (not str(error).endswith(("?", ".")))
        ) from None


def shown_value(raw: Any) -> str:
    """Return a value as a message can hold it."""
    try:
        return shown(repr(raw), _LONGEST_VALUE)
    except (ValueError, RecursionError):  # Python writes no number of more than 4,300 digits.
        return "a value beyond all bounds"
