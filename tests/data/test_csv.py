"""CSV files: pandas and the exact reader agree, and every fault is told with its line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgedigits.data import csv_file
from edgedigits.data.checks import require_trainable
from edgedigits.data.csv_exact import read_exactly
from edgedigits.data.csv_file import read_csv
from edgedigits.data.csv_layout import read_layout
from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER, write_csv
from edgedigits.errors import DataError
from tests.data.digit_files import csv_lines, told, write_text

DIGITS = st.integers(1, 6).flatmap(
    lambda count: st.builds(
        Digits,
        arrays.arrays(np.uint8, (count, 784)),
        arrays.arrays(np.uint8, count, elements=st.integers(0, 9)),
    )
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(digits=DIGITS, suffix=st.sampled_from([".csv", ".csv.gz"]))
def test_what_is_written_is_read(digits: Digits, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"digits{suffix}"
    write_csv(digits, path, force=True)
    assert read_csv(path).digest == digits.digest


@pytest.mark.parametrize("spelling", ["{}", " {}", "{} ", "{}.0", "+{}", "0{}", '"{}"', "{}e0"])
@pytest.mark.parametrize("header", [True, False])
def test_pandas_and_the_exact_reader_agree(spelling: str, header: bool, few: Digits, tmp_path: Path) -> None:
    lines = [",".join(spelling.format(cell) for cell in line.split(",")) for line in csv_lines(few)]
    path = write_text(tmp_path / "digits.csv", [HEADER, *lines] if header else lines)
    exact = read_exactly(path, read_layout(path))
    assert (exact[:, 1:] == few.images).all() and (exact[:, 0] == few.labels).all()
    assert read_csv(path).digest == few.digest


def test_a_sound_file_is_left_to_pandas(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "read_exactly", lambda *_: pytest.fail("the slow reader was used"))
    path = write_text(tmp_path / "digits.csv", [HEADER, *csv_lines(few)])
    assert read_csv(path).digest == few.digest


def _changed(few: Digits, line: int, index: int, cell: str | None) -> list[str]:
    """A sound file whose cell `index` of line `line` (the header is line 1) is `cell`, or is left out."""
    lines = [HEADER, *csv_lines(few)]
    cells = lines[line - 1].split(",")
    cells[index : index + 1] = [] if cell is None else [cell]
    lines[line - 1] = ",".join(cells)
    return lines


PIXEL = "train.csv, line 5, column 14 (pixel12): the pixel is"
LABEL = "train.csv, line 5: the label is"
OTHER_LABEL = "Is another column the label? Name it with --label-column."
MEND = "Fill the cell or drop the line."


@pytest.mark.parametrize(
    ("index", "cell", "sentence"),
    [
        (13, "abc", f"{PIXEL} 'abc', expected a number."),
        (13, "1_0", f"{PIXEL} '1_0', expected a number."),
        (13, "0x10", f"{PIXEL} '0x10', expected a number."),
        (13, "True", f"{PIXEL} 'True', expected a number."),
        (13, "٣", f"{PIXEL} '٣', expected a number."),
        (13, "", f"{PIXEL} empty. {MEND}"),
        (13, "  ", f"{PIXEL} empty. {MEND}"),
        (13, "NaN", f"{PIXEL} NaN, a missing value. {MEND}"),
        (13, "null", f"{PIXEL} null, a missing value. {MEND}"),
        (13, "256", f"{PIXEL} 256, expected 0 to 255."),
        (13, "-1", f"{PIXEL} -1, expected 0 to 255."),
        (13, "99999999999999999999", f"{PIXEL} 99999999999999999999, expected 0 to 255."),
        (13, "1e999", f"{PIXEL} 1e999, expected a whole number."),
        (13, "inf", f"{PIXEL} 'inf', expected a number."),
        (13, "12.5", f"{PIXEL} 12.5, expected a whole number."),
        (13, "0.5", f"{PIXEL} 0.5, expected a whole number. Were pixels scaled to 0…1? Store them as 0…255."),
        (0, "10", f"{LABEL} 10, expected 0 to 9. {OTHER_LABEL}"),
        (0, "-1", f"{LABEL} -1, expected 0 to 9. {OTHER_LABEL}"),
        (0, "300", f"{LABEL} 300, expected 0 to 9. {OTHER_LABEL}"),
        (0, "3.5", f"{LABEL} 3.5, expected a whole number."),
        (0, "three", f"{LABEL} 'three', expected a number."),
        (0, "", f"{LABEL} empty. {MEND}"),
        (0, None, "train.csv, line 5: 783 pixel columns, expected 784. Was the label column dropped?"),
        (13, "1,2", "train.csv, line 5: 785 pixel columns, expected 784. Were two lines joined?"),
        (
            784,
            "0,",
            "train.csv, line 5: 785 pixel columns, expected 784. Is there a comma at the end of the line?",
        ),
    ],
)
def test_a_wrong_cell_or_line_is_named(
    index: int, cell: str | None, sentence: str, few: Digits, tmp_path: Path
) -> None:
    path = write_text(tmp_path / "train.csv", _changed(few, 5, index, cell))
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert told(caught.value, tmp_path) == sentence


def test_a_quote_that_never_closes(few: Digits, tmp_path: Path) -> None:
    path = write_text(tmp_path / "train.csv", _changed(few, 5, 13, '"1'))
    with pytest.raises(DataError, match=r"train\.csv, line 61: 13 pixel columns, expected 784\."):
        read_csv(path)


def test_the_line_is_counted_as_an_editor_counts_it(few: Digits, tmp_path: Path) -> None:
    lines = csv_lines(few)
    lines[3] = lines[3].replace(",0,", ",x,", 1)
    path = write_text(tmp_path / "train.csv", ["", *lines[:2], "", *lines[2:]])
    with pytest.raises(DataError, match=r"train\.csv, line 6, column 2: the pixel is 'x'"):
        read_csv(path)


def test_a_line_that_is_cut_off(few: Digits, tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("\n".join([HEADER, *csv_lines(few)]).rsplit(",", 50)[0])
    with pytest.raises(DataError) as caught:
        read_csv(path)
    expected = "train.csv, line 61: 734 pixel columns, expected 784. Was the line cut off?"
    assert told(caught.value, tmp_path) == expected


def _without(lines: list[str], columns: int) -> list[str]:
    return [line.split(",", columns)[columns] for line in lines]


PIXELS = [f"pixel{index}" for index in range(784)]
KAGGLE = "Was the label column dropped? Kaggle's test.csv has no labels: use its train.csv."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            lambda lines: _without([HEADER, *lines], 1),
            f"f.csv, line 1: 784 columns and no label, expected a label and 784 pixels. {KAGGLE}",
        ),
        (
            lambda lines: _without(lines, 1),
            f"f.csv, line 1: 784 columns and no label, expected a label and 784 pixels. {KAGGLE}",
        ),
        (
            lambda lines: [line.rsplit(",", 1)[0] for line in [HEADER, *lines]],
            "f.csv, line 1: 783 pixel columns, expected 784.",
        ),
        (
            lambda lines: ["," + HEADER, *(f"{row},{line}" for row, line in enumerate(lines))],
            "f.csv, line 1: 785 pixel columns, expected 784. Was an index column written? Leave it out: "
            "to_csv(file, index=False).",
        ),
        (
            lambda lines: [line[: line.index(",") + 512] for line in ["1" + ",0" * 256]],
            "f.csv, line 1: 256 pixel columns, expected 784. These look like images of 16×16: resize them to 28×28.",
        ),
        (
            lambda lines: [line.replace(",", ";") for line in lines],
            "f.csv, line 1: columns are separated by semicolons, expected commas.",
        ),
        (
            lambda lines: [line.replace(",", "\t") for line in [HEADER, *lines]],
            "f.csv, line 1: columns are separated by tabs, expected commas.",
        ),
        (
            lambda lines: ["Dear reader"],
            "f.csv, line 1: one column, expected 785 separated by commas. Is this the CSV that was meant?",
        ),
        (lambda lines: [HEADER], "f.csv holds a header and no digits."),
        (lambda lines: ["", " ", ""], "f.csv holds no lines. Download or copy it again."),
    ],
)
def test_a_file_of_another_shape(content, sentence: str, few: Digits, tmp_path: Path) -> None:
    path = write_text(tmp_path / "f.csv", content(csv_lines(few)))
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert told(caught.value, tmp_path) == sentence


ZIP = "This is a zip archive, as Kaggle hands out: unzip it and give the file inside."
UTF16 = "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "f.csv is empty. Download or copy it again."),
        (gzip.compress(b""), "f.csv holds no lines. Download or copy it again."),
        (bytes(range(256)) * 9, "f.csv is not a CSV but a binary or other file."),
        (b"\xfa\xce" * 99, "f.csv, line 1: byte 0xfa is not UTF-8 text. Save it as a UTF-8 CSV."),
        (b"PK\x03\x04....", f"f.csv is not a CSV but a binary or other file. {ZIP}"),
        ("label,pixel0\n".encode("utf-16"), f"f.csv is not a CSV but a binary or other file. {UTF16}"),
        (
            b"<!DOCTYPE html>\n",
            "f.csv is not a CSV but a binary or other file. This is a web page, perhaps a failed download.",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "f.csv is not a CSV but a binary or other file. This is a Git LFS pointer: run `git lfs pull` "
            "to get the file.",
        ),
    ],
)
def test_a_file_of_another_kind(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert told(caught.value, tmp_path) == sentence


def test_text_that_is_not_utf8_far_down(few: Digits, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    lines = [line.encode() for line in [HEADER, *csv_lines(few)]]
    lines[30] = lines[30].replace(b",0,", b",\xe9,", 1)
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert told(caught.value, tmp_path) == "f.csv, line 31: byte 0xe9 is not UTF-8 text. Save it as a UTF-8 CSV."


def test_a_gzip_file_that_is_damaged_or_cut_off(few: Digits, tmp_path: Path) -> None:
    packed = gzip.compress("\n".join([HEADER, *csv_lines(few)]).encode())
    path = tmp_path / "f.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert told(caught.value, tmp_path) == "f.csv.gz is a truncated gzip file. Download or copy it again."
    path.write_bytes(packed[:-8] + b"\0" * 8)
    with pytest.raises(DataError, match=r"f\.csv\.gz is a damaged gzip file \(CRC check failed"):
        read_csv(path)
    path.write_bytes(packed[:20] + b"\xff" * 40 + packed[60:])
    with pytest.raises(DataError, match=r"f\.csv\.gz is a damaged gzip file"):
        read_csv(path)


@pytest.mark.parametrize(
    ("column", "header", "sentence"),
    [
        ("lable", True, "f.csv has no column 'lable'. Did you mean 'label'?"),
        ("qqqq", True, "f.csv has no column 'qqqq'. The first columns are label, pixel0, pixel1."),
        (
            "label",
            False,
            "f.csv has no header, so its column 'label' cannot be found. Use 'first' or 'last'.",
        ),
    ],
)
def test_a_label_column_that_is_not_there(
    column: str, header: bool, sentence: str, few: Digits, tmp_path: Path
) -> None:
    lines = csv_lines(few)
    path = write_text(tmp_path / "f.csv", [HEADER, *lines] if header else lines)
    with pytest.raises(DataError) as caught:
        read_csv(path, column)
    assert told(caught.value, tmp_path) == sentence


def test_a_label_in_the_last_column_without_header_is_hinted_at(few: Digits, tmp_path: Path) -> None:
    path = write_text(tmp_path / "f.csv", csv_lines(few, label_at=784))
    with pytest.raises(DataError) as caught:
        require_trainable(read_csv(path), "f.csv")
    assert str(caught.value) == (
        "f.csv holds only digits labelled 0, at least two classes are needed. Is the label in another "
        "column? Name it with --label-column (or 'last')."
    )


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv does not exist"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder, expected a file"):
        read_csv(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("x")
    path.chmod(0)
    with pytest.raises(DataError, match=r"f\.csv cannot be read: Permission denied\. Check its permissions\."):
        read_csv(path)
