"""Engines to export, and what they say of images by the NumPy engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.exports.catalogue import find_export
from edgedigits.exports.write import write_export
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.pixels import engine_map
from edgedigits.scoring.reject import leads
from edgedigits.view import PLAIN, View
from tests.devices.emitted_engine import write_emitted_engine
from tests.tflite_builder import random_mlp

PREFIX = "digits"


@dataclass(frozen=True)
class Kind:
    """How the engine of a model takes pixels.

    Attributes:
        sizes: of the network.
        encodings: of its weights; () to choose.
        view: what it sees of an image.
        reject_margin: the least lead it accepts.
    """

    sizes: tuple[int, ...]
    encodings: tuple[str, ...] = ()
    view: View = PLAIN
    reject_margin: int = 0

    @property
    def model(self) -> bytes:
        return random_mlp(7, self.sizes, density=0.5)

    def write(self, folder: Path) -> Path:
        """Write the engine as a build has it; return the folder."""
        view, margin = self.view, self.reject_margin
        write_emitted_engine(
            folder, self.model, encodings=self.encodings, prefix=PREFIX, view=view, reject_margin=margin
        )
        return folder

    def said(self, images: NDArray[np.uint8]) -> list[str]:
        """Return what an example prints of images, uint8 (n, 784), a line each."""
        graph = read_tflite(self.model)
        pixels = engine_map(graph, None, self.view)
        assert pixels is not None
        scores = run(lower(graph), pixels.inputs(images))
        return [
            f"{'refused' if lead < self.reject_margin else f'digit {digit}'}, lead {min(lead, 127)}, scores {row}"
            for digit, lead, row in zip(
                classify(scores), leads(scores), [" ".join(map(str, one)) for one in scores.tolist()], strict=True
            )
        ]


PORTIONS = Kind((784, 10, 10), ("pairs", "pairs"))
KINDS = {
    "in portions": PORTIONS,
    "whole": Kind((784, 8, 10), ("stream", "stream")),
    "seen in part": Kind((144, 8, 10), ("pairs", "pairs"), view=View(window=24, size=12), reject_margin=20),
}
"""By how pixels go in."""
EACH_KIND = ("in portions", *(pytest.param(name, marks=pytest.mark.slow) for name in ("whole", "seen in part")))
"""As parameters of a test that compiles: the first always, the others among the slow ones."""


def export(folder: Path, to: str, out: Path) -> Path:
    """Export an engine; return where."""
    return write_export(folder, find_export(to), out).place


class Made(dict[str, Path]):
    """Folders by the kinds of their engines, made when they are asked for."""

    def __init__(self, make: Callable[[str], Path]) -> None:
        self._make = make

    def __missing__(self, name: str) -> Path:
        self[name] = self._make(name)
        return self[name]


def as_text(images: NDArray[np.uint8]) -> bytes:
    """Return images as an example reads them: the first as digits after a mistake, the others in turn as bytes and digits."""
    parts = [b"bad 12 !"]
    for number, image in enumerate(images):
        digits = "\n".join(row.tobytes().hex() for row in image.reshape(28, 28)).encode()
        parts.append(b"*" + image.tobytes() if number % 2 else digits.upper() + b"\r\n")
    return b"".join(parts)
