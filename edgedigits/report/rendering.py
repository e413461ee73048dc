"""What every page of a report shares: the templates and how figures enter them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from edgedigits.report.style import Plot, svg_inline

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Figure:
    """A figure of a page: an <svg> element, and how its figures were obtained."""

    svg: Markup
    how: str


def figures(plots: Iterable[Plot]) -> list[Figure]:
    """Return figures ready for a page."""
    return [Figure(Markup(svg_inline(plot)), plot.how) for plot in plots]


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
