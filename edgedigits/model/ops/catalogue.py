"""The ops that lie in this folder: every module with an `OP`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from edgedigits.model import ops
from edgedigits.model.ops.declaration import Op


def _declared() -> dict[str, Op]:
    modules = [import_module(f"{ops.__name__}.{module.name}") for module in pkgutil.iter_modules(ops.__path__)]
    found = [module.OP for module in modules if hasattr(module, "OP")]
    return {opcode: op for op in found for opcode in op.opcodes}


OPS = _declared()
"""By the name of the operator in the file."""
