"""What arrays must satisfy before they are called digits; every reader's values come through here.

CSV files are the exception for cells: `csv_exact` checks those one by one, because it can name the line.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.geometry import MOST_SIDE, Fitter
from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS, SIDES_ELSEWHERE
from edgedigits.errors import DataError, shown

MINIMUM_DIGITS = 10

BOOLEAN_HINT = "Store pixels as 0 and 255: (pixels * 255).astype('uint8')."
_BOOLEAN_LABEL_HINT = "A label is a digit, 0 to 9: was a mask stored in its place?"
_TYPE_HINTS = dict.fromkeys("US", "Make numbers of the text: array.astype(int).")
_ROWS = 4096
MOST_LETTERS = 61  # the highest of EMNIST's labels: digits, capitals, small letters
_SHAPES = ((IMAGE_SIDE, IMAGE_SIDE), (IMAGE_SIDE, IMAGE_SIDE, 1), (1, IMAGE_SIDE, IMAGE_SIDE), (PIXELS,))


def as_images(array: NDArray[np.generic], where: str, fit: Fitter | None = None) -> NDArray[np.uint8]:
    """Return images of any numeric type as uint8 (n, 784).

    Args:
        array: (n, 28, 28), (n, 28, 28, 1), (n, 1, 28, 28) or (n, 784), whole numbers 0…255.
        where: what the array is called in messages, e.g. "digits.npz, x_train".
        fit: makes images of pictures of another size, which then any shape of one grey value a pixel may hold.

    Raises:
        DataError: the shape is another, or a pixel is not a whole number 0…255.
    """
    if fit is not None and (side := _sides(array.shape)) is not None:
        return fit(_as_bytes(array, 255, where, "pixel").reshape(len(array), *side))
    if array.shape[1:] not in _SHAPES:
        raise DataError(
            f"{where} has the shape {array.shape}, expected (n, 28, 28) or (n, 784).", hint=_size_hint(array.shape)
        )
    return _as_bytes(array, 255, where, "pixel").reshape(len(array), PIXELS)


def as_labels(array: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    """Return labels of any numeric type as uint8 (n,).

    Args:
        array: (n,) or (n, 1), whole numbers 0…9.
        where: what the array is called in messages.

    Raises:
        DataError: the shape is another, or a label is not a whole number 0…9.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        one_hot = array.shape[1:] == (CLASSES,)
        hint = "One-hot labels? Store labels.argmax(axis=1)." if one_hot else "Store one label per image."
        raise DataError(f"{where} has the shape {array.shape}, expected (n,).", hint=hint)
    return _as_bytes(array, CLASSES - 1, where, "label")


def as_digits(images: NDArray[np.uint8], labels: NDArray[np.uint8], where_images: str, where_labels: str) -> Digits:
    """Pair checked images (n, 784) with checked labels (n,).

    Raises:
        DataError: there are more of one than of the other, or none of both.
    """
    if len(images) != len(labels):
        raise DataError(
            f"{where_images} holds {len(images):,} images, but {where_labels} holds {len(labels):,} labels.",
            hint="Do the two belong together?",
        )
    if not len(images):
        raise DataError(f"{where_images} holds no images.")
    return Digits(images, labels)


def require_trainable(digits: Digits, where: str) -> None:
    """Check that something can be learnt from `digits`.

    Raises:
        DataError: fewer than ten digits, or all of one class.
    """
    if len(digits) < MINIMUM_DIGITS:
        raise DataError(
            f"{where} holds {len(digits)} digits, at least {MINIMUM_DIGITS} are needed.",
            hint="Some thousands are needed for a model that is of use.",
        )
    if (digits.labels == digits.labels[0]).all():
        raise DataError(
            f"{where} holds only digits labelled {digits.labels[0]}, at least two classes are needed.",
            hint="Add digits of other classes; of a CSV, name the label's column with --label-column.",
        )


def scaled_hint(value: float | np.number) -> str:
    """Return what a value that is no pixel says of how pixels were scaled; empty where it says nothing."""
    span = "0…1" if 0 < value < 1 else "-1…1" if -1 <= value < 0 else ""
    return f"Were pixels scaled to {span}? Store them as 0…255." if span else ""


