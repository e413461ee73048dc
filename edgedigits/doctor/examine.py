"""Looks at everything that this toolkit uses, in a second or so, and imports none of the libraries that are large."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from edgedigits.doctor.boards import examine_boards
from edgedigits.doctor.finding import Finding, State
from edgedigits.doctor.libraries import examine_extras, examine_libraries
from edgedigits.doctor.places import examine_places
from edgedigits.doctor.python import examine_python
from edgedigits.doctor.tools import examine_tools
from edgedigits.errors import DataError

_AREAS = ("python", "training", "runtimes", "libraries", "extras", "compilers", "emulators", "boards", "places")
_EXAMINATIONS = (examine_python, examine_libraries, examine_extras, examine_tools, examine_boards, examine_places)


def examine() -> list[Finding]:
    """Return what was found, area by area; a library that is broken stops only what is asked through it."""
    found = [finding for examination in _EXAMINATIONS for finding in _examined(examination)]
    return sorted(found, key=lambda finding: _AREAS.index(finding.area))


def _examined(examination: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from examination()
    except (ImportError, OSError, DataError) as error:
        what = examination.__name__.removeprefix("examine_")
        area = what if what in _AREAS else "libraries"
        yield Finding(area, what, State.WRONG, f"cannot be looked at: {error}", "Mend what is told above it.")
