"""What the templates of an export are told of an engine, all of it from the facts beside its C."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from edgedigits.data.shape import CLASSES, PIXELS
from edgedigits.devices.avr import LARGEST_ON_AVR
from edgedigits.errors import DataError, UnsupportedModelError
from edgedigits.version import __version__

if TYPE_CHECKING:
    from edgedigits.devices.stub import Engine
    from edgedigits.exports.declaration import Export

VENDOR = "edgedigits"
"""Where an ecosystem wants one."""
_PAPER = 56 * 56
_ROOM_ON_AVR = 60_000
"""Bytes of constants that leave room for code below the 64 KiB that AVR reads them from."""
_MOST_ON_UNO, _MOST_RAM_ON_UNO = 24_000, 1_400
"""Bytes of constants and for the reader that leave room for code and Serial in 32 KB and 2 KB."""
_SAMPLE_KIB = 32
"""Of flash for the code of a sample and its system; half as much of RAM."""
_HINT = "Build or compile it again."


@dataclass(frozen=True, slots=True)
class Library:
    """An engine of digits with what an export adds.

    Attributes:
        engine: as it lies in its folder.
        self_test: its self-test goes along.
    """

    engine: Engine
    self_test: bool

    @property
    def engine_files(self) -> tuple[str, ...]:
        """Names of the files that are taken as they are."""
        ends = (".h", ".c", "_fit.c", *(("_self_test.c",) if self.self_test else ()))
        return tuple(f"{self.engine.prefix}{end}" for end in ends)

    @property
    def reader_files(self) -> tuple[str, ...]:
        """Names of the files that read images from a line of text."""
        return f"{self.engine.prefix}_reader.h", f"{self.engine.prefix}_reader.c"

    def names(self) -> dict[str, str]:
        """Return what names of files may hold."""
        return {"prefix": self.engine.prefix, "vendor": VENDOR, "version": __version__}

    def facts(self, export: Export, folder: str) -> dict[str, Any]:
        """Return what the templates may name, of an export in a folder of that name."""
        names, pixels = self.names(), self.engine.facts.pixels
        sources = [*self.engine_files, *(self.reader_files if export.reader else ())]
        return {
            **names,
            **self._sizes(),
            "export": export,
            "then": export.then.format(folder=folder, **names),
            "calls": export.calls.format(**names),
            "sources": f"{export.sources}/".format(**names) if export.sources else "",
            "macro": self.engine.macro,
            "tool": f"edgedigits {__version__}",
            "model": self.engine.facts.model_sha256,
            "raw": bool(pixels and pixels.raw),
            "fed": bool(pixels and pixels.portions),
            "refuses": self.engine.reject_margin > 0,
            "self_test": self.self_test,
            "c_files": [name for name in sources if name.endswith(".c")],
            "headers": [name for name in sources if name.endswith(".h")],
        }

    def _sizes(self) -> dict[str, Any]:
        """Return bytes as text, and what follows from them: which boards, and the memory that a sample asks for."""
        facts = self.engine.facts
        pixels = facts.pixels
        constants = facts.weight_bytes + facts.bias_bytes + facts.table_bytes
        arrays = [size for step in facts.steps for size in step.stored.plain.bytes.values()]
        given = 0 if pixels and pixels.raw else facts.input.size
        image = 0 if pixels and pixels.portions else PIXELS + given
        on_avr = facts.workspace_bytes if facts.workspace_bytes_on_avr is None else facts.workspace_bytes_on_avr
        return {
            "pixels": PIXELS,
            "classes": CLASSES,
            "constants": f"{constants:,}",
            "workspace": f"{facts.workspace_bytes:,}",
            "drawing": f"{_PAPER + PIXELS + given + facts.workspace_bytes:,}",
            "fits_avr": constants <= _ROOM_ON_AVR and max(arrays, default=0) <= LARGEST_ON_AVR,
            "fits_uno": constants <= _MOST_ON_UNO and on_avr + image <= _MOST_RAM_ON_UNO,
            "flash_kib": _SAMPLE_KIB + ceil(constants / 1024),
            "ram_kib": _SAMPLE_KIB // 2 + ceil((facts.workspace_bytes + image) / 1024),
        }


def find_library(engine: Engine, *, self_test: bool) -> Library:
    """Return what is exported of an engine.

    Raises:
        UnsupportedModelError: it classifies no digits.
        DataError: it was made before engines had all that an export needs, or lacks a file.
    """
    facts = engine.facts
    if facts.pixels is None or engine.pixel_count != PIXELS or facts.classes != CLASSES:
        raise UnsupportedModelError(
            f"{engine.folder} classifies no 28×28 digits, as all that an export adds does.",
            hint="The engine is flat C99 that includes nothing but itself: copy its folder as it is.",
        )
    fit = engine.folder / f"{engine.prefix}_fit.c"
    if not facts.scores or not fit.is_file():
        lacks = f"{fit} is not there" if facts.scores else f"{engine.folder} is of an older edgedigits"
        raise DataError(f"{lacks}.", hint=_HINT)
    return Library(engine, self_test)