def label_hint(labels: NDArray[np.number]) -> str:
    """Return what is known of labels that do not all lie within 0…9; empty where nothing is.

    Args:
        labels: whole numbers, at least one.
    """
    lowest, highest = labels.min(), labels.max()
    if lowest == 1 and highest == CLASSES:
        return (
            "These labels count from 1: if 10 stands for the digit 0, write 0 (label % 10); if every label is one "
            "too large, take 1 off."
        )
    if lowest == -1 and highest == CLASSES - 2:
        return "These labels count from -1: add 1."
    if CLASSES < highest <= MOST_LETTERS and len(np.unique(labels)) > CLASSES:
        return "Are these letters as well, as in EMNIST? Keep the digits 0 to 9 only."
    return ""


def _sides(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return height and width of pictures of one grey value a pixel, up to `MOST_SIDE`; None where there are none."""
    match shape:
        case (_, pixels):
            height = width = math.isqrt(pixels)
            square = height * width == pixels
        case (_, height, width) | (_, height, width, 1) | (_, 1, height, width):
            square = True
        case _:
            return None
    return (height, width) if square and min(height, width) > 0 and max(height, width) <= MOST_SIDE else None


def _size_hint(shape: tuple[int, ...]) -> str:
    """What to do about pictures of another size, or not of one grey value a pixel."""
    if len(shape) == 2 and shape[0] == PIXELS:
        return "Is it transposed? Store an image a row: array.T."
    if len(shape) == 3 and shape[:2] == (IMAGE_SIDE, IMAGE_SIDE):
        return "Store the number of the image first: numpy.moveaxis(array, -1, 0)."
    side = SIDES_ELSEWHERE.get(math.prod(shape[1:]))
    if side is None:
        return "Images must be grey and 28×28: resize them first."
    return f"These look like images of {side}×{side}: read them with --fit, or scale each to 28×28, 0…255."


def _as_bytes(array: NDArray[np.generic], highest: int, where: str, noun: str) -> NDArray[np.uint8]:
    if array.dtype.kind not in "iuf":
        booleans = {"b": BOOLEAN_HINT if noun == "pixel" else _BOOLEAN_LABEL_HINT}
        kind, hint = shown(str(array.dtype)), (_TYPE_HINTS | booleans).get(array.dtype.kind, "")
        raise DataError(f"{where} holds values of type {kind}, expected whole numbers 0 to {highest}.", hint=hint)
    if array.dtype == np.uint8 and highest == 255:
        return array.view(np.uint8)
    numbers: NDArray[np.number] = array  # type: ignore[assignment]  # just checked
    result = np.empty(numbers.shape, np.uint8)
    # Some rows at a time: what is computed on the way would take a multiple of the numbers' own memory.
    for start in range(0, len(numbers), _ROWS):
        part = numbers[start : start + _ROWS]
        if part.dtype.kind == "f":
            _require_whole(part, start, where, noun)
        outside = (part < 0) | (part > highest)
        if outside.any():
            place = start + _first_row(outside)
            value = part[outside][0]
            hint = label_hint(numbers) if noun == "label" else scaled_hint(value) if part.dtype.kind == "f" else ""
            raise DataError(f"{where}[{place}]: {noun} {value}, expected 0 to {highest}.", hint=hint)
        result[start : start + _ROWS] = part
    return result


def _require_whole(numbers: NDArray[np.number], start: int, where: str, noun: str) -> None:
    with np.errstate(invalid="ignore"):
        wrong = ~(np.mod(numbers, 1) == 0)  # True for NaN and infinity as well.
    if wrong.any():
        value = float(numbers[wrong][0])
        hint = scaled_hint(value) if noun == "pixel" else ""
        place = start + _first_row(wrong)
        raise DataError(f"{where}[{place}]: {noun} {value:g} is not a whole number.", hint=hint)


def _first_row(wrong: NDArray[np.bool_]) -> int:
    return int(wrong.reshape(len(wrong), -1).any(axis=1).argmax())
