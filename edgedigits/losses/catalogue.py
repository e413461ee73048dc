"""The losses that lie in this folder or one of the user's: every module with a `LOSS`."""

from __future__ import annotations

from keyword import iskeyword

from edgedigits import losses
from edgedigits.discovery import declared_anywhere, extension_of
from edgedigits.errors import ConfigError
from edgedigits.losses.declaration import Loss

DEFAULT = "cross-entropy"


# The default first, the others as a dictionary has them.
LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in sorted(declared_anywhere(losses, "LOSS", Loss), key=lambda loss: (loss.name != DEFAULT, loss.name))
}
"""By name."""


def _own_parameters() -> dict[str, Loss]:
    taken = {"name", *(one.name for loss in LOSSES.values() if not extension_of(loss) for one in loss.parameters)}
    own: dict[str, Loss] = {}
    for loss in LOSSES.values():
        if file := extension_of(loss):
            for name in [one.name for one in loss.parameters]:
                if name in taken or name in own or not name.isidentifier() or iskeyword(name):
                    raise ConfigError(
                        f"{file.path}: a parameter cannot be called '{name}', as another or nothing in Python is.",
                        hint="Give it another name.",
                    )
                own[name] = loss
    return own


OWN_PARAMETERS = _own_parameters()
"""The losses of the user's by the names of their parameters."""
