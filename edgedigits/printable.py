"""Text that is not ours, as a terminal may be shown it: names of files, models and devices, and what libraries say."""

from __future__ import annotations

REPLACEMENT = "?"


def printable(text: str) -> str:
    """Return one line in which nothing steers the terminal: controls, breaks and marks of direction are replaced.

    JSON needs none of this: it escapes them.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else REPLACEMENT for character in text)


def printable_lines(text: str) -> str:
    """Return text with its line feeds, each line as `printable` has it."""
    return "\n".join(map(printable, text.split("\n")))
