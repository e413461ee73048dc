"""Boards and chips that people name and that no board of the catalogue is: why not, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from edgedigits.devices.catalogue import Text, read_folder
from edgedigits.devices.stub import firmware_stub


@dataclass(frozen=True, slots=True)
class OtherChips:
    """A family of chips without a board; a file of `firmware_stub/other_chips/`.

    Attributes:
        name: the file's.
        title: what people call them.
        names: patterns of what boards and chips of it are called, as `squeezed` writes them, with * and ?.
        why: why there is no board, as the rest of a sentence.
        instead: sentences on what to do.
    """

    name: Text
    title: Text
    names: tuple[Text, ...]
    why: Text
    instead: Text

    @property
    def answer(self) -> str:
        """All that in sentences."""
        return f"{self.title}: {self.why}. {self.instead}"


@lru_cache
def load_other_chips() -> Mapping[str, OtherChips]:
    """Return the families by name; raises DataError as `read_folder`."""
    return read_folder(firmware_stub() / "other_chips", OtherChips)


def find_other_chips(name: str) -> OtherChips | None:
    """Return the family that a name is of, by the longest pattern that it matches; None where nothing is known."""
    plain = squeezed(name)
    fitting = [
        (len(pattern), family.name)
        for family in load_other_chips().values()
        for pattern in family.names
        if fnmatchcase(plain, pattern)
    ]
    return load_other_chips()[max(fitting)[1]] if fitting else None


def squeezed(name: str) -> str:
    """Return a name in lower case without what some write between its parts: "STM32-F103_C8" is "stm32f103c8"."""
    return re.sub(r"[-_ .:/]", "", name.lower())
