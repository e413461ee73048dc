"""What an engine's arithmetic was held against: a value, made by `scoring/proof.py`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

HOW = "measured: the exact NumPy engine on the packed weights, against the interpreter"


@dataclass(frozen=True, slots=True)
class Proof:
    """That every output byte of an engine equals its oracle's, or why that could not be seen.

    Attributes:
        oracle: whose arithmetic the engine repeats, such as "LiteRT, reference kernels".
        version: version of the library that gave the bytes; empty where it gave none.
        extreme, random, digits: inputs of each kind that were run.
        bytes: output bytes that were compared.
        note: why it was not proven, and what was seen instead; empty where it was.
    """

    oracle: str
    version: str = ""
    extreme: int = 0
    random: int = 0
    digits: int = 0
    bytes: int = 0
    note: str = ""

    @property
    def proven(self) -> bool:
        """Whether every byte was compared with the oracle itself."""
        return not self.note

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {"proven": self.proven, **asdict(self), "how": HOW}
