"""CSV files come back as they were written, and every fault is told with its line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgedigits.data.csv_file import read_csv
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
A_DIGIT = f"A label is a digit, 0 to 9: write it as a number. {OTHER_LABEL}"
LETTERS = "Are these letters as well, as in EMNIST? Keep the digits, and write each label as a number."
OPEN = "A quote opens here and never closes: remove it."
MEND = "Fill the cell or drop the line."


@pytest.mark.parametrize(
    ("index", "cell", "sentence"),
    [
        (13, "abc", f"{PIXEL} 'abc', expected a number."),
        (13, "1_0", f"{PIXEL} '1_0', expected a number."),
        (13, "0x10", f"{PIXEL} '0x10', expected a number."),
        (
            13,
            "True",
            f"{PIXEL} 'True', expected a number. Store pixels as 0 and 255: (pixels * 255).astype('uint8').",
        ),
        (13, '"0,5"', f"{PIXEL} '0,5', expected a number. Is this a decimal comma? Write a point."),
        (13, '"1,2,3"', f"{PIXEL} '1,2,3', expected a number."),
        (13, "\x1b[31m", f"{PIXEL} '\\x1b[31m', expected a number."),
        (13, "9" * 400, f"{PIXEL} {'9' * 40}…, expected a whole number."),
        (13, "x" * 400, f"{PIXEL} '{'x' * 40}…', expected a number."),
        (13, "٣", f"{PIXEL} '٣', expected a number."),
        (13, "", f"{PIXEL} empty. {MEND}"),
        (13, "  ", f"{PIXEL} empty. {MEND}"),
        (13, "NaN", f"{PIXEL} NaN, a missing value. {MEND}"),
        (13, "null", f"{PIXEL} null, a missing value. {MEND}"),
        (13, "256", f"{PIXEL} 256, expected 0 to 255."),
        (13, "-1.0", f"{PIXEL} -1.0, expected 0 to 255. Were pixels scaled to -1…1? Store them as 0…255."),
        (13, "-0.5", f"{PIXEL} -0.5, expected a whole number. Were pixels scaled to -1…1? Store them as 0…255."),
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
        (0, "b'3'", f"{LABEL} 'b'3'', expected a number. Weka or Python put quotes around it: write the number alone."),
        (0, "'3'", f"{LABEL} ''3'', expected a number. Weka or Python put quotes around it: write the number alone."),
        (0, "three", f"{LABEL} 'three', expected a number. Write each label as a number, 'three' as 3."),
        (0, " Zero ", f"{LABEL} ' Zero ', expected a number. Write each label as a number, 'Zero' as 0."),
        (0, "E", f"{LABEL} 'E', expected a number. {LETTERS}"),
        (0, "cat", f"{LABEL} 'cat', expected a number. {A_DIGIT}"),
        (0, "True", f"{LABEL} 'True', expected a number. {A_DIGIT}"),
        (0, "false", f"{LABEL} 'false', expected a number. {A_DIGIT}"),
        (0, "", f"{LABEL} empty. {MEND}"),
        (0, None, "train.csv, line 5: 783 pixel columns, expected 784. Was the label column dropped?"),
        (13, "1,2", "train.csv, line 5: 785 pixel columns, expected 784. Is there an index in front?"),
        (13, "1,2,3", "train.csv, line 5: 786 pixel columns, expected 784. Were two lines joined?"),
        (13, "1\n2", "train.csv, line 5: 13 pixel columns, expected 784. Was the line cut off?"),
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


@pytest.mark.parametrize(
    ("index", "cell", "sentence"),
    [
        (13, '"1', f"{PIXEL} '\"1', expected a number. {OPEN}"),
        (784, '"', f"{PIXEL.replace('14 (pixel12)', '785 (pixel783)')} '\"', expected a number. {OPEN}"),
        (13, '"1""', f'{PIXEL} \'"1""\', expected a number. {OPEN}'),
        (13, '"1"2', f"{PIXEL} '\"1\"2', expected a number. {OPEN}"),
        (13, '1"', f"{PIXEL} '1\"', expected a number."),
        (13, '""', f"{PIXEL} empty. {MEND}"),
        (0, '"', f"{LABEL} '\"', expected a number. {OPEN}"),
    ],
)
def test_a_quote_that_never_closes_is_told_where_it_opens(
    index: int, cell: str, sentence: str, few: Digits, tmp_path: Path
) -> None:
    path = write_text(tmp_path / "train.csv", _changed(few, 5, index, cell))
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert told(caught.value, tmp_path) == sentence


def test_cells_beside_a_wrong_quote_are_read_as_they_stand(few: Digits, tmp_path: Path) -> None:
    lines = _changed(few, 5, 13, '"1"2')
    lines[4] = f'"{lines[4][0]}", "7" ,"a""b"' + lines[4][5:]
    with pytest.raises(DataError) as caught:
        read_csv(write_text(tmp_path / "train.csv", lines))
    assert (
        told(caught.value, tmp_path) == "train.csv, line 5, column 3 (pixel1): the pixel is 'a\"b', expected a number."
    )
    lines[4] = lines[4].replace('"a""b"', "0")
    with pytest.raises(DataError) as caught:
        read_csv(write_text(tmp_path / "train.csv", lines))
    assert told(caught.value, tmp_path) == f"{PIXEL} '\"1\"2', expected a number. {OPEN}"


def test_the_line_is_counted_as_an_editor_counts_it(few: Digits, tmp_path: Path) -> None:
    lines = csv_lines(few)
    lines[3] = lines[3].replace(",0,", ",x,", 1)
    path = write_text(tmp_path / "train.csv", ["", *lines[:2], "", *lines[2:]])
    with pytest.raises(DataError, match=r"train\.csv, line 6, column 2: the pixel is 'x'"):
        read_csv(path)


@pytest.mark.parametrize("pixels", [0, 12, 391, 783])
def test_a_line_that_is_broken_in_two(pixels: int, few: Digits, tmp_path: Path) -> None:
    """As many cells as in whole lines, and an end of a line among them."""
    lines = csv_lines(few)
    cells = lines[3].split(",")
    lines[3:4] = [",".join(cells[: pixels + 1]), ",".join(cells[pixels + 1 :])]
    with pytest.raises(DataError) as caught:
        read_csv(write_text(tmp_path / "train.csv", [HEADER, *lines]))
    assert told(caught.value, tmp_path).startswith(f"train.csv, line 5: {pixels} pixel columns, expected 784.")


def test_files_that_were_joined_with_their_headers(few: Digits, tmp_path: Path) -> None:
    path = write_text(tmp_path / "train.csv", [HEADER, *csv_lines(few), HEADER.replace(",", " , "), *csv_lines(few)])
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert told(caught.value, tmp_path) == (
        "train.csv, line 62: the label is 'label ', expected a number. This line repeats the header: were files joined? "
        "Remove it."
    )


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
INDEX = "Was an index column written? Leave it out: to_csv(file, index=False)."
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
            f"f.csv, line 1: 785 pixel columns, expected 784. {INDEX}",
        ),
        (
            lambda lines: ["1" + ",0" * 256],
            "f.csv, line 1: 256 pixel columns, expected 784. These look like images of 16×16: read a .csv of them with "
            "--fit, or scale each to 28×28, a label and 784 pixels a line.",
        ),
        (
            lambda lines: ["," + ",".join(f"p{index}" for index in range(64)) + ",target"],
            "f.csv, line 1: 65 pixel columns, expected 784. These look like images of 8×8 with an index: scale each to "
            "28×28, a label and 784 pixels a line.",
        ),
        (
            lambda lines: [",".join(["0.0"] * 64)],
            "f.csv, line 1: 63 pixel columns, expected 784. These look like images of 8×8 without a label: scale each to "
            "28×28, a label and 784 pixels a line.",
        ),
        (
            lambda lines: [line.replace(",", ";") for line in lines],
            "f.csv, line 1: columns are separated by semicolons, expected commas. Save it with commas.",
        ),
        (
            lambda lines: ["sep=;", *(line.replace(",", ";") for line in lines)],
            "f.csv, line 1: columns are separated by semicolons, expected commas. Save it with commas.",
        ),
        (
            lambda lines: [line.replace(",", ",0;") + ",0" for line in lines],
            "f.csv, line 1: columns are separated by semicolons, expected commas. Save it with commas and numbers with a "
            "decimal point.",
        ),
        (
            lambda lines: [line.replace(",", " ") for line in lines],
            "f.csv, line 1: columns are separated by spaces, expected commas. Save it with commas.",
        ),
        (
            lambda lines: [line.replace(",", "|") for line in lines],
            "f.csv, line 1: columns are separated by bars, expected commas. Save it with commas.",
        ),
        (
            # scikit-learn's digits, 64 numbers 0 to 16 and a label, as numpy.savetxt writes them
            lambda lines: [" ".join(["0.000000000000000000e+00"] * 65)],
            "f.csv, line 1: columns are separated by spaces, expected commas. These look like images of 8×8: read a .csv "
            "of them with --fit, or scale each to 28×28, a label and 784 pixels a line.",
        ),
        (
            lambda lines: [f"{line}," for line in [HEADER, *lines]],
            "f.csv, line 1 ends with a comma, so that it has 786 columns, the last of them empty. Remove the comma at the "
            "end of each line.",
        ),
        (
            lambda lines: [f"{line}," for line in lines],
            "f.csv, line 1 ends with a comma, so that it has 786 columns, the last of them empty. Remove the comma at the "
            "end of each line.",
        ),
        (
            lambda lines: [", ".join(line.split(",")[:700]) for line in lines],
            "f.csv, line 1: 699 pixel columns, expected 784.",
        ),
        (
            lambda lines: ["id,writer," + HEADER],
            "f.csv, line 1: 786 pixel columns, expected 784. Of the columns 'id' (1), 'writer' (2), 'label' (3), which are "
            "not named like pixels, keep the label only.",
        ),
        (
            lambda lines: ["writer," + HEADER],
            "f.csv, line 1: 785 pixel columns, expected 784. Of the columns 'writer' (1), 'label' (2), which are not named "
            "like pixels, keep the label only.",
        ),
        (
            lambda lines: ["Unnamed: 0," + HEADER],
            f"f.csv, line 1: 785 pixel columns, expected 784. {INDEX}",
        ),
        (
            lambda lines: [f"{row},{line}" for row, line in enumerate(lines)],
            f"f.csv, line 1: 785 pixel columns, expected 784. {INDEX}",
        ),
        (
            lambda lines: ["5" + ",0" * 2352],
            "f.csv, line 1: 2352 pixel columns, expected 784. Are these pictures in colour? Store one grey value a pixel.",
        ),
        (
            lambda lines: ["0,0,0,0,0,1,0,0,0,0" + ",0" * 784],
            "f.csv, line 1: 793 pixel columns, expected 784. Are the labels one-hot? Store one label a line: "
            "labels.argmax(axis=1).",
        ),
        (
            lambda lines: ['"' + ",".join(["7"] * 65) + '"'],
            "f.csv, line 1: one column, expected 785 separated by commas. The line stands in quotes as a whole: remove them, "
            "here and in the lines below.",
        ),
        (
            lambda lines: [
                ",".join("".join(chr(97 + int(figure)) for figure in f"{index:03}") for index in range(788))
            ],
            "f.csv, line 1: 787 pixel columns, expected 784.",
        ),
        (
            lambda lines: ["id,writer," + HEADER.replace("pixel0,", "")],
            "f.csv, line 1: 785 pixel columns, expected 784.",
        ),
        (
            lambda lines: ["a,b,c", "1,2,3"],
            "f.csv, line 1: 3 columns, expected 785 separated by commas. Is this the CSV that was meant?",
        ),
        (
            lambda lines: ["", "My digits", "written by me, in May", *[" "] * 18, HEADER, *lines],
            "f.csv, line 2: one column, expected 785 separated by commas. Remove what stands above line 22, where the table "
            "begins.",
        ),
        (
            lambda lines: ["", "My digits", "written by me, in May", *[" "] * 19, HEADER, *lines],
            "f.csv, line 2: one column, expected 785 separated by commas. Is this the CSV that was meant?",
        ),
        (
            lambda lines: [f'"{line}"' for line in [HEADER, *lines]],
            "f.csv, line 1: one column, expected 785 separated by commas. The line stands in quotes as a whole: remove them, "
            "here and in the lines below.",
        ),
        (
            lambda lines: [line.replace(",", "\t") for line in [HEADER, *lines]],
            "f.csv, line 1: columns are separated by tabs, expected commas. Save it with commas.",
        ),
        (
            lambda lines: ["Dear reader"],
            "f.csv, line 1: one column, expected 785 separated by commas. Is this the CSV that was meant?",
        ),
        *(
            (
                lambda lines, name=name: [HEADER.replace(name, f'"{name[:2]}\n{name[2:]}"', 1), *lines],
                "f.csv, line 1: a quote opens and does not close before the line's end. Remove it, or the end of the line "
                "between the two quotes.",
            )
            for name in ("label", "pixel0", "pixel300", "pixel783")
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


EMPTIED = "It begins with nothing but zero bytes, as files do that a crash or a full disk emptied: copy it again."
ZIP = "This is a zip archive, as Kaggle hands out: unzip it and give the file inside."
UTF16 = "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "f.csv is empty. Download or copy it again."),
        (gzip.compress(b"", mtime=0), "f.csv holds no lines. Download or copy it again."),
        (bytes(range(256)) * 9, "f.csv is not a CSV but a binary or other file."),
        *((b"\0" * count, f"f.csv is not a CSV but a binary or other file. {EMPTIED}") for count in (1, 99, 9999)),
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
