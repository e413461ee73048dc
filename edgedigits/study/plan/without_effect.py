"""Refuses to sweep an option where it changes nothing: the same training would run several times under other names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from edgedigits.config import BuildConfig
from edgedigits.errors import ConfigError
from edgedigits.options import Need
from edgedigits.study.plan.axes import OF_SEVERAL, Axis
from edgedigits.study.plan.swept import Swept, toml_words

Remedy = Callable[[Need], str]
"""From what an option needs to a hint."""


def refuse_without_effect(config: BuildConfig, axes: Iterable[Axis], place: str, remedy: Remedy) -> None:
    """Refuse a trial in which an axis changes nothing.

    Args:
        config: every choice of the trial.
        axes: those it has a value of. Axes for several options, such as sparsity, make the choices that they need,
            but for a budget, in whose place they would stand.
        place: where they are written, for messages.
        remedy: makes the hint.

    Raises:
        ConfigError: an option of an axis needs a choice that the trial does not make.
    """
    for axis in axes:
        for section, name in axis.sets:
            need = config.missing_need(section, name)
            if need and (axis.name not in OF_SEVERAL or need[0] == "budget"):
                chosen = toml_words(getattr(getattr(config, need[0]), need[1]))
                raise ConfigError(
                    f"{place} {axis.name} has no effect where {need[0]}.{need[1]} is {chosen}.", hint=remedy(need)
                )


def remedy_in_trial(need: Need) -> str:
    """Return what to do about it in a [[trial]]."""
    section, name, value = need
    return f'Leave it out of this trial, or give it "{section}.{name}" = {toml_words(value)}.'


def remedy_in_axes(need: Need, swept: Sequence[Swept]) -> str:
    """Return what to do about it under [axes]: a condition, where another axis has what is needed."""
    section, name, value = need
    other = next((one for one in swept if (section, name) in one.axis.sets), None)
    if other is None:
        return f"Set {name} = {toml_words(value)} under [base.{section}], or leave the axis out."
    fitting = [one for one in other.values if other.axis.apply(one, "")[0][section][name] == value]
    if not fitting:
        return f"Give {other.axis.name} a value that makes it {toml_words(value)}, or leave the axis out."
    words = toml_words(fitting[0] if len(fitting) == 1 else fitting)
    return f"Add when = {{ {_key(other.axis.name)} = {words} }} to the axis."


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else toml_words(name)
