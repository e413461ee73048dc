""".npz archives: what they must hold, and what is said where they do not."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.digits import Digits
from edgedigits.data.load import read_source
from edgedigits.errors import DataError
from tests.data.digit_files import told

AGAIN = "Save or copy it again."


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
        (
            {"x": np.zeros((2, 28, 28)), "y": np.zeros(2, bool)},
            "d.npz, y holds values of type bool, expected whole numbers 0 to 9. A label is a digit, 0 to 9: was a mask "
            "stored in its place?",
        ),
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
        (
            {"x": np.zeros((2, 784), "m8[s]"), "y": np.zeros(2)},
            "d.npz, x holds values of type timedelta64[s], expected whole numbers 0 to 255.",
        ),
        (
            {"x": np.zeros((2, 784), [("a", "u1"), ("b", "u1")]), "y": np.zeros(2)},
            "d.npz, x holds values of type [('a', 'u1'), ('b', 'u1')], expected whole numbers 0 to 255.",
        ),
        (
            # scikit-learn's digits, np.savez(file, **load_digits()) but for the words
            {"images": np.zeros((2, 8, 8)), "data": np.zeros((2, 64)), "target": np.zeros(2)},
            "d.npz, data has the shape (2, 64), expected (n, 28, 28) or (n, 784). These look like images of 8×8: read them "
            "with --fit, or scale each to 28×28, 0…255.",
        ),
        (
            {"x_train": np.zeros((2, 16, 16, 1)), "y_train": np.zeros(2)},
            "d.npz, x_train has the shape (2, 16, 16, 1), expected (n, 28, 28) or (n, 784). These look like images of 16×16: "
            "read them with --fit, or scale each to 28×28, 0…255.",
        ),
        (
            {"x": np.zeros((2, 784)), "X": np.zeros((2, 784))},
            "d.npz holds two arrays called x. Save it with one of them only.",
        ),
    ],
)
def test_a_faulty_npz(arrays, sentence: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", **arrays)
    assert _npz_message(tmp_path / "d.npz") == sentence


def test_pickled_objects_in_a_npz_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.array([object()]), y=np.zeros(1))
    assert _npz_message(tmp_path / "d.npz") == "d.npz, x holds Python objects, not numbers. Save arrays of numbers."


def test_a_npz_that_is_cut_off_or_none(few: Digits, tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez_compressed(path, x=few.images, y=few.labels)
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    assert _npz_message(path) == "d.npz is a damaged .npz archive: File is not a zip file. Save or copy it again."
    path.write_bytes(whole[:200] + b"\xff" * 50 + whole[250:])
    assert _npz_message(path) == f"d.npz, x has a header that cannot be read. {AGAIN}"
    path.write_bytes(whole[:900] + b"\xff" * 50 + whole[950:])
    assert _npz_message(path).startswith("d.npz is a damaged .npz archive: ")
    path.write_bytes(b"\x93NUMPY" + b"\0" * 20)
    assert _npz_message(path) == (
        "d.npz is not a .npz archive. This is a .npy array: save images and labels together with "
        "numpy.savez(file, x=images, y=labels)."
    )
    path.write_bytes(b"junk")
    assert _npz_message(path) == "d.npz is not a .npz archive. Save it with numpy.savez."


def _member(shape: str, data: bytes, kind: str = "|u1", version: bytes = b"\1\0") -> bytes:
    """A .npy file whose header promises `shape`, whatever `data` there is."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version < b"\2" else 4, "little") + text + data


def _archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


