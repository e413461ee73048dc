"""Where TensorBoard's event files go: checked before anything is trained, since its writer only fails then."""

from __future__ import annotations

import os
from pathlib import Path

from edgedigits.errors import ConfigError, DataError, ToolMissingError
from edgedigits.extras import install_command, is_installed
from edgedigits.files.scratch import parents_of, partial_folder


def check_event_folder(folder: Path, build: Path) -> None:
    """Check that event files can be written.

    Args:
        folder: where to, made later if it is not there.
        build: the folder of the build, which takes its place only at the end.

    Raises:
        ToolMissingError: TensorBoard is not installed.
        ConfigError: the one folder is in the other.
        DataError: the folder cannot be written.
    """
    if not is_installed("tensorboard"):
        raise ToolMissingError(
            "TensorBoard, which --tensorboard needs, is not installed.",
            hint=f"Install it: {install_command('tensorboard')}",
        )
    events, made = (Path(os.path.realpath(place)) for place in (folder, build))
    if events.is_relative_to(made) or made.is_relative_to(events):
        raise ConfigError(
            f"--tensorboard {folder} and the build's folder {build} are one in the other.",
            hint="Choose another --tensorboard: a build's folder is replaced as a whole.",
        )
    try:
        with parents_of(events / "stage"), partial_folder(events, "tensorboard"):
            pass
    except OSError as error:
        hint = "Choose another --tensorboard."
        raise DataError(f"{folder} cannot be written: {error.strerror or error}.", hint=hint) from error
