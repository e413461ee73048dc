"""What the self-test draws is written down, so that its vectors change with nobody's processor."""

from __future__ import annotations

from edgedigits.data.pen import draw
from edgedigits.engine.strokes import _STROKES
from tests.golden.compare import assert_golden


def test_the_strokes_are_those_written_down() -> None:
    pictures = []
    for name, lines in _STROKES.items():
        pixels = draw(lines).reshape(28, 28)
        levels = [[(int(pixel) * 16 + 254) // 255 for pixel in row] for row in pixels]
        assert all(
            level * 255 // 16 == pixel
            for row, of in zip(levels, pixels, strict=True)
            for level, pixel in zip(row, of, strict=True)
        )
        pictures += [name, *("".join(".123456789abcdef#"[level] for level in row) for row in levels)]
    assert_golden("strokes.txt", "\n".join(pictures) + "\n")
