"""The lowered network: integer steps one behind the other, what an engine does rather than what a file says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Graph, Tensor
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import Step


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A lowered network: what the engine computes from int8 inputs to int8 outputs.

    Attributes:
        graph: the file it was lowered from.
        rounding: whose arithmetic it equals.
        steps: in order, one dense layer at least.
        reads: what each step takes: 0 for the network's input, k for what step k gives, from 1. In a plain chain that
            is what the step before gives; a skip connection reaches farther back. The last step gives the output, and
            what any other gives is read.
        input: the int8 tensor that enters the first step.
        output: the int8 tensor that leaves.
        dropped: operators of the file that the network drops, and why, for people.
    """

    graph: Graph
    rounding: Rounding
    steps: tuple[Step, ...]
    reads: tuple[tuple[int, ...], ...]
    input: Tensor
    output: Tensor
    dropped: tuple[str, ...] = field(default=())

    @property
    def layers(self) -> tuple[DenseLayer, ...]:
        """The steps that have weights, in order."""
        return tuple(step for step in self.steps if isinstance(step, DenseLayer))

    @property
    def gives_probabilities(self) -> bool:
        """Whether what comes out are the shares of classes."""
        return self.steps[-1].gives_probabilities

    @property
    def inputs(self) -> int:
        """Number of int8 inputs."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Number of int8 outputs."""
        return self.layers[-1].outputs

    @property
    def of_input(self) -> tuple[bool, ...]:
        """Which of the layers read the network's input itself."""
        pairs = zip(self.steps, self.reads, strict=True)
        return tuple(reads == (0,) for step, reads in pairs if isinstance(step, DenseLayer))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values the input has, and what each step gives."""
        found = [self.inputs]
        for step, reads in zip(self.steps, self.reads, strict=True):
            found.append(step.outputs if isinstance(step, DenseLayer) else found[reads[0]])
        return tuple(found)

    @property
    def last_reader(self) -> tuple[int, ...]:
        """Which step, counted from 1, is the last that reads the input, and what each step gives; 0 for the output."""
        readers = {value: number for number, reads in enumerate(self.reads, start=1) for value in reads}
        return tuple(readers.get(value, 0) for value in range(len(self.steps) + 1))

    def with_layers(self, layers: Iterable[DenseLayer]) -> Network:
        """Return the network with other layers in the places of its own."""
        others = iter(layers)
        return replace(self, steps=tuple(next(others) if isinstance(one, DenseLayer) else one for one in self.steps))
