"""A user C module of MicroPython, for its ports that are built by make and by CMake."""

from __future__ import annotations

from edgedigits.exports.declaration import Export

EXPORT = Export(
    "micropython",
    help="a user C module: classify(pixels), scores(pixels)",
    sources="",
    files=("mod{prefix}.c", "micropython.mk", "micropython.cmake"),
    then="make USER_C_MODULES=DIR, this folder being in DIR, or DIR/{prefix}/micropython.cmake; then import {prefix}",
)
