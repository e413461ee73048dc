"""What an engine is run on: its build's own digits, others that were named, or inputs that need no data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.load import Selection
from edgedigits.devices.stand_ins import IMAGES, STAND_INS, stand_in_images
from edgedigits.devices.stand_ins import SEED as STAND_IN_SEED
from edgedigits.errors import AbsentDataError, ConfigError
from edgedigits.model.ir import Graph
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.any_model import INPUTS, SEED, AnyModel, open_any, random_codes
from edgedigits.scoring.interpreter import Classifier, open_classifier
from edgedigits.scoring.pixels import takes_digits
from edgedigits.scoring.subject import Subject
from edgedigits.scoring.subject_digits import load_subject_digits

DIGITS, CODES = "images", "random inputs"


@dataclass(frozen=True, eq=False)
class Inputs:
    """What runs.

    Attributes:
        model: the model, as it takes them.
        images: uint8 (n, 784); for `AnyModel` codes (n, input size).
        kind: what they are called: DIGITS, STAND_INS or CODES.
        origin: where they come from, such as "test set of mnist" or "200 random inputs, seed 0".
        notes: remarks about them, one sentence each.
        chosen: the digits; None where these are none.
    """

    model: Classifier
    images: NDArray[np.uint8]
    kind: str
    origin: str
    notes: tuple[str, ...] = ()
    chosen: Selection | None = None

    @property
    def labels(self) -> NDArray[np.integer[Any]] | None:
        """The digits' classes, (n,); None where these are none."""
        return self.chosen.digits.labels[: len(self.images)] if self.chosen else None

    @property
    def has_pixels(self) -> bool:
        """Whether the model takes pixels, by a map of them."""
        return not isinstance(self.model, AnyModel)


def find_inputs(
    subject: Subject,
    graph: Graph,
    *,
    data: str = "",
    split: str = "test",
    reading: Mapping[str, Any],
    count: int | None = None,
    input_range: tuple[float, float] | None = None,
    progress: Progress = SILENT,
) -> Inputs:
    """Return what to run a model's engine on.

    Where nobody named digits and the build's own are not at hand, strokes and noise stand in for them. A model that
    takes no digits gets random inputs, which reach every value.

    Args:
        subject: the model.
        graph: the same, read.
        data: a source as for `load_subject_digits`; empty for the default.
        split: the same.
        reading: the same: label_column, invert, transpose, fit.
        count: how many at most; by default all digits, or 200 of others.
        input_range: what pixels 0 and 255 are to the model, if anybody said it.
        progress: gets bars for downloads.

    Raises:
        ConfigError: the model takes no digits, and it was said how to read or choose some.
        DataError, ConfigError, ToolMissingError, UnsupportedModelError: as `load_subject_digits` and `open_classifier`.
    """
    if not data and not takes_digits(graph, subject.view()):
        _refuse_idle(subject, {**reading, "split": None if split == "test" else split, "input_range": input_range})
        model, number = open_any(graph), count or INPUTS
        origin = f"{number:,} random inputs, seed {SEED}"
        note = "In every second input half of the values are the lowest."
        return Inputs(model, random_codes(number, model.input.size), CODES, origin, (note,))
    classifier = open_classifier(graph, subject.pixels(input_range), subject.view())
    try:
        chosen = load_subject_digits(subject, data, split=split, progress=progress, **reading)
    except AbsentDataError as error:
        if data or split != "test" or any(value is not None for value in reading.values()):
            raise
        number = count or IMAGES
        note = (
            f"{error.message} Strokes and noise stand in for digits: parity needs no labels, accuracy does, and "
            "instructions are those of such images."
        )
        origin = f"{number:,} images of strokes and noise, seed {STAND_IN_SEED}"
        return Inputs(classifier, stand_in_images(number), STAND_INS, origin, (note,))
    return Inputs(classifier, chosen.digits.images[:count], DIGITS, chosen.origin, chosen=chosen)


def _refuse_idle(subject: Subject, choices: Mapping[str, Any]) -> None:
    """Refuse a choice about digits, for a model that takes none."""
    idle = next((name for name, value in choices.items() if value is not None), "")
    if idle:
        flag = f"--{'no-' if choices[idle] is False else ''}{idle.replace('_', '-')}"
        raise ConfigError(
            f"{flag} has no effect on {subject.model}, which takes no 28×28 digits.", hint="Leave it out."
        )
