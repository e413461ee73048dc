"""What a cell and a line may be: one definition, which both readers of CSV files keep."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edgedigits.data import csv_cells, csv_exact, csv_fast, csv_file
from edgedigits.data.csv_exact import read_exactly
from edgedigits.data.csv_fast import read_fast
from edgedigits.data.csv_file import read_csv
from edgedigits.data.csv_layout import read_layout
from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER
from edgedigits.errors import DataError
from tests.data.digit_files import csv_lines, told, write_text

# What people, spreadsheets and programs write for a pixel; of some it is only thought.
SPELLINGS = (
    *(
        "7",
        "007",
        "0007",
        "255",
        "256",
        "260",
        "1000",
        "+7",
        "-7",
        "-0",
        "+0",
        "7.",
        ".7",
        ".",
        "7.0",
        "7.5",
        "0.5",
        "255.0",
    ),
    *(
        "7e0",
        "7E0",
        "1e2",
        "1.00E+02",
        "2.55e2",
        "2.56e2",
        "25e-1",
        "70e-1",
        "1e999",
        "1e-999",
        "e",
        "1e",
        "1e+",
        "7f",
        "7;",
    ),
    *(
        "0x1",
        "0b1",
        "0o7",
        "1_0",
        "1_000",
        "inf",
        "-inf",
        "nan",
        "NaN",
        "NA",
        "null",
        "None",
        "True",
        "False",
        "true",
        "'7'",
    ),
    *("٣", "７", "²", "½", "Ⅷ", "−7", "a", "18446744073709551615", "18446744073709551616", "9223372036854775808", "7%"),
    *("254.99999999999999", "254.99999999999999999"),
)
SPACED = (
    "",
    " ",
    "\t",
    " 7",
    "7 ",
    "\t7\t",
    " 7 ",
    "7\u00a0",
    "\u20037",
    "7\x0b",
    "7\x0c",
    "7\x85",
    "7\x00",
    "+ 7",
    "7 7",
    "7\u2028",
)
CELLS = st.one_of(
    st.integers(0, 255).map(str),
    st.sampled_from(SPELLINGS),
    st.sampled_from(SPACED),
    st.text(alphabet="0123456789 .+-eE_\tx", max_size=5),
)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\r\n", "\n \t\n"])


def value_of(cell: str) -> int | None:
    """The definition once more, by other means: what a cell is worth, None where it is no value of a pixel."""
    cell = cell.strip(" \t")
    if not cell.isascii() or not set(cell) <= set("0123456789.+-eE"):
        return None
    try:
        number = Decimal(cell)
    except InvalidOperation:
        return None
    # Closer to a whole number than a double can tell is as good as whole.
    return int(float(number)) if 0 <= number <= 255 and float(number).is_integer() else None


@st.composite
def tables(draw) -> tuple[list[list[str]], str, str, str]:
    """Rows of cells, the line's end, what stands before the first line, and how cells are wrapped."""
    seed = draw(st.integers(0, 2**16))
    rows = np.random.default_rng(seed).integers(0, 256, (draw(st.integers(1, 3)), 785))
    rows[:, 0] %= 10
    texts = [list(map(str, row)) for row in rows.tolist()]
    for _ in range(draw(st.integers(0, 3))):
        row, column = draw(st.integers(0, len(texts) - 1)), draw(st.sampled_from([0, 1, 13, 783, 784]))
        texts[row][column] = draw(CELLS)
    return (
        texts,
        draw(LINE_ENDS),
        draw(st.sampled_from(["", "\ufeff", HEADER, "\ufeff" + HEADER])),
        draw(st.sampled_from(["{}", "{}", '"{}"', ' "{}"'])),
    )


def _outcome(read) -> bytes | str:
    try:
        return read().tobytes()
    except DataError as error:
        return str(error)


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(table=tables(), ended=st.booleans())
@example(table=([["1", *["True"] * 784]], "\n", HEADER, "{}"), ended=True)
@example(table=([["1", *["False"] * 784]], "\n", "", "{}"), ended=True)
def test_both_readers_keep_the_same_definition(table, ended: bool, tmp_path: Path) -> None:
    texts, end, before, wrap = table
    lines = [",".join(wrap.format(cell) for cell in row) for row in texts]
    start = before + end if before.endswith("783") else before
    path = tmp_path / "f.csv"
    path.write_bytes((start + end.join(lines) + (end if ended else "")).encode())
    values = [[value_of(cell) for cell in row] for row in texts]
    sound = all(value is not None for row in values for value in row) and all(row[0] < 10 for row in values)
    try:
        layout = read_layout(path, "first")
    except DataError:
        assert not sound
        return
    exact = _outcome(lambda: read_exactly(path, layout))
    fast = read_fast(path, layout.skip)
    assert fast is None or fast.tobytes() == exact
    try:
        digits = read_csv(path, "first")
    except DataError:
        assert not sound
    else:
        assert sound
        assert np.column_stack([digits.labels, digits.images]).tolist() == values


