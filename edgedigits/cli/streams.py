"""The program's three streams: whatever their encoding, and also where one is closed or full.

Results go to stdout, all else to stderr. What no terminal is to see is replaced here, for both; JSON escapes it.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import logging
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from edgedigits.errors import EXIT_DATA, EXIT_OK, DataError
from edgedigits.printable import REPLACEMENT, printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.cli.outcome import Outcome

WIDTH_WHEN_PIPED = 110
_ASCII = {
    **{"×": "x", "·": ".", "−": "-", "–": "-", "…": "...", "→": "->", "’": "'", "•": "*", "✓": "ok", "°": " deg"},
    **{"≤": "<=", "≥": ">=", "≠": "!=", "±": "+-", "≈": "~", "µ": "u", "μ": "u", "Σ": "sum"},
    **{"α": "alpha", "β": "beta", "γ": "gamma", "─": "-", "━": "-"},
}
"""What stands for the signs that this program prints where the encoding has none of them."""
_HANDLER = "edgedigits"


class Output:
    """Stdout, for results."""

    def __init__(self) -> None:
        self._error: OSError | None = None

    def require(self, *, may_be_quiet: bool) -> None:
        """Check, before there is any work whose results would be lost, that they can be printed.

        Args:
            may_be_quiet: whether there is work without results.

        Raises:
            DataError: stdout is closed.
        """
        if sys.stdout is None:
            hint = "Open it, or say --quiet." if may_be_quiet else "Open it."
            raise DataError("The results cannot be printed: stdout is closed.", hint=hint)

    def put(self, text: str) -> None:
        """Print lines; they are lost once stdout has failed, which `finish` tells."""
        self._try(lambda: print(text))

    def show(self, outcome: Outcome) -> None:
        """Let an outcome print itself."""
        if sys.stdout is not None and sys.stdout.isatty():
            self._try(lambda: outcome.show(clean_console()))
            return
        console = clean_console(file=io.StringIO(), width=WIDTH_WHEN_PIPED)
        outcome.show(console)
        # Tables are padded with blanks, which nobody wants in a file.
        for line in console.file.getvalue().splitlines():  # type: ignore[attr-defined]
            self.put(line.rstrip())

    def finish(self, code: int) -> int:
        """Make sure that what was printed has arrived.

        Returns:
            `code`; where results were lost and all else went well, that of a place that cannot be written.
        """
        self._try(lambda: sys.stdout.flush())
        if self._error is None:
            _let_go_of_stderr()
            return code
        _silence(sys.stdout)
        if isinstance(self._error, BrokenPipeError):  # Whoever read it has seen enough.
            return code
        tell(f"edgedigits: error: The results cannot be printed: {self._error.strerror or self._error}.")
        _let_go_of_stderr()
        return EXIT_DATA if code == EXIT_OK else code

    def _try(self, write: Callable[[], None]) -> None:
        if self._error is None and sys.stdout is not None:
            try:
                write()
            except OSError as error:
                self._error = error


def tell(text: str) -> None:
    """Print one line on stderr; where that cannot be written, it is lost."""
    _tell(printable(text))


def tell_lines(text: str) -> None:
    """Print lines on stderr."""
    _tell(printable_lines(text))


def prepare() -> None:
    """Make the streams take whatever is printed; no file opened later gets the number of a closed one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Without a home to write to, matplotlib says so at length, and draws all the same.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    codecs.register_error(_HANDLER, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def clean_console(**settings: Any) -> Console:
    """Return a console that lets nothing through that steers a terminal."""
    from rich.console import Console
    from rich.segment import Segment
    from rich.text import Text

    class CleanConsole(Console):
        def print(self, *objects: Any, **kwargs: Any) -> None:
            super().print(*map(clean_text, objects), **kwargs)

        def render(self, *args: Any, **kwargs: Any) -> Iterable[Segment]:
            for segment in super().render(*args, **kwargs):
                yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)

    def clean_text(thing: Any) -> Any:
        """Return text as one line: a break in it would look like a line of ours."""
        if isinstance(thing, str):
            return printable(thing)
        if isinstance(thing, Text):
            thing = thing.copy()
            thing.plain = printable(thing.plain)
        return thing

    return CleanConsole(highlight=False, emoji=False, **settings)


def _tell(text: str) -> None:
    # print() takes None for stdout.
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def _let_go_of_stderr() -> None:
    """Lose what cannot be written there: Python would try again at its end, and end with 120."""
    if sys.stderr is not None:
        try:
            sys.stderr.flush()
        except OSError:
            _silence(sys.stderr)


def _silence(stream: Any) -> None:
    """Let go what a stream still holds, which Python would try to write, and complain about, at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_one_in_ascii, error.object[error.start : error.end])), error.end


def _one_in_ascii(character: str) -> str:
    if character in _ASCII:
        return _ASCII[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or REPLACEMENT
