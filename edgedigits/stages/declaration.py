"""What a stage declares of itself: one file a stage in this folder, found by being there.

A stage takes the Keras model that the stages before it made and gives one back. Its file says when it is asked for, how
it is planned and run, and what it is called on the console, the page, in a build's name and in a study. TensorFlow is
imported where a stage runs, so that whoever only names it does not wait for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgedigits.config import BuildConfig
    from edgedigits.training.line import Line

Tables = Mapping[str, Mapping[str, Any]]
"""A configuration as the TOML file and a manifest have it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of training.

    Attributes:
        name: key in the report, such as "prune".
        order: stages run from the lowest to the highest.
        label: of its result, such as "pruned".
        asked: whether the choices ask for it.
        run: (line, model) → the model it made, and a plain float model of the same weights; None for the first stage.
        past: what it did, by the final share of zeros of each pruned layer, such as "pruned to 80%".
        brief: the same in a study's tables, by the configuration, such as "pruned 80%"; "" where it was not asked for.
        slug: its part of a build's name; "" for none.
        check: raises ConfigError for choices that it cannot meet, before anything is trained.
        quantizes: it leaves a network that knows of int8; without such a stage, the conversion quantizes.
    """

    name: str
    order: int
    label: str
    asked: Callable[[BuildConfig], bool]
    run: Callable[[Line, Any], tuple[Any, Any]]
    past: Callable[[Mapping[str, float]], str]
    brief: Callable[[Tables], str]
    slug: str = ""
    check: Callable[[BuildConfig], object] = lambda config: None
    quantizes: bool = False
