"""A finished build as a small card, for the last line of a notebook's cell."""

from __future__ import annotations

from html import escape

from edgedigits.report.facts import BuildFacts


def to_html(facts: BuildFacts) -> str:
    """Return the figures that matter as HTML with inline styles only."""
    return f"<p><b>{escape(facts.name)}</b></p>"
