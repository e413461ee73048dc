"""What the page asks for: JSON values in, JSON values out, whoever carries them."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.collect.answer import Answers
from edgedigits.collect.book import Book, LabelledDigit
from edgedigits.collect.monitor import Monitor
from edgedigits.data.geometry import fit_picture
from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS
from edgedigits.errors import DataError

MOST_SIDE = 280
"""Pixels of a side of what is drawn on."""


class Service:
    """A book, and what reads beside the person who fills it.

    Args:
        book: what is filled.
        answers: a model that says what it reads; None for none.
        monitor: what a board sees; None for none.
    """

    def __init__(self, book: Book, answers: Answers | None = None, monitor: Monitor | None = None) -> None:
        self.book, self.answers, self.monitor = book, answers, monitor

    def digits(self) -> dict[str, Any]:
        """Return all digits of the book."""
        return {"digits": [_shown(entry) for entry in self.book.entries]}

    def read(self, given: Any) -> dict[str, Any]:
        """Return a drawn picture as it would be kept, and what the model says of it."""
        image = _image(given)
        said = self.answers.of(image) if self.answers else None
        return {"pixels": _text(image), "ink": bool(image.any()), "said": said}

    def add(self, given: Any) -> dict[str, Any]:
        """Keep a picture under a label."""
        image, label = _image(given), _label(given)
        if not image.any():
            raise DataError("Nothing is drawn: a digit needs ink.")
        return _shown(self.book.add(label, image))

    def relabel(self, key: int, given: Any) -> dict[str, Any]:
        """Give a digit of the book another label."""
        return _shown(self.book.relabel(key, _label(given)))

    def remove(self, key: int) -> dict[str, Any]:
        """Take a digit out of the book."""
        self.book.remove(key)
        return {"removed": key}

    def seen(self, after: int) -> dict[str, Any]:
        """Return what the board saw after the digit of a number."""
        if self.monitor is None:
            return {"seen": [], "lost": ""}
        seen = [
            {"number": one.number, "digit": one.digit, "pixels": _text(one.image)} for one in self.monitor.after(after)
        ]
        return {"seen": seen, "lost": self.monitor.lost}


def _image(given: Any) -> NDArray[np.uint8]:
    """Return uint8 (784,) of {"pixels": base64}, or of {"picture": base64, "side": n} by the geometry of MNIST."""
    if isinstance(given, dict) and "pixels" in given:
        return _bytes_of(given["pixels"], PIXELS, "pixels").copy()
    side = given.get("side") if isinstance(given, dict) else None
    if type(side) is not int or not IMAGE_SIDE <= side <= MOST_SIDE:
        raise DataError(f"side is no whole number from {IMAGE_SIDE} to {MOST_SIDE}.")
    picture = _bytes_of(given.get("picture"), side * side, "picture").reshape(side, side)
    return fit_picture(picture).reshape(PIXELS)


def _bytes_of(text: Any, count: int, name: str) -> NDArray[np.uint8]:
    try:
        content = base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if len(content) != count:
        raise DataError(f"{name} are no {count:,} bytes in base64.")
    return np.frombuffer(content, np.uint8)


def _label(given: Any) -> int:
    label = given.get("label") if isinstance(given, dict) else None
    if type(label) is not int or not 0 <= label < CLASSES:
        raise DataError(f"label is no whole number from 0 to {CLASSES - 1}.")
    return label


def _shown(entry: LabelledDigit) -> dict[str, Any]:
    return {"key": entry.key, "label": entry.label, "pixels": _text(entry.image)}


def _text(image: NDArray[np.uint8]) -> str:
    return base64.b64encode(image.tobytes()).decode()
