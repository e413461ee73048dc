"""PNG files: a picture that is whole comes through to the byte, every other is told apart."""

from __future__ import annotations

import os
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from edgedigits.data import picture_folder, reading
from edgedigits.data.digits import Digits
from edgedigits.data.load import read_source
from edgedigits.data.png_file import MOST_FILE_BYTES, read_png
from edgedigits.errors import DataError
from tests.data import png_maker
from tests.data.digit_files import told, write_idx, write_pngs
from tests.data.png_maker import GREY, GREY_ALPHA, PALETTE, RGB, RGB_ALPHA, SIGNATURE, chunk, header, png, raw_rows

IMAGE = np.arange(784, dtype=np.uint8).reshape(28, 28)
ALPHA_TABLE = bytes([255] * 255 + [0])


def _read(content: bytes, folder: Path) -> np.ndarray:
    (folder / "x.png").write_bytes(content)
    return read_png(folder / "x.png").ravel()


def _refusal(content: bytes, folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        _read(content, folder)
    return told(caught.value, folder)


# --- pictures that are whole -----------------------------------------------------------------------


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    form=st.sampled_from(png_maker.FORMS),
    filters=st.lists(st.integers(0, 4), min_size=1, max_size=5).map(tuple),
    interlace=st.booleans(),
    parts=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_every_form_of_png_gives_its_greys(form, filters, interlace, parts, seed, tmp_path: Path) -> None:
    colour, depth = form
    image = png_maker.coarse(np.random.default_rng(seed).integers(0, 256, (28, 28)), depth)
    content = png(image, colour, depth, filters=filters, interlace=interlace, parts=parts)
    assert (_read(content, tmp_path) == image.reshape(-1)).all()


@pytest.mark.parametrize(
    "more",
    [
        chunk(b"gAMA", (45455).to_bytes(4)),
        chunk(b"tEXt", b"Comment\0a digit"),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"iCCP", b"profile\0\0junk"),
        chunk(b"tIME", b"junk"),
        chunk(b"eXIf", b"junk"),
        chunk(b"xxXx", b"what nobody knows"),
    ],
    ids=lambda more: more[4:8].decode(),
)
def test_what_does_not_make_up_pixels_is_passed_over(more: bytes, tmp_path: Path) -> None:
    assert (_read(png(IMAGE, before=more), tmp_path) == IMAGE.reshape(-1)).all()
    assert (_read(png(IMAGE) + b"what follows the end", tmp_path) == IMAGE.reshape(-1)).all()


