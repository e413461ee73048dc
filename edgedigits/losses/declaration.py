"""What a loss declares of itself: one file a loss in this folder, found by being there.

s are the logits (n, 10) of a batch, y its integer labels (n,), p = softmax(s). A file holds the formula in TensorFlow's
operations, which it is handed: the options of the command line come from the same file and need no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgedigits.options import Need, Parser, option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Values = Mapping[str, Any]
"""Of a loss's parameters by name, as the configuration has them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a loss: a field of [loss] in the configuration, and a flag.

    Attributes:
        name: of the field.
        default: value.
        parse: how text becomes the value.
        help: what `--help` says behind the loss's name.
        words: the value for people, such as "γ = 2"; "" for nothing to say.
        metavar: what `--help` calls the value.
        needs: what it has no effect without, if that is more than the loss itself.
    """

    name: str
    default: Any
    parse: Parser
    help: str
    words: Callable[[Any], str]
    metavar: str = ""
    needs: Need | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss on logits.

    Attributes:
        name: as users write it.
        meaning: what it minimises for an image whose true class has the probability p, in words; by the values of its
            parameters where they change that.
        formula: of one image, by p = softmax(s).
        source: the publication that the formula is from; "" for what every textbook has.
        per_image: (tf, labels (n,) int32, logits (n, 10) float32, **constants) → the loss of each image, (n,).
            TensorFlow's functions alone: Python's own `if` and `for` cannot look into tensors there.
        parameters: what a user may choose of it.
        constants: (values of the parameters, training labels (n,)) → keyword arguments of `per_image`, of JSON's types.
        slower: (values) → by how much its default learning rate is divided.
        gradient_of: the name of the loss whose gradient it has; "" for its own.
        takes_smoothing: it counts log p of the true class, so that a label may be a little of every class.
    """

    name: str
    meaning: str | Callable[[Values], str]
    formula: str
    source: str
    per_image: Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()
    constants: Callable[[Values, NDArray[np.uint8]], dict[str, Any]] = lambda values, labels: dict(values)
    slower: Callable[[Values], int] = lambda values: 1
    gradient_of: str = ""
    takes_smoothing: bool = False

    def values(self, config: Any) -> dict[str, Any]:
        """Return what the configuration says of this loss's parameters.

        Args:
            config: the [loss] of a configuration: an object with a field a parameter, or a table; defaults where it
                says nothing.
        """
        said = config if isinstance(config, Mapping) else vars(config)
        return {parameter.name: said.get(parameter.name, parameter.default) for parameter in self.parameters}

    def meant(self, config: Any) -> str:
        """Return what it minimises, in words."""
        return self.meaning if isinstance(self.meaning, str) else self.meaning(self.values(config))

    def words(self, config: Any) -> str:
        """Return the loss and the parameters that it has, e.g. "focal (γ = 2)"."""
        values = self.values(config)
        told = [parameter for parameter in self.parameters if self._has_effect(parameter, values)]
        said = [parameter.words(values[parameter.name]) for parameter in told]
        return f"{self.name} ({', '.join(filter(None, said))})" if any(said) else self.name

    def fields(self) -> list[tuple[str, Any, Any]]:
        """Return the parameters as fields of a dataclass: name, type, and the option."""
        return [
            (
                parameter.name,
                Any,
                option(
                    parameter.default,
                    parameter.parse,
                    f"{self.name}: {parameter.help}",
                    metavar=parameter.metavar,
                    needs=parameter.needs or ("loss", "name", self.name),
                ),
            )
            for parameter in self.parameters
        ]

    @staticmethod
    def _has_effect(parameter: Parameter, values: Values) -> bool:
        return parameter.needs is None or values.get(parameter.needs[1]) == parameter.needs[2]
