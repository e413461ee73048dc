"""Progress of the Python API: bars in a notebook, by HTML alone; nothing anywhere else.

Nothing has to be installed for it: a kernel that runs a notebook has IPython, and browsers know <progress>.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from html import escape
from typing import Any

from edgedigits.progress import SILENT, StageProgress

SECONDS_BETWEEN = 0.2
"""Between two drawings of a bar: each is a message to the browser."""


class _Bar:
    """A bar that is drawn anew in its place."""

    def __init__(self, display: Any, title: str, total: int | None) -> None:
        self._title, self._total = title, total
        self._done, self._note, self._drawn = 0, "", time.monotonic()
        self._handle = display(self._bundle(), raw=True, display_id=True)

    def advance(self, steps: int = 1, note: str = "", accuracy: float | None = None) -> None:
        self._done, self._note = self._done + steps, note
        if time.monotonic() - self._drawn >= SECONDS_BETWEEN:
            self.draw()

    def draw(self, *, ended: bool = False) -> None:
        self._drawn = time.monotonic()
        self._handle.update(self._bundle(ended), raw=True)

    def _bundle(self, ended: bool = False) -> dict[str, str]:
        """Return what is shown, by media type; of a stage that has ended no bar is left, only its line."""
        known = f' max="{self._total}" value="{min(self._done, self._total)}"' if self._total else ""
        bar = "" if ended else f'<progress aria-label="{escape(self._title)}"{known} style="width:16em"></progress>'
        count = f"{self._done:,}" + (f" of {self._total:,}" if self._total else "") if self._done else ""
        parts = [escape(self._title), bar, count, escape(self._note)]
        plain = [self._title, count, self._note]
        return {"text/html": f"<div>{' '.join(filter(None, parts))}</div>", "text/plain": " ".join(filter(None, plain))}


class NotebookProgress:
    """Implements `edgedigits.progress.Progress` where a notebook runs, and is silent elsewhere."""

    def stage(self, title: str, total: int | None = None) -> AbstractContextManager[StageProgress]:
        display = _find_display()
        return _shown(display, title, total) if display else SILENT.stage(title, total)

    def say(self, message: str) -> None:
        if display := _find_display():
            display({"text/html": f"<div>{escape(message)}</div>", "text/plain": message}, raw=True)


@contextmanager
def _shown(display: Any, title: str, total: int | None) -> Iterator[StageProgress]:
    bar = _Bar(display, title, total)
    yield bar
    bar.draw(ended=True)


def _find_display() -> Any:
    """Return IPython's `display` where a kernel runs this; None in a script and on a terminal."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    return sys.modules["IPython.display"].display if hasattr(shell, "kernel") else None


IN_NOTEBOOKS = NotebookProgress()
