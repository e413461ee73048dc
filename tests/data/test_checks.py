"""What arrays must satisfy to be called digits, and what is said where they do not."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.checks import as_images, as_labels, require_trainable
from edgedigits.data.digits import Digits
from edgedigits.data.load import load_splits
from edgedigits.errors import EXIT_DATA, DataError
from tests.data.digit_files import write_idx


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
        (-1.0, np.float32, "x[1]: pixel -1.0, expected 0 to 255. Were pixels scaled to -1…1? Store them as 0…255."),
        (-0.5, np.float32, "x[1]: pixel -0.5 is not a whole number. Were pixels scaled to -1…1? Store them as 0…255."),
        (-2.0, np.float32, "x[1]: pixel -2.0, expected 0 to 255."),
        (256.0, np.float32, "x[1]: pixel 256.0, expected 0 to 255."),
        (1.5, np.float64, "x[1]: pixel 1.5 is not a whole number."),
        (-1.5, np.float64, "x[1]: pixel -1.5 is not a whole number."),
        (12.5, np.float64, "x[1]: pixel 12.5 is not a whole number."),
        (
            0.5,
            np.float64,
            "x[1]: pixel 0.5 is not a whole number. Were pixels scaled to 0…1? Store them as 0…255.",
        ),
        (np.nan, np.float64, "x[1]: pixel nan is not a whole number."),
        (np.inf, np.float64, "x[1]: pixel inf is not a whole number."),
        (
            True,
            np.bool_,
            "x holds values of type bool, expected whole numbers 0 to 255. Store pixels as 0 and 255: (pixels * "
            "255).astype('uint8').",
        ),
        (
            "7",
            np.str_,
            "x holds values of type <U1, expected whole numbers 0 to 255. Make numbers of the text: array.astype(int).",
        ),
        (
            b"7",
            np.bytes_,
            "x holds values of type |S1, expected whole numbers 0 to 255. Make numbers of the text: array.astype(int).",
        ),
        (1j, np.complex64, "x holds values of type complex64, expected whole numbers 0 to 255."),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_pixel_that_is_none(value, dtype, sentence: str) -> None:
    images = np.zeros((3, 28, 28), dtype)
    images[1, 2, 3] = value
    assert _message(as_images, images, "x") == sentence


def test_a_fault_far_down_is_counted_from_the_top() -> None:
    images = np.zeros((5000, 784))
    images[4999, 3] = 0.5
    assert _message(as_images, images, "x").startswith("x[4999]: pixel 0.5 is not a whole number.")
    images[4999, 3] = 256
    assert _message(as_images, images, "x") == "x[4999]: pixel 256.0, expected 0 to 255."
    images[4999, 3] = 7
    assert as_images(images, "x")[4999, 3] == 7


def test_what_is_computed_of_large_arrays_takes_little_memory() -> None:
    images = np.zeros((20_000, 784), np.float32)
    tracemalloc.start()
    try:
        as_images(images, "x")
        assert tracemalloc.get_traced_memory()[1] < images.size + 40_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((784, 60), "Is it transposed? Store an image a row: array.T."),
        ((28, 28, 60), "Store the number of the image first: numpy.moveaxis(array, -1, 0)."),
        ((60, 8, 8), "These look like images of 8×8: read them with --fit, or scale each to 28×28, 0…255."),
        ((60, 256), "These look like images of 16×16: read them with --fit, or scale each to 28×28, 0…255."),
        ((60, 32, 32, 3), "Images must be grey and 28×28: resize them first."),
    ],
)
def test_shapes_that_are_known(shape: tuple[int, ...], hint: str) -> None:
    assert _message(as_images, np.zeros(shape, np.uint8), "x").endswith(f". {hint}")


@pytest.mark.parametrize("shape", [(2, 784), (2, 28, 28), (2, 28, 28, 1), (2, 1, 28, 28), (0, 784), (1, 784)])
def test_every_shape_of_images_becomes_rows(shape: tuple[int, ...]) -> None:
    images = np.arange(np.prod(shape)).reshape(shape) % 251
    assert (as_images(images, "x") == images.reshape(len(images), 784)).all()


def test_labels_may_stand_in_a_column() -> None:
    assert as_labels(np.array([[7], [0], [9]]), "y").tolist() == [7, 0, 9]
    assert as_labels(np.array([], float), "y").tolist() == []


@pytest.mark.parametrize("shape", [(784,), (3, 27, 28), (3, 28, 28, 3), (3, 783), ()])
def test_images_of_another_shape(shape: tuple[int, ...]) -> None:
    expected = (
        f"x has the shape {shape}, expected (n, 28, 28) or (n, 784). Images must be grey and 28×28: resize them first."
    )
    assert _message(as_images, np.zeros(shape, np.uint8), "x") == expected


FROM_ONE = (
    "These labels count from 1: if 10 stands for the digit 0, write 0 (label % 10); if every label is one too large, "
    "take 1 off."
)
LETTERS = "Are these letters as well, as in EMNIST? Keep the digits 0 to 9 only."


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 10], "y[1]: label 10, expected 0 to 9."),
        (np.arange(10) + 1, f"y[9]: label 10, expected 0 to 9. {FROM_ONE}"),
        ([1.0, 10.0], f"y[1]: label 10.0, expected 0 to 9. {FROM_ONE}"),
        ([1, 11], "y[1]: label 11, expected 0 to 9."),
        (np.arange(10) - 1, "y[0]: label -1, expected 0 to 9. These labels count from -1: add 1."),
        ([-1, 9], "y[0]: label -1, expected 0 to 9."),
        (np.arange(47), f"y[10]: label 10, expected 0 to 9. {LETTERS}"),
        (np.arange(62), f"y[10]: label 10, expected 0 to 9. {LETTERS}"),
        (np.arange(63), "y[10]: label 10, expected 0 to 9."),
        (np.arange(11) * 5 + 1, f"y[2]: label 11, expected 0 to 9. {LETTERS}"),
        (np.arange(10) * 5 + 1, "y[2]: label 11, expected 0 to 9."),
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
    assert _message(require_trainable, ones, "train.csv") == (
        "train.csv holds only digits labelled 1, at least two classes are needed. Add digits of other classes; of a CSV, "
        "name the label's column with --label-column."
    )
    require_trainable(Digits(np.zeros((10, 784), np.uint8), np.array([1] * 9 + [2], np.uint8)), "x")


def test_a_share_too_small_for_a_single_digit(few: Digits, tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "set", few.take(np.arange(0, 60, 5)))
    with pytest.raises(DataError) as caught:
        load_splits(str(folder), validation_fraction=0.01, test_fraction=0.2, seed=0)
    assert str(caught.value) == (
        "set holds 12 digits: a share of 0.01 leaves none for validation. Add digits or raise --validation-fraction."
    )
