"""What was found out about one thing that this toolkit uses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is with a thing."""

    FINE = "fine"
    ABSENT = "absent"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing.

    Attributes:
        area: what it belongs to, such as "training".
        name: of it, as people call it.
        state: how it is.
        detail: its version or place, or what is wrong with it.
        remedy: what to do about it; empty where there is nothing to do.
        stops_build: without it, `edgedigits build` would fail.
    """

    area: str
    name: str
    state: State
    detail: str
    remedy: str = ""
    stops_build: bool = False


def fine(area: str, name: str, detail: str) -> Finding:
    """Return that a thing is as it should be."""
    return Finding(area, name, State.FINE, detail)
