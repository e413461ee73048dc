"""What arrays, IDX files, .npz archives and PNG files must satisfy, and what is said where they do not."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.data.checks import as_images, as_labels, require_trainable
from edgedigits.data.digits import Digits
from edgedigits.data.load import load_splits, read_source
from edgedigits.errors import EXIT_DATA, DataError
from tests.data.digit_files import idx_images, idx_labels, told, write_idx, write_pngs

AGAIN = "Download or copy it again."


def _message(call, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert caught.value.exit_code == EXIT_DATA
    return str(caught.value)


# --- arrays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int8, np.int16, np.int64, np.uint64, np.float16, np.float32, np.float64]
)
def test_any_numeric_type_of_whole_numbers_is_taken(dtype) -> None:
    images = np.zeros((3, 28, 28), dtype)
    images[1, 2, 3] = 127
    assert as_images(images, "x").dtype == np.uint8
    assert as_images(images, "x")[1, 2 * 28 + 3] == 127


@pytest.mark.parametrize(
    ("value", "dtype", "sentence"),
    [
        (256, np.int16, "x[1]: pixel 256, expected 0 to 255."),
        (-1, np.int8, "x[1]: pixel -1, expected 0 to 255."),
        (256.0, np.float32, "x[1]: pixel 256.0, expected 0 to 255."),
        (12.5, np.float64, "x[1]: pixel 12.5 is not a whole number."),
        (
            0.5,
            np.float64,
            "x[1]: pixel 0.5 is not a whole number. Were pixels scaled to 0…1? Store them as 0…255.",
        ),
        (np.nan, np.float64, "x[1]: pixel nan is not a whole number."),
        (np.inf, np.float64, "x[1]: pixel inf is not a whole number."),
        (True, np.bool_, "x holds values of type bool, expected whole numbers 0 to 255."),
        ("7", np.str_, "x holds values of type <U1, expected whole numbers 0 to 255."),
        (1j, np.complex64, "x holds values of type complex64, expected whole numbers 0 to 255."),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_pixel_that_is_none(value, dtype, sentence: str) -> None:
    images = np.zeros((3, 28, 28), dtype)
    images[1, 2, 3] = value
    if np.isreal(value) and np.isinf(value if not isinstance(value, str) else 0):
        with np.errstate(invalid="ignore"):
            assert _message(as_images, images, "x") == sentence
    else:
        assert _message(as_images, images, "x") == sentence


@pytest.mark.parametrize("shape", [(784,), (3, 27, 28), (3, 28, 28, 3), (3, 783), ()])
def test_images_of_another_shape(shape: tuple[int, ...]) -> None:
    expected = (
        f"x has the shape {shape}, expected (n, 28, 28) or (n, 784). Images must be grey and 28×28: resize them first."
    )
    assert _message(as_images, np.zeros(shape, np.uint8), "x") == expected


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([1, 10], "y[1]: label 10, expected 0 to 9."),
        ([1, -1], "y[1]: label -1, expected 0 to 9."),
        ([1, 2.5], "y[1]: label 2.5 is not a whole number."),
        (
            [[0, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
            "y has the shape (1, 10), expected (n,). One-hot labels? Store labels.argmax(axis=1).",
        ),
        ([[1, 2]], "y has the shape (1, 2), expected (n,). Store one label per image."),
    ],
)
def test_a_label_that_is_none(labels, sentence: str) -> None:
    assert _message(as_labels, np.array(labels), "y") == sentence


def test_too_few_digits_and_too_few_classes(few: Digits) -> None:
    assert _message(require_trainable, few.take(np.arange(9)), "train.csv") == (
        "train.csv holds 9 digits, at least 10 are needed. Some thousands are needed for a model that is of use."
    )
    ones = Digits(np.zeros((20, 784), np.uint8), np.ones(20, np.uint8))
    assert "train.csv holds only digits labelled 1, at least two classes are needed." in _message(
        require_trainable, ones, "train.csv"
    )


def test_a_share_too_small_for_a_single_digit(few: Digits, tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "set", few.take(np.arange(0, 60, 5)))
    with pytest.raises(DataError) as caught:
        load_splits(str(folder), validation_fraction=0.01, test_fraction=0.2, seed=0)
    assert str(caught.value) == (
        "set holds 12 digits: a share of 0.01 leaves none for validation. Add digits or raise --validation-fraction."
    )


# --- IDX ------------------------------------------------------------------------------------------

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        (
            IMAGES,
            lambda raw: raw[:-1],
            f"{IMAGES} is truncated: 47,039 bytes of images, its header promises 47,040. {AGAIN}",
        ),
        (
            IMAGES,
            lambda raw: raw + b"x",
            f"{IMAGES} is too long: 47,041 bytes of images, its header promises 47,040. {AGAIN}",
        ),
        (IMAGES, lambda raw: raw[:9], f"{IMAGES} is truncated inside its header. {AGAIN}"),
        (IMAGES, lambda raw: b"", f"{IMAGES} is empty. {AGAIN}"),
        (
            IMAGES,
            lambda raw: b"\x12\x34\x56\x78" + raw[4:],
            f"{IMAGES} is no IDX file of images: it begins 0x12345678, expected 0x00000803. {AGAIN}",
        ),
        (
            IMAGES,
            lambda raw: idx_labels(np.zeros(60, np.uint8)),
            f"{IMAGES} does not hold images. Are images and labels swapped?",
        ),
        (
            IMAGES,
            lambda raw: struct.pack(">IIII", 0x803, 60, 16, 16) + bytes(60 * 256),
            f"{IMAGES} has the shape (60, 16, 16), expected (n, 28, 28) or (n, 784). Images must be grey "
            "and 28×28: resize them first.",
        ),
        (
            IMAGES,
            lambda raw: struct.pack(">IIII", 0x803, 0, 28, 28),
            f"{IMAGES} holds 0 images, but {LABELS} holds 60 labels. Do the two belong together?",
        ),
        (
            IMAGES,
            lambda raw: struct.pack(">IIII", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1) + raw[16:],
            f"{IMAGES} is truncated: 47,040 bytes of images, its header promises "
            f"79,228,162,458,924,105,385,300,197,375. {AGAIN}",
        ),
        (
            LABELS,
            lambda raw: idx_labels(np.zeros(59, np.uint8)),
            f"{IMAGES} holds 60 images, but {LABELS} holds 59 labels. Do the two belong together?",
        ),
        (
            LABELS,
            lambda raw: idx_labels(np.full(60, 10, np.uint8)),
            f"{LABELS}[0]: label 10, expected 0 to 9.",
        ),
        (
            LABELS,
            lambda raw: idx_images(np.zeros((1, 784), np.uint8)),
            f"{LABELS} does not hold labels. Are images and labels swapped?",
        ),
        (LABELS, None, f"{IMAGES} has no partner {LABELS}. Images and labels are both needed."),
    ],
)
def test_a_faulty_idx_file(name: str, change, sentence: str, few: Digits, tmp_path: Path) -> None:
    path = write_idx(tmp_path / "set", few) / name
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path / "set"))
    assert told(caught.value, tmp_path / "set") == sentence


def test_a_truncated_gzip_file_of_idx(few: Digits, tmp_path: Path) -> None:
    path = write_idx(tmp_path, few, packed=True) / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path))
    assert told(caught.value, tmp_path) == f"{IMAGES}.gz is a truncated gzip file. {AGAIN}"


# --- npz ------------------------------------------------------------------------------------------


def _npz_message(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_source(str(path))
    return told(caught.value, path.parent)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"a": [1], "b": [2]},
            "d.npz holds a, b, expected x_train and y_train. Name them so, or images and labels.",
        ),
        ({}, "d.npz holds nothing, expected x_train and y_train. Name them so, or images and labels."),
        ({"x_train": np.zeros((2, 28, 28))}, "d.npz holds x_train but no y_train. Both are needed."),
        ({"y": np.zeros(2)}, "d.npz holds y but no x. Both are needed."),
        (
            {"x": np.zeros((2, 28, 28)), "y": np.zeros(3)},
            "d.npz, x holds 2 images, but d.npz, y holds 3 labels. Do the two belong together?",
        ),
        (
            {"x": np.full((2, 28, 28), 0.5), "y": np.zeros(2)},
            "d.npz, x[0]: pixel 0.5 is not a whole number. Were pixels scaled to 0…1? Store them as 0…255.",
        ),
        (
            {"x": np.zeros((2, 32, 32, 3), np.uint8), "y": np.zeros(2)},
            "d.npz, x has the shape (2, 32, 32, 3), expected (n, 28, 28) or (n, 784). Images must be grey "
            "and 28×28: resize them first.",
        ),
        ({"x": np.zeros((0, 28, 28)), "y": np.zeros(0)}, "d.npz, x holds no images."),
    ],
)
def test_a_faulty_npz(arrays, sentence: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", **arrays)
    if not arrays:
        # np.savez without arrays writes an empty archive, which has another magic than a full one.
        assert _npz_message(tmp_path / "d.npz").startswith("d.npz is not a .npz archive.")
        return
    assert _npz_message(tmp_path / "d.npz") == sentence


def test_pickled_objects_in_a_npz_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.array([object()]), y=np.zeros(1))
    assert _npz_message(tmp_path / "d.npz").startswith(
        "d.npz is a damaged .npz archive: Object arrays cannot be loaded"
    )


def test_a_npz_that_is_cut_off_or_none(few: Digits, tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez_compressed(path, x=few.images, y=few.labels)
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    assert _npz_message(path) == "d.npz is a damaged .npz archive: File is not a zip file. Save or copy it again."
    path.write_bytes(whole[:200] + b"\xff" * 50 + whole[250:])
    assert _npz_message(path).startswith("d.npz is a damaged .npz archive: ")
    path.write_bytes(b"\x93NUMPY" + b"\0" * 20)
    assert _npz_message(path) == (
        "d.npz is not a .npz archive. This is a .npy array: save images and labels together with "
        "numpy.savez(file, x=…, y=…)."
    )
    path.write_bytes(b"junk")
    assert _npz_message(path) == "d.npz is not a .npz archive. Save it with numpy.savez."


# --- PNG ------------------------------------------------------------------------------------------


def _save(image: Image.Image, **options):
    return lambda path: image.save(path, format="PNG", **options)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: path.write_bytes(b"junk"), "0/00000.png is not a PNG file. Save it again as PNG."),
        (lambda path: path.write_bytes(b""), "0/00000.png is not a PNG file. Save it again as PNG."),
        (
            lambda path: Image.new("L", (28, 28)).save(path, format="JPEG"),
            "0/00000.png is not a PNG file. Save it again as PNG.",
        ),
        (
            _save(Image.new("L", (32, 28))),
            "0/00000.png is 32×28 pixels, expected 28×28. Scale the digit to fit 20×20, centre it by its "
            "mass on 28×28, and save it again.",
        ),
        (
            _save(Image.new("RGBA", (28, 28), (0, 0, 0, 0))),
            "0/00000.png is transparent in places. Flatten it onto a plain background.",
        ),
        (
            _save(Image.new("P", (28, 28)), transparency=0),
            "0/00000.png is transparent in places. Flatten it onto a plain background.",
        ),
        (
            _save(Image.new("I;16", (28, 28))),
            "0/00000.png has more than 8 bits a pixel (mode I;16). Save it as 8-bit grey.",
        ),
    ],
)
def test_a_faulty_png(write, sentence: str, few: Digits, tmp_path: Path) -> None:
    write(write_pngs(tmp_path, few) / "0" / "00000.png")
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path))
    assert told(caught.value, tmp_path) == sentence


def test_a_png_that_is_cut_off(few: Digits, tmp_path: Path) -> None:
    path = write_pngs(tmp_path, few) / "0" / "00000.png"
    path.write_bytes(path.read_bytes()[:120])
    with pytest.raises(DataError, match=r"0/00000\.png is a damaged PNG file: .*Save or copy it again\."):
        read_source(str(tmp_path))


def test_other_images_among_pngs_are_not_passed_over(few: Digits, tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(write_pngs(tmp_path, few) / "3" / "x.jpg")
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path))
    expected = "3/x.jpg is not a PNG file. Convert it to PNG, which keeps every pixel."
    assert told(caught.value, tmp_path) == expected


def test_class_folders_without_any_png(tmp_path: Path) -> None:
    (tmp_path / "digits" / "0").mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path / "digits"))
    assert told(caught.value, tmp_path) == "digits has class folders, but no .png file in them."
