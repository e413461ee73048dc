"""What every encoding of a layer's weights has in common: constant arrays, their bytes, and a way back.

An encoding is exact: `unpack` of what `pack` made is the weights again. Nothing is unpacked at run time; the
engine's kernels read the arrays where they are, in flash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """One constant array of a layer.

    Attributes:
        name: last part of its name in C, such as "weights".
        values: (k,), of int8, uint8, uint16 or uint32; words are little-endian, as in the core's memory.
    """

    name: str
    values: NDArray[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of flash."""
        return int(self.values.nbytes)


@dataclass(frozen=True, slots=True)
class Activity:
    """How many inputs of a layer are expected to be above their lowest value.

    Attributes:
        inputs: share of the inputs.
        pairs: share of the aligned pairs of inputs with at least one such.
        words: share of the aligned groups of four.
    """

    inputs: float
    pairs: float
    words: float


OUTPUT_INSTRUCTIONS = 12
"""To load a bias, to rescale the sum and to store the result."""

# Measured on the MNIST test set: pixels that are not background, and hidden neurons after ReLU.
DIGITS = Activity(inputs=0.18, pairs=0.21, words=0.27)
HIDDEN = Activity(inputs=0.5, pairs=0.75, words=0.94)


class Encoding(Protocol):
    """One way to store the weights of a layer, and the kernel that computes with it."""

    @property
    def name(self) -> str:
        """Such as "pairs"; the kernel's template is called so too."""

    @property
    def summary(self) -> str:
        """One clause for comments and reports."""

    @property
    def code_bytes(self) -> int:
        """Code of the kernel on a Cortex-M4 at -O2, about; it is paid for once. Measured, as `instructions` was."""

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return the arrays for `weights` (out, in), or None where the encoding cannot hold them."""

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """Estimate the instructions of one inference on a Cortex-M4 at -O2, requantization included.

        The counts by step were fitted to emulated ones; tests hold the estimate within a fifth of those, where
        `activity` is that of the inputs.
        """
