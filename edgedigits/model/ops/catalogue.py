"""The ops that lie in this folder: every module with an `OP`."""

from __future__ import annotations

from edgedigits.discovery import declared
from edgedigits.model import ops
from edgedigits.model.ops.declaration import Op

OPS: dict[str, Op] = {opcode: op for op in declared(ops, "OP") for opcode in op.opcodes}
"""By the name of the operator in the file."""
FORM_ONLY = frozenset(opcode for opcode, op in OPS.items() if op.form_only)
"""Those that change the form of values, but not what they are."""