def test_colours_become_grey_as_the_eye_weighs_them(tmp_path: Path) -> None:
    for colour, grey in (((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((7, 7, 7), 7)):
        Image.new("RGB", (28, 28), colour).save(tmp_path / "x.png")
        assert (read_png(tmp_path / "x.png").ravel() == grey).all()


@pytest.mark.parametrize(
    ("form", "transparency"),
    [
        ((GREY, 8), b"\0\x80"),
        ((GREY, 1), b"\0\1"),
        ((GREY, 2), b"\0\1"),
        ((GREY, 4), b"\0\1"),
        ((RGB, 8), b"\0\x80\0\x80\0\x80"),
        ((PALETTE, 8), ALPHA_TABLE),
        ((PALETTE, 2), b"\xff\xff\0"),
        ((PALETTE, 1), b"\xfe"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_transparency_matters_where_a_pixel_has_it(form, transparency: bytes, tmp_path: Path) -> None:
    colour, depth = form
    steps = png_maker.levels(depth) - 1
    more = chunk(b"tRNS", transparency)
    # The grey that is transparent, by depth and by how its colour counts; and one that is not.
    hidden = {GREY: transparency[-1], RGB: 128, PALETTE: steps + 1 - len(transparency)}[colour] * 255 // steps
    if colour == PALETTE and depth == 1:
        hidden = 255
    there = np.full((28, 28), 255 - hidden if hidden in (0, 255) else 255, np.uint8)
    assert (_read(png(there, colour, depth, before=more), tmp_path) == there.reshape(-1)).all()
    there[3, 4] = hidden
    assert _refusal(png(there, colour, depth, before=more), tmp_path) == (
        "x.png is transparent in places. Flatten it onto a plain background."
    )


# --- pictures that are not -------------------------------------------------------------------------

AGAIN = "Save or copy it again."
ROWS = raw_rows(IMAGE)


def _with_rows(compressed: bytes, head: bytes | None = None) -> bytes:
    return SIGNATURE + (head or header()) + chunk(b"IDAT", compressed) + chunk(b"IEND")


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (_with_rows(zlib.compress(ROWS[: 10 * 29])), "its pixels take 290 bytes, expected 812"),
        (_with_rows(zlib.compress(ROWS[:-1])), "its pixels take 811 bytes, expected 812"),
        (_with_rows(zlib.compress(ROWS + b"\0")), "its pixels take 813 bytes, expected 812"),
        (_with_rows(zlib.compress(bytes(50_000_000))), "its pixels take 813 bytes, expected 812"),
        (_with_rows(zlib.compress(ROWS)[:-3]), "its pixels are cut off"),
        (_with_rows(zlib.compress(ROWS)[:60]), "its pixels are cut off"),
        (_with_rows(zlib.compress(ROWS)[:-4] + b"\0\0\0\0"), "Error -3 while decompressing data: incorrect data check"),
        (_with_rows(b"junk"), "Error -3 while decompressing data: incorrect header check"),
        (_with_rows(b""), "its pixels are cut off"),
        (_with_rows(zlib.compress(b"\7" + ROWS[1:])), "unrecognized data stream contents when reading image file"),
        (
            _with_rows(zlib.compress(ROWS), header(interlace=1)),
            f"its pixels take 812 bytes, expected {len(raw_rows(IMAGE, interlace=True))}",
        ),
        (png(IMAGE)[:120], "it ends before its last chunk"),
        (png(IMAGE)[:-12], "it ends before its last chunk"),
        (png(IMAGE)[:-1], "it ends before its last chunk"),
        (SIGNATURE, "it ends before its last chunk"),
        (SIGNATURE + header(), "it ends before its last chunk"),
        (SIGNATURE + header() + chunk(b"IEND"), "its pixels are cut off"),
        (SIGNATURE + chunk(b"IDAT"), "it does not begin with a header"),
        (SIGNATURE + chunk(b"CgBI", bytes(4)) + png(IMAGE)[8:], "it does not begin with a header"),
        (SIGNATURE + chunk(b"IHDR", bytes(12)), "it does not begin with a header"),
        (SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(20), "it ends before its last chunk"),
        (SIGNATURE + header() + png(IMAGE)[8:], "its chunk b'IHDR' comes again"),
        (png(IMAGE, before=chunk(b"PLTE", bytes(3)) * 2), "its chunk b'PLTE' comes again"),
        (png(IMAGE).replace(b"IEND", b"IEnD", 1), "the checksum of its chunk b'IEnD' is wrong"),
        (png(IMAGE).replace(b"IDAT", b"IDaT", 1), "the checksum of its chunk b'IDaT' is wrong"),
        (png(IMAGE, before=chunk(b"WhAT")), "its chunk b'WhAT' is unknown"),
        (_with_rows(b"", header(depth=3)), "there is no colour type 0 of 3 bits"),
        (_with_rows(b"", header(colour=RGB, depth=4)), "there is no colour type 2 of 4 bits"),
        (_with_rows(b"", header(colour=PALETTE, depth=16)), "there is no colour type 3 of 16 bits"),
        (_with_rows(b"", header(colour=1)), "there is no colour type 1 of 8 bits"),
        (_with_rows(b"", header(methods=b"\1\0")), "its header names an unknown method"),
        (_with_rows(b"", header(methods=b"\0\1")), "its header names an unknown method"),
        (_with_rows(b"", header(interlace=2)), "its header names an unknown method"),
        (_with_rows(zlib.compress(ROWS), header(colour=PALETTE)), "its palette has a wrong size"),
        (png(IMAGE, before=chunk(b"tRNS", b"\0")), "its transparency has a wrong size"),
        (png(IMAGE, RGB, before=chunk(b"tRNS", b"\0\0")), "its transparency has a wrong size"),
        (png(IMAGE, PALETTE, before=chunk(b"tRNS", bytes(257))), "its transparency has a wrong size"),
        (png(IMAGE, GREY_ALPHA, before=chunk(b"tRNS", b"\0\0")), "its transparency has a wrong size"),
    ],
)
def test_a_damaged_picture(content: bytes, cause: str, tmp_path: Path) -> None:
    assert _refusal(content, tmp_path) == f"x.png is a damaged PNG file: {cause}. {AGAIN}"


def _palette_picture(palette: bytes, index: int) -> bytes:
    rows = zlib.compress(b"".join(b"\0" + bytes([index] * 28) for _ in range(28)))
    parts = chunk(b"PLTE", palette) + chunk(b"IDAT", rows) + chunk(b"IEND")
    return SIGNATURE + header(colour=PALETTE) + parts


def test_a_palette_has_the_colours_that_are_used(tmp_path: Path) -> None:
    assert (_read(_palette_picture(bytes([9] * 30), 9), tmp_path) == 9).all()
    expected = f"x.png is a damaged PNG file: a pixel has a colour that its palette has not. {AGAIN}"
    assert _refusal(_palette_picture(bytes([9] * 30), 10), tmp_path) == expected
    assert (_read(_palette_picture(bytes([9] * 3), 0), tmp_path) == 9).all(), "one colour is a palette"
    for palette in (b"", bytes(31), bytes(771)):
        expected = f"x.png is a damaged PNG file: its palette has a wrong size. {AGAIN}"
        assert _refusal(_palette_picture(palette, 0), tmp_path) == expected


def test_pixels_lie_in_one_place_of_the_file(tmp_path: Path) -> None:
    rows = zlib.compress(ROWS)
    parts = chunk(b"IDAT", rows[:50]) + chunk(b"tIME") + chunk(b"IDAT", rows[50:])
    expected = f"x.png is a damaged PNG file: its chunk b'IDAT' comes again. {AGAIN}"
    assert _refusal(SIGNATURE + header() + parts + chunk(b"IEND"), tmp_path) == expected


SCALE = "Read it with --fit, which scales the digit to fit 20×20 and centres it by its mass on 28×28."
DEEP = "x.png has 16 bits a channel, expected 8 at most. Save it as 8-bit grey."
TRANSPARENT = "x.png is transparent in places. Flatten it onto a plain background."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        *(
            (_with_rows(b"", header(width, height)), f"x.png is {width}×{height} pixels, expected 28×28. {SCALE}")
            for width, height in ((32, 28), (28, 27), (8, 8), (0, 0), (28, 0), (60_000, 60_000), (2**32 - 1, 2**32 - 1))
        ),
        *((png(IMAGE, colour, 16), DEEP) for colour in (GREY, RGB, GREY_ALPHA, RGB_ALPHA)),
        (png(IMAGE, before=chunk(b"acTL", bytes(8))), "x.png is an animation. Save one picture a file."),
        (
            png(IMAGE) + bytes(MOST_FILE_BYTES),
            "x.png is larger than 4 MiB. Save the picture alone.",
        ),
        (
            png(IMAGE).replace(b"\r\n", b"\n"),
            "x.png was changed on its way, as when a PNG file is sent as text. Copy it again.",
        ),
        (b"junk", "x.png is not a PNG file. Save it again as PNG."),
        (b"", "x.png is not a PNG file. Save it again as PNG."),
        (b"\xff\xd8\xff\xe0", "x.png is not a PNG file. This is a JPEG picture: save it again as PNG."),
        (b"GIF89a", "x.png is not a PNG file. This is a GIF picture: save it again as PNG."),
    ],
)
def test_a_picture_of_another_kind(content: bytes, sentence: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow warns of large pictures; it is not to see them.
        assert _refusal(content, tmp_path) == sentence


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_picture_with_one_pixel_that_is_all_but_opaque(mode: str, tmp_path: Path) -> None:
    image = Image.new(mode, (28, 28), "white")
    image.putpixel((3, 4), (*image.getpixel((3, 4))[:-1], 254))
    image.save(tmp_path / "x.png")
    assert _refusal((tmp_path / "x.png").read_bytes(), tmp_path) == TRANSPARENT


# --- folders ---------------------------------------------------------------------------------------


def _folder_refusal(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_source(str(folder))
    return told(caught.value, folder)


def test_other_pictures_among_pngs_are_not_passed_over(few: Digits, tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(write_pngs(tmp_path, few) / "3" / "x.jpg")
    assert _folder_refusal(tmp_path) == (
        "3/x.jpg is not a PNG file. Convert it to PNG, which keeps every pixel, or read it with --fit, as photos are."
    )


def test_class_folders_without_any_png(tmp_path: Path) -> None:
    (tmp_path / "digits" / "0").mkdir(parents=True)
    assert _folder_refusal(tmp_path / "digits").endswith("digits has class folders, but no .png file in them.")


def test_a_picture_of_which_the_folder_tells_the_fault(few: Digits, tmp_path: Path) -> None:
    (write_pngs(tmp_path, few) / "0" / "00000.png").write_bytes(b"junk")
    assert _folder_refusal(tmp_path) == "0/00000.png is not a PNG file. Save it again as PNG."


@pytest.mark.parametrize("name", ["10", "11", "00", "255"])
def test_a_folder_of_an_eleventh_class(name: str, few: Digits, tmp_path: Path) -> None:
    write_pngs(tmp_path, few)
    (tmp_path / "12").mkdir()  # Without pictures it is nobody's.
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "page.png").write_bytes(b"")
    assert read_source(str(tmp_path)).everything.digest == few.digest
    (tmp_path / "0" / "00000.png").rename((tmp_path / name).mkdir() or tmp_path / name / "00000.png")
    assert _folder_refusal(tmp_path) == f"{name} is the folder of no class, expected 0 to 9. Move it elsewhere."


def test_classes_that_count_from_one(few: Digits, tmp_path: Path) -> None:
    (write_pngs(tmp_path, few) / "0").rename(tmp_path / "10")
    assert _folder_refusal(tmp_path) == (
        "10 is the folder of no class, expected 0 to 9. Classes count from 0 here: rename it to 0 if it holds zeros."
    )


def test_pictures_that_lie_too_deep(few: Digits, tmp_path: Path) -> None:
    folder = write_pngs(tmp_path, few)
    (folder / "3" / "empty").mkdir()
    (folder / "3" / ".hidden").mkdir()
    (folder / "3" / ".hidden" / "x.png").write_bytes(b"")
    assert read_source(str(folder)).everything.digest == few.digest
    (folder / "3" / "writer 7").mkdir()
    (folder / "3" / "writer 7" / "x.png").write_bytes(b"")
    assert _folder_refusal(folder) == "3/writer 7 holds pictures, which would not be read. Move them up into 3."


def test_digits_for_validation_are_left_out_and_said(few: Digits, others: Digits, tmp_path: Path) -> None:
    for name, digits in (("train", few), ("test", others), ("val", others)):
        write_pngs(tmp_path / "set" / name, digits)
    (tmp_path / "set" / "notes").mkdir()
    contents = read_source(str(tmp_path / "set"))
    assert contents.train is not None and contents.test is not None
    assert (contents.train.digest, contents.test.digest) == (few.digest, others.digest)
    assert contents.note == "Left out of set: val; validation takes its share of the training digits."


def test_classes_that_stand_beside_a_training_set_are_read_and_it_is_said(
    few: Digits, others: Digits, tmp_path: Path
) -> None:
    write_pngs(tmp_path / "set", few)
    write_pngs(tmp_path / "set" / "train", others)
    contents = read_source(str(tmp_path / "set"))
    assert contents.everything.digest == few.digest
    assert contents.note == "Left out of set: train; the folders of classes in set itself are read."


def test_a_folder_of_two_kinds_of_sources_is_refused(few: Digits, tmp_path: Path) -> None:
    write_idx(write_pngs(tmp_path, few), few)
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path} holds IDX files and folders of PNG files as well. Put one of the two elsewhere."
    )


def test_names_of_pictures_that_are_none(few: Digits, tmp_path: Path) -> None:
    place = write_pngs(tmp_path, few) / "0" / "00000.png"
    place.unlink()
    place.mkdir()
    assert _folder_refusal(tmp_path) == "0/00000.png is a folder, expected a file."
    place.rmdir()
    place.symlink_to(place)
    assert _folder_refusal(tmp_path).startswith("0/00000.png cannot be read: Too many levels of symbolic links.")
    place.unlink()
    os.mkfifo(place)
    assert _folder_refusal(tmp_path) == (
        "0/00000.png is a pipe, expected a file. Write what comes out of it to a file first."
    )


def test_more_pictures_than_memory_is_given(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pngs(tmp_path, few)
    monkeypatch.setattr(picture_folder, "MOST_BYTES", 60 * 784)
    assert len(read_source(str(tmp_path)).everything) == 60
    monkeypatch.setattr(picture_folder, "MOST_BYTES", 60 * 784 - 1)
    with pytest.raises(DataError, match=f"holds more than {reading.MOST_BYTES >> 20:,} MiB once unpacked"):
        read_source(str(tmp_path))
