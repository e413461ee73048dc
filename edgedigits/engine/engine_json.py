"""The facts of an emitted engine as JSON beside its C, for programs: so that none has to read them out of comments.

What is read sizes memory and names files, so each value has bounds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from edgedigits.build_folder import LeastLead
from edgedigits.config_file import make_config, parse_sections
from edgedigits.data.preprocess import PixelMap
from edgedigits.engine.engine_layers import ACTIVATIONS, EngineLayer
from edgedigits.engine.parts import Parts
from edgedigits.engine.workspace import EngineMemory
from edgedigits.errors import ConfigError
from edgedigits.files.typed import make
from edgedigits.model.ir import Tensor
from edgedigits.model.ops.step import Emission
from edgedigits.model.weights.rows import ROWS
from edgedigits.version import __version__
from edgedigits.view import View

SCHEMA, KIND = 1, "engine-facts"
MOST_BYTES = 1 << 20
"""Of the file; some 300 a layer are needed."""

Width = Annotated[int, Meta(ge=1, le=1 << 20)]
"""Values that go into an engine or a layer, or come out: no microcontroller has more."""
Bytes = Annotated[int, Meta(ge=0, le=1 << 32)]
Real = Annotated[float, Meta(ge=-1e30, le=1e30)]
Words = Annotated[str, Meta(pattern=r"^[A-Za-z0-9 ]{1,40}\Z")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]{0,200}\Z")]


@dataclass(frozen=True, slots=True)
class Stored:
    """How the constants of a step are stored.

    Attributes:
        encoding: of the weights, such as "pairs"; empty for a step without weights.
        bytes: by name in the ELF.
    """

    encoding: Name
    bytes: dict[Name, Bytes]


@dataclass(frozen=True, slots=True)
class Variants:
    """What the preprocessor chooses between: `mve` on cores that have it, where those get other constants."""

    plain: Stored
    mve: Stored | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStep:
    """One layer, or another step, such as the softmax behind the last.

    Attributes:
        name: such as "layer 1" or "softmax".
        begins: the line of the engine's source where it begins, without the blanks around it.
        inputs, outputs: of a layer; None, as the next two, for a step without weights.
        activation: in words, such as "ReLU".
        zeros: weights that are 0.
        stored: how its constants are stored.
    """

    name: Words
    begins: Annotated[str, Meta(pattern=r"^[ -~]{1,200}\Z")]
    inputs: Width | None = None
    outputs: Width | None = None
    activation: Words | None = None
    zeros: Bytes | None = None
    stored: Variants

    def __post_init__(self) -> None:
        if len({one is None for one in (self.inputs, self.outputs, self.activation)}) > 1:
            raise ValueError("it lacks some of inputs, outputs and activation")

    @property
    def shape(self) -> str:
        """In words, such as "784 inputs, 32 outputs, ReLU"; empty for a step without weights."""
        if self.inputs is None or self.outputs is None:
            return ""
        return f"{_counted(self.inputs, 'input')}, {_counted(self.outputs, 'output')}, {self.activation}"

    @property
    def weights(self) -> int:
        """How many there are, zeros included."""
        return (self.inputs or 0) * (self.outputs or 0)


@dataclass(frozen=True, slots=True)
class EngineEnd:
    """What goes into an engine, or comes out: int8 values, and the real numbers that they stand for."""

    size: Width
    scale: Real
    zero_point: Annotated[int, Meta(ge=-128, le=127)]


@dataclass(frozen=True, slots=True)
class EnginePixels:
    """What images become in an engine's input.

    Attributes:
        low, high: the real values of pixels 0 and 255.
        view: what it sees of an image; None for the image as it is.
        raw: there is `classify_pixels`, which reads them as they are; None where not.
        portions: there is `feed`, which takes a few at a time; None where not.
    """

    low: Real
    high: Real
    view: View | None = None
    raw: bool | None = None
    portions: bool | None = None

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError("high has to be above low")
        try:
            make_config(parse_sections({"input": asdict(self.view)} if self.view else {}, "view"))
        except ConfigError:
            raise ValueError("its view is not what a build can be asked for under [input]") from None

    @classmethod
    def of(cls, pixels: PixelMap, parts: Parts) -> EnginePixels:
        """Return what a map of pixels does, and the engine with them."""
        view = None if pixels.view.is_plain else pixels.view
        return cls(pixels.range.low, pixels.range.high, view, parts.raw or None, parts.fed or None)


@dataclass(frozen=True, slots=True)
class EngineFile:
    """What the file says.

    Attributes:
        schema, kind, tool: of the file, and who wrote it.
        prefix: start of the engine's names in C, and name of its files.
        rounding: "litert" or "tflm": whose arithmetic it repeats.
        model_sha256: of the .tflite it was made from; empty for none.
        input, output: its ends.
        pixels: where it has `preprocess`; None where it takes no pixels.
        classes: how many `classify` tells apart; 0 where there is none.
        workspace_bytes: RAM that the caller lends.
        weight_bytes, bias_bytes, table_bytes: flash by purpose.
        steps: in order; empty where they are not told apart.
        reject_margin: the least lead that `classify` accepts; None where it refuses nothing, and nothing is said of it.
        scores: there is `scores`, which tells what a class was chosen by; None, and nothing said, where not.
        workspace_bytes_on_avr: RAM that the caller lends there; None where it is the same.
    """

    schema: Annotated[int, Meta(ge=SCHEMA, le=SCHEMA)]
    kind: str
    tool: str
    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}\Z")]
    rounding: Annotated[str, Meta(pattern=r"^(litert|tflm)\Z")]
    model_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64}|)\Z")]
    input: EngineEnd
    output: EngineEnd
    pixels: EnginePixels | None
    classes: Annotated[int, Meta(ge=0, le=1 << 20)]
    workspace_bytes: Annotated[int, Meta(ge=0, le=1 << 26)]
    weight_bytes: Bytes
    bias_bytes: Bytes
    table_bytes: Bytes
    steps: Annotated[tuple[EngineStep, ...], Meta(max_length=200)]
    reject_margin: LeastLead | None = None
    scores: bool | None = None
    workspace_bytes_on_avr: Annotated[int, Meta(ge=0, le=1 << 26)] | None = None


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
    return make(facts, EngineFile, str(path), "Build or compile the engine again.")


def engine_json(parts: Parts, prefix: str, pixels: PixelMap | None, classes: int, reject_margin: int) -> str:
    """Return the text of `engine/<prefix>.json`.

    Args:
        parts: the engine, as printed.
        prefix: start of all names in C.
        pixels: what images become in its input; None where it takes none.
        classes: how many `classify` tells apart; 0 where there is none.
        reject_margin: the least lead that `classify` accepts; 0 where it refuses nothing.
    """
    network, numbers = parts.network, count(1)
    facts = EngineFile(
        schema=SCHEMA,
        kind=KIND,
        tool=f"edgedigits {__version__}",
        prefix=prefix,
        rounding=str(network.rounding),
        model_sha256=network.graph.digest,
        input=_end(network.input, network.inputs),
        output=_end(network.output, network.outputs),
        pixels=None if pixels is None else EnginePixels.of(pixels, parts),
        classes=classes,
        **parts.sizes,
        steps=tuple(
            _layer_step(step, next(numbers), prefix) if isinstance(step, EngineLayer) else _other_step(step, prefix)
            for step in parts.in_order
        ),
        reject_margin=reject_margin or None,
        scores=bool(classes) or None,
        workspace_bytes_on_avr=_workspace_on_avr(parts.memory),
    )
    sparse = {"pixels": facts.pixels and _table(facts.pixels), "steps": [_table(step) for step in facts.steps]}
    written = {**asdict(facts), **sparse}
    for name in ("reject_margin", "scores", "workspace_bytes_on_avr"):
        if written[name] is None:
            del written[name]
    return json.dumps(written, indent=2) + "\n"


def _workspace_on_avr(memory: EngineMemory) -> int | None:
    return memory.nbytes_on_avr if memory.nbytes_on_avr != memory.nbytes else None


def _table(facts: Any) -> dict[str, Any]:
    """Return facts as JSON has them, without those that are None."""
    own = [(field.name, getattr(facts, field.name)) for field in fields(facts)]
    return {name: _table(value) if is_dataclass(value) else value for name, value in own if value is not None}


def _end(tensor: Tensor, size: int) -> EngineEnd:
    return EngineEnd(size, float(tensor.scale), int(tensor.zero_point))


def _layer_step(layer: EngineLayer, number: int, prefix: str) -> EngineStep:
    dense = layer.packed.layer
    plain = Stored(layer.packed.encoding.name, _constants(layer, prefix, vectors=False))
    mve = Stored(ROWS.name, _constants(layer, prefix, vectors=True)) if layer.conditional else None
    return EngineStep(
        name=f"layer {number}",
        begins=layer.calls[0],
        inputs=dense.inputs,
        outputs=dense.outputs,
        activation=ACTIVATIONS[dense.activation],
        zeros=int(np.count_nonzero(dense.weights == 0)),
        stored=Variants(plain, mve),
    )


def _other_step(emission: Emission, prefix: str) -> EngineStep:
    tables = {f"{prefix}_{table.name}": table.values.nbytes for table in emission.tables}
    return EngineStep(name=emission.name, begins=emission.calls[0], stored=Variants(Stored("", tables)))


def _constants(layer: EngineLayer, prefix: str, *, vectors: bool) -> dict[str, int]:
    """Return bytes by name in the ELF of the constants that one of the variants has."""
    return {f"{prefix}_{array.name}": array.values.nbytes for array in layer.arrays(vectors=vectors)}


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
