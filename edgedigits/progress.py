"""How long-running library functions tell what they are doing, without knowing about terminals."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class StageProgress(Protocol):
    """One bar: a stage of the work with a known or unknown number of steps."""

    def advance(self, steps: int = 1, note: str = "", accuracy: float | None = None) -> None:
        """Move on by `steps`; `note` is a short text; `accuracy`, 0…1, is of the epoch of a training that has ended."""


class Progress(Protocol):
    """Where a library function reports to."""

    def stage(self, title: str, total: int | None = None) -> AbstractContextManager[StageProgress]:
        """Open a stage of `total` steps (None: unknown)."""

    def say(self, message: str) -> None:
        """Tell one line, such as a fallback that was taken."""


class _SilentStage:
    def advance(self, steps: int = 1, note: str = "", accuracy: float | None = None) -> None:
        pass


class SilentProgress:
    """Reports nowhere."""

    def stage(self, title: str, total: int | None = None) -> AbstractContextManager[StageProgress]:
        return nullcontext(_SilentStage())

    def say(self, message: str) -> None:
        pass


SILENT = SilentProgress()