@pytest.mark.parametrize(
    "spelling", ["{}", " {}", "{}\t", "{}.0", "+{}", "00{}", '"{}"', ' "{}"', "{}e0", "{}.", "-0{}"]
)
@pytest.mark.parametrize("header", [True, False])
def test_a_file_may_spell_its_numbers_as_it_likes(spelling: str, header: bool, few: Digits, tmp_path: Path) -> None:
    if spelling.startswith("-"):
        few = Digits(np.zeros_like(few.images), few.labels)
    lines = [
        ",".join([cells[0], *map(spelling.format, cells[1:])]) for cells in (row.split(",") for row in csv_lines(few))
    ]
    path = write_text(tmp_path / "digits.csv", [HEADER, *lines] if header else lines)
    exact = read_exactly(path, read_layout(path))
    assert (exact[:, 1:] == few.images).all() and (exact[:, 0] == few.labels).all()
    assert read_csv(path).digest == few.digest


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\r\n\r\n"])
@pytest.mark.parametrize(
    "before", ["", "\ufeff", HEADER + "\n", "\n\ufeff" + HEADER + "\r\n", "sep=,\r\n" + HEADER + "\r\n"]
)
def test_a_sound_file_is_left_to_the_fast_reader(
    end: str, before: str, few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "read_exactly", lambda *_: pytest.fail("the slow reader was used"))
    monkeypatch.setattr(csv_fast, "_CHUNK", 5001)  # so that lines span what is read at a time
    path = tmp_path / "digits.csv"
    for last in ("", end):
        path.write_bytes((before.removeprefix("\n") + end.join(csv_lines(few)) + last).encode())
        assert read_csv(path).digest == few.digest


def test_a_header_that_ends_as_on_an_old_mac_hides_no_digit(few: Digits, tmp_path: Path) -> None:
    path = tmp_path / "digits.csv"
    path.write_bytes((HEADER + "\r" + "\n".join(csv_lines(few))).encode())
    assert read_csv(path).digest == few.digest
    path.write_bytes("\r".join([HEADER, *csv_lines(few)]).encode())
    assert read_csv(path).digest == few.digest


def test_a_byte_order_mark_is_one_at_the_start_only(few: Digits, tmp_path: Path) -> None:
    # Two files joined, each with its mark.
    path = write_text(tmp_path / "f.csv", [HEADER, "\ufeff" + csv_lines(few)[0], *csv_lines(few)])
    assert _refusal(path) == (
        "f.csv, line 2: the label is '\\ufeff0', expected a number. A byte order mark stands here, as where files were "
        "joined: remove it."
    )


def test_what_excel_writes_first_is_passed_over(few: Digits, tmp_path: Path) -> None:
    for first in ("sep=,", '"sep=,"', "SEP=,"):
        path = write_text(tmp_path / "digits.csv", [first, HEADER, *csv_lines(few)])
        assert read_csv(path).digest == few.digest
    with pytest.raises(DataError) as caught:
        read_csv(write_text(tmp_path / "f.csv", ["sep=,", HEADER, "x" + csv_lines(few)[0]]))
    assert told(caught.value, tmp_path).startswith("f.csv, line 3: the label is 'x0', expected a number.")


def _refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_csv(path)
    return told(caught.value, path.parent)


def test_a_line_without_end(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_fast, "_CHUNK", 5000)
    path = write_text(tmp_path / "f.csv", [HEADER, *csv_lines(few), "1" * csv_cells.LINE_LIMIT])
    assert _refusal(path) == "f.csv, line 62 is longer than 1,048,576 characters. Is this the CSV that was meant?"
    path.write_text("7" * (csv_cells.LINE_LIMIT * 3))
    assert _refusal(path) == "f.csv, line 1 is longer than 1,048,576 characters. Is this the CSV that was meant?"


def test_empty_lines_without_end(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_cells, "MOST_LINES", 1000)
    path = write_text(tmp_path / "f.csv", [HEADER, *csv_lines(few), *[" "] * 939])
    assert read_csv(path).digest == few.digest
    write_text(path, [HEADER, *csv_lines(few), *[" "] * 940])
    assert _refusal(path) == "f.csv has more than 1,000 lines. Is this the CSV that was meant?"
    assert _refusal(write_text(path, [""] * 1001)) == "f.csv has more than 1,000 lines. Is this the CSV that was meant?"


def test_spellings_are_learnt_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may spell each of its numbers in a way of its own, millions of them."""
    monkeypatch.setattr(csv_exact, "_MOST_SPELLINGS", 300)
    cells = [f"{'0' * (place // 200)}{place % 200}.0" for place in range(784)]
    path = write_text(tmp_path / "f.csv", [HEADER, *(",".join(["3", *cells]) for _ in range(3))])
    assert read_csv(path).images.tolist() == [[place % 200 for place in range(784)]] * 3
    assert len(seen := csv_exact._Spellings()) == 256
    assert [seen[f"{value}.0"] for value in range(200)] == list(range(200))
    assert len(seen) == 300


def test_reading_takes_little_more_memory_than_the_digits(tmp_path: Path) -> None:
    line = ",".join(["7", *["0"] * 784]) + "\n"
    (tmp_path / "f.csv").write_text(line * 1000)
    for read in (lambda path: read_fast(path, 0), lambda path: read_exactly(path, read_layout(path))):
        tracemalloc.start()
        try:
            assert len(read(tmp_path / "f.csv")) == 1000
            assert tracemalloc.get_traced_memory()[1] < 1000 * 785 + 6_000_000
        finally:
            tracemalloc.stop()
