"""Where the hand-written C of `firmware_stub/` is, and what an emitted engine calls itself."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.build_folder import ENGINE_FOLDER, MODEL
from edgedigits.data.shape import PIXELS
from edgedigits.engine.engine_json import EngineFile, read_engine_file
from edgedigits.errors import DataError
from edgedigits.view import PLAIN, View

if TYPE_CHECKING:
    from edgedigits.devices.cores import Core

_PACKAGE = Path(__file__).parent.parent
MOST_SOURCE_BYTES = 1 << 28
_HINT = "Give a build's folder, or one that `edgedigits compile` wrote."


def firmware_stub() -> Path:
    """Return the folder of the firmware's sources: inside the installed package, or beside it in a checkout.

    Raises:
        DataError: it is in neither place.
    """
    for folder in (_PACKAGE / "firmware_stub", _PACKAGE.parent / "firmware_stub"):
        if (folder / "src" / "model.h").is_file():
            return folder
    raise DataError("firmware_stub is not where edgedigits is installed.", hint="Install edgedigits again.")


@dataclass(frozen=True, slots=True)
class Engine:
    """An emitted engine.

    Attributes:
        folder: where its .c and .h are.
        facts: what it says of itself.
        sources: its .c files, without the self-test.
    """

    folder: Path
    facts: EngineFile
    sources: tuple[Path, ...]

    def on(self, core: Core) -> Engine:
        """Return it with what it takes on a core."""
        own = self.facts.workspace_bytes_on_avr
        if core.architecture.name != "avr" or own is None:
            return self
        return replace(self, facts=replace(self.facts, workspace_bytes=own))

    @property
    def prefix(self) -> str:
        """Start of its functions' names."""
        return self.facts.prefix

    @property
    def macro(self) -> str:
        """Start of its macros' names."""
        return self.prefix.upper()

    @property
    def header(self) -> str:
        """File name of its header."""
        return f"{self.prefix}.h"

    @property
    def self_test(self) -> Path:
        """The .c file of its self-test."""
        return self.folder / f"{self.prefix}_self_test.c"

    @property
    def invoke(self) -> str:
        """Name of the function that computes one image."""
        return f"{self.prefix}_invoke"

    @property
    def run(self) -> str:
        """Name of the function that `invoke` and others share, where there is one."""
        return f"{self.prefix}_run"

    @property
    def view(self) -> View:
        """What its `preprocess` makes of an image."""
        return (self.facts.pixels and self.facts.pixels.view) or PLAIN

    @property
    def pixel_count(self) -> int:
        """How many pixels its `preprocess` takes."""
        return self.facts.input.size if self.view.is_plain else PIXELS

    @property
    def reject_margin(self) -> int:
        """The least lead that its `classify` accepts, in steps of the output; 0 where it refuses nothing."""
        return self.facts.reject_margin or 0

    @property
    def defines(self) -> dict[str, str]:
        """Macros that tell `firmware_stub/src/model.h` which engine to include."""
        return {"MODEL_HEADER": f'"{self.header}"', "MODEL_PREFIX": self.prefix, "MODEL_MACRO": self.macro}


def find_engine(path: Path) -> Engine:
    """Find the engine at `path`: a build's folder, its engine/, or any folder that holds an emitted engine.

    Raises:
        DataError: there is none, or several; its facts are damaged, or one of its files is missing.
    """
    if not path.is_dir():
        raise DataError(f"{path} is not a folder.", hint=_HINT)
    for folder in (path / ENGINE_FOLDER, path):
        found = _engines(folder)
        if len(found) > 1:
            names = ", ".join(facts.prefix for facts in found)
            raise DataError(f"{folder} holds several engines: {names}.", hint="Give each a folder of its own.")
        if found:
            return _engine(folder, found[0])
    made = f"Make one and give that: edgedigits compile {shlex.quote(str(path))} --out DIR"
    hint = made if (path / MODEL).is_file() else _HINT
    raise DataError(f"{path} holds no engine with its facts, a file PREFIX.json.", hint=hint)


def _engines(folder: Path) -> list[EngineFile]:
    """Return the facts of every engine in a folder."""
    try:
        files = sorted(folder.glob("*.json"))
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.", hint="May you read it?") from error
    return [facts for file in files if (facts := read_engine_file(file)) is not None]


def _engine(folder: Path, facts: EngineFile) -> Engine:
    engine = Engine(folder, facts, (folder / f"{facts.prefix}.c",))
    for file in (folder / engine.header, *engine.sources, engine.self_test):
        if not file.is_file():
            raise DataError(f"{file} is missing beside {facts.prefix}.json.", hint="Build or compile it again.")
        if file.stat().st_size > MOST_SOURCE_BYTES:
            raise DataError(f"{file} is larger than any engine's.", hint="Build or compile it again.")
    return engine
