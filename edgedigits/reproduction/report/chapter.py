"""What the report of a study says of the report's table: sentences, pictures, and a section of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd
from markupsafe import Markup

from edgedigits.report.page_tables import NOTHING, Table
from edgedigits.reproduction.recipe import PRUNING_SHARE
from edgedigits.reproduction.report.findings import BySeed, Cell, table_cells, table_sentences
from edgedigits.reproduction.report.pictures import table_pictures
from edgedigits.study.kinds import Chapter

TITLE = "The report's table"
_LONGER = f"{100 * PRUNING_SHARE:g}%"
_TEXT = Markup(
    "<p>Accuracy in percent, mean ± standard deviation over seeds; on the dev set but for the last column. "
    "Published: the report. Its arithmetic: run again, as it was. Edgedigits: the named loss, truly "
    "differentiated; quantized cells are int8 files run by the interpreter, whose last tenth of iterations is "
    f"quantization-aware; pruned cells hold a tenth of zeros, in the next column 80%, and have {_LONGER} more "
    "iterations. Float32: the same loss and setting without compression; longer: with the iterations of the "
    "pruned one. The row “none” sends the error back as “one-hot” does, which is cross-entropy's gradient.</p>"
)
_HEAD = ("cell", "published", "its arithmetic", "edgedigits", "pruned 80%", "float32", "float32, longer", "test set")


def table_chapter(frame: pd.DataFrame) -> Chapter:
    """Return what is told of the cells that were run."""
    cells = table_cells(frame)
    return Chapter(
        title=TITLE,
        sentences=table_sentences(cells, frame),
        facts=[asdict(cell) for cell in cells],
        plots=table_pictures(frame, cells),
        text=_TEXT,
        table=_cells_table(cells),
        paired="compression with a float32 training as long as its own (pruned networks have "
        f"{_LONGER} more iterations than those that they are ranked with)",
        against="a float32 training of the same loss and rate with as many iterations",
        settings="In 0.01/1500 and the like, 0.01 is the learning rate and 1500 the number of iterations.",
    )


def _cells_table(cells: Sequence[Cell]) -> Table:
    rows = tuple(
        (
            f"{cell.row.name}, {cell.setting.name}",
            f"{100 * cell.published:.1f}",
            *map(
                _spread,
                (cell.as_published, cell.edgedigits, cell.sparse, cell.reference, cell.as_long, cell.test),
            ),
        )
        for cell in cells
    )
    return Table(TITLE, _HEAD, rows)


def _spread(values: BySeed) -> str:
    if not values:
        return NOTHING
    series = pd.Series(list(values.values())) * 100
    return f"{series.mean():.1f}" + (f" ± {series.std(ddof=1):.1f}" if len(values) > 1 else "")
