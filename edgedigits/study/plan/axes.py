"""Which choices a grid may sweep, by their long names, by short ones, and those that no build can do yet.

A long name is `section.field` of the build's options. A few axes are words for several options at once, such as
`quantization`. What no build can do is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

from edgedigits.config import SECTIONS
from edgedigits.config_file import over
from edgedigits.errors import ConfigError, nearest
from edgedigits.options import flag_of, parse_option
from edgedigits.study.plan.unbuilt import refuse_axis, refuse_value

Choices = dict[str, dict[str, Any]]
"""{section: {field: value}}, parsed."""

FLOAT32, INT8 = "float32", "int8"
"""What of a build is scored: its float32 twin, or the file that is deployed."""

QUANTIZATIONS = ("none", "post-training", "qat")
WEIGHT_SCALES = ("per-tensor", "per-channel")
UNSWEEPABLE = {"output": "says where a build lands, not what it is"}
SHORT = {
    flag_of(option).strip("-").replace("-", "_"): f"{section}.{option.name}"
    for section in SECTIONS
    if section not in UNSWEEPABLE
    for option in fields(SECTIONS[section])
} | {"lr": "training.learning_rate", "batch": "training.batch_size"}
"""Options by their flags: a field of the configuration declares its axis with it."""
_AMBIGUOUS = ("name", "enabled", "rate", "size", "bits")
"""Field names that say nothing without their section."""

_QUANTIZATION_WORDS = {"float": "none", "float32": "none", "ptq": "post-training", "int8": "post-training"}
"""What users may write for a quantization → what it is called here."""

Apply = Callable[[Any, str], tuple[Choices, str]]


@dataclass(frozen=True)
class Axis:
    """One thing that a study varies.

    Attributes:
        name: as the user wrote it.
        apply: turns a raw value and where it is written into choices, and into what is scored.
        sets: the options that it chooses, as section and field.
    """

    name: str
    apply: Apply
    sets: tuple[tuple[str, str], ...] = ()


def find_axis(name: str, where: str) -> Axis:
    """Return the axis of that name.

    Args:
        name: long, short, or the name of a field that only one section has.
        where: what the user wrote it in, for the message.

    Raises:
        ConfigError: there is no such axis, or not yet; the nearest is named.
    """
    if name in OF_SEVERAL:
        apply, sets = OF_SEVERAL[name]
        return Axis(name, _or_unbuilt(name, apply), sets)
    section, field_name = _section_and_field(name)
    if section in UNSWEEPABLE:
        raise ConfigError(f"{where}: '{name}' {UNSWEEPABLE[section]}.", hint="Leave it out of a study.")
    if section in SECTIONS and field_name in _field_names(section):
        return Axis(name, _or_unbuilt(name, _option(section, field_name)), ((section, field_name),))
    refuse_axis(name, where)
    raise ConfigError(f"{where}: there is no axis '{name}'.", hint=nearest(name, known_axes()))


def known_axes() -> list[str]:
    """Return the names that `find_axis` takes, short ones first."""
    long = [f"{section}.{name}" for section in SECTIONS if section not in UNSWEEPABLE for name in _field_names(section)]
    alone = [name.partition(".")[2] for name in long]
    unique = [name for name in alone if alone.count(name) == 1 and name not in _AMBIGUOUS]
    return [*dict.fromkeys((*OF_SEVERAL, *SHORT, *unique, *long))]


def _section_and_field(name: str) -> tuple[str, str]:
    """Return what a name stands for, which need not exist; no section where the field is in none or in several."""
    section, dot, field_name = SHORT.get(name, name).partition(".")
    if dot:
        return section, field_name
    owners = [one for one in SECTIONS if name in _field_names(one)]
    return (owners[0] if len(owners) == 1 and name not in _AMBIGUOUS else "", name)


def _field_names(section: str) -> list[str]:
    return [one.name for one in fields(SECTIONS[section])]


def _or_unbuilt(name: str, apply: Apply) -> Apply:
    """Return `apply` with another message for what is not wrong, but not built yet, or called otherwise."""

    def applied(raw: Any, where: str) -> tuple[Choices, str]:
        try:
            return apply(raw, where)
        except ConfigError:
            refuse_value(name, raw, where)
            raise

    return applied


def _option(section: str, name: str) -> Apply:
    option_field = next(one for one in fields(SECTIONS[section]) if one.name == name)
    return lambda raw, where: ({section: {name: parse_option(option_field, raw, where)}}, INT8)


def _quantization(raw: Any, where: str) -> tuple[Choices, str]:
    if raw not in QUANTIZATIONS:
        meant = _QUANTIZATION_WORDS.get(str(raw))
        hint = f"Write '{meant}'." if meant else nearest(str(raw), QUANTIZATIONS)
        raise ConfigError(f"{where} is {raw!r}.", hint=hint)
    return {"qat": {"enabled": raw == "qat"}}, FLOAT32 if raw == "none" else INT8


def _sparsity(raw: Any, where: str) -> tuple[Choices, str]:
    choices, scored = _option("prune", "sparsity")(raw, where)
    if choices["prune"]["sparsity"] == 0:
        return {"prune": {"enabled": False}}, scored
    return {"prune": {"enabled": True, **choices["prune"]}}, scored


def _weight_scales(raw: Any, where: str) -> tuple[Choices, str]:
    if raw not in WEIGHT_SCALES:
        raise ConfigError(f"{where} is {raw!r}.", hint=nearest(str(raw), WEIGHT_SCALES))
    return {"qat": {"per_tensor": raw == "per-tensor"}}, INT8


OF_SEVERAL: dict[str, tuple[Apply, tuple[tuple[str, str], ...]]] = {
    "quantization": (_quantization, (("qat", "enabled"),)),
    "sparsity": (_sparsity, (("prune", "enabled"), ("prune", "sparsity"))),
    "weight_scales": (_weight_scales, (("qat", "per_tensor"),)),
}
"""Axes that are words for options of which a user would not think one by one, and those options."""


def settle_scales(choices: Choices, values: Mapping[str, Any], where: str) -> Choices:
    """Return the choices of a trial without the weight scales that quantization-aware training settles by itself.

    Raises:
        ConfigError: per-channel scales are asked of quantization-aware training, which has one scale a layer.
    """
    if "weight_scales" not in values or not choices.get("qat", {}).get("enabled"):
        return choices
    if values["weight_scales"] == "per-channel":
        raise ConfigError(
            f"{where}: weight_scales per-channel does not go with quantization-aware training, where TF-MOT gives a "
            "dense layer one scale.",
            hint='Add when = { quantization = "post-training" } to the axis.',
        )
    return {**choices, "qat": {name: value for name, value in choices["qat"].items() if name != "per_tensor"}}


def merge(*parts: Mapping[str, Mapping[str, Any]]) -> Choices:
    """Return choices with later ones over earlier ones."""
    return reduce(over, parts, {})


def value_words(value: Any) -> str:
    """Return a value of an axis for people, e.g. "32-16" or "0.8"."""
    if isinstance(value, list):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def axes_words(values: Mapping[str, Any]) -> str:
    """Return values of axes for people, e.g. "loss=focal, hidden=32-16"."""
    return ", ".join(f"{name}={value_words(value)}" for name, value in values.items())
