"""The digits of the report's table: 42,000 rows, the first 1,000 of a seeded shuffle as the dev set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits
from edgedigits.errors import DataError
from edgedigits.reproduction.published_table import CSV_ROWS, DEV_IMAGES

SHUFFLE_SEED = 0
SMALLEST_DEV_SHARE = 5
"""Of few rows at most a fifth becomes the dev set."""


@dataclass(frozen=True, eq=False)
class TableDigits:
    """What the table is trained and measured on.

    Attributes:
        train: 41,000 digits with the full set.
        dev: 1,000: what the report measured on.
        test: the source's own test set, for a sharper look; None where it has none.
    """

    train: Digits
    dev: Digits
    test: Digits | None

    @property
    def scored(self) -> dict[str, Digits]:
        """What is scored, by what leads the names of its figures: dev set and, where there is one, test set."""
        return {"dev_": self.dev} | ({"": self.test} if self.test is not None else {})


def table_digits(contents: Contents, rows: int = 0) -> TableDigits:
    """Divide a source as the report divided its CSV.

    Args:
        contents: the source.
        rows: rows of the CSV; 0 for its 42,000, or all where the source has fewer.

    Raises:
        DataError: the source has no training digits.
    """
    if contents.train is None:
        raise DataError(f"{contents.name} holds a test set only, nothing to train on.", hint="Choose another --data.")
    pool = contents.train
    rows = min(rows or CSV_ROWS, len(pool))
    # NumPy promises the raw stream of a bit generator for good, not what Generator.permutation makes of it.
    order = np.argsort(np.random.PCG64(SHUFFLE_SEED).random_raw(len(pool)), kind="stable")[:rows]
    dev = min(DEV_IMAGES, rows // SMALLEST_DEV_SHARE)
    return TableDigits(pool.take(order[dev:]), pool.take(order[:dev]), contents.test)
