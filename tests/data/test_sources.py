"""The same digits give the same digest, in whichever form they are stored."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER
from edgedigits.data.load import Selection, load_splits, read_source, select
from edgedigits.errors import ConfigError, DataError
from tests.data.digit_files import csv_lines, told, write_idx, write_pngs, write_text

DIVISION = {"validation_fraction": 0.2, "test_fraction": 0.2, "seed": 7}


def chosen_from(source: str, split: str = "test", **reading: bool) -> Selection:
    return select(read_source(source, **reading), split, **DIVISION)


def _csv(folder: Path, digits: Digits) -> Path:
    return write_text(folder / "digits.csv", [HEADER, *csv_lines(digits)])


def _csv_bare(folder: Path, digits: Digits) -> Path:
    return write_text(folder / "digits.csv", csv_lines(digits))


def _csv_label_last(folder: Path, digits: Digits) -> Path:
    names = [f"p{index}" for index in range(784)]
    return write_text(folder / "digits.csv", [",".join([*names, "Label"]), *csv_lines(digits, label_at=784)])


def _csv_numbered(folder: Path, digits: Digits) -> Path:
    return write_text(folder / "digits.csv", [",".join(map(str, range(785))), *csv_lines(digits)])


def _csv_windows(folder: Path, digits: Digits) -> Path:
    path = folder / "digits.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([HEADER, *csv_lines(digits), ""]).encode())
    return path


def _csv_bom_bare(folder: Path, digits: Digits) -> Path:
    path = folder / "digits.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(csv_lines(digits)).encode())
    return path


def _csv_floats(folder: Path, digits: Digits) -> Path:
    return write_text(
        folder / "digits.csv", [HEADER, *(f"{line.replace(',', '.0, ')}.00" for line in csv_lines(digits))]
    )


def _csv_quoted_blank_lines(folder: Path, digits: Digits) -> Path:
    lines = [",".join(f'"{cell}"' for cell in line.split(",")) for line in csv_lines(digits)]
    return write_text(folder / "digits.csv", ["", HEADER, "", *lines, ""])


def _csv_gz(folder: Path, digits: Digits) -> Path:
    path = folder / "digits.csv.gz"
    path.write_bytes(gzip.compress(_csv(folder, digits).read_bytes()))
    return path


def _csv_gz_misnamed(folder: Path, digits: Digits) -> Path:
    return _csv_gz(folder, digits).rename(folder / "packed.csv")


def _idx(folder: Path, digits: Digits) -> Path:
    return write_idx(folder / "idx", digits)


def _idx_gz(folder: Path, digits: Digits) -> Path:
    return write_idx(folder / "idx", digits, packed=True)


def _idx_dotted(folder: Path, digits: Digits) -> Path:
    return write_idx(folder / "idx", digits, dot=".")


def _npz(folder: Path, digits: Digits) -> Path:
    np.savez(folder / "digits.npz", x_train=digits.images.reshape(-1, 28, 28), y_train=digits.labels)
    return folder / "digits.npz"


def _npz_images_labels(folder: Path, digits: Digits) -> Path:
    images = digits.images.reshape(-1, 28, 28, 1).astype(np.float32)
    np.savez_compressed(folder / "digits.npz", images=images, labels=digits.labels[:, None].astype(np.int64))
    return folder / "digits.npz"


def _npz_x_y(folder: Path, digits: Digits) -> Path:
    np.savez(folder / "digits.npz", X=digits.images.astype(np.int32), y=digits.labels.astype(float))
    return folder / "digits.npz"


def _png(folder: Path, digits: Digits) -> Path:
    return write_pngs(folder / "png", digits)


def _png_rgb(folder: Path, digits: Digits) -> Path:
    return write_pngs(folder / "png", digits, "RGB")


def _png_rgba(folder: Path, digits: Digits) -> Path:
    return write_pngs(folder / "png", digits, "RGBA")


def _png_below_train(folder: Path, digits: Digits) -> Path:
    return write_pngs(folder / "png" / "training", digits).parent


FORMS = [value for name, value in list(globals().items()) if name.startswith(("_csv", "_idx", "_npz", "_png"))]


@pytest.mark.parametrize("write", FORMS, ids=lambda write: write.__name__.strip("_"))
def test_every_form_of_the_same_digits_gives_the_same_digest(write, few: Digits, tmp_path: Path) -> None:
    contents = read_source(str(write(tmp_path, few)))
    assert contents.test is None
    assert contents.everything.digest == few.digest


def test_label_column_by_name_first_and_last(few: Digits, tmp_path: Path) -> None:
    header = HEADER.replace("label", "digit").split(",")
    named = write_text(tmp_path / "named.csv", [",".join([*header[1:], header[0]]), *csv_lines(few, label_at=784)])
    assert read_source(str(named), label_column="digit").everything.digest == few.digest
    bare = write_text(tmp_path / "bare.csv", csv_lines(few, label_at=784))
    assert read_source(str(bare), label_column="last").everything.digest == few.digest
    first = write_text(tmp_path / "first.csv", [",".join(header), *csv_lines(few)])
    assert read_source(str(first)).everything.digest == few.digest
    assert read_source(str(first), label_column="first").everything.digest == few.digest


def test_label_column_belongs_to_csv_files_only() -> None:
    with pytest.raises(ConfigError, match="mnist-5k is not a CSV, so it has no label column 'digit'"):
        read_source("mnist-5k", label_column="digit")


@pytest.mark.parametrize("form", ["idx", "npz", "npz images", "png"])
def test_a_test_set_of_the_source_is_kept(form: str, few: Digits, others: Digits, tmp_path: Path) -> None:
    source = tmp_path / "set"
    if form == "idx":
        write_idx(write_idx(source, few), others, "t10k")
    elif form == "png":
        write_pngs(source / "train", few)
        write_pngs(source / "test", others)
    else:
        source = tmp_path / "set.npz"
        names = ("x_train", "y_train", "x_test", "y_test")
        if form == "npz images":
            names = ("train_images", "train_labels", "test_images", "test_labels")
        arrays = (
            few.images.reshape(-1, 28, 28),
            few.labels,
            others.images.reshape(-1, 28, 28),
            others.labels,
        )
        np.savez(source, **dict(zip(names, arrays, strict=True)))
    splits = load_splits(str(source), **DIVISION)
    assert splits.test.digest == others.digest
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (48, 12, 20)
    assert splits.source == source.name


def test_a_test_set_alone_is_for_evaluation_only(others: Digits, tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "only", others, "t10k", packed=True)
    chosen = chosen_from(str(folder))
    assert (chosen.digits.digest, chosen.origin) == (others.digest, "test set of only")
    with pytest.raises(DataError, match="only holds a test set only, nothing to train on"):
        load_splits(str(folder), **DIVISION)


def test_invert_turns_black_on_white_into_white_on_black(few: Digits, tmp_path: Path) -> None:
    dark = Digits(255 - few.images, few.labels)
    path = _csv(tmp_path, dark)
    assert load_splits(str(path), **DIVISION).digest == load_splits(str(path), invert=False, **DIVISION).digest
    assert read_source(str(path), invert=True).everything.digest == few.digest


def test_transpose_exchanges_rows_and_columns_and_goes_together_with_invert(few: Digits, tmp_path: Path) -> None:
    lying = few.images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(-1, 784)
    path = _csv(tmp_path, Digits(255 - lying, few.labels))
    assert read_source(str(path), invert=True).everything.digest == Digits(lying, few.labels).digest
    both = {"invert": True, "transpose": True}
    assert read_source(str(path), **both).everything.digest == few.digest
    splits = load_splits(str(path), **both, **DIVISION)
    assert chosen_from(str(path), **both).digits.digest == splits.test.digest


def test_evaluation_gets_the_split_that_the_build_held_out(few: Digits, tmp_path: Path) -> None:
    source = str(_csv(tmp_path, few))
    splits = load_splits(source, **DIVISION)
    for name in ("train", "validation", "test"):
        chosen = chosen_from(source, name)
        assert chosen.digits.digest == getattr(splits, name).digest
        assert chosen.origin == f"{name} split of digits.csv (seed 7)"
    trained_on = {image.tobytes() for image in splits.train.images}
    assert not any(image.tobytes() in trained_on for image in chosen_from(source).digits.images)


def test_all_digits_of_a_source_may_be_few(few: Digits, tmp_path: Path) -> None:
    source = _csv(tmp_path, few.take(np.arange(3)))
    chosen = chosen_from(str(source), "all")
    assert (len(chosen.digits), chosen.split, chosen.origin) == (3, "all", "all of digits.csv")


def test_an_unknown_split_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen_from("mnist-5k", "tests")
    assert str(caught.value) == "There is no split 'tests'. Did you mean 'test'?"


def test_hidden_and_foreign_files_among_pngs_are_passed_over(few: Digits, tmp_path: Path) -> None:
    folder = _png(tmp_path, few)
    (folder / "0" / ".DS_Store").write_bytes(b"x")
    (folder / "1" / "._00001.png").write_bytes(b"x")
    (folder / "2" / "notes.txt").write_bytes(b"x")
    assert read_source(str(folder)).everything.digest == few.digest


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("mnits", "There is no source 'mnits', neither by name nor as a file. Did you mean 'mnist'?"),
        ("mnist5k", "There is no source 'mnist5k', neither by name nor as a file. Did you mean 'mnist-5k'?"),
        (
            "wonderful",
            "There is no source 'wonderful', neither by name nor as a file. Known: auto, mnist, mnist-5k. "
            "Or a CSV (.csv, .csv.gz), a .npz, a folder of IDX files, or a folder of PNG files in 0/ to 9/.",
        ),
        ("digit.csv", "digit.csv does not exist. Did you mean 'digits.csv'?"),
        ("k.csv", "k.csv does not exist. Check its path."),
        ("digits\udcff.cvs", "digits\\xff.cvs does not exist. Did you mean 'digits.csv'?"),
        ("k\udcff.csv", "k\\xff.csv does not exist. Check its path."),
        ("https://x.org/train.csv", "https://x.org/train.csv is an address. Download it, and give the file."),
        ("far/away.csv", "far/away.csv does not exist. Check its path."),
        (
            "void",
            "void holds neither IDX files nor folders 0 to 9 of PNG files. A source is a CSV (.csv, "
            ".csv.gz), a .npz, a folder of IDX files, or a folder of PNG files in 0/ to 9/.",
        ),
        (".", ". holds neither IDX files nor folders 0 to 9 of PNG files. Did you mean digits.csv?"),
        (
            "notes.md",
            "notes.md is of no known kind. A source is a CSV (.csv, .csv.gz), a .npz, a folder of IDX "
            "files, or a folder of PNG files in 0/ to 9/.",
        ),
        (
            "train.zip",
            "train.zip is of no known kind. This is a zip archive, as Kaggle hands out: unzip it and give "
            "the file inside.",
        ),
        (
            "train-images-idx3-ubyte",
            "train-images-idx3-ubyte is one of a pair of IDX files. Give the folder that holds both.",
        ),
        ("nothing.md", "nothing.md is empty. Download or copy it again."),
    ],
)
def test_what_is_no_source(source: str, sentence: str, few: Digits, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "void").mkdir()
    _csv(tmp_path, few)
    (tmp_path / "notes.md").write_text("# Notes\n")
    (tmp_path / "nothing.md").write_text("")
    (tmp_path / "train.zip").write_bytes(b"PK\x03\x04....")
    if source.startswith("train-images"):
        write_idx(tmp_path, few)
    with pytest.raises(DataError) as caught:
        read_source(source)
    assert told(caught.value, tmp_path) == sentence


@pytest.mark.parametrize("source", ["", " "])
def test_a_source_without_a_name_is_not_the_folder_one_is_in(
    source: str, few: Digits, tmp_path: Path, monkeypatch
) -> None:
    write_idx(tmp_path, few)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"The source has no name\. Known: auto, mnist, mnist-5k\. Or a CSV"):
        read_source(source)


@pytest.mark.slow
def test_full_mnist_as_a_folder_and_by_name_are_the_same(mnist_folder: Path, monkeypatch, sealed: Path) -> None:
    monkeypatch.setenv("EDGEDIGITS_DATA", str(mnist_folder))
    named = load_splits("mnist", **DIVISION)
    assert (len(named.train), len(named.validation), len(named.test)) == (48000, 12000, 10000)
    assert (named.source, named.note) == ("mnist", "")
    assert load_splits(str(mnist_folder), **DIVISION).digest == named.digest
