"""The losses that lie in this folder: every module with a `LOSS`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from edgedigits import losses
from edgedigits.losses.declaration import Loss

DEFAULT = "cross-entropy"


def _declared() -> dict[str, Loss]:
    modules = [import_module(f"{losses.__name__}.{module.name}") for module in pkgutil.iter_modules(losses.__path__)]
    found = [module.LOSS for module in modules if hasattr(module, "LOSS")]
    # The default first, the others as a dictionary has them.
    return {loss.name: loss for loss in sorted(found, key=lambda loss: (loss.name != DEFAULT, loss.name))}


LOSSES = _declared()
"""By name."""
