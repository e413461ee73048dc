"""Writes simulate.json and simulate.html: both whole, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgedigits.devices.boards import Board
from edgedigits.devices.simulation import Simulation
from edgedigits.errors import DataError
from edgedigits.files.listing import REPORT, TOOL, list_files, not_own, seal
from edgedigits.files.scratch import parents_of, partial_folder
from edgedigits.files.writing import write_json, write_text
from edgedigits.report.engine_page import render_engine_page
from edgedigits.report.places import SIMULATION_PAGE, find_page, link_to

JSON_NAME, PAGE_NAME = "simulate.json", SIMULATION_PAGE
SCHEMA = 1
"""Of simulate.json, which holds what `--json` prints, and lists the page as its own."""


def check_place(folder: Path, *, force: bool) -> None:
    """Refuse a folder that holds a report already, before any work is done.

    Raises:
        DataError: there is one, and `force` is not set or it is not as it was written; or the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file, expected a folder to write.", hint="Choose another --report.")
    taken = [name for name in (JSON_NAME, PAGE_NAME) if (folder / name).exists()]
    if taken and not force:
        raise DataError(
            f"{folder / taken[0]} exists already.", hint="Choose another --report, or overwrite it with --force."
        )
    foreign = not_own(folder, (JSON_NAME, PAGE_NAME), JSON_NAME)
    if foreign:
        raise DataError(
            f"{folder / foreign[0]} is not what this tool wrote.", hint="Move it away, or choose another --report."
        )


def write_engine_report(
    folder: Path,
    run: Simulation,
    facts: dict[str, Any],
    *,
    name: str,
    origin: str,
    board: Board | None = None,
    failures: Sequence[str] = (),
    notes: Sequence[str] = (),
    build: Path | None = None,
) -> tuple[Path, ...]:
    """Write the figures and the page of a simulation.

    Args:
        folder: made if it is not there.
        run: the simulation.
        facts: what simulate.json shall hold besides its schema, status and failures.
        name: of the build, for the page.
        origin: what the images are.
        board: the board that the engine was held against.
        failures: one sentence for each check that failed.
        notes: what is to be known of the images, one sentence each.
        build: its folder, whose report the page links where it holds one.

    Returns:
        The paths.

    Raises:
        DataError: the folder cannot be written.
    """
    report = link_to(find_page(build) if build else None, folder)
    page = render_engine_page(run, name, origin, board, failures, notes, report=report)
    status = "failed" if failures else "ok"
    _write_both(folder, {"schema": SCHEMA, "status": status, **facts, "failures": list(failures)}, page)
    return folder / JSON_NAME, folder / PAGE_NAME


def _write_both(folder: Path, facts: dict[str, Any], page: str) -> None:
    try:
        with parents_of(folder / JSON_NAME), partial_folder(folder, "simulate") as partial:
            write_text(partial / PAGE_NAME, page)
            listed = {"kind": REPORT, "tool": TOOL, "files": list_files(partial, (PAGE_NAME,))}
            write_json(partial / JSON_NAME, seal({**facts, **listed}))
            for file in (JSON_NAME, PAGE_NAME):
                (partial / file).replace(folder / file)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written: {error.strerror or error}.", hint="Choose another --report."
        ) from error
