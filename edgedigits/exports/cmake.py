"""A CMake package that `find_package` finds once it is installed."""

from __future__ import annotations

from edgedigits.exports.declaration import Export

EXPORT = Export(
    "cmake",
    help="a package for find_package, with an example",
    sources="src",
    files=("CMakeLists.txt", "{prefix}Config.cmake.in", "example/CMakeLists.txt", "example/main.c"),
    then="cmake -S . -B build && cmake --build build && cmake --install build --prefix …",
)
