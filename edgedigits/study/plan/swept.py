"""The table [axes] of a study's file: what each axis takes, and on which others it depends."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from edgedigits.config import SECTIONS
from edgedigits.errors import ConfigError, nearest
from edgedigits.study.plan.axes import Axis, find_axis

if TYPE_CHECKING:
    import numpy as np

_AXIS_KEYS = ("values", "when", "low", "high", "log", "integer")
_SPAN_KEYS = ("low", "high", "log", "integer")
_INSIDE = 0.381966
"""Somewhere between the ends of a range, where an integer is unlikely."""


@dataclass(frozen=True)
class Span:
    """A range to draw from: uniform, or uniform in the logarithm."""

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def at(self, share: float) -> Any:
        """Return the value that lies at a share of the range, 0…1."""
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        # Rounded for people to read, which may have led out of the range.
        value = min(max(round(value) if self.integer else float(f"{value:.4g}"), self.low), self.high)
        return round(value) if self.integer else value


@dataclass(frozen=True)
class Swept:
    """An axis of a study.

    Attributes:
        axis: what it sets.
        values: to choose from; none where it has a span.
        span: to draw from.
        when: other axes' names, and the values of theirs with which this one is there.
    """

    axis: Axis
    values: tuple[Any, ...] = ()
    span: Span | None = None
    when: dict[str, Any] = field(default_factory=dict)

    def wanted(self, others: Mapping[str, Any]) -> bool:
        """Return whether the condition holds for the other axes' values."""
        return all(name in others and others[name] in allowed for name, allowed in self.when.items())

    def draw(self, random: np.random.Generator) -> Any:
        """Return a value by chance."""
        if self.span is None:
            return self.values[int(random.integers(len(self.values)))]
        return self.span.at(random.uniform())


def check_keys(table: Any, known: tuple[str, ...], where: str, kind: str) -> None:
    """Check that something is a table, and that its keys are known.

    Raises:
        ConfigError: it is not; the nearest key is named.
    """
    check_table(table, where)
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: there is no {kind} '{key}'.", hint=nearest(key, known))


def check_table(table: Any, where: str) -> None:
    """Check that something is a table.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(table, list) and table and all(isinstance(one, Mapping) for one in table):
        raise ConfigError(f"{where} is a list of tables, expected one.", hint="Write it once, in single brackets.")
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} is {table!r}, expected a table.", hint="Write names and values below its heading.")


def read_axes(table: Any, where: str) -> list[Swept]:
    """Return the axes, each behind those that its condition names.

    Args:
        table: [axes], as TOML gives it.
        where: its file, for messages.

    Raises:
        ConfigError: an axis or a value is unknown or wrong, or two axes contradict each other.
    """
    place = f"{where}: [axes]"
    check_table(table, place)
    swept = [_read_axis(name, raw, place) for name, raw in table.items()]
    refuse_conflicts((one.axis for one in swept), place)
    by_name = {one.axis.name: one for one in swept}
    return _ordered([replace(one, when=_conditions(one, by_name, place)) for one in swept], place)


def refuse_conflicts(axes: Iterable[Axis], place: str) -> None:
    """Refuse two axes of which one would overwrite what the other sets.

    Raises:
        ConfigError: there are such two.
    """
    owners: dict[tuple[str, str], str] = {}
    for axis in axes:
        for option in axis.sets:
            if option in owners:
                raise ConfigError(
                    f"{place}: '{owners[option]}' and '{axis.name}' both set {'.'.join(option)}.",
                    hint="Keep one of them.",
                )
            owners[option] = axis.name


def refuse_unquoted(name: str, raw: Any, place: str) -> None:
    """Refuse `prune.sparsity = …`, which TOML reads as a table prune with a key sparsity.

    Raises:
        ConfigError: a long name lacks its quotes.
    """
    if isinstance(raw, Mapping) and name in SECTIONS:
        known = {one.name for one in fields(SECTIONS[name])}
        for key in raw:
            if key in known:
                raise ConfigError(
                    f"{place}: {name}.{key} is read as a table by TOML, not as a name.",
                    hint=f'Write "{name}.{key}" in quotes.',
                )


def toml_words(value: Any) -> str:
    """Return a value as TOML has it, e.g. true, "focal" or [32, 16]."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _read_axis(name: str, raw: Any, place: str) -> Swept:
    refuse_unquoted(name, raw, place)
    axis, where = find_axis(name, place), f"{place} {name}"
    table = raw if isinstance(raw, Mapping) else {"values": raw}
    check_keys(table, _AXIS_KEYS, where, "key")
    when = table.get("when", {})
    if not isinstance(when, Mapping):
        raise ConfigError(f"{where} when is {when!r}, expected a table.", hint='Write when = { loss = "focal" }.')
    if "values" not in table:
        return Swept(axis, (), _read_span(axis, table, where), dict(when))
    for key in _SPAN_KEYS:
        if key in table:
            raise ConfigError(f"{where} has values and also {key}.", hint="Give values, or low and high.")
    values = tuple(_listed(table["values"]))
    if not values:
        raise ConfigError(f"{where} has no values.", hint="Give at least one, or leave the axis out.")
    for value in values:
        axis.apply(value, where)
    return Swept(axis, values, None, dict(when))


