"""A library for the Arduino IDE and its command line, as `arduino-lint` wants it."""

from __future__ import annotations

from edgedigits.exports.declaration import Export

EXPORT = Export(
    "arduino",
    help="a library with two sketches: digits over Serial, digits drawn on a touch screen",
    sources="src",
    files=(
        "library.properties",
        "keywords.txt",
        "examples/SerialDigit/SerialDigit.ino",
        "examples/DrawDigit/DrawDigit.ino",
    ),
    then="put the folder into libraries/ of the sketchbook, or Sketch > Include Library > Add .ZIP Library",
)
