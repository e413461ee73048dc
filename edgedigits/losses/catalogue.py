"""The losses that lie in this folder: every module with a `LOSS`."""

from __future__ import annotations

from edgedigits import losses
from edgedigits.discovery import declared
from edgedigits.losses.declaration import Loss

DEFAULT = "cross-entropy"


# The default first, the others as a dictionary has them.
LOSSES: dict[str, Loss] = {
    loss.name: loss for loss in sorted(declared(losses, "LOSS"), key=lambda loss: (loss.name != DEFAULT, loss.name))
}
"""By name."""
