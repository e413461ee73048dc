"""The criteria that lie in this folder or one of the user's: every module with a `CRITERION`."""

from __future__ import annotations

from edgedigits import criteria
from edgedigits.criteria.declaration import Criterion
from edgedigits.discovery import declared_anywhere

DEFAULT = "magnitude"


# The default first, the others as a dictionary has them.
CRITERIA: dict[str, Criterion] = {
    criterion.name: criterion
    for criterion in sorted(
        declared_anywhere(criteria, "CRITERION", Criterion), key=lambda one: (one.name != DEFAULT, one.name)
    )
}
"""By name."""
