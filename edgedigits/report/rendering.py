"""What every page of a report shares: the templates and how figures enter them."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from numpy.typing import NDArray
from PIL import Image

from edgedigits.report.style import Plot, svg_inline

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Figure:
    """A figure of a page: an <svg> element, and how to read it."""

    svg: Markup
    caption: str


def figures(plots: Iterable[Plot]) -> list[Figure]:
    """Return figures ready for a page."""
    return [Figure(Markup(svg_inline(plot)), plot.caption) for plot in plots]


def raised(formula: str) -> Markup:
    """Return text for a page with exponents as they are printed: p^2 or p^(a + b) without the caret."""
    return Markup(re.sub(r"\^(\w+|\([^)]*\))", r"<sup>\1</sup>", str(escape(formula))))


def png_source(pixels: NDArray[np.uint8]) -> str:
    """Return what an <img> shows: pixels (height, width), or (height, width, 3 or 4), as a PNG within the page."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG", optimize=True)
    return source_of_png(content.getvalue())


def source_of_png(content: bytes) -> str:
    """Return what an <img> shows: a PNG within the page."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


@lru_cache
def page_templates(*folders: Path) -> Environment:
    """Return the templates of the pages, those of other folders first; a name that is not given is an error."""
    return Environment(
        loader=FileSystemLoader((*folders, _TEMPLATES)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        newline_sequence="\n",
        autoescape=True,
    )