LABELS = _member("(3,)", bytes([1, 2, 3]))


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        (_member("(4000000000, 28, 28)", b"x" * 9), "d.npz, x holds more than 1,024 MiB once unpacked"),
        (_member("(1369569, 784)", b"x" * 9), "d.npz, x holds more than 1,024 MiB once unpacked"),
        (_member("(171197, 784)", b"x" * 9, "<f8"), "d.npz, x holds more than 1,024 MiB once unpacked"),
        (
            _member("(1369568, 784)", b"x" * 9),
            f"d.npz, x is damaged: 9 bytes of numbers, its header promises 1,073,741,312. {AGAIN}",
        ),
        (
            _member("(3, 784)", bytes(3 * 784 - 1)),
            f"d.npz, x is damaged: 2,351 bytes of numbers, its header promises 2,352. {AGAIN}",
        ),
        (
            _member("(3, 784)", bytes(3 * 784 + 1)),
            f"d.npz, x is damaged: 2,353 bytes of numbers, its header promises 2,352. {AGAIN}",
        ),
        (_member("(3, 784)", b"", "|O"), "d.npz, x holds Python objects, not numbers. Save arrays of numbers."),
        (
            _member("(3, 784)", bytes(2352), version=b"\3\0"),
            "d.npz, x is of an unknown version. Save it with numpy.savez.",
        ),
        (_member("(-3, 784)", bytes(2352)), "d.npz, x is damaged: 2,352 bytes of numbers, its header promises -2,352."),
        (b"\x93NUMPY\1\0\4\0{'a'", f"d.npz, x has a header that cannot be read. {AGAIN}"),
        (_member("__import__('os').abort()", b""), f"d.npz, x has a header that cannot be read. {AGAIN}"),
        (_member("(" + "1," * 20_000 + ")", b""), f"d.npz, x has a header that cannot be read. {AGAIN}"),
        (_member("(99999999, 784)", b"", "|S0"), f"d.npz, x has a header that cannot be read. {AGAIN}"),
        (_member("(99999999, 784)", b"", "|V0"), f"d.npz, x has a header that cannot be read. {AGAIN}"),
        (b"junk", "d.npz is a damaged .npz archive: EOF: reading magic string, expected 8 bytes got 4."),
        (b"", "d.npz is a damaged .npz archive: EOF: reading magic string, expected 8 bytes got 0."),
    ],
)
def test_a_header_is_judged_before_what_it_promises_is_asked_for(member: bytes, sentence: str, tmp_path: Path) -> None:
    path = _archive(tmp_path / "d.npz", x=member, y=LABELS)
    tracemalloc.start()
    try:
        assert _npz_message(path).startswith(sentence)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_headers_of_the_second_version_are_read(few: Digits, tmp_path: Path) -> None:
    images = _member("(60, 784)", few.images.tobytes(), version=b"\2\0")
    path = _archive(tmp_path / "d.npz", x=images, y=_member("(60,)", few.labels.tobytes()))
    assert read_source(str(path)).everything.digest == few.digest


def test_a_byte_that_was_changed_is_noticed(few: Digits, tmp_path: Path) -> None:
    """np.savez does not compress, so that the archive's checksum is all that can tell."""
    np.savez(tmp_path / "d.npz", x=few.images, y=few.labels)
    whole = (tmp_path / "d.npz").read_bytes()
    place = whole.index(few.images[0].tobytes()) + 400
    (tmp_path / "d.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert _npz_message(tmp_path / "d.npz") == f"d.npz is a damaged .npz archive: Bad CRC-32 for file 'x.npy'. {AGAIN}"


def test_arrays_in_the_order_of_fortran_are_read(few: Digits, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.asfortranarray(few.images.reshape(-1, 28, 28)), y=few.labels)
    assert read_source(str(tmp_path / "d.npz")).everything.digest == few.digest


def test_a_whole_pair_goes_before_half_of_one(few: Digits, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", Images=np.zeros(3), data=few.images, target=few.labels)
    contents = read_source(str(tmp_path / "d.npz"))
    assert contents.everything.digest == few.digest
    assert contents.note == "Left out of d.npz: Images; without a partner, beside a pair that is whole."


@pytest.mark.parametrize(
    ("first", "second", "beside"),
    [
        (("x", "y"), ("images", "labels"), ()),
        (("x_train", "y_train"), ("X", "Y"), ()),
        (("data", "target"), ("train_images", "train_labels"), ("x_test", "y_test")),
        (("x_test", "y_test"), ("test_images", "test_labels"), ("x", "y")),
        (("x_test", "y_test"), ("test_images", "test_labels"), ()),
    ],
)
def test_two_pairs_for_one_place_are_refused_unless_they_are_the_same(
    first: tuple[str, str],
    second: tuple[str, str],
    beside: tuple[str, ...],
    few: Digits,
    others: Digits,
    tmp_path: Path,
) -> None:
    def save(digits: Digits) -> None:
        sets = [(first, few), (second, digits), *([(beside, others)] if beside else [])]
        arrays = {
            name: array for names, one in sets for name, array in zip(names, (one.images, one.labels), strict=True)
        }
        np.savez(tmp_path / "d.npz", **arrays)

    for other in (others, Digits(few.images, few.labels[::-1].copy())):
        save(other)
        sentence = _npz_message(tmp_path / "d.npz")
        assert all(name in sentence for name in (*first, *second))
        assert sentence.endswith("which are other digits for the same place. Save it with one pair of them only.")
    save(few)
    contents = read_source(str(tmp_path / "d.npz"))
    assert few.digest in [part.digest for part in (contents.train, contents.test) if part is not None]


def test_arrays_for_validation_are_left_out_and_said(few: Digits, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x_train=few.images, y_train=few.labels, x_val=few.images, y_VAL=few.labels, x_value=1)
    contents = read_source(str(tmp_path / "d.npz"))
    assert contents.everything.digest == few.digest
    assert contents.note == "Left out of d.npz: x_val, y_VAL; validation takes its share of the training digits."
