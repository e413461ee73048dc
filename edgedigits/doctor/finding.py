"""What was found out about one thing that this toolkit uses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edgedigits.errors import EdgedigitsError


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


def from_error(area: str, name: str, error: EdgedigitsError, *, stops_build: bool = False) -> Finding:
    """Return what is wrong with a thing, as an error tells it, whose sentence goes on here."""
    return Finding(area, name, State.WRONG, error.message.rstrip("."), error.hint, stops_build)


def fine(area: str, name: str, detail: str) -> Finding:
    """Return that a thing is as it should be."""
    return Finding(area, name, State.FINE, detail)
