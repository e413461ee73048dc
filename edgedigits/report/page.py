"""The report of a build as one self-contained HTML page."""

from __future__ import annotations

from html import escape

from edgedigits.report.facts import BuildFacts


def render_page(facts: BuildFacts) -> str:
    """Return report.html: one page that needs no other file, no network and no JavaScript."""
    return f"<!doctype html><title>{escape(facts.name)}</title>"
