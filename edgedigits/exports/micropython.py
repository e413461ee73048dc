"""A user C module of MicroPython, for its ports that are built by make and by CMake."""

from __future__ import annotations

from edgedigits.exports.declaration import Export

EXPORT = Export(
    "micropython",
    help="a user C module: classify(pixels), scores(pixels), fit(picture, width, height)",
    sources="",
    files=("mod{prefix}.c", "micropython.mk", "micropython.cmake"),
    then="make USER_C_MODULES=DIR, this folder being in DIR, or DIR/{folder}/micropython.cmake; then import {prefix}",
    calls="Call `{prefix}.classify(pixels)` for 28×28 bytes and `{prefix}.scores(pixels)` for the ten scores;\n"
    "`{prefix}.fit(picture, width, height[, dark])` makes such pixels of any picture, None where it shows no ink.",
    reader=False,
)
