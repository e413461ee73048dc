"""How the biases of a layer can be stored: 4 bytes each, or in as few bits as hold them, which is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_BITS = 24
"""With as many a kernel has at most 31 bits at hand: seven of a byte, and what it has to read."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredBiases:
    """Biases as they lie in flash.

    Attributes:
        values: int32 (out,); or uint8 where they are narrow, in fields of bits, low bits first.
        bits: of a field: a signed number; 0 for int32.
        shift: low bits that are 0 in all of them, and in no field.
    """

    values: NDArray[np.int32] | NDArray[np.uint8]
    bits: int = 0
    shift: int = 0

    @property
    def is_narrow(self) -> bool:
        """Whether an engine has to widen them."""
        return self.bits > 0

    @property
    def nbytes(self) -> int:
        """Bytes of flash."""
        return int(self.values.nbytes)


def narrowest(biases: NDArray[np.int32]) -> StoredBiases:
    """Return `biases` (out,) in the fewest bits: without low ones that are 0, and high ones that repeat the sign."""
    wide = biases.astype(np.int64)
    common = int(np.bitwise_or.reduce(wide, initial=0))
    shift = (common & -common).bit_length() - 1 if common else 0
    numbers = wide >> shift
    bits = int(np.where(numbers < 0, ~numbers, numbers).max(initial=0)).bit_length() + 1
    if bits > _MOST_BITS:
        return StoredBiases(biases)
    fields = (numbers[:, None] >> np.arange(bits) & 1).astype(np.uint8)
    return StoredBiases(np.packbits(fields.reshape(-1), bitorder="little"), bits, shift)
