"""The training digits that a picture is most like: what the network was shown of its kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import BuildConfig
from edgedigits.data.digits import Digits
from edgedigits.data.load import read_source, require_here, select
from edgedigits.data.shape import PIXELS
from edgedigits.errors import ConfigError
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.subject import Subject

_CHUNK = 2048  # digits at a time


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """A training digit.

    Attributes:
        index: in the training split of the build, from 0.
        label: what it is labelled.
        distance: root of the mean square of the difference of pixels, 0…255.
        image: uint8 (784,).
    """

    index: int
    label: int
    distance: float
    image: NDArray[np.uint8]


def training_digits(subject: Subject, progress: Progress = SILENT) -> Digits:
    """Read the digits that a build was trained on, divided as it did.

    Raises:
        ConfigError: there is no manifest that names them.
        DataError, ToolMissingError: as `read_source`; they are not here.
    """
    config = subject.config()
    if config is None or not isinstance(config, BuildConfig) or not subject.said.data.source:
        raise ConfigError(f"{subject.place} does not say what it was trained on.", hint="Leave out --nearest.")
    assert subject.manifest is not None  # it has a config
    require_here(config.data.source, subject.manifest)
    contents = read_source(config.data.source, progress=progress, **config.data.reading)
    return select(contents, "train", seed=config.training.seed, **config.data.division).digits


def nearest_digits(digits: Digits, images: NDArray[np.uint8], count: int) -> list[tuple[Neighbour, ...]]:
    """Return of each image, uint8 (n, 784), the training digits that are least apart from it, the nearest first."""
    wide = images.astype(np.float64)
    chunks = (digits.images[start : start + _CHUNK].astype(np.float64) for start in range(0, len(digits), _CHUNK))
    apart = np.concatenate([(chunk**2).sum(axis=1) - 2 * wide @ chunk.T for chunk in chunks], axis=1)
    squares = apart + (wide**2).sum(axis=1, keepdims=True)
    order = np.argsort(squares, axis=1, kind="stable")[:, :count]
    return [
        tuple(
            Neighbour(int(at), int(digits.labels[at]), float(np.sqrt(max(row[at], 0) / PIXELS)), digits.images[at])
            for at in places
        )
        for row, places in zip(squares, order, strict=True)
    ]
