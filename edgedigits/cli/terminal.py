"""Progress on a terminal's stderr: one bar per stage, nothing at all where stderr is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from edgedigits.cli.interrupts import check_interrupt
from edgedigits.cli.streams import clean_console, tell
from edgedigits.printable import printable
from edgedigits.progress import StageProgress

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.progress import Progress as RichProgress


class _Bar:
    def __init__(self, bars: RichProgress, task: Any) -> None:
        self._bars, self._task = bars, task

    def advance(self, steps: int = 1, note: str = "", accuracy: float | None = None) -> None:
        check_interrupt()
        self._bars.update(self._task, advance=steps, note=printable(note))


class _NoBar:
    def advance(self, steps: int = 1, note: str = "", accuracy: float | None = None) -> None:
        check_interrupt()


class TerminalProgress:
    """Implements `edgedigits.progress.Progress`.

    Args:
        quiet: say nothing.
        verbose: name each stage on a line of its own where stderr is not a terminal.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet, self._verbose = quiet, verbose

    def say(self, message: str) -> None:
        if not self._quiet:
            tell(message)

    def stage(self, title: str, total: int | None = None) -> AbstractContextManager[StageProgress]:
        check_interrupt()
        if not self._quiet and sys.stderr is not None and sys.stderr.isatty():
            return _bar(printable(title), total)
        if self._verbose:
            self.say(title)
        return nullcontext(_NoBar())


@contextmanager
def _bar(title: str, total: int | None) -> Iterator[StageProgress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<28}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=clean_console(stderr=True)) as bars:
        yield _Bar(bars, bars.add_task(title, total=total, note=""))
