"""The page on which digits are drawn, labelled and corrected."""

from __future__ import annotations

from pathlib import Path

from edgedigits.collect.service import MOST_SIDE, Service
from edgedigits.report.rendering import page_templates

_TEMPLATES = Path(__file__).parent / "templates"


def render_collect(service: Service, nonce: str) -> str:
    """Return the page; its scripts and styles carry a nonce."""
    board = service.monitor.name if service.monitor else ""
    model = service.answers.name if service.answers else ""
    template = page_templates(_TEMPLATES).get_template("collect.html.j2")
    facts = {"side": MOST_SIDE, "board": board}
    return template.render(
        name=service.book.path.name, nonce=nonce, model=model, board=board, side=MOST_SIDE, facts=facts
    )
