"""The kinds of levels that lie in this folder or one of the user's: every module with a `LEVELS`."""

from __future__ import annotations

from edgedigits import levels
from edgedigits.discovery import declared_anywhere
from edgedigits.levels.declaration import Levels

DEFAULT = "codebook"


# The default first, the others as a dictionary has them.
LEVELS: dict[str, Levels] = {
    kind.name: kind
    for kind in sorted(declared_anywhere(levels, "LEVELS", Levels), key=lambda kind: (kind.name != DEFAULT, kind.name))
}
"""By name."""
