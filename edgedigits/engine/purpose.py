"""What an engine is for, as far as its model tells, and the words that its text has for that."""

from __future__ import annotations

from typing import Any

from edgedigits.data.preprocess import PixelMap, range_text
from edgedigits.data.shape import PIXELS
from edgedigits.model.network import Network
from edgedigits.view import PLAIN

WORDS = {
    "digits": {
        "title": "A digit classifier",
        "one": "image",
        "several": "images",
        "skipped": "the background of an image",
        "results": "scores",
    },
    "classes": {
        "title": "A classifier",
        "one": "input",
        "several": "inputs",
        "skipped": "inputs at that value",
        "results": "scores",
    },
    "values": {
        "title": "A neural network",
        "one": "input",
        "several": "inputs",
        "skipped": "inputs at that value",
        "results": "outputs",
    },
}
"""How the generated text calls what goes in and comes out."""


def purpose(network: Network, pixels: PixelMap | None, prefix: str) -> dict[str, Any]:
    """Return what the model is for, as far as is known, and the words for it."""
    takes_digits = pixels is not None
    classifies = takes_digits or (network.gives_probabilities and network.outputs > 1)
    kind = "digits" if takes_digits else "classes" if classifies else "values"
    words, view = WORDS[kind], pixels.view if pixels else PLAIN
    return {
        "takes_digits": takes_digits,
        "classifies": classifies,
        "words": words,
        "view": view,
        "view_text": str(view).replace("×", " x "),
        "pixel_count": network.inputs if view.is_plain else PIXELS,
        "pixels_are": range_text(pixels.range.low, pixels.range.high) if pixels else "",
        "inputs_text": _count(network.inputs, "values")
        + (f" as {prefix}_preprocess makes them" if takes_digits else ""),
        "outputs_text": _count(network.outputs, "values" if kind == "values" else "scores"),
    }


def _count(count: int, things: str) -> str:
    return f"{count} {things if count != 1 else things.removesuffix('s')}"
