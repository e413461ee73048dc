"""A PlatformIO project whose own library is the engine."""

from __future__ import annotations

from edgedigits.exports.declaration import Export

EXPORT = Export(
    "platformio",
    help="a project that runs on this machine and on boards, with the engine as its library",
    sources="lib/{prefix}/src",
    files=("platformio.ini", "lib/{prefix}/library.json", "src/main.cpp"),
    then="pio run -e native -t exec, or -e esp32dev, pico … -t upload; pio pkg pack lib/{prefix} for others",
)
