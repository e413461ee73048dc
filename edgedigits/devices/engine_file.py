"""Reads the facts of an engine, `<prefix>.json` beside its C. They size memory and name files, so each has bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.config_file import make_config, parse_sections
from edgedigits.engine.engine_json import KIND, PLAIN, SCHEMA, VECTORS
from edgedigits.errors import ConfigError, DataError
from edgedigits.view import View

MOST_BYTES = 1 << 20
"""Of the file; some 300 a layer are needed."""
MOST_VALUES, MOST_WORKSPACE, MOST_STEPS = 1 << 20, 1 << 26, 200
"""Int8 values that go into an engine or come out, bytes of its workspace, layers: no microcontroller has more."""
MOST_REAL = 1e30
ROUNDINGS = ("litert", "tflm")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}|")
_WORDS = re.compile(r"[A-Za-z0-9 ]{1,40}")
_LINE = re.compile(r"[ -~]{1,200}")
_NAME = re.compile(r"[A-Za-z0-9_]{0,200}")


@dataclass(frozen=True, slots=True)
class Stored:
    """How the constants of a step are stored.

    Attributes:
        encoding: of the weights, such as "pairs"; empty for a step without weights.
        constants: bytes by name in the ELF.
    """

    encoding: str
    constants: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class EngineStep:
    """One layer, or the softmax behind the last.

    Attributes:
        name: such as "layer 1" or "softmax".
        shape: in words, such as "784 inputs, 32 outputs, ReLU"; empty for a softmax.
        weights: how many there are, zeros included; 0 for a softmax.
        begins: the line of the engine's source where it begins, without the blanks around it.
        plain: how its constants are stored, on cores without MVE.
        vectors: the same on cores with MVE.
    """

    name: str
    shape: str
    weights: int
    begins: str
    plain: Stored
    vectors: Stored


@dataclass(frozen=True, slots=True)
class EngineFile:
    """What the file says.

    Attributes:
        prefix: start of the engine's names in C, and name of its files.
        rounding: "litert" or "tflm".
        digest: SHA-256 of the .tflite it was made from; empty for none.
        input_size: int8 values that go in.
        output_size: int8 values that come out.
        workspace_bytes: RAM that the caller lends.
        pixels: the real values of pixels 0 and 255, where it has `preprocess`; None where it takes no pixels.
        view: what that makes of an image.
        classes: how many `classify` tells apart; 0 where there is none.
        steps: in order; empty where they are not told apart.
    """

    prefix: str
    rounding: str
    digest: str
    input_size: int
    output_size: int
    workspace_bytes: int
    pixels: tuple[float, float] | None
    view: View
    classes: int
    steps: tuple[EngineStep, ...]


def read_engine_file(path: Path) -> EngineFile | None:
    """Read the facts of an engine; None where the file holds those of something else.

    Raises:
        DataError: it holds an engine's, and they are damaged or of another version.
    """
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or facts.get("kind") != KIND:
        return None
    return _Table(path, "", facts).engine()


@dataclass(frozen=True, slots=True)
class _Table:
    """An object of the file; `place` is where it stands, for messages."""

    path: Path
    place: str
    values: Mapping[str, Any]

    def engine(self) -> EngineFile:
        self.number("schema", SCHEMA, SCHEMA)
        steps = self.values.get("steps")
        if not isinstance(steps, list) or len(steps) > MOST_STEPS:
            raise self._wrong("steps", f"a list of at most {MOST_STEPS}")
        tables = [_Table(self.path, f"steps[{number}].", step) for number, step in enumerate(steps)]
        return EngineFile(
            prefix=self.text("prefix", _PREFIX),
            rounding=self.text("rounding", re.compile("|".join(ROUNDINGS))),
            digest=self.text("model_sha256", _DIGEST),
            input_size=self.table("input").number("size", 1, MOST_VALUES),
            output_size=self.table("output").number("size", 1, MOST_VALUES),
            workspace_bytes=self.number("workspace_bytes", 0, MOST_WORKSPACE),
            pixels=None if self.values.get("pixels") is None else self.table("pixels").range(),
            view=self.view(),
            classes=self.number("classes", 0, MOST_VALUES),
            steps=tuple(table.step() for table in tables),
        )

    def step(self) -> EngineStep:
        if not isinstance(self.values, dict):
            raise self._wrong("", "an object")
        stored = self.table("stored")
        plain = stored.table(PLAIN).stored()
        shape, weights = "", 0
        if "inputs" in self.values:
            inputs, outputs = self.number("inputs", 1, MOST_VALUES), self.number("outputs", 1, MOST_VALUES)
            shape = f"{_count(inputs, 'input')}, {_count(outputs, 'output')}, {self.text('activation', _WORDS)}"
            weights = inputs * outputs
        return EngineStep(
            name=self.text("name", _WORDS),
            shape=shape,
            weights=weights,
            begins=self.text("begins", _LINE),
            plain=plain,
            vectors=stored.table(VECTORS).stored() if VECTORS in stored.values else plain,
        )

    def stored(self) -> Stored:
        sizes = self.table("bytes")
        for name in sizes.values:
            if not _NAME.fullmatch(name):
                raise self._wrong("bytes", "names of C")
            sizes.number(name, 0, 1 << 32)
        return Stored(self.text("encoding", _NAME), sizes.values)

    def range(self) -> tuple[float, float]:
        low, high = self.real("low"), self.real("high")
        if low >= high:
            raise self._wrong("high", "more than low")
        return low, high

    def view(self) -> View:
        pixels = self.values.get("pixels")
        if pixels is None or "view" not in pixels:
            return View()
        table = self.table("pixels").table("view")
        try:
            return make_config(parse_sections({"input": table.values}, "view")).input.view
        except ConfigError:
            raise table._wrong("", "what a build can be asked for under [input]") from None

    def table(self, name: str) -> _Table:
        found = self.values.get(name)
        if not isinstance(found, dict):
            raise self._wrong(name, "an object")
        return _Table(self.path, f"{self.place}{name}.", found)

    def number(self, name: str, low: int, high: int) -> int:
        found = self.values.get(name)
        if type(found) is not int or not low <= found <= high:
            raise self._wrong(name, f"{low:,}" if low == high else f"a number from {low:,} to {high:,}")
        return found

    def real(self, name: str) -> float:
        found = self.values.get(name)
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not abs(found) < MOST_REAL:
            raise self._wrong(name, "a number")
        return float(found)

    def text(self, name: str, form: re.Pattern[str]) -> str:
        found = self.values.get(name)
        if not isinstance(found, str) or not form.fullmatch(found):
            raise self._wrong(name, f"text like {form.pattern}")
        return found

    def _wrong(self, name: str, expected: str) -> DataError:
        place = f"{self.place}{name}".rstrip(".")
        shown = ascii(self.values.get(name) if isinstance(self.values, dict) and name else self.values)[:60]
        return DataError(
            f"{self.path}: {place} is {shown}, expected {expected}.", hint="Build or compile the engine again."
        )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
