"""What a verb hands back to be printed: the same facts as data and as text."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from edgedigits.errors import EXIT_CHECK_FAILED

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress


@dataclass(frozen=True)
class Outcome:
    """Result of a verb.

    Attributes:
        payload: JSON-serialisable facts, printed by `--json`.
        show: prints the same facts to a rich console; called without `--json` and `--quiet`.
        failures: one sentence per check that failed; any makes the status "failed".
        failed_with: the exit code where there are any.
    """

    payload: dict[str, Any]
    show: Callable[[Console], None]
    failures: tuple[str, ...] = field(default=())
    failed_with: int = EXIT_CHECK_FAILED


class Verb(Protocol):
    """A module of this package that implements one verb."""

    HELP: str
    EXAMPLES: tuple[str, ...]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's arguments; imports nothing heavy."""

    def run(self, args: argparse.Namespace, progress: Progress) -> Outcome:
        """Do the work; raise EdgedigitsError for whatever the user can mend."""
