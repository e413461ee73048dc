"""What an operator of a file is to the engine, a step or nothing: what every op must be able to and may look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Graph, Operator, Tensor
from edgedigits.model.ops.step import INT8_MAX, INT8_MIN, Step
from edgedigits.model.refusals import Reason, RefusalError, refuse
from edgedigits.model.shapes import Shape, Shapes


@dataclass(slots=True)
class Chain:
    """How far the lowering of a file has come: what an op may look at.

    Attributes:
        graph: the file.
        rounding: whose arithmetic the engine repeats.
        shapes: the shapes of tensors for one image, as far as they are known.
        output: the last tensor of the model.
        values: which values a tensor holds, by its index: 0 for what goes into the network, k for what step k gives.
        holders: the tensors that hold what the last step gives.
        steps: those that are lowered.
        constants: what operators make of constants, by the tensor's index.
        picked: of a tensor that holds some of its values only, by its index: their places, intp (k,), among how many.
        input: the first int8 tensor that holds what goes into the network; None until there is one.
    """

    graph: Graph
    rounding: Rounding
    shapes: Shapes
    output: Tensor
    values: dict[int, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    holders: list[Tensor] = field(default_factory=list)
    constants: dict[int, Tensor] = field(default_factory=dict)
    picked: dict[int, tuple[NDArray[np.intp], int]] = field(default_factory=dict)
    input: Tensor | None = None

    def hold(self, tensor: Tensor, value: int) -> None:
        """Note which values a tensor holds."""
        self.values[tensor.index] = value
        if value == 0 and self.input is None and tensor.dtype == "int8":
            self.input = tensor
        if value == len(self.steps):
            self.holders.append(tensor)

    def add(self, step: Step) -> int:
        """Add a step; return which values it gives."""
        self.steps.append(step)
        self.holders.clear()
        return len(self.steps)

    def operand(self, operator: Operator, position: int) -> Tensor | None:
        """Return an input of `operator`, with values where it is a constant; None where it is left out."""
        tensor = self.graph.input_of(operator, position)
        return self.constants.get(tensor.index, tensor) if tensor else None

    def limits(self, tensor: Tensor) -> tuple[int, int]:
        """Return the lowest and the highest int8 that `tensor` can hold."""
        value = self.values[tensor.index]
        step = self.steps[value - 1] if value else None
        return (step.low, step.high) if step else (INT8_MIN, INT8_MAX)

    def last_for(self, tensor: Tensor) -> Step | None:
        """Return the last step where it gives what `tensor` holds, and one operator alone reads that; else None."""
        value = self.values[tensor.index]
        if value == 0 or value != len(self.steps):
            return None
        return self.steps[-1] if all(len(self.graph.consumers(one)) == 1 for one in self.holders) else None

    def refuse(self, reason: Reason, operator: Operator, tensor: Tensor | None = None, **facts: Any) -> RefusalError:
        """Return the error that names file, operator, tensor and reason; `facts` fill in the reason's sentence."""
        return refuse(self.graph, reason, operator, tensor, **facts)

    def check_int8(self, operator: Operator, *tensors: Tensor) -> None:
        """Raise RefusalError where one of `tensors` is not int8 with one scale."""
        for tensor in tensors:
            if tensor.dtype != "int8":
                known = {"int16": Reason.INT16, "uint8": Reason.UINT8}
                reason = known.get(tensor.dtype, Reason.NOT_INT8)
                raise self.refuse(reason, operator, tensor, dtype=tensor.dtype)
            if len(tensor.scales) != 1 or tensor.scale == 0:
                raise self.refuse(Reason.NO_SCALE, operator, tensor)


@dataclass(frozen=True, slots=True)
class Link:
    """What became of an operator.

    Attributes:
        shape: of its output, for one image.
        step: what the engine does; None where it needs to do nothing.
        dropped: why it does nothing, for people.
        other: the second tensor that the step takes, where it takes two.
    """

    shape: Shape
    step: Step | None = None
    dropped: str = ""
    other: Tensor | None = None


class Op(ABC):
    """One or more operators of TensorFlow Lite that are read alike.

    A file of this folder holds an op, in its `OP`; nothing else knows an operator by its name.

    Attributes:
        opcodes: what the file calls them.
        inputs: how many inputs such an operator may have; a bias, and the shape of a RESHAPE, may be left out.
        form_only: what it gives stands for the same numbers as what it takes, as exactly as its type and scale can say.
        commutes: what comes from operators before may be any of the inputs, not the first alone.
    """

    opcodes: ClassVar[tuple[str, ...]]
    inputs: ClassVar[tuple[int, ...]] = (1,)
    commutes: ClassVar[bool] = False
    form_only: ClassVar[bool] = False

    def no_link(self, source: Tensor | None) -> Reason:
        """Return why an operator whose first input is `source`, and nothing that came before, is none of the chain."""
        return Reason.NO_CHAIN

    def constant(self, chain: Chain, operator: Operator) -> Tensor | None:
        """Return the constant that the operator makes of others; None where it computes with more."""
        return None

    def is_for_shapes(self, chain: Chain, operator: Operator) -> bool:
        """Tell whether nothing but the shape of what it gives is used, and note that shape."""
        return False

    @abstractmethod
    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return what the engine does for `operator`, from `source` to `target`.

        Raises:
            RefusalError: it cannot be computed in int8, or something could overflow.
        """
