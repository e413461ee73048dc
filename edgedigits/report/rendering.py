"""What every page of a report shares: the templates and how figures enter them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

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
