"""What a simulation finds out: parity, flash, RAM, stack, instructions, by layer where that can be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.preprocess import PixelRange
from edgedigits.devices.disassembly import CycleEstimate
from edgedigits.devices.elf import Footprint, Symbol
from edgedigits.view import View


@dataclass(frozen=True, slots=True)
class Ram:
    """Bytes of RAM that one inference takes.

    Attributes:
        variables: the engine's own; none in an emitted engine.
        workspace: lent by the caller.
        input: lent by the caller.
        output: lent by the caller.
        stack: the deepest call, by painting.
    """

    variables: int
    workspace: int
    input: int
    output: int
    stack: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.variables + self.workspace + self.input + self.output + self.stack


@dataclass(frozen=True, slots=True)
class Instructions:
    """Instructions executed by one inference, or cycles, over images."""

    mean: float
    p95: float
    least: int
    most: int

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Instructions:
        """Summarise counts (n,)."""
        return cls(float(counts.mean()), float(np.percentile(counts, 95)), int(counts.min()), int(counts.max()))


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What one step of the engine takes.

    Attributes:
        name: such as "layer 1" or "softmax".
        shape: in words; empty for a softmax.
        weights: how many there are, zeros included; 0 for a softmax.
        encoding: how its weights are stored; empty where that is not known.
        symbols: names of its constants in the ELF.
        nbytes: flash of its constants: weights, biases, factors, tables.
        instructions: of this step, over images; None where the emulator cannot tell.
    """

    name: str
    shape: str
    weights: int
    encoding: str
    symbols: tuple[str, ...]
    nbytes: int
    instructions: Instructions | None


@dataclass(frozen=True, slots=True)
class WrongByte:
    """One output byte that is not the oracle's."""

    image: int
    output: int
    engine: int
    oracle: int


@dataclass(frozen=True, slots=True)
class PreprocessCost:
    """What an engine's `preprocess` takes, where it does more than look up pixels.

    Attributes:
        view: what it makes of an image.
        instructions: of it alone, over images.
        code: bytes of flash.
        stack: bytes of its deepest call.
    """

    view: View
    instructions: Instructions
    code: int
    stack: int


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Another way to compute the same outputs, held against the oracle.

    Attributes:
        what: such as "NumPy engine" or "host C".
        how: how it was obtained.
        images: how many ran: the digits, and images that no data set has.
        differing: output bytes that differ.
        bytes: output bytes compared.
        against: what they should be, where that is not what the oracle gives.
    """

    what: str
    how: str
    images: int
    differing: int
    bytes: int
    against: str = ""


@dataclass(frozen=True, eq=False)
class Simulation:
    """Every figure about one engine on one emulated core.

    Attributes:
        core: name of the core.
        toolchain: compiler and version.
        optimize: its optimization flag.
        emulator: emulator, version and machine.
        oracle: what the outputs were compared with; empty where there was no model.
        images: how many ran.
        differing: output bytes that differ from the oracle.
        bytes: output bytes compared.
        differences: the first few that differ.
        others: the same comparison for other ways to compute the outputs, and for extreme images on the emulated core.
        footprint: flash by section, of the engine alone.
        biggest: the biggest symbols in flash.
        symbols: all symbols in flash.
        ram: RAM by part.
        instructions: instructions by image, summarised.
        counts: int64 (n,), the same by image.
        no_background: the most instructions among images without a single pixel of background; None where none ran.
        layers: cost by layer; empty for an engine whose source does not mark its layers.
        by_function: share of instructions by function, mean per image; empty where the emulator cannot tell.
        cycles: estimate; None for cores without timing and emulators that count no single instructions.
        outputs: int8 (n, output size).
        exact_cycles: cycles by image, as the emulator counted them; None where it counts none.
        pixels: what pixels are to the model; None where none went in.
        preprocess: what it takes to make an input of an image; None where the model sees all of it, and with no pixels.
        from_pixels: instructions of `classify_pixels`, from pixels to the class; None where there is none.
        from_pixels_cycles: its cycles, where the emulator counts them.
        kind: what ran: "images", or "random inputs" for a model that takes no images.
    """

    core: str
    toolchain: str
    optimize: str
    emulator: str
    oracle: str
    images: int
    differing: int
    bytes: int
    differences: tuple[WrongByte, ...]
    others: tuple[CrossCheck, ...]
    footprint: Footprint
    biggest: tuple[Symbol, ...]
    symbols: tuple[Symbol, ...]
    ram: Ram
    instructions: Instructions
    counts: NDArray[np.int64]
    no_background: int | None
    layers: tuple[LayerCost, ...]
    by_function: dict[str, float]
    cycles: CycleEstimate | None
    outputs: NDArray[np.int8]
    exact_cycles: Instructions | None = None
    pixels: PixelRange | None = None
    preprocess: PreprocessCost | None = None
    from_pixels: Instructions | None = None
    from_pixels_cycles: Instructions | None = None
    kind: str = "images"

    @property
    def things(self) -> str:
        """What one calls them: "images" or "inputs"."""
        return self.kind.rpartition(" ")[2]

    @property
    def each(self) -> str:
        """For figures of one: "an image" or "an input"."""
        return f"an {self.things.removesuffix('s')}"
