"""What would make an engine fit where it does not: flags, with the bytes that they give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgedigits.devices.avr import LARGEST_ON_AVR, MOST_ON_AVR
from edgedigits.devices.boards import Board
from edgedigits.devices.cores import Core
from edgedigits.devices.engine_elf import unreadable
from edgedigits.devices.engine_model import check_model, find_engine_model
from edgedigits.devices.stub import Engine
from edgedigits.errors import CheckFailedError, DataError, UnsupportedModelError
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, PackedLayer, arrange
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights import ENCODINGS

LEAST_CONSTANTS = 400
"""Bytes of the smallest network that is worth a training."""
BESIDE_ON_AVR = 12_600
"""Bytes of flash of firmware, self-test and code, about, where nothing was compiled that says them."""
_STEP = 100
_GENERAL = "Choose a board with more, a smaller model, or prune and compile with --optimize size."
_RAM = (
    "Fewer neurons in its widest layer take less workspace, and a build with --input-size a smaller input: "
    "the sums of a layer and one image are most of its RAM."
)


@dataclass(frozen=True, slots=True)
class _Constants:
    """Bytes of flash of an engine, of its constants and, about, of the kernels that read them."""

    total: int
    largest: int
    code: int

    def saved_by(self, other: _Constants) -> int:
        """Return how many bytes of flash `other` takes less, about."""
        return self.total + self.code - other.total - other.code


def remedies(path: Path, engine: Engine, core: Core, flash_left: int, ram_left: int, model: Path | None = None) -> str:
    """Return what to do, in sentences.

    Args:
        path: where the engine and its model are, as `find_engine_model` takes it.
        engine: of a program that is too large.
        core: of the board.
        flash_left, ram_left: bytes that are left beside it; negative where it is too large. Of an engine that its core
            cannot read, beside its constants.
        model: the engine's .tflite, where it lies elsewhere.
    """
    now, on_avr = _now(engine), core.architecture.name == "avr"
    words = []
    if flash_left < 0 or (on_avr and not _readable(now)):
        beside = BESIDE_ON_AVR if flash_left and on_avr and not _readable(now) else 0
        words.append(_flash_words(now, _for_size(path, engine, model), flash_left - beside, on_avr))
    if ram_left < 0:
        words.append(_RAM)
    return f"{' '.join(words)} edgedigits boards tells which boards have more."


def check_readable(
    path: Path, engine: Engine, core: Core, board: Board | None = None, model: Path | None = None
) -> None:
    """Check that a core can read the constants of an engine; arguments as for `remedies`, and the board that is meant.

    Raises:
        CheckFailedError: there are too many for an AVR: how many of what, and what would help.
    """
    if what := unreadable(engine, core):
        left = board.flash - _now(engine).total if board else 0
        raise CheckFailedError(
            f"The engine does not fit {board.name if board else core.name}: {what}.",
            hint=remedies(path, engine, core, left, 0, model),
        )


def _flash_words(now: _Constants, small: _Constants | None, left: int, on_avr: bool) -> str:
    if small is None:
        return _GENERAL
    if left + now.saved_by(small) >= 0 and (not on_avr or _readable(small)):
        return f"Compiled with --optimize size it fits: constants of {small.total:,} B instead of {now.total:,} B."
    room = now.total + min(0, left) - max(0, small.code - now.code)
    room = min(room, LARGEST_ON_AVR if on_avr else room) // _STEP * _STEP
    if room < LEAST_CONSTANTS:
        return "Beside the rest there is no room for the constants of any network."
    return (
        f"With --optimize size its constants are still {small.total:,} B; edgedigits build --budget-constants {room} "
        "trains a network for what there is room for."
    )


def _readable(constants: _Constants) -> bool:
    return constants.largest <= LARGEST_ON_AVR and constants.total <= MOST_ON_AVR


def _now(engine: Engine) -> _Constants:
    facts = engine.facts
    stored = [step.stored.plain for step in facts.steps]
    return _Constants(
        facts.weight_bytes + facts.bias_bytes + facts.table_bytes,
        max((size for one in stored for size in one.bytes.values()), default=0),
        _code({one.encoding for one in stored}),
    )


def _for_size(path: Path, engine: Engine, model: Path | None) -> _Constants | None:
    """Return what the same network takes when it is packed for size; None where its model is not at hand."""
    try:
        subject = find_engine_model(path, model)
        check_model(engine, subject.model)
        network = simplify(lower(read_tflite(subject.model), Rounding(engine.facts.rounding)))
    except (CheckFailedError, DataError, UnsupportedModelError):
        return None
    return _packed(arrange(network, Goal.SIZE)[1], engine.facts.table_bytes)


def _packed(layers: tuple[PackedLayer, ...], tables: int) -> _Constants:
    return _Constants(
        sum(one.nbytes + one.biases.nbytes for one in layers) + tables,
        max((constant.nbytes for one in layers for constant in one.constants), default=0),
        _code({one.encoding.name for one in layers}),
    )


def _code(names: set[str]) -> int:
    return sum(one.code_bytes for one in ENCODINGS if one.name in names)
