"""A CMSIS-Pack: the engine as components of Cortex-M projects."""

from __future__ import annotations

from edgedigits.exports.declaration import Export

EXPORT = Export(
    "cmsis-pack",
    help="a pack of components for Cortex-M tools",
    sources="src",
    files=("{vendor}.{prefix}.pdsc", "template/read_digits.c"),
    then="cpackget add the .pack, or the .pdsc of a folder; then choose the components under Machine Learning",
    archive="{vendor}.{prefix}.{version}.pack",
)
