"""What a compiled engine is, in figures: for reports, tables and JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgedigits.data.preprocess import PixelRange
from edgedigits.engine.source import EngineSource
from edgedigits.files.typed import Count, Share
from edgedigits.model.core_costs import CoreCosts
from edgedigits.model.network import Network
from edgedigits.model.ops.step import InPlaceStep
from edgedigits.model.packing import PackedLayer, times
from edgedigits.model.proof import Proof
from edgedigits.model.simplify import simplify
from edgedigits.view import PLAIN, View

BYTES_HOW = "measured: the arrays in the C source"
INSTRUCTIONS_HOW = "estimated: Cortex-M4 at -O2, an image of a digit"
"""A further clause says how many inputs a layer visits of one."""
NEVER_MEASURED = "how many inputs are active was never measured: 18% of the pixels, half of what lies between layers"


@dataclass(frozen=True, slots=True)
class EngineLayerFacts:
    """One layer of an engine.

    Attributes:
        name: the operator's label in the file.
        inputs, outputs: neurons that are left once dead ones are folded away.
        activation: fused activation: "NONE", "RELU" or "RELU6".
        zeros: weights that are 0.
        encoding: name of the encoding of its weights.
        summary: the same in words.
        nbytes: flash for its weights, exactly.
        instructions: estimate for one inference, requantization included.
        activity: share of its inputs that is above their lowest value, which the estimate is for; None where a report
            was read back that does not say it.
        cycles: the same estimate in cycles of each core that the engine is packed for.
    """

    name: str
    inputs: int
    outputs: int
    activation: str
    zeros: int
    encoding: str
    summary: str
    nbytes: int
    instructions: int
    activity: Share | None = None
    cycles: dict[str, Count] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """An engine.

    Attributes:
        prefix: start of its C names.
        rounding: "litert" or "tflm".
        optimize: what its encodings were chosen for.
        layers: in order.
        weight_bytes, bias_bytes, table_bytes: flash by purpose, exactly.
        workspace_bytes: RAM that the caller lends, exactly.
        softmax: the outputs are probabilities.
        instructions: estimate for one inference, without a softmax.
        dead_neurons: neurons of the file that do nothing, which the engine does without or has as gaps in blocks.
        dropped: operators of the file that the engine does without, and why.
        proof: what its arithmetic was held against.
        pixels: what pixels are to it; None where it takes none.
        view: what it sees of an image.
        reject_margin: the least lead that `classify` accepts, in steps of the output; 0 where it refuses nothing.
        measured_on: images that activity was measured on; 0 where it is what was to be expected.
        measured_of: what they are of; "" for a build's own, or none.
    """

    prefix: str
    rounding: str
    optimize: str
    layers: tuple[EngineLayerFacts, ...]
    weight_bytes: Count
    bias_bytes: Count
    table_bytes: Count
    workspace_bytes: Count
    softmax: bool
    instructions: Count
    dead_neurons: int
    dropped: tuple[str, ...]
    proof: Proof
    pixels: PixelRange | None = None
    view: View = PLAIN
    reject_margin: int = 0
    measured_on: Count = 0
    measured_of: str = ""

    @property
    def activity(self) -> tuple[float, ...]:
        """That of each layer where it was measured; nothing where not."""
        return tuple(layer.activity for layer in self.layers if layer.activity is not None) if self.measured_on else ()

    @property
    def cycles(self) -> dict[str, int]:
        """Estimate for one inference on each core that it is packed for, without a softmax."""
        return {core: sum(layer.cycles[core] for layer in self.layers) for core in self.layers[0].cycles}

    @property
    def instructions_how(self) -> str:
        """How the estimate was obtained."""
        of = f" of {self.measured_of}" if self.measured_of else ""
        measured = f"active inputs of each layer measured on {self.measured_on:,} images{of}"
        return f"{INSTRUCTIONS_HOW}; {measured if self.measured_on else NEVER_MEASURED}"

    @property
    def constant_bytes(self) -> int:
        """Flash for all its constants."""
        return self.weight_bytes + self.bias_bytes + self.table_bytes

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values; "how" tells how figures were obtained."""
        how = {"bytes": BYTES_HOW, "instructions": self.instructions_how}
        facts = {name: value for name, value in dataclasses.asdict(self).items() if name != "measured_of" or value}
        return {**facts, "proof": self.proof.to_json(), "how": how}


def engine_facts(
    lowered: Network,
    network: Network,
    packed: tuple[PackedLayer, ...],
    source: EngineSource,
    optimize: str,
    proof: Proof,
    measured_on: int = 0,
    cores: Sequence[CoreCosts] = (),
) -> EngineFacts:
    """Gather the facts of an engine.

    Args:
        lowered: the network as the file has it.
        network: the same without dead neurons.
        packed: its layers, packed.
        source: its text.
        optimize: what the encodings were chosen for.
        proof: what its arithmetic was held against.
        measured_on: images that the activity of the layers was measured on.
        cores: that it is packed for.
    """
    layers = tuple(_layer_facts(one, cores) for one in packed)
    neurons = [sum(layer.outputs for layer in one.layers) for one in (lowered, simplify(lowered))]
    return EngineFacts(
        prefix=source.prefix,
        rounding=str(network.rounding),
        optimize=optimize,
        layers=layers,
        weight_bytes=source.weight_bytes,
        bias_bytes=source.bias_bytes,
        table_bytes=source.table_bytes,
        workspace_bytes=source.workspace_bytes,
        softmax=network.gives_probabilities,
        instructions=sum(layer.instructions for layer in layers) + _between_layers(network),
        dead_neurons=neurons[0] - neurons[1],
        dropped=network.dropped,
        proof=proof,
        pixels=source.pixels.range if source.pixels else None,
        view=source.pixels.view if source.pixels else PLAIN,
        reject_margin=source.reject_margin,
        measured_on=measured_on,
    )


def _between_layers(network: Network) -> int:
    steps = zip(network.steps, network.sizes[1:], strict=True)
    return round(sum(step.instructions * size for step, size in steps if isinstance(step, InPlaceStep)))


def _layer_facts(one: PackedLayer, cores: Sequence[CoreCosts]) -> EngineLayerFacts:
    layer = one.layer
    return EngineLayerFacts(
        name=layer.name,
        inputs=layer.inputs,
        outputs=layer.outputs,
        activation=layer.activation,
        zeros=int(np.count_nonzero(layer.weights == 0)),
        encoding=one.encoding.name,
        summary=one.encoding.summary,
        nbytes=one.nbytes,
        instructions=round(one.instructions),
        activity=round(one.activity.inputs, 4),
        cycles={core.core: round(core.cycles(times([one]))) for core in cores},
    )
