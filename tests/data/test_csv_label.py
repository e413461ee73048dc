"""Which column of a CSV is the label: named anywhere and anyhow it is found, and it is never guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.csv_file import read_csv
from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER
from edgedigits.errors import DataError
from tests.data.digit_files import csv_lines, told, write_text

PIXELS = [f"pixel{index}" for index in range(784)]
PIXEL_NAMES = {
    "kaggle": PIXELS,
    "openml": [f"pixel{index + 1}" for index in range(784)],
    "pandas": [str(index) for index in range(784)],
    "octave": [str(index + 1) for index in range(784)],
    "r": [f"V{index + 1}" for index in range(784)],
    "short": [f"p{index}" for index in range(784)],
    "underscore": [f"px_{index}" for index in range(784)],
    "pairs": [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)],
    "rows and columns": [f"r{row}c{column}" for row in range(28) for column in range(28)],
    "y": [f"y{index}" for index in range(784)],
    "digit": [f"digit_{index}" for index in range(784)],
    "class": [f"Class.{index}" for index in range(784)],
    "letters": [f"{chr(97 + row)}{column}" for row in range(28) for column in range(28)],
}


def _write(path: Path, digits: Digits, names: list[str] | None, at: int = 0) -> Path:
    """Write `names` as the header, the label in column `at`."""
    header = [] if names is None else [",".join(names)]
    return write_text(path, [*header, *csv_lines(digits, label_at=at)])


def _named(pixels: list[str], label: str, at: int) -> list[str]:
    return [*pixels[:at], label, *pixels[at:]]


@pytest.mark.parametrize("at", [0, 400, 784])
@pytest.mark.parametrize("pixels", PIXEL_NAMES)
def test_the_label_is_found_among_all_names_of_pixels(pixels: str, at: int, few: Digits, tmp_path: Path) -> None:
    path = _write(tmp_path / "f.csv", few, _named(PIXEL_NAMES[pixels], "Class", at), at)
    assert read_csv(path).digest == few.digest


NAMES = (
    *("label", "Label", " LABEL ", "labels", "class", "Class ", "classes", "target", "Target_Class", "digit", "Digits"),
    *(
        "y",
        "Y",
        '"label"',
        "# label",
        "true label",
        "y_train",
        "TrueLabel",
        "class_id",
        "label1",
        "Ziffer",
        "标签",
        "0th",
    ),
    *("what", "number", "Unnamed", "étiquette"),
)


@pytest.mark.parametrize("label", NAMES)
def test_the_label_may_be_called_many_things(label: str, few: Digits, tmp_path: Path) -> None:
    path = _write(tmp_path / "f.csv", few, _named(PIXELS, label, 784), 784)
    assert read_csv(path).digest == few.digest


def test_a_pixel_with_a_name_of_its_own_is_not_the_label(few: Digits, tmp_path: Path) -> None:
    names = ["label", *PIXELS]
    names[7] = "pixl6"
    assert read_csv(_write(tmp_path / "f.csv", few, names)).digest == few.digest


def _refusal(path: Path, column: str = "") -> str:
    with pytest.raises(DataError) as caught:
        read_csv(path, column)
    return told(caught.value, path.parent)


NAME_IT = "Name the label's column with --label-column."


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            ["label", *PIXELS[1:], "Class"],
            f"each of the columns 'label' (1), 'Class' (785) could be the label. {NAME_IT}",
        ),
        (
            ["label1", "label2", *PIXELS[1:]],
            f"each of the columns 'label1' (1), 'label2' (2) could be the label. {NAME_IT}",
        ),
        (
            ["writer", *PIXELS[1:], "hand"],
            f"no column is named like a label; 'writer' (1), 'hand' (785) could be it. {NAME_IT}",
        ),
        (
            ["".join(chr(97 + int(figure)) for figure in f"{index:03}") for index in range(785)],
            "no column is named like a label; 'aaa' (1), 'aab' (2), 'aac' (3), 'aad' (4), 'aae' (5), 'aaf' (6) … could be "
            "it. " + NAME_IT,
        ),
        *(
            (
                [index, *PIXELS],
                f"no column is named like a label; '{index}' (1) looks like an index. Was the label column dropped? "
                "Leave the index out and put the label in.",
            )
            for index in ("", "Unnamed: 0", "index", "ID", "ImageId", "image_id", "row id", "Filename", "image")
        ),
        (
            ["id", "label", *PIXELS[1:]],
            "the columns 'id' (1) are not named like pixels. Keep the label and 784 pixels only.",
        ),
    ],
)
def test_where_names_do_not_tell_nothing_is_read(names: list[str], sentence: str, few: Digits, tmp_path: Path) -> None:
    assert _refusal(_write(tmp_path / "f.csv", few, names)) == f"f.csv, line 1: {sentence}"


def test_the_user_s_word_goes_before_all_names(few: Digits, tmp_path: Path) -> None:
    for names, at, words in (
        (["label", *PIXELS[1:], "Class"], 784, ("Class", "class", " CLASS ", "last")),
        (["label", *PIXELS[1:], "Class"], 0, ("label", "first")),
        (["writer", *PIXELS[1:], "hand"], 784, ("hand", "last")),
        (_named(PIXELS, "first", 784), 784, ("first", "last")),
    ):
        path = _write(tmp_path / "f.csv", few, names, at)
        for word in words:
            assert read_csv(path, word).digest == few.digest


COLUMNS = "Its columns are label, pixel0, pixel1, … pixel783; 'first' and 'last' will do as well."


@pytest.mark.parametrize(
    ("column", "header", "sentence"),
    [
        ("lable", True, "f.csv has no column 'lable'. Did you mean 'label'?"),
        *((column, True, f"f.csv has no column '{column}'. {COLUMNS}") for column in ("qqqq", "-1", "0", "785", "1.0")),
        ("LAST", True, "f.csv has no column 'LAST'. Did you mean 'last'?"),
        (" First ", True, "f.csv has no column ' First '. Did you mean 'first'?"),
        ("Lst", True, "f.csv has no column 'Lst'. Did you mean 'last'?"),
        ("label", False, "f.csv has no header, so its column 'label' cannot be found. Use 'first' or 'last'."),
    ],
)
def test_a_label_column_that_is_not_there(
    column: str, header: bool, sentence: str, few: Digits, tmp_path: Path
) -> None:
    assert _refusal(_write(tmp_path / "f.csv", few, HEADER.split(",") if header else None), column) == sentence


def test_a_label_column_that_is_there_twice(few: Digits, tmp_path: Path) -> None:
    path = _write(tmp_path / "f.csv", few, ["label", *PIXELS[1:], "label"], 784)
    sentence = "f.csv has several columns 'label': 'label' (1), 'label' (785). Use 'first' or 'last'."
    assert _refusal(path, "label") == sentence
    assert read_csv(path, "last").digest == few.digest
    path = _write(tmp_path / "f.csv", few, ["Label", *PIXELS[1:], "label"], 784)
    assert read_csv(path, "label").digest == few.digest
    assert _refusal(path, "LABEL").startswith("f.csv has several columns 'LABEL': 'Label' (1), 'label' (785).")


# --- where no name tells ---------------------------------------------------------------------------

NAMELESS = {"no header": None, "pandas": list(map(str, range(785))), "r": [f"V{index + 1}" for index in range(785)]}
NOT_NAMED = "f.csv does not name its label's column"
SAY_LAST = "If these are the labels, say so with --label-column last."
SAY_WHICH = "Say which with --label-column first or last."


def _with_corners(digits: Digits, first: object, last: object) -> Digits:
    """The same digits with other values for the first and the last pixel."""
    images = digits.images.copy()
    images[:, 0], images[:, -1] = first, last
    return Digits(images, digits.labels)


FAINT = np.arange(60) % 7
RARE = (np.arange(60) == 8).astype(int)


@pytest.mark.parametrize("names", NAMELESS)
@pytest.mark.parametrize("last", [0, 255, RARE, RARE * 200, FAINT * 20], ids=str)
def test_without_names_the_first_column_is_the_label(names: str, last, few: Digits, tmp_path: Path) -> None:
    digits = _with_corners(few, 0, last)
    assert read_csv(_write(tmp_path / "f.csv", digits, NAMELESS[names])).digest == digits.digest


@pytest.mark.parametrize("names", NAMELESS)
@pytest.mark.parametrize(
    ("first", "seen"),
    [
        (0, "holds only 0"),
        (3, "holds only 3"),
        (RARE, "hardly ever changes"),
        (FAINT * 20, "goes up to 120"),
        (255, "goes up to 255"),
    ],
)
def test_a_last_column_that_is_rather_the_label_is_said(names: str, first, seen: str, few: Digits, tmp_path) -> None:
    digits = _with_corners(few, first, 0)
    path = _write(tmp_path / "f.csv", digits, NAMELESS[names], 784)
    assert _refusal(path) == f"{NOT_NAMED}; the first {seen}, while the last holds labels, 0 to 9. {SAY_LAST}"
    assert read_csv(path, "last").digest == digits.digest


@pytest.mark.parametrize(
    ("change", "span"),
    [
        (lambda label: label + 1, "1 to 10"),
        (lambda label: label or 10, "1 to 10"),
        (lambda label: label * 5, "0 to 45"),
    ],
)
def test_labels_that_count_otherwise_are_seen_in_the_last_column(
    change, span: str, few: Digits, tmp_path: Path
) -> None:
    rows = [line.split(",") for line in csv_lines(few)]
    path = write_text(tmp_path / "f.csv", [",".join([*row[1:], str(change(int(row[0])))]) for row in rows])
    assert _refusal(path) == f"{NOT_NAMED}; the first holds only 0, while the last holds labels, {span}. {SAY_LAST}"


def test_a_corner_that_is_faint_or_bright_is_no_label(few: Digits, tmp_path: Path) -> None:
    for last in (FAINT * 8, FAINT * 40):
        digits = _with_corners(few, 0, last)
        assert read_csv(_write(tmp_path / "f.csv", digits, None)).digest == digits.digest


def test_two_columns_that_could_both_be_the_label(few: Digits, tmp_path: Path) -> None:
    digits = _with_corners(few, 0, FAINT)
    path = _write(tmp_path / "f.csv", digits, None)
    assert _refusal(path) == f"{NOT_NAMED}, and both its first and its last could be it. {SAY_WHICH}"
    assert read_csv(path, "first").digest == digits.digest


def test_a_few_digits_and_digits_of_one_class_need_no_word(few: Digits, tmp_path: Path) -> None:
    for rows in ([0], [6, 7, 8], [0, 59], range(6)):
        some = few.take(np.array(rows))
        assert read_csv(_write(tmp_path / "f.csv", some, None)).digest == some.digest


# --- what is a header ------------------------------------------------------------------------------


def test_a_row_with_a_wrong_cell_is_no_header(few: Digits, tmp_path: Path) -> None:
    lines = csv_lines(few)
    for cell in ("abc", "", "NaN"):
        path = write_text(tmp_path / "f.csv", [lines[0].replace(",0,", f",{cell},", 1), *lines])
        assert _refusal(path).startswith("f.csv, line 1, column 2: the pixel is ")


@pytest.mark.parametrize("cell", ["", "NaN", "null", "True", "False", "inf"])
def test_a_row_of_what_stands_for_values_is_no_header(cell: str, few: Digits, tmp_path: Path) -> None:
    path = write_text(tmp_path / "f.csv", [",".join(["5", *[cell] * 784]), *csv_lines(few)])
    assert _refusal(path).startswith("f.csv, line 1, column 2: the pixel is ")


def test_a_digit_that_pandas_took_for_a_header(few: Digits, tmp_path: Path) -> None:
    import pandas

    plain = write_text(tmp_path / "plain.csv", csv_lines(few))
    pandas.read_csv(plain).to_csv(tmp_path / "f.csv", index=False)
    assert _refusal(tmp_path / "f.csv").endswith(
        "expected a whole number. Did pandas take the first digit for a header? Read the file that it came from with "
        "header=None."
    )


@pytest.mark.parametrize("at", [0, 784])
def test_what_pandas_writes_is_read(at: int, few: Digits, tmp_path: Path) -> None:
    """d = DataFrame(X); d["label"] = y, or insert(0, "label", y), with the columns numbered."""
    import pandas

    frame = pandas.DataFrame(few.images)
    frame.insert(at, "label", few.labels)
    frame.to_csv(tmp_path / "f.csv", index=False)
    assert read_csv(tmp_path / "f.csv").digest == few.digest


# --- labels that do not count from 0 to 9 ----------------------------------------------------------

FROM_ONE = (
    "These labels count from 1: if 10 stands for the digit 0, write 0 (label % 10); if every label is one too large, "
    "take 1 off."
)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda label: label + 1, f"f.csv, line 56: the label is 10, expected 0 to 9. {FROM_ONE}"),
        (lambda label: label or 10, f"f.csv, line 2: the label is 10, expected 0 to 9. {FROM_ONE}"),
        (
            lambda label: label * 4,
            "f.csv, line 20: the label is 12, expected 0 to 9. Is another column the label? Name it with --label-column.",
        ),
    ],
)
@pytest.mark.parametrize("spelling", ["{}", "{}.0"])
def test_labels_that_count_otherwise(change, sentence: str, spelling: str, few: Digits, tmp_path: Path) -> None:
    rows = [line.split(",") for line in csv_lines(few)]
    lines = [",".join([spelling.format(change(int(row[0]))), *row[1:]]) for row in rows]
    assert _refusal(write_text(tmp_path / "f.csv", [HEADER, *lines])) == sentence


FROM_MINUS_ONE = "These labels count from -1: add 1."


@pytest.mark.parametrize(("spelling", "shown"), [("{}", "-1"), ("{}.0", "-1.0"), (" {}", "-1")])
def test_labels_that_count_from_minus_one(spelling: str, shown: str, few: Digits, tmp_path: Path) -> None:
    rows = [line.split(",") for line in csv_lines(few)]
    lines = [",".join([spelling.format(int(row[0]) - 1), *row[1:]]) for row in rows]
    path = write_text(tmp_path / "f.csv", [HEADER, *lines])
    assert _refusal(path) == f"f.csv, line 2: the label is {shown}, expected 0 to 9. {FROM_MINUS_ONE}"
    path = write_text(tmp_path / "f.csv", [HEADER, *lines[6:], "nonsense", lines[0]])
    assert FROM_MINUS_ONE not in _refusal(path)
    path = write_text(tmp_path / "f.csv", [HEADER, lines[0], "nonsense", *lines[6:]])
    assert _refusal(path).endswith(FROM_MINUS_ONE)


def test_a_header_of_pandas_floats_is_one(few: Digits, tmp_path: Path) -> None:
    names = [f"{index}.0" for index in range(784)]
    assert read_csv(_write(tmp_path / "f.csv", few, ["label", *names])).digest == few.digest
    path = _write(tmp_path / "f.csv", few, [f"{index}.0" for index in range(785)])
    assert read_csv(path).digest == few.digest


def test_letters_among_the_labels(few: Digits, tmp_path: Path) -> None:
    lines = [",".join([str(index % 47), *line.split(",")[1:]]) for index, line in enumerate(csv_lines(few))]
    path = write_text(tmp_path / "f.csv", [HEADER, "", *lines])
    assert _refusal(path) == (
        "f.csv, line 13: the label is 10, expected 0 to 9. Are these letters as well, as in EMNIST? Keep the digits 0 to "
        "9 only."
    )
