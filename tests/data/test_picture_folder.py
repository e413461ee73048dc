"""Folders of pictures: labels in names, and photos that are read as `predict` sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.data.digits import Digits
from edgedigits.data.geometry import fitted
from edgedigits.data.load import read_source
from edgedigits.data.name_labels import labels_in_names
from edgedigits.data.photos.finding import digits_in
from edgedigits.data.photos.photo import open_photo
from edgedigits.errors import DataError
from tests.data.digit_files import told, write_idx
from tests.pictures.made_photos import Conditions, on_paper, photographed


def _refusal(folder: Path, **flags: bool) -> str:
    with pytest.raises(DataError) as caught:
        read_source(str(folder), **flags)
    return told(caught.value, folder)


# --- labels in names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "ways"),
    [
        (["7_001.png", "3_002.png"], [(7, 3)]),
        (["img-12-7.png", "img-13-0.jpg"], [(7, 0)]),
        (["0012_digit7.png", "13_digit1.png"], [(7, 1)]),
        (["Seven (3).png", "two (10).png"], [(7, 2)]),
        (["v2_7_10.png", "v2_1_11.png"], [(7, 1)]),
        (["x 1 7b.png", "x 1 3c.png"], [(7, 3)]),
        (["7.png", "5.png"], [(7, 5)]),
        (["7_1.png", "5_2.png"], [(7, 5), (1, 2)]),
        (["7_001.png", "7_002.png"], [(7, 7)]),
        (["007.png", "005.png"], []),
        (["figure.png"], []),
        (["7_1.png", "notes.png"], []),
    ],
)
def test_a_label_is_a_digit_by_itself_in_the_same_place_of_each_name(
    names: list[str], ways: list[tuple[int, ...]]
) -> None:
    assert labels_in_names(names) == ways


def _write(folder: Path, digits: Digits, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index, (pixels, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        Image.fromarray(pixels.reshape(28, 28)).save(folder / name.format(label=label, index=index))
    return folder


def test_pictures_with_labels_in_their_names_are_a_source(few: Digits, others: Digits, tmp_path: Path) -> None:
    """Sorted by class and then by name, as folders of classes are."""
    contents = read_source(str(_write(tmp_path / "set", few, "{label}_{index:03}.png")))
    assert contents.everything.digest == few.digest
    assert contents.note == "Labels are read from names, of 0_000.png 0."
    _write(tmp_path / "two" / "train", few, "d{index:03}-{label}.png")
    _write(tmp_path / "two" / "test", others, "d{index:03}-{label}.png")
    contents = read_source(str(tmp_path / "two"))
    assert contents.train is not None and contents.test is not None
    assert (contents.train.digest, contents.test.digest) == (few.digest, others.digest)


def test_names_that_can_be_read_in_two_ways_are_refused(few: Digits, tmp_path: Path) -> None:
    _write(tmp_path, few.take(np.arange(0, 60, 7)), "{label}_{index}.png")
    assert _refusal(tmp_path) == (
        "7_6.png: its name tells the label 6 or 7, and the other names do not settle which. "
        "Sort the pictures into folders 0 to 9."
    )


def test_pictures_beside_another_source_are_not_taken_for_one(few: Digits, others: Digits, tmp_path: Path) -> None:
    write_idx(_write(tmp_path, others, "plot_{label}.png"), few)
    assert read_source(str(tmp_path)).everything.digest == few.digest


# --- photos ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photos(few: Digits) -> list[np.ndarray]:
    """One of each class, dark on light paper, with a shadow and noise."""
    random = np.random.default_rng(0)
    how = Conditions(degrees=4, shadow=0.5, noise=6)
    return [photographed(on_paper(few.images[at : at + 1], 1), how, random) for at in range(0, 60, 6)]


def test_photos_of_single_digits_are_read_as_predict_sees_them(photos: list[np.ndarray], tmp_path: Path) -> None:
    for label, photo in enumerate(photos):
        Image.fromarray(photo).save(tmp_path / f"{label}_photo.jpg", quality=90)
    contents = read_source(str(tmp_path), fit=True, invert=True)
    assert contents.everything.labels.tolist() == list(range(10))
    for label, image in enumerate(contents.everything.images):
        (found,) = digits_in(open_photo(tmp_path / f"{label}_photo.jpg"), dark=True).digits
        np.testing.assert_array_equal(image, found.image)


def test_small_pictures_are_fitted_as_they_are(few: Digits, tmp_path: Path) -> None:
    """As where somebody keeps MNIST as JPEG: no digit is looked for, which might be broken in two."""
    images = few.images.reshape(-1, 28, 28)[:6].copy()
    images[0, 13] = 0
    (tmp_path / "0").mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "0" / f"{index}.gif")
    np.testing.assert_array_equal(read_source(str(tmp_path), fit=True).everything.images, fitted(images))


def test_a_wide_digit_is_no_two_that_touch(few: Digits, tmp_path: Path) -> None:
    """What the folder says is one."""
    (tmp_path / "0").mkdir()
    zero = few.images[0].reshape(28, 28)
    Image.fromarray(np.pad(zero, 4)).resize((216, 108)).save(tmp_path / "0" / "x.gif")
    assert len(digits_in(open_photo(tmp_path / "0" / "x.gif"), dark=False).digits) == 2
    image = read_source(str(tmp_path), fit=True).everything.images[0].reshape(28, 28)
    assert np.ptp(np.flatnonzero(image.any(axis=0))) == 19


def test_a_digit_that_is_broken_is_one(few: Digits, tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    zero = np.pad(few.images[0].reshape(28, 28), 4)
    zero[17:19] = 0
    Image.fromarray(zero).resize((216, 216)).save(tmp_path / "0" / "x.gif")
    image = read_source(str(tmp_path), fit=True).everything.images[0].reshape(28, 28)
    assert np.ptp(np.flatnonzero(image.any(axis=1))) == 19


def test_a_photo_is_turned_as_its_camera_was_held(photos: list[np.ndarray], tmp_path: Path) -> None:
    upright, aside = (tmp_path / name / "4" for name in ("upright", "aside"))
    for folder in (upright, aside):
        folder.mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photos[4]).save(upright / "x.webp", lossless=True)
    Image.fromarray(np.rot90(photos[4])).save(aside / "x.webp", lossless=True, exif=exif)
    first, second = (read_source(str(folder.parent), fit=True, invert=True).everything for folder in (upright, aside))
    np.testing.assert_array_equal(first.images, second.images)


def test_a_photo_that_cannot_be_read_is_named(photos: list[np.ndarray], tmp_path: Path) -> None:
    (tmp_path / "4").mkdir()
    place = tmp_path / "4" / "x.jpg"
    Image.fromarray(np.full((90, 90), 230, np.uint8)).save(place)
    assert _refusal(tmp_path, fit=True, invert=True) == (
        "No digit is found in 4/x.jpg: nothing stands out from its paper. "
        "Give a picture of digits, dark on light paper or light on dark."
    )
    Image.fromarray(np.hstack([photos[4], photos[5]])).save(place)
    assert _refusal(tmp_path, fit=True, invert=True) == (
        "4/x.jpg shows 2 pieces of ink that may be digits, expected one. Cut out the digit that its label tells."
    )
    Image.fromarray(photos[4]).save(place)
    place.write_bytes(place.read_bytes()[:-300])
    assert _refusal(tmp_path, fit=True).startswith("4/x.jpg is a damaged picture: ")
    place.write_bytes(b"junk")
    assert _refusal(tmp_path, fit=True) == "4/x.jpg is not a picture. Give a PNG, a JPEG or another that Pillow reads."
    assert _refusal(tmp_path).startswith("4/x.jpg is not a PNG file.")
