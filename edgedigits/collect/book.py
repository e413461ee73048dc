"""The labelled digits that are collected, and the CSV that they stand in at every moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.csv_file import read_csv
from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER, csv_line, write_csv
from edgedigits.data.shape import PIXELS
from edgedigits.data.writing import refuse_existing
from edgedigits.errors import ConfigError, DataError
from edgedigits.files.claims import LOCK_SUFFIX, held
from edgedigits.files.paths import link_target

MOST = 20_000
"""Digits of a book: all are on the page."""


@dataclass
class LabelledDigit:
    """A digit of a book.

    Attributes:
        key: what it is called for as long as the book is open.
        label: 0 to 9.
        image: uint8 (784,).
    """

    key: int
    label: int
    image: NDArray[np.uint8]


@contextmanager
def opened_book(path: Path) -> Iterator[Book]:
    """Yield the book of a CSV, which no other run can open meanwhile.

    Args:
        path: of the CSV; one that is there goes on, if it is such a CSV.

    Raises:
        ConfigError: the name is none of a plain CSV.
        DataError: it cannot be read or written, is open in another run, or is a CSV of another form, which would be
            lost.
    """
    if path.suffix.lower() != ".csv":
        raise ConfigError(f"{path} is not the name of a CSV to add lines to.", hint="End it with .csv.")
    refuse_existing(path, force=True)
    target = link_target(path)
    with ExitStack() as ends:
        try:
            is_ours = ends.enter_context(held(target.with_name(f".{target.name}{LOCK_SUFFIX}")))
        except OSError as error:
            raise _unwritable(path, error) from None
        if not is_ours:
            raise DataError(
                f"{path} is being filled by another edgedigits collect.", hint="Draw on its page, or name another CSV."
            )
        yield Book(path)


class Book:
    """The digits of a CSV, which has every change before it is told of: a new line, or the whole file anew.

    What another program has done to the file meanwhile is never written over.

    Args:
        path: of the CSV; one that is there goes on, if it is such a CSV.

    Raises:
        DataError: it cannot be read or written, or is a CSV of another form, which would be lost.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._lock, self._next = path, Lock(), 0
        self._entries: dict[int, LabelledDigit] = {}
        if path.exists() and path.stat().st_size:
            self._read()
        else:
            write_csv(_EMPTY, path, force=True)
        self._state = _state_of(path)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> list[LabelledDigit]:
        """All digits, in the order of the lines."""
        with self._lock:
            return list(self._entries.values())

    def add(self, label: int, image: NDArray[np.uint8]) -> LabelledDigit:
        """Add a digit, image uint8 (784,).

        Raises:
            DataError: the book is full, or the line cannot be written, of which nothing stays then; or another program
                has changed the file.
        """
        with self._changing():
            if len(self._entries) >= MOST:
                raise DataError(f"{self.path} holds {MOST:,} digits.", hint="Go on in another CSV.")
            entry = self._entered(label, image)
            try:
                self._append(csv_line(label, image))
            except OSError as error:
                del self._entries[entry.key]
                raise _unwritable(self.path, error) from None
            return entry

    def relabel(self, key: int, label: int) -> LabelledDigit:
        """Give a digit another label.

        Raises:
            DataError: there is no such digit, another program has changed the file, or it cannot be written: it stays
                as it was.
        """
        with self._changing():
            entry = self._find(key)
            before, entry.label = entry.label, label
            try:
                self._write()
            except DataError:
                entry.label = before
                raise
            return entry

    def remove(self, key: int) -> None:
        """Take a digit out.

        Raises:
            DataError: as `relabel`.
        """
        with self._changing():
            self._find(key)
            before = dict(self._entries)
            del self._entries[key]
            try:
                self._write()
            except DataError:
                self._entries = before
                raise

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            if _state_of(self.path) != self._state:
                raise DataError(
                    f"{self.path} was changed by another program, so that nothing is written to it.",
                    hint="Start edgedigits collect again.",
                )
            try:
                yield
            finally:
                self._state = _state_of(self.path)

    def _find(self, key: int) -> LabelledDigit:
        if key not in self._entries:
            raise DataError(f"There is no digit {key} in {self.path}.", hint="Load the page again.")
        return self._entries[key]

    def _entered(self, label: int, image: NDArray[np.uint8]) -> LabelledDigit:
        entry = LabelledDigit(self._next, label, image)
        self._entries[self._next] = entry
        self._next += 1
        return entry

    def _read(self) -> None:
        with self.path.open("rb") as file:
            first = file.readline(len(HEADER) + 2).rstrip(b"\r\n")
            is_header_only = not file.read(1)
        if first != HEADER.encode():
            raise DataError(
                f"{self.path}, line 1: it is no CSV that `collect` wrote, expected label,pixel0,…,pixel{PIXELS - 1}.",
                hint="Choose another name, or bring it into that form: edgedigits data make-csv.",
            )
        if is_header_only:
            return
        digits = read_csv(self.path)
        if len(digits) > MOST:
            raise DataError(f"{self.path} holds {len(digits):,} digits, more than the {MOST:,} that a page shows.")
        for label, image in zip(digits.labels.tolist(), digits.images, strict=True):
            self._entered(label, image)
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                self._write()  # else the next line would become part of the last

    def _append(self, line: str) -> None:
        with self.path.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            try:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise

    def _write(self) -> None:
        entries = list(self._entries.values())
        if not entries:
            write_csv(_EMPTY, link_target(self.path), force=True)
            return
        labels = np.array([one.label for one in entries], np.uint8)
        write_csv(Digits(np.stack([one.image for one in entries]), labels), link_target(self.path), force=True)


def _state_of(path: Path) -> tuple[int, ...]:
    """Return what tells whether a file is still the one that was written; nothing where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} cannot be written: {error.strerror or error}.")


_EMPTY = Digits(np.zeros((0, PIXELS), np.uint8), np.zeros(0, np.uint8))
