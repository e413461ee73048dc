"""Where this toolkit reads and writes: digits, caches, temporary files, the folder it runs in, and room on each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from edgedigits.doctor.finding import Finding, State, fine, from_error
from edgedigits.errors import EdgedigitsError

LEAST_FREE_BYTES = 64 << 20
"""What a build with all its temporary files has room in."""


def examine_places() -> Iterator[Finding]:
    """Say how it is with files."""
    yield _here()
    yield _temporary()
    yield _zig()
    yield _digits()


def _here() -> Finding:
    here = Path.cwd()
    if not os.access(here, os.W_OK):
        return Finding(
            "places", "this folder", State.WRONG, f"{here} cannot be written", "Run it elsewhere, or name --out."
        )
    return _room("this folder", here, "Make room, or name --out on another disk.", stops_build=True)


def _temporary() -> Finding:
    import tempfile

    from edgedigits.files.scratch import check_scratch

    try:
        check_scratch()
    except EdgedigitsError as error:
        return from_error("places", "temporary files", error, stops_build=True)
    return _room("temporary files", Path(tempfile.gettempdir()), "Set TMPDIR to a disk with room.", stops_build=True)


def _zig() -> Finding:
    from edgedigits.devices.toolchain import zig_cache

    try:
        return _room("zig's cache", zig_cache(), "Set ZIG_GLOBAL_CACHE_DIR to a disk with room.", stops_build=False)
    except EdgedigitsError as error:
        return from_error("places", "zig's cache", error)


def _digits() -> Finding:
    from edgedigits.data.mnist import cache_folder, find_mnist

    try:
        folder = find_mnist()
        if folder is not None:
            return fine("places", "MNIST", str(folder))
        detail = f"not at hand; it would be downloaded into {cache_folder()}, else mnist-5k is used"
    except EdgedigitsError as error:
        return from_error("places", "MNIST", error)
    return Finding("places", "MNIST", State.ABSENT, detail)


def _room(name: str, place: Path, remedy: str, *, stops_build: bool) -> Finding:
    free = shutil.disk_usage(place).free
    detail = f"{place}, {free >> 20:,} MiB free"
    if free >= LEAST_FREE_BYTES:
        return fine("places", name, detail)
    wanted = f"{detail}, at least {LEAST_FREE_BYTES >> 20} are needed"
    return Finding("places", name, State.WRONG, wanted, remedy, stops_build=stops_build)
