"""The RAM that the caller of an engine lends it, and where each array of values lies, there or elsewhere.

What one step gives and the next alone takes lies in `hidden`, one array for all. What is read later too, as by a skip
connection, is kept in an array of its own, which another value gets once nobody reads the first any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgedigits.model.network import Network
from edgedigits.model.ops.step import Spot
from edgedigits.model.packing import PackedLayer
from edgedigits.model.weights.encoding import Visits
from edgedigits.sections import LIST_ROOM

ENTRY_BYTES, AVR_ENTRY_BYTES = 8, 4
FED_BYTES = 12
"""What is known of an input that comes in portions; it lies where the values between two steps do later."""
INPUT, HIDDEN, OUTPUT = Spot("input", signed=True), Spot("s->hidden", signed=False), Spot("output", signed=True)


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """The lengths of its parts, which lie one behind the other, 4-byte aligned, in this order.

    Attributes:
        sums: accumulators of a layer, int32.
        lists: whether there is the list of active inputs.
        lists_on_avr: whether there is on AVR, where pairs do without.
        kept: values of each array that is kept for longer than the next step.
        hidden: values between two steps.
        padded: values of the input, filled up to a multiple of 4; 0 where kernels read it as it is.
        spots: where the network's input lies, and what each step gives.
        list_room: entries of the list, without its end.
    """

    sums: int
    lists: bool
    lists_on_avr: bool
    kept: tuple[int, ...]
    hidden: int
    padded: int
    spots: tuple[Spot, ...]
    list_room: int = LIST_ROOM

    @property
    def values_at(self) -> int:
        """Offset of `hidden`: where the scores of a classification lie as well."""
        return self._values_at(ENTRY_BYTES if self.lists else 0)

    @property
    def values_at_on_avr(self) -> int:
        """The same on AVR."""
        return self._values_at(AVR_ENTRY_BYTES if self.lists_on_avr else 0)

    def _values_at(self, entry_bytes: int) -> int:
        return 4 * self.sums + (self.list_room + 1) * entry_bytes + sum(self.kept)

    @property
    def nbytes(self) -> int:
        """All of it."""
        return self.values_at + self.hidden + self.padded

    @property
    def nbytes_on_avr(self) -> int:
        """All of it on AVR."""
        return self.values_at_on_avr + self.hidden + self.padded


def lay_out(
    network: Network, packed: Sequence[PackedLayer], *, fed: bool = False, list_room: int = LIST_ROOM
) -> EngineMemory:
    """Return what the engine of a network needs.

    Args:
        network: as lowered.
        packed: its layers, packed.
        fed: its input may come in portions.
        list_room: entries of the list of active inputs; a longer one is worked off in parts.
    """
    spots, kept = _spots(network)
    between = [size for size, spot in zip(network.sizes, spots, strict=True) if spot in (HIDDEN, OUTPUT)]
    of_words = any(one.encoding.reads_words for one, first in zip(packed, network.of_input, strict=True) if first)
    return EngineMemory(
        sums=max(one.encoding.padded(one.layer.outputs) for one in packed),
        lists=any(one.encoding.uses_list for one in packed),
        lists_on_avr=any(one.encoding.visits is Visits.LISTED_INPUTS for one in packed),
        kept=tuple(map(up_to_four, kept)),
        hidden=up_to_four(max(*between, FED_BYTES if fed else 0)),
        padded=up_to_four(network.inputs) if of_words and network.inputs % 4 else 0,
        spots=tuple(spots),
        list_room=list_room,
    )


def _spots(network: Network) -> tuple[list[Spot], list[int]]:
    """Return where the input lies and what each step gives, and how many values each array that is kept must hold."""
    spots, sizes, last_reader = [INPUT], network.sizes, network.last_reader
    lengths: list[int] = []
    busy_until: list[int] = []
    last_layer = network.steps.index(network.layers[-1]) + 1
    for number in range(1, len(network.steps) + 1):
        if last_reader[number] <= number + 1:
            # Behind the last layer the values are the output, and signed; before it they count from the lowest.
            spots.append(HIDDEN if number < last_layer else OUTPUT)
            continue
        # A step may write where it reads.
        free = next((slot for slot, until in enumerate(busy_until) if until <= number), len(lengths))
        if free == len(lengths):
            lengths.append(0)
            busy_until.append(0)
        lengths[free], busy_until[free] = max(lengths[free], sizes[number]), last_reader[number]
        spots.append(Spot(f"s->kept{free + 1}", signed=False))
    return spots, lengths


def up_to_four(count: int) -> int:
    """Return `count` or the next multiple of 4, which kernels read at a time."""
    return -(-count // 4) * 4


def padding(spot: Spot, count: int) -> list[str]:
    """Return the lines of C that fill up `count` values in the workspace to a multiple of 4."""
    return [f"{spot.pointer}[{position}] = 0u;" for position in range(count, up_to_four(count))]
