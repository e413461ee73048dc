"""What an export declares of itself: one file an export in this folder, found by being there.

Its templates lie in `templates/NAME/`, laid out as what is written: `templates/cmake/example/main.c.j2` becomes
`example/main.c`. Names of files may hold {prefix}, as may all that is said here, and what is to be done {folder}, the
name of what they lie in; the templates get the facts of `Library`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Export:
    """A kind of export.

    Attributes:
        name: as users write it.
        help: what it is, in a few words.
        sources: the folder in it that holds the engine's C; "" for its own.
        files: what it holds besides, by path.
        then: what to do with it, as one line.
        archive: the name that tools expect of an archive, whose files then lie in no folder; "" where any will do.
        calls: what to call, for its README; "" for the functions of the engine's header.
        reader: what reads images from a serial line goes along.
    """

    name: str
    help: str
    sources: str
    files: tuple[str, ...]
    then: str
    archive: str = ""
    calls: str = ""
    reader: bool = True
