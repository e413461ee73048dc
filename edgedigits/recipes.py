"""What a build to a budget does where nothing else is asked for: inputs, widths and training by the bytes there are.

Chosen on validation digits of MNIST: the wider and sparser network is the better one, as far as its biases leave room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OWN_TEACHER = "cnn"
"""The word for a teacher that a build trains itself."""
INSTRUCTIONS_A_BYTE = 3
"""Of a network that is packed to be fast, by bytes of the same packed to be small, about."""
CODE_BYTES = 640
"""Of an engine made for size on a Cortex-M4, about."""

Choices = Mapping[str, Mapping[str, Any]]
"""By section of the configuration and field."""

_SHARED: Choices = {
    "training": {"epochs": 5, "augment_copies": 12},
    "levels": {"weight_bits": 3},
    "prune": {"enabled": True, "criterion": "sensitivity", "scope": "global"},
    "joint": {"enabled": True},
    "engine": {"optimize": "size"},
}
_ONE_LAYER: Choices = {
    "training": {"batch_size": 512, "learning_rate": 0.01},
    "prune": {"begin": 0.15, "end": 0.8},
    "joint": {"epochs": 120, "levels_begin": 0.1},
}
_TWO_LAYERS: Choices = {
    "training": {"batch_size": 256, "learning_rate": 0.003, "augment": "medium", "augment_copies": 16},
    "prune": {"begin": 0.1, "end": 0.7},
    "joint": {"epochs": 100, "levels_begin": 0.3},
}
_PATIENT: Choices = {
    "training": {"augment_copies": 48},
    "joint": {"epochs": 200},
    "distill": {"teacher": OWN_TEACHER},
}
"""Where there is room to learn distorted copies by heart: more of them, for longer, and what a teacher says of each."""
_TAUGHT: Choices = {"distill": {"weight": 0.9}}
"""Where there is less room, what the teacher says counts for more than the labels."""
_POLISHED: Choices = {"joint": {"polish": 3}}
"""Where there are so few weights that each counts, what rounding does to them is looked at one by one."""


@dataclass(frozen=True)
class BudgetRecipe:
    """What is done up to so many bytes of constants.

    Attributes:
        most: bytes.
        window, size: side of the central square that is seen, and of what it is averaged to.
        hidden: widths before pruning.
        tries: trainings, of which the best by validation is kept: the smallest depend much on their first weights.
        also: other choices.
    """

    most: float
    window: int
    size: int
    hidden: tuple[int, ...]
    tries: int = 1
    also: tuple[Choices, ...] = ()

    @property
    def choices(self) -> Choices:
        """The choices by section and field."""
        own: Choices = {
            "input": {"window": self.window, "size": self.size},
            "model": {"hidden": self.hidden},
            "joint": {"tries": self.tries},
        }
        return _merged(_SHARED, self._by_depth, *self.also, own)

    @property
    def hurried(self) -> Choices:
        """How long it trains, and on what, where many are tried: as the smaller ones do, without a teacher."""
        parts = _merged(_SHARED, self._by_depth)
        epochs, copies = parts["joint"]["epochs"], parts["training"]["augment_copies"]
        return {"training": {"augment_copies": copies}, "joint": {"epochs": epochs}, "distill": {"teacher": ""}}

    @property
    def _by_depth(self) -> Choices:
        return _ONE_LAYER if len(self.hidden) == 1 else _TWO_LAYERS


def _merged(*parts: Choices) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for part in parts:
        for section, values in part.items():
            merged.setdefault(section, {}).update(values)
    return merged


RECIPES = (
    BudgetRecipe(640, 20, 10, (30,), tries=4, also=(_POLISHED,)),
    BudgetRecipe(960, 20, 10, (44,), also=(_POLISHED,)),
    BudgetRecipe(1536, 20, 10, (60,)),
    BudgetRecipe(3072, 24, 12, (100,)),
    BudgetRecipe(6144, 24, 12, (220,)),
    BudgetRecipe(10240, 22, 22, (512, 128)),
    BudgetRecipe(14336, 22, 22, (512, 128), also=(_PATIENT, _TAUGHT)),
    BudgetRecipe(20480, 24, 24, (400, 100), also=(_PATIENT, _TAUGHT)),
    BudgetRecipe(float("inf"), 24, 24, (400, 100), also=(_PATIENT,)),
)


def room_for(constants: int, flash: int, instructions: int) -> int:
    """Return the bytes of constants that a budget is about as large as: of the first of these that is not 0."""
    return constants or max(0, flash - CODE_BYTES) or instructions // INSTRUCTIONS_A_BYTE


def recipe_for(constants: int, flash: int = 0, instructions: int = 0) -> Choices:
    """Return the choices for a budget: bytes of constants, or else of flash, or else instructions of an image."""
    choices = _of(room_for(constants, flash, instructions)).choices
    # Only bytes of constants that polishing frees are used again.
    return choices if constants and not (flash or instructions) else _merged(choices, {"joint": {"polish": 0}})


def hurried_for(constants: int) -> Choices:
    """Return what a build to so many bytes of constants is told where many are tried; see `BudgetRecipe.hurried`."""
    return _of(constants).hurried


def _of(room: int) -> BudgetRecipe:
    return next(recipe for recipe in RECIPES if room <= recipe.most)
