"""Pictures of every kind become upright grey ones of bounded size, or a sentence."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.data.photos.photo import MOST_PIXELS, WORKED_ON, open_photo
from edgedigits.data.png_file import SIGNATURE
from edgedigits.errors import ConfigError, DataError

WEDGE = np.add.outer(3 * np.arange(20), 4 * np.arange(30)).astype(np.uint8)
# What has to be done to a picture that is upright, so that the tag turns it back.
TURNED = {
    **{1: lambda p: p, 2: np.fliplr, 3: lambda p: np.rot90(p, 2), 4: np.flipud},
    **{5: np.transpose, 6: np.rot90, 7: lambda p: np.rot90(np.transpose(p), 2), 8: lambda p: np.rot90(p, -1)},
}


@pytest.mark.parametrize("orientation", TURNED)
def test_exif_says_how_it_is_turned(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(TURNED[orientation](WEDGE))).save(tmp_path / "a.png", exif=exif)
    photo = open_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo.grey, WEDGE)
    assert (photo.width, photo.height, photo.scale) == (30, 20, 1)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_kind_of_pixel_becomes_grey(mode: str, tmp_path: Path) -> None:
    light = np.where(WEDGE > 80, 255, 0).astype(np.uint8)
    image = Image.fromarray(light.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(light).convert(mode)
    image.save(tmp_path / "a.tif")
    np.testing.assert_array_equal(open_photo(tmp_path / "a.tif").grey > 127, light > 127)


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_on_what_is_transparent_stands_out(ink: int) -> None:
    layers = np.zeros((20, 20, 4), np.uint8)
    layers[5:15, 8:12] = (ink, ink, ink, 255)
    assert open_photo(layers).grey[10, 10] == ink and open_photo(layers).grey[0, 0] == 255 - ink


def test_a_large_picture_is_averaged_down() -> None:
    photo = open_photo(np.kron(WEDGE, np.ones((100, 100), np.uint8)))
    assert photo.grey.size <= WORKED_ON * 1.01 and (photo.width, photo.height) == (3000, 2000)
    np.testing.assert_allclose(photo.grey[::58, ::58][1:-1, 1:-1].mean(), WEDGE.mean(), atol=8)


def huge_png(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds next to nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(b"\0"), b"IEND")
    return SIGNATURE + b"".join(
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in chunks
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a picture"),
        (b"no picture at all", "is not a picture"),
        (huge_png(12_500, 8_000), f"has 12,500×8,000 pixels; of what is no JPEG, at most {MOST_PIXELS:,} are read"),
        (huge_png(60_000, 60_000), "has more pixels than are read"),
        (huge_png(100, 100), "is a damaged picture"),
    ],
)
def test_what_is_no_picture_is_a_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=words):
        open_photo(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"])
def test_a_truncated_file_is_a_sentence(kind: str, tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90)).astype(np.uint8)).save(content, kind)
    whole = content.getvalue()
    for share in (0.1, 0.5, 0.9):
        (tmp_path / "a").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(DataError, match="is not a picture|is a damaged picture"):
            open_photo(tmp_path / "a")


def test_a_folder_and_what_is_not_there_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder, expected a file"):
        open_photo(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        open_photo(tmp_path / "none.png")


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8), [[1]]])
def test_pixels_of_another_kind_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="expected uint8"):
        open_photo(pixels)


@pytest.mark.slow
def test_no_damaged_file_ends_in_a_traceback(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    whole, place = [], tmp_path / "a"
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "AVIF", "JPEG2000", "ICO", "PPM", "TGA"):
        content = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (30, 40, 3)).astype(np.uint8)).save(content, kind)
        whole.append(content.getvalue())
    for turn in range(5000):
        damaged = bytearray(whole[turn % len(whole)])
        for at in random.integers(0, len(damaged), 4) if turn % 2 else random.integers(0, 64, 3):
            damaged[at] = random.integers(256)
        place.write_bytes(damaged[: random.integers(len(damaged))] if turn % 5 == 0 else damaged)
        with contextlib.suppress(DataError):
            open_photo(place)


@pytest.mark.slow
def test_a_jpeg_of_a_hundred_megapixels_is_read_at_a_fraction_of_its_size(tmp_path: Path) -> None:
    Image.new("L", (10_000, 10_000), 200).save(tmp_path / "a.jpg")
    photo = open_photo(tmp_path / "a.jpg")
    assert (photo.width, photo.height) == (10_000, 10_000) and photo.grey.size <= WORKED_ON * 1.01
