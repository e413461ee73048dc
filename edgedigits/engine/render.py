"""Lays out text from the templates of this room. All numbers are computed before they get here."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).parent / "templates"


@lru_cache
def text_templates(folder: Path) -> Environment:
    """Return what lays out the templates of a folder as text: a fact that one names and nobody gives is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
        autoescape=False,  # The output is C and its like, not HTML; text from files goes through `comment_text`.
    )


def render(template: str, **facts: Any) -> str:
    """Return the text of `template`, a file name in `engine/templates`, with `facts` filled in.

    Lines end in LF; write the text with `newline="\\n"` or as bytes, so that it stays so on Windows.
    A fact that the template names and the caller forgot raises `jinja2.UndefinedError`.
    """
    return text_templates(_TEMPLATES).get_template(template).render(**facts)
