"""The schedules of pruning that lie in this folder or one of the user's: every module with a `RAMP`."""

from __future__ import annotations

from edgedigits import ramps
from edgedigits.discovery import declared_anywhere
from edgedigits.ramps.declaration import Ramp

DEFAULT = "polynomial"


# The default first, the others as a dictionary has them.
RAMPS: dict[str, Ramp] = {
    ramp.name: ramp
    for ramp in sorted(declared_anywhere(ramps, "RAMP", Ramp), key=lambda ramp: (ramp.name != DEFAULT, ramp.name))
}
"""By name."""
