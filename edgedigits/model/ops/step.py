"""What every step of a network must be able to: int8 values to int8 values, in NumPy and in C."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding

INT8_MIN, INT8_MAX = -128, 127

Values = NDArray[np.int8]


class Step(ABC):
    """One step of a network: int8 values to int8 values, proven not to overflow when it is made.

    Attributes:
        gives_probabilities: what comes out are the shares of classes.
    """

    __slots__ = ()

    gives_probabilities: ClassVar[bool] = False

    @property
    @abstractmethod
    def low(self) -> int:
        """The lowest int8 that it can give."""

    @property
    @abstractmethod
    def high(self) -> int:
        """The highest."""

    @abstractmethod
    def run(self, values: Sequence[Values], rounding: Rounding) -> Values:
        """Return what it gives, int8 (n, out).

        Args:
            values: what it takes, int8 (n, in), one array or two.
            rounding: whose arithmetic to repeat.
        """

    @abstractmethod
    def spread(self, apart: Sequence[int]) -> int:
        """Return how far outputs may lie apart, each runtime rounding in its own way.

        Args:
            apart: how far the values of each array that it takes are.
        """


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in the C engine the values of one array lie.

    Attributes:
        pointer: an expression.
        signed: they are signed bytes, `int8_t *`; else `uint8_t *`, distances from the lowest value that the step
            which gives them can give.
    """

    pointer: str
    signed: bool

    @property
    def read(self) -> str:
        """The pointer as `const uint8_t *`."""
        return f"(const uint8_t *){self.pointer}" if self.signed else self.pointer

    @property
    def written(self) -> str:
        """The pointer as `uint8_t *`."""
        return f"(uint8_t *){self.pointer}" if self.signed else self.pointer

    @property
    def flip(self) -> str:
        """What turns its bytes into distances from the lowest value, -128 where they are signed, and back."""
        return "0x80u" if self.signed else "0u"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the C engine a step finds its values and leaves them.

    Attributes:
        sources: what it takes.
        target: what it gives.
        count: how many values each of them has.
        number: of the step, from 1, for names.
    """

    sources: tuple[Spot, ...]
    target: Spot
    count: int
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class ConstantTable:
    """A constant array of the engine that is none of a layer's.

    Attributes:
        name: in C, without the prefix.
        comment: what its entries are.
        values: (k,), of int8, uint8 or int32.
    """

    name: str
    comment: str
    values: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Emission:
    """A step in C.

    Attributes:
        name: what reports call it.
        template: file in `engine/templates/kernels` that defines its function.
        calls: lines of `invoke`; the first says where the step begins.
        tables: its constants.
    """

    name: str
    template: str
    calls: tuple[str, ...]
    tables: tuple[ConstantTable, ...] = ()


class InPlaceStep(Step):
    """A step that gives as many values as it takes, and can leave them where they were.

    Attributes:
        by_value: what becomes of a value follows from it alone.
        instructions: of one value on a Cortex-M4 at -O2, about; 0 where nobody has measured it.
    """

    __slots__ = ()

    by_value: ClassVar[bool] = False
    instructions: ClassVar[float] = 0.0

    @abstractmethod
    def emit(self, place: Place) -> Emission:
        """Return the step in C."""
