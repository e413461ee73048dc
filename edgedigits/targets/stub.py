"""Where the hand-written C of `firmware_stub/` is, and what an emitted engine calls itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgedigits.errors import DataError

STARTUP = {"arm": "arm/startup_cortexm.c", "riscv": "riscv/startup_rv32.c"}
"""Start-up code by architecture."""

_PACKAGE = Path(__file__).parent.parent
# Sizes are plain decimal numbers, as an emitted header has them; what has more digits is told in other words.
_DEFINE = r"^[ \t]*#[ \t]*define[ \t]+{name}[ \t]+\(?(0|[1-9][0-9]{{0,40}})[uU]?\)?[ \t]*(?:/|\r?$)"
_SIZE = re.compile(_DEFINE.format(name=r"(\w+)_INPUT_SIZE"), re.MULTILINE)
_ROUNDING = re.compile(r"\brounding\b\W+(?:\w+\W+){0,2}?(litert|tflm)\b", re.IGNORECASE)
_DIGEST = re.compile(r"SHA-256 ([0-9a-f]{64})\b")
MOST_VALUES, MOST_WORKSPACE = 1 << 20, 1 << 26
"""Int8 values that go into an engine or come out, and bytes of its workspace: no microcontroller has more."""
MOST_HEADER_BYTES = 1 << 20
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
        header: file name of its header.
        sources: its .c files, without the self-test.
        self_test: the .c file of its self-test.
        prefix: start of its functions' names.
        macro: start of its macros' names.
        input_size: int8 values that go in.
        output_size: int8 values that come out.
        workspace_bytes: RAM that the caller lends it.
        rounding: "litert" or "tflm": whose arithmetic it repeats.
        digest: SHA-256 of the .tflite it was made from; empty where the header does not say.
    """

    folder: Path
    header: str
    sources: tuple[Path, ...]
    self_test: Path
    prefix: str
    macro: str
    input_size: int
    output_size: int
    workspace_bytes: int
    rounding: str
    digest: str

    @property
    def invoke(self) -> str:
        """Name of the function that computes one image."""
        return f"{self.prefix}_invoke"

    @property
    def defines(self) -> dict[str, str]:
        """Macros that tell `firmware_stub/src/model.h` which engine to include."""
        return {"MODEL_HEADER": f'"{self.header}"', "MODEL_PREFIX": self.prefix, "MODEL_MACRO": self.macro}


def find_engine(path: Path) -> Engine:
    """Find the engine at `path`: a build's folder, its engine/, or any folder that holds an emitted engine.

    Raises:
        DataError: there is none, or its header lacks one of the sizes.
    """
    if not path.is_dir():
        raise DataError(f"{path} is not a folder.", hint=_HINT)
    for folder in (path / "engine", path):
        for header in sorted(folder.glob("*.h")):
            text = _text(header)
            found = _SIZE.search(text)
            if found:
                return _read_engine(folder, header, text, found[1])
    raise DataError(f"{path} holds no engine.", hint=_HINT)


def _text(header: Path) -> str:
    """Return a header's text; none of what is no file, or too large for one."""
    try:
        if not header.is_file() or header.stat().st_size > MOST_HEADER_BYTES:
            return ""
        return header.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"{header} cannot be read: {error.strerror}.", hint="May you read it?") from error


def _read_engine(folder: Path, header: Path, text: str, macro: str) -> Engine:
    prefix = next((name for name in re.findall(r"\b(\w+)_invoke\s*\(", text) if name.upper() == macro), "")
    source, self_test = header.with_suffix(".c"), header.with_name(f"{header.stem}_self_test.c")
    if not prefix:
        raise DataError(f"{header} declares no function {macro.lower()}_invoke.", hint="Build or compile it again.")
    for file in (source, self_test):
        if not file.is_file():
            raise DataError(f"{file} is missing beside its header.", hint="Build or compile it again.")
    rounding, digest = _ROUNDING.search(text), _DIGEST.search(text)
    return Engine(
        folder=folder,
        header=header.name,
        sources=(source,),
        self_test=self_test,
        prefix=prefix,
        macro=macro,
        input_size=_size(header, text, f"{macro}_INPUT_SIZE", 1, MOST_VALUES),
        output_size=_size(header, text, f"{macro}_OUTPUT_SIZE", 1, MOST_VALUES),
        workspace_bytes=_size(header, text, f"{macro}_WORKSPACE_BYTES", 0, MOST_WORKSPACE),
        rounding=rounding[1].lower() if rounding else "litert",
        digest=digest[1] if digest else "",
    )


def _size(header: Path, text: str, name: str, low: int, high: int) -> int:
    found = re.search(_DEFINE.format(name=re.escape(name)), text, re.MULTILINE)
    if not found:
        raise DataError(f"{header} does not define {name} as a number.", hint="Build or compile it again.")
    if not low <= int(found[1]) <= high:
        raise DataError(
            f"{header} defines {name} as {found[1]}, expected {low:,} to {high:,}.", hint="Build or compile it again."
        )
    return int(found[1])
