"""Writes simulate.json and simulate.html: both whole, or neither."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgedigits.artifacts import write_json, write_text
from edgedigits.errors import DataError
from edgedigits.report.engine_page import render_engine_page
from edgedigits.targets.boards import Board
from edgedigits.targets.simulation import Simulation

JSON_NAME, PAGE_NAME = "simulate.json", "simulate.html"
SCHEMA = 1
"""Of simulate.json, which holds what `--json` prints."""


def check_place(folder: Path, *, force: bool) -> None:
    """Refuse a folder that holds a report already, before any work is done.

    Raises:
        DataError: there is one, and `force` is not set; or the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file, expected a folder to write.", hint="Choose another --report.")
    taken = [name for name in (JSON_NAME, PAGE_NAME) if (folder / name).exists()]
    if taken and not force:
        raise DataError(
            f"{folder / taken[0]} exists already.", hint="Choose another --report, or overwrite it with --force."
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

    Returns:
        The paths.

    Raises:
        DataError: the folder cannot be written.
    """
    page = render_engine_page(run, name, origin, board, failures)
    status = "failed" if failures else "ok"
    _write_both(folder, {"schema": SCHEMA, "status": status, **facts, "failures": list(failures)}, page)
    return folder / JSON_NAME, folder / PAGE_NAME


def _write_both(folder: Path, facts: dict[str, Any], page: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".simulate-", dir=folder) as partial:
            write_json(Path(partial) / JSON_NAME, facts)
            write_text(Path(partial) / PAGE_NAME, page)
            for file in (JSON_NAME, PAGE_NAME):
                (Path(partial) / file).replace(folder / file)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written: {error.strerror or error}.", hint="Choose another --report."
        ) from error
