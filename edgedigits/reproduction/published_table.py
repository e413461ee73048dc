"""The figures of the published report, shipped as data: its table 7.1, and how that was made."""

from __future__ import annotations

import csv
import importlib.resources
from dataclasses import dataclass

TABLE = "published_table.csv"
SOURCE = "table 7.1 of the report that this project grew from"
DEV_IMAGES = 1000
CSV_ROWS = 42_000


@dataclass(frozen=True, order=True)
class Setting:
    """A learning rate and a number of full-batch iterations ("epochs" in the report)."""

    rate: float
    iterations: int

    @property
    def name(self) -> str:
        """As the table's head has it, e.g. "0.1/500"."""
        return f"{self.rate:g}/{self.iterations}"


@dataclass(frozen=True)
class Row:
    """A row of the table: how the network was compressed, and the loss that was named."""

    family: str
    loss: str

    @property
    def name(self) -> str:
        """For people, e.g. "quantized, focal"."""
        return f"{self.family}, {self.loss}"


@dataclass(frozen=True)
class PublishedTable:
    """The published table.

    Attributes:
        settings: its five columns.
        rows: its twelve rows.
        accuracy: share of the dev images, 0…1, by row and setting.
    """

    settings: tuple[Setting, ...]
    rows: tuple[Row, ...]
    accuracy: dict[tuple[Row, Setting], float]


def published_table() -> PublishedTable:
    """Return the published figures as shipped with the package."""
    text = importlib.resources.files("edgedigits.reproduction").joinpath("data", TABLE).read_text(encoding="utf-8")
    head, *lines = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    settings = tuple(_setting(name) for name in head[2:])
    rows = tuple(Row(line[0], line[1]) for line in lines)
    accuracy = {
        (row, setting): round(float(cell) / 100, 6)
        for row, line in zip(rows, lines, strict=True)
        for setting, cell in zip(settings, line[2:], strict=True)
    }
    return PublishedTable(settings, rows, accuracy)


def _setting(name: str) -> Setting:
    rate, _, iterations = name.partition("/")
    return Setting(float(rate), int(iterations))
