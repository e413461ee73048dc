"""How the weights of a layer can be stored: a file of this folder an encoding, found because it is there."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from edgedigits.model.weights.encoding import Encoding


def _found() -> tuple[Encoding, ...]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    found = (encoding for module in modules for encoding in getattr(module, "ENCODINGS", ()))
    return tuple(sorted(found, key=lambda encoding: (encoding.rank, encoding.name)))


ENCODINGS = _found()
"""All encodings, by rank: of equally good ones the first is taken."""
