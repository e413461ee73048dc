"""What an engine is made of, ready to print: its layers and other steps, its constants, its workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgedigits.data.preprocess import PixelMap, range_text
from edgedigits.engine.engine_layers import EngineLayer, as_c_arrays, engine_layers, step_emissions
from edgedigits.engine.raw_pixels import has_usual_table, reads_pixels, takes_portions
from edgedigits.engine.workspace import EngineMemory, lay_out
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import ConstantTable, Emission
from edgedigits.model.packing import PackedLayer
from edgedigits.sections import LIST_ROOM


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The parts of one engine.

    Attributes:
        network: as lowered.
        layers: its steps with weights, in order.
        emissions: its other steps, in order.
        tables: all constants that are no layer's.
        memory: what the caller lends it.
        raw: it can read pixels as they are.
        fed: it can get them in portions.
    """

    network: Network
    layers: tuple[EngineLayer, ...]
    emissions: tuple[Emission, ...]
    tables: tuple[ConstantTable, ...]
    memory: EngineMemory
    raw: bool
    fed: bool

    @property
    def in_order(self) -> list[EngineLayer | Emission]:
        """Every step."""
        layers, others = iter(self.layers), iter(self.emissions)
        return [next(layers) if isinstance(step, DenseLayer) else next(others) for step in self.network.steps]

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes by purpose, exactly."""
        return {
            "workspace_bytes": self.memory.nbytes,
            "weight_bytes": sum(layer.packed.nbytes for layer in self.layers),
            "bias_bytes": sum(layer.bias_bytes for layer in self.layers),
            "table_bytes": sum(table.values.nbytes for table in self.tables),
        }


def make_parts(
    network: Network, packed: Sequence[PackedLayer], pixels: PixelMap | None, list_room: int = LIST_ROOM
) -> Parts:
    """Return the parts of the engine of a packed network.

    Args:
        network: as lowered.
        packed: its layers, packed.
        pixels: what those become in its input; None where it takes none.
        list_room: active inputs that the workspace lists at a time.
    """
    packed = as_c_arrays(packed)
    raw = reads_pixels(network, packed, pixels)
    fed = raw and takes_portions(network, packed)
    memory = lay_out(network, packed, fed=fed, list_room=list_room)
    emissions = tuple(step_emissions(network, memory))
    tables = (*(table for emission in emissions for table in emission.tables), *_pixel_table(pixels))
    layers = tuple(engine_layers(network, packed, memory, raw=raw, fed=fed))
    return Parts(network, layers, emissions, tables, memory, raw, fed)


def _pixel_table(pixels: PixelMap | None) -> list[ConstantTable]:
    """Return the table of `preprocess`; none where the input is the pixel less 128, or no pixel."""
    if pixels is None or has_usual_table(pixels):
        return []
    are = range_text(pixels.range.low, pixels.range.high)
    return [
        ConstantTable("pixel_inputs", f"The input for each pixel, 0 to 255: they are {are} to the model.", pixels.table)
    ]
