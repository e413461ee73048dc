"""Where the pages of a build lie, and how one is linked from another."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from edgedigits.build_folder import MANIFEST, PAGE

SIMULATION_PAGE = "simulate.html"
_SIMULATION, _REPORT = "-simulation", "-report.html"


def build_of(path: Path) -> Path:
    """Return the folder of a build where `path` is that of its engine, else `path`, each in full."""
    whole = path.resolve()
    return whole.parent if (whole.parent / MANIFEST).is_file() else whole


def simulation_folder(path: Path) -> Path:
    """Return where the report of an engine goes: beside its build, whose files repeat and stay as they are.

    Args:
        path: a build's folder, or that of an engine, perhaps in a build.
    """
    build = build_of(path)
    return build.with_name(build.name + _SIMULATION)


def drawn_page(build: Path) -> Path:
    """Return where the page of a build goes that is drawn later than the build was made: beside it."""
    whole = build.resolve()
    return whole.with_name(whole.name + _REPORT)


def find_page(folder: Path) -> Path | None:
    """Return the page that lies in a folder of a build, simulation, study or search, or that was drawn beside it."""
    places = (folder / PAGE, folder / SIMULATION_PAGE, drawn_page(folder))
    return next((place for place in places if place.is_file()), None)


def find_simulation(build: Path) -> Path | None:
    """Return the page of a simulation of a build."""
    page = simulation_folder(build) / SIMULATION_PAGE
    return page if page.is_file() else None


def link_to(page: Path | None, folder: Path) -> str:
    """Return the address of a page for a link from one in `folder`; "" for none."""
    return quote(Path(os.path.relpath(page.resolve(), folder.resolve())).as_posix()) if page else ""
