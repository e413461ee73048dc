"""A component of ESP-IDF with an example project."""

from __future__ import annotations

from edgedigits.exports.declaration import Export

_EXAMPLE = "examples/read_digits"

EXPORT = Export(
    "esp-idf",
    help="a component with its manifest, and an example project",
    sources="src",
    files=(
        *("idf_component.yml", "CMakeLists.txt"),
        *(f"{_EXAMPLE}/{name}" for name in ("CMakeLists.txt", "main/CMakeLists.txt", "main/idf_component.yml")),
        f"{_EXAMPLE}/main/main.c",
    ),
    then="idf.py -C examples/read_digits set-target esp32c3 build flash monitor, or put the folder into components/",
)
