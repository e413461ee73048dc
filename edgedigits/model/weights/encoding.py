"""What every encoding of a layer's weights has in common: constant arrays, their bytes, and a way back.

An encoding is exact: `unpack` of what `pack` made is the weights again. Nothing is unpacked at run time; the
engine's kernels read the arrays where they are, in flash.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """One constant array of a layer.

    Attributes:
        name: last part of its name in C, such as "weights".
        values: (k,), of int8, uint8, uint16 or uint32; words are little-endian, as in the core's memory.
        is_index: it says where something lies, in the narrowest type that does. Such arrays of one name get one type in
            an engine, the widest, which templates know as `NAME_type`.
        parts: where parts of it begin that a kernel gets as arguments of their own, behind the array itself.
    """

    name: str
    values: NDArray[Any]
    is_index: bool = False
    parts: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of flash."""
        return int(self.values.nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """How many inputs of a layer are expected to be above their lowest value.

    Attributes:
        inputs: share of the inputs.
        pairs: share of the aligned pairs of inputs with at least one such.
        words: share of the aligned groups of four.
        by_input: of each input (in,) how often it is; None where all are taken to be alike.
    """

    inputs: float
    pairs: float
    words: float
    by_input: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, inputs: NDArray[np.bool_]) -> Activity:
        """Return that of inputs (n, in), n images at least one: which of them are above their lowest value."""
        count, width = inputs.shape
        padded = np.pad(inputs, ((0, 0), (0, -width % 4)))
        pairs, words = (int(padded.reshape(count, -1, size).any(axis=2).sum()) * size for size in (2, 4))
        return cls(float(inputs.mean()), pairs / inputs.size, words / inputs.size, inputs.mean(axis=0))

    def taken(self, entries: NDArray[Any]) -> float:
        """Return how many entries of active inputs there are, where each input (in,) has so many."""
        return self.inputs * float(entries.sum()) if self.by_input is None else float(self.by_input @ entries)


OUTPUT_INSTRUCTIONS = 12
"""To load a bias, to rescale the sum and to store the result."""

# Measured on the MNIST test set: pixels that are not background, and hidden neurons after ReLU.
DIGITS = Activity(inputs=0.18, pairs=0.21, words=0.27)
HIDDEN = Activity(inputs=0.5, pairs=0.75, words=0.94)
IDLE = Activity(0.0, 0.0, 0.0)


class Visits(StrEnum):
    """Which inputs a kernel goes to."""

    EVERY_INPUT = "every input, as the signed byte it is"
    LISTED_INPUTS = "inputs above their lowest value, from a list of them"
    LISTED_PAIRS = "aligned pairs with such an input, from a list of them"
    WORDS = "such inputs, from one word of four to the next"
    BYTES = "every input, one after the other, as the distance from its lowest value"


class OnVectors(StrEnum):
    """What cores with MVE get of a layer."""

    SAME = "what others get"
    ROWS = "rows: the kernel is for the multiplications of other cores, and rows take no more flash"
    ROWS_IF_FASTER = "rows, where speed is asked for and multiplying zeros is faster there than skipping them"


class Encoding(ABC):
    """One way to store the weights of a layer, and the kernel that computes with it.

    A file of this folder holds an encoding, in its `ENCODINGS`, and nothing else knows one by its name: how it is
    treated follows from these traits.

    Attributes:
        name: such as "pairs": letters, digits and underscores, as programs read it beside the C.
        rank: of equally good encodings the one of the lowest rank is taken.
        summary: one clause for comments and reports.
        code_bytes: code of the kernel on a Cortex-M4 at -O2, about; paid for once. Measured, as `instructions` was.
        kernel: its function in C, such as "dense_pairs". It takes the inputs and what turns them into distances from
            their lowest value, their number, the arrays, biases, the number of outputs and the workspace; where every
            input is visited, the inputs, their number, the array, biases, the number of outputs and the sums.
        template: file in `engine/templates/kernels` that defines it; `kernel.encoding` there is this encoding.
        visits: which inputs it goes to.
        outputs_at_once: the outputs are filled up to a multiple of it.
        groups: outputs whose sums it holds in registers at once, the most first; none where sums lie in memory.
        sums_below: it is exact where every sum that a layer can end with is nearer to zero than this.
        most_distinct: how many different weights it can hold at most.
        at_equal_distances: those that lie between these count too.
        on_vectors: what cores with MVE get instead.
        has_thumb1_code: its template has a branch of its own for Cortex-M0, `#if THUMB1`.
        for_size_alone: it is slow for its size, and taken only where size is all that counts.
        is_traded: it is among the few that bytes are traded for instructions with, under a budget of these.
    """

    name: ClassVar[str]
    rank: ClassVar[int]
    summary: ClassVar[str]
    code_bytes: ClassVar[int]
    kernel: ClassVar[str]
    template: ClassVar[str]
    visits: ClassVar[Visits]
    outputs_at_once: ClassVar[int] = 1
    groups: ClassVar[tuple[int, ...]] = ()
    sums_below: ClassVar[int] = 1 << 32
    most_distinct: ClassVar[int] = 256
    at_equal_distances: ClassVar[bool] = False
    on_vectors: ClassVar[OnVectors] = OnVectors.SAME
    has_thumb1_code: ClassVar[bool] = False
    for_size_alone: ClassVar[bool] = False
    is_traded: ClassVar[bool] = False

    @property
    def limits(self) -> str:
        """What it can hold, in words."""
        return (
            f"at most {self.most_distinct} different weights{' at equal distances' if self.at_equal_distances else ''}"
        )

    @property
    def reads_distances(self) -> bool:
        """Whether its inputs are distances from their lowest value; else they are signed bytes."""
        return self.visits is not Visits.EVERY_INPUT

    @property
    def reads_words(self) -> bool:
        """Whether it reads its inputs four at a time."""
        return self.reads_distances and self.visits is not Visits.BYTES

    @property
    def uses_list(self) -> bool:
        """Whether the kernel works on a list of active inputs."""
        return self.visits in (Visits.LISTED_INPUTS, Visits.LISTED_PAIRS)

    def padded(self, outputs: int) -> int:
        """Return how many sums the kernel computes for `outputs`."""
        return -(-outputs // self.outputs_at_once) * self.outputs_at_once

    def entries_of_word(self, outputs: int) -> tuple[int, ...] | None:
        """Return how many entries of each array four inputs take, so that inputs can come in portions.

        0 stands for an array that indices lead into; None where the weights do not lie by inputs.
        """
        return None

    @abstractmethod
    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return the arrays for `weights` (out, in), or None where the encoding cannot hold them."""

    def nbytes(self, weights: Weights) -> int | None:
        """Return the bytes of what `pack` gives, or None where it gives nothing."""
        constants = self.pack(weights)
        return None if constants is None else sum(constant.nbytes for constant in constants)

    @abstractmethod
    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""

    @abstractmethod
    def instructions(self, weights: Weights, activity: Activity) -> float:
        """Estimate the instructions of one inference on a Cortex-M4 at -O2, requantization included.

        The counts by step were fitted to emulated ones; tests hold the estimate within a fifth of those, where
        `activity` is that of the inputs.
        """