def _read_span(axis: Axis, table: Mapping[str, Any], where: str) -> Span:
    if "low" not in table or "high" not in table:
        raise ConfigError(f"{where} has neither values nor low and high.", hint="Give one or the other.")
    low, high = (_bound(table[key], f"{where} {key}") for key in ("low", "high"))
    log = _flag(table, "log", False, where)
    if not low < high or (log and low <= 0):
        hint = "Choose 0 < low < high." if log else "Choose low below high."
        raise ConfigError(f"{where} goes from {low:g} to {high:g}.", hint=hint)
    integer = _flag(table, "integer", isinstance(table["low"], int) and isinstance(table["high"], int), where)
    if integer and not (low.is_integer() and high.is_integer()):
        raise ConfigError(f"{where} goes from {low:g} to {high:g}, expected integers.", hint="Round low and high.")
    span = Span(low, high, log, integer)
    for key, share in (("low", 0.0), ("high", 1.0)):
        axis.apply(span.at(share), f"{where} {key}")
    try:
        axis.apply(span.at(_INSIDE), where)
    except ConfigError:
        raise ConfigError(
            f"{where} takes integers, and its range gives fractions.", hint="Add integer = true."
        ) from None
    return span


def _bound(raw: Any, where: str) -> float:
    try:
        value = math.nan if isinstance(raw, bool) or not isinstance(raw, (int, float)) else float(raw)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ConfigError(f"{where} is {raw!r}, expected a finite number.", hint="A range goes from one to another.")
    return value


def _flag(table: Mapping[str, Any], key: str, default: bool, where: str) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{where} {key} is {value!r}, expected true or false.", hint=f"Write {key} = true.")
    return value


def _listed(raw: Any) -> list[Any]:
    return list(raw) if isinstance(raw, list) else [raw]


def _conditions(one: Swept, others: Mapping[str, Swept], place: str) -> dict[str, tuple[Any, ...]]:
    return {name: _allowed(f"{place} {one.axis.name}", name, raw, others) for name, raw in one.when.items()}


def _allowed(where: str, name: str, raw: Any, others: Mapping[str, Swept]) -> tuple[Any, ...]:
    """Return the values of another axis that a condition names."""
    if name not in others:
        raise ConfigError(f"{where} depends on '{name}', which is no axis here.", hint=nearest(name, others))
    values = others[name].values
    if others[name].span is not None:
        raise ConfigError(f"{where} depends on {name}, which is a range.", hint=f"List values of {name}.")
    # A list may be one value, such as the widths of hidden layers, or several.
    allowed = (raw,) if raw in values else tuple(_listed(raw))
    if not allowed:
        raise ConfigError(f"{where} depends on no value of {name}.", hint="Name one, or leave the condition out.")
    for value in allowed:
        if value not in values:
            words = [one if isinstance(one, str) else toml_words(one) for one in (value, *values)]
            raise ConfigError(
                f"{where} depends on {name} = {toml_words(value)}, which is none of its values here.",
                hint=nearest(words[0], words[1:]),
            )
    return allowed


def _ordered(swept: list[Swept], place: str) -> list[Swept]:
    ordered: list[Swept] = []
    while len(ordered) < len(swept):
        known = {one.axis.name for one in ordered}
        ready = [one for one in swept if one.axis.name not in known and set(one.when) <= known]
        if not ready:
            raise ConfigError(
                f"{place}: the conditions depend on one another in a circle.", hint="Leave one of them out."
            )
        ordered.append(ready[0])
    return ordered
