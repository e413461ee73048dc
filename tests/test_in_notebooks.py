"""The Python API shows bars in a notebook, without ipywidgets, and says nothing in a script."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest

from edgedigits import api
from edgedigits.in_notebooks import IN_NOTEBOOKS

CELL = """
import time
from edgedigits.in_notebooks import IN_NOTEBOOKS, SECONDS_BETWEEN
with IN_NOTEBOOKS.stage("Fitting <a>", 1200) as bar:
    bar.advance(700, "loss 0.5")
    time.sleep(SECONDS_BETWEEN)
    bar.advance(500, "loss 0.1")
with IN_NOTEBOOKS.stage("Reading"):
    pass
IN_NOTEBOOKS.say("A fallback.")
try:
    with IN_NOTEBOOKS.stage("Broken", 2) as bar:
        bar.advance()
        raise ValueError
except ValueError:
    pass
"""


def test_nothing_is_said_outside_a_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    with IN_NOTEBOOKS.stage("Fitting", 2) as bar:
        bar.advance(note="loss 0.1")
    IN_NOTEBOOKS.say("A fallback.")
    assert capsys.readouterr() == ("", "")


def test_every_function_of_the_api_shows_its_progress_there() -> None:
    functions = [one for _, one in inspect.getmembers(api, inspect.isfunction) if one.__module__ == api.__name__]
    defaults = [
        inspect.signature(one).parameters.get("progress") for one in functions if not one.__name__.startswith("_")
    ]
    assert {one.default for one in defaults if one} == {IN_NOTEBOOKS}


@pytest.mark.slow
def test_a_notebook_has_a_bar_that_moves_in_its_place() -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": sys.executable}
    updates: list[Any] = []

    class Client(nbclient.NotebookClient):  # type: ignore[misc,name-defined]
        def process_message(self, message: Any, cell: Any, index: int) -> Any:
            updates.extend(
                [message["content"]["data"]["text/html"]] if message["msg_type"] == "update_display_data" else []
            )
            return super().process_message(message, cell, index)

    Client(notebook, timeout=60).execute()
    shown = [(one["data"]["text/html"], one["data"]["text/plain"]) for one in notebook.cells[0].outputs]
    assert shown[:3] == [
        ("<div>Fitting &lt;a&gt; 1,200 of 1,200 loss 0.1</div>", "Fitting <a> 1,200 of 1,200 loss 0.1"),
        ("<div>Reading</div>", "Reading"),
        ("<div>A fallback.</div>", "A fallback."),
    ]
    assert len(shown) == 4 and '<progress aria-label="Broken" max="2" value="0"' in shown[3][0]
    assert any('max="1200" value="1200"' in one for one in updates)
