"""The lowered network: a chain of integer steps, what an engine does rather than what a file says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Graph, Tensor
from edgedigits.model.ops.declaration import Step
from edgedigits.model.ops.dense_layer import DenseLayer


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A lowered network: what the engine computes from int8 inputs to int8 outputs.

    Attributes:
        graph: the file it was lowered from.
        rounding: whose arithmetic it equals.
        steps: in order, one dense layer at least; each takes what the one before gives, the first the input.
        input: the int8 tensor that enters the first step.
        output: the int8 tensor that leaves.
        dropped: operators of the file that the network drops, and why, for people.
    """

    graph: Graph
    rounding: Rounding
    steps: tuple[Step, ...]
    input: Tensor
    output: Tensor
    dropped: tuple[str, ...] = field(default=())

    @property
    def layers(self) -> tuple[DenseLayer, ...]:
        """The steps that have weights, in order; each has as many inputs as the one before has outputs."""
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

    def with_layers(self, layers: Iterable[DenseLayer]) -> Network:
        """Return the network with other layers in the places of its own."""
        others = iter(layers)
        return replace(self, steps=tuple(next(others) if isinstance(one, DenseLayer) else one for one in self.steps))
