"""What a board says it saw: lines `seen CLASS PIXELS`, which any sketch can print, among whatever else it prints.

CLASS is the digit that the board read, or ? where it refused; PIXELS are the 784 bytes that it classified, ink light,
two hexadecimal figures each.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import PIXELS
from edgedigits.devices.link import BoardLink, LineReader
from edgedigits.errors import EdgedigitsError

_SEEN = re.compile(rf"seen ([0-9?]) ([0-9a-fA-F]{{{2 * PIXELS}}})")
_LISTEN_S = 0.5
MOST_WAITING = 50
"""Digits that wait for a label; of more the oldest are forgotten."""


@dataclass(frozen=True)
class Seen:
    """What a board saw.

    Attributes:
        number: from 1, in the order in which it came.
        digit: 0 to 9, or None where the board refused it.
        image: uint8 (784,).
    """

    number: int
    digit: int | None
    image: NDArray[np.uint8]


def parse_seen(line: str, number: int) -> Seen | None:
    """Return what a line of a board says it saw; None for any other line."""
    match = _SEEN.fullmatch(line)
    if match is None:
        return None
    digit = None if match[1] == "?" else int(match[1])
    return Seen(number, digit, np.frombuffer(bytes.fromhex(match[2]), np.uint8))


class Monitor:
    """Listens to a link in a thread of its own until it is closed.

    Attributes:
        lost: why nothing more comes; empty while it listens.
    """

    def __init__(self, link: BoardLink) -> None:
        self.name, self.lost = link.name, ""
        self._link, self._lines = link, LineReader(link)
        self._seen: list[Seen] = []
        self._count = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._guarded, args=(self._listen,), daemon=True)
        self._thread.start()

    def after(self, number: int) -> list[Seen]:
        """Return what was seen after the one of that number, and is not forgotten yet."""
        return [one for one in list(self._seen) if one.number > number]

    def close(self) -> None:
        """End it, and let go of the link."""
        self._ends.set()
        self._thread.join(timeout=4 * _LISTEN_S)
        self._link.close()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except EdgedigitsError as error:
            self.lost = error.message

    def _listen(self) -> None:
        while not self._ends.is_set():
            line = self._lines.line(_LISTEN_S)
            seen = parse_seen(line, self._count + 1) if line else None
            if seen is not None:
                self._count += 1
                self._seen = [*self._seen, seen][-MOST_WAITING:]
