"""A Zephyr module with a sample that twister runs."""

from __future__ import annotations

from edgedigits.exports.declaration import Export

_SAMPLE = "samples/read_digits"

EXPORT = Export(
    "zephyr",
    help="a module with Kconfig, and a sample that twister runs",
    sources="src",
    files=(
        *("zephyr/module.yml", "CMakeLists.txt", "Kconfig"),
        *(f"{_SAMPLE}/{name}" for name in ("CMakeLists.txt", "prj.conf", "sample.yaml", "src/main.c")),
    ),
    then="west build -b BOARD samples/read_digits, or name the folder in west.yml or ZEPHYR_EXTRA_MODULES",
)
