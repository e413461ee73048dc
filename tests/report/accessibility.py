"""axe-core on a page that a browser shows: what keeps people with a keyboard, a screen reader or weak eyes out."""

from __future__ import annotations

from typing import Any

import pytest

SIGHTS = ((1200, "light"), (390, "dark"))
"""Pixels of width, and the scheme of colours."""

# Of a drawing that is one image to a screen reader, its thousands of strokes say nothing more and take minutes.
_WITHOUT_STROKES = (
    """() => document.querySelectorAll('svg[role=img] > :not(title, desc)').forEach(one => one.remove())"""
)


def assert_accessible(tab: Any) -> None:
    """Assert that axe finds nothing that matters on a page of Playwright; it is of no use afterwards."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab.evaluate(_WITHOUT_STROKES)
    for width, scheme in SIGHTS:
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(media="screen", color_scheme=scheme)
        found = axe.run(tab).response["violations"]
        matters = [one for one in found if one["impact"] in ("moderate", "serious", "critical")]
        told = [f"{one['id']}: {node['html'][:120]}" for one in matters for node in one["nodes"]]
        assert not told, f"{width} pixels, {scheme}: {told[:8]}"
