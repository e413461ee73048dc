"""What a search may choose, and the builds that its points are.

Every point is a build to budgets of bytes and instructions, so that no training is spent on what cannot fit. What is
not a choice here follows the budget's recipe, and the recipes are the first points that are tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.errors import ConfigError
from edgedigits.levels.catalogue import DEFAULT as LEVELS_KIND
from edgedigits.levels.catalogue import LEVELS
from edgedigits.recipes import RECIPES, recipe_for

Point = Mapping[str, Any]
"""A value of each choice, by its name."""

CODE_BYTES = 1024
"""Of an engine that is packed for size and compiled for speed, about: what a limit of flash leaves no constants."""
LEAST, MOST = 320, 27_648
"""Bytes of constants: the fewest that tell ten classes apart, and as many as recipes were tried with."""
MOST_INSTRUCTIONS = 400_000
"""Where there is no limit: as many as the largest recipes take, packed as small as can be."""
LEAST_INSTRUCTIONS = 1000
"""Of the fastest networks that tell ten classes apart."""
SPARE = 0.02
"""Share of a limit that is left for other images than instructions were counted on in training."""
SPREAD = 16
"""The largest budget over the smallest."""
FIRST_TRIED = (1, 2, 4, 8)
"""Parts of the largest budget whose recipes are tried first."""
VIEWS = ("20/10", "24/12", "28/14", "22/22", "24/24", "28/28")
"""Side of the window that is seen, and of what it is averaged to."""
_CONTROL = "random"
"""The criterion that others are held against; nobody wants it."""
SECONDS = tuple(sorted({0, 16, 32, 60, 80, *(recipe.hidden[1] for recipe in RECIPES if len(recipe.hidden) > 1)}))
"""Widths of a second hidden layer, those of the recipes among them; 0 for none."""


@dataclass(frozen=True)
class Numbers:
    """Whole numbers of which the next is as likely as that at the same ratio: small ones count as much as large."""

    low: int
    high: int


@dataclass(frozen=True)
class Space:
    """What may be chosen.

    Attributes:
        least, most: bytes of constants.
        slowest: instructions, the most.
    """

    least: int
    most: int
    slowest: int

    @property
    def choices(self) -> dict[str, Numbers | tuple[Any, ...]]:
        """A span or the values of each choice, by name."""
        return {
            "constants": Numbers(self.least, self.most),
            "instructions": Numbers(min(self.slowest, max(LEAST_INSTRUCTIONS, self.slowest // SPREAD)), self.slowest),
            "first": Numbers(16, max(recipe.hidden[0] for recipe in RECIPES)),
            "second": SECONDS,
            "view": VIEWS,
            "weight_bits": (2, 3, 4, 5),
            "levels": tuple(LEVELS),
            "criterion": tuple(name for name in CRITERIA if name != _CONTROL),
            "granularity": ("weights", "blocks", "neurons"),
        }

    def first_points(self) -> Iterator[Point]:
        """Yield the recipes of some budgets, the largest first."""
        for part in FIRST_TRIED:
            if (constants := self.most // part) < self.least:
                return
            recipe = recipe_for(constants, 0)
            first, second = (*recipe["model"]["hidden"], 0)[:2]
            yield {
                "constants": constants,
                "instructions": self.slowest,
                "first": first,
                "second": second,
                "view": f"{recipe['input']['window']}/{recipe['input']['size']}",
                "weight_bits": recipe["levels"]["weight_bits"],
                "levels": LEVELS_KIND,
                "criterion": recipe["prune"]["criterion"],
                "granularity": "weights",
            }


def space_within(flash: int | None, instructions: float | None) -> Space:
    """Return what may be chosen within limits of flash and instructions; None for no limit.

    Raises:
        ConfigError: nothing fits in that.
    """
    most = MOST if flash is None else min(flash - CODE_BYTES, MOST)
    if flash is not None and most < LEAST:
        raise ConfigError(
            f"--max-flash is {flash:,} B, in which nothing fits: an engine's code takes about {CODE_BYTES:,} B, and "
            f"the smallest networks {LEAST:,} B.",
            hint=f"Take {CODE_BYTES + LEAST:,} B or more.",
        )
    if instructions is not None and instructions < LEAST_INSTRUCTIONS:
        raise ConfigError(
            f"--max-instructions is {instructions:,}, in which nothing fits.",
            hint=f"The fastest networks take about {LEAST_INSTRUCTIONS:,}; better ones take more.",
        )
    slowest = math.floor((1.0 - SPARE) * min(instructions or MOST_INSTRUCTIONS, MOST_INSTRUCTIONS))
    return Space(max(LEAST, most // SPREAD), most, slowest)


def axis_values(point: Point) -> dict[str, Any]:
    """Return the choices of a point by the names that a study's axes have."""
    window, _, size = point["view"].partition("/")
    return {
        "budget_constants": point["constants"],
        "budget_instructions": point["instructions"],
        "hidden": widths_of(point),
        "window": int(window),
        "input_size": int(size),
        "weight_bits": point["weight_bits"],
        "levels": point["levels"],
        "criterion": point["criterion"],
        "granularity": point["granularity"],
    }


def widths_of(point: Point) -> list[int]:
    """Return the widths of the hidden layers."""
    return [point["first"], *([point["second"]] if point["second"] else [])]
