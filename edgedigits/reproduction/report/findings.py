"""The report's table beside what its own arithmetic gives and what edgedigits gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from edgedigits.reproduction.plan import EDGEDIGITS, PUBLISHED
from edgedigits.reproduction.published_table import DEV_IMAGES, Row, Setting, published_table
from edgedigits.reproduction.recipe import PRUNING_SHARE
from edgedigits.study.findings.effects import in_points, interval
from edgedigits.study.findings.frame import DEV, TEST

COLLAPSED = 0.6
"""Quantized cells count as collapsed below this share of what the same arithmetic gives without quantization."""

BySeed = Mapping[int, float]


@dataclass(frozen=True)
class Cell:
    """One cell in all columns; accuracies 0…1 by seed, empty for what was not run.

    Attributes:
        row, setting: where it is.
        published: the report's figure.
        as_published: the report's arithmetic, on the dev set.
        edgedigits: ours, on the dev set; pruned to a tenth.
        sparse: the same pruned to 80%; empty for other rows.
        reference: our float32 training with the same loss and setting.
        as_long: that training with as many iterations as the one pruned to 80% had.
        test, sparse_test, reference_test, as_long_test: the same on the source's test set; empty without one.
    """

    row: Row
    setting: Setting
    published: float
    as_published: BySeed
    edgedigits: BySeed
    sparse: BySeed
    reference: BySeed
    as_long: BySeed
    test: BySeed
    sparse_test: BySeed
    reference_test: BySeed
    as_long_test: BySeed


def table_cells(frame: pd.DataFrame) -> list[Cell]:
    """Return all 60 cells."""
    return [_cell(frame, row, setting, value) for (row, setting), value in published_table().accuracy.items()]


def _cell(frame: pd.DataFrame, row: Row, setting: Setting, published: float) -> Cell:
    here = frame[(frame["loss"] == row.loss) & (frame["setting"] == setting.name)]

    def by_seed(column: str, compression: str, name: str, *, tested: bool = False) -> BySeed:
        rows = here[(here["column"] == column) & (here["compression"] == compression)].dropna(subset=[name])
        rows = (rows[rows["scored_on"] == TEST] if tested else rows).sort_values("seed")
        return {int(seed): float(value) for seed, value in zip(rows["seed"], rows[name], strict=True)}

    words = {"classical": "float32", "quantized": "quantized", "pruned": "pruned"}[row.family]
    ours = partial(by_seed, EDGEDIGITS, f"{words} 10%" if row.family == "pruned" else words)
    sparse = partial(by_seed, EDGEDIGITS, "pruned 80%" if row.family == "pruned" else "")
    return Cell(
        row,
        setting,
        published,
        as_published=by_seed(PUBLISHED, words, "dev_accuracy"),
        edgedigits=ours("dev_accuracy"),
        sparse=sparse("dev_accuracy"),
        reference=ours("setting_float_dev_accuracy"),
        as_long=sparse("float_dev_accuracy"),
        test=ours("accuracy", tested=True),
        sparse_test=sparse("accuracy", tested=True),
        reference_test=ours("setting_float_accuracy", tested=True),
        as_long_test=sparse("float_accuracy", tested=True),
    )


def mean_of(values: BySeed) -> float:
    """Return the mean over seeds; NaN without any."""
    return float(np.mean(list(values.values()))) if values else float("nan")


def table_sentences(cells: list[Cell], frame: pd.DataFrame) -> list[str]:
    """Return what the cells say, with their numbers; the frame tells whether they compare with what was published."""
    # What a smaller run gives is not what was published.
    return [*(_scale_sentences(frame) or _published_sentences(cells)), *_own_sentences(cells)]


def _scale_sentences(frame: pd.DataFrame) -> list[str]:
    """Say that a run was smaller than the report's; nothing when it was not."""
    whole = {setting.name: setting.iterations for setting in published_table().settings}
    shares = frame["iterations"] / frame["setting"].map(whole)
    found = []
    if (shares < 1).any():
        found.append(f"with {100 * shares.min():g}% of the iterations")
    if (frame["dev_images"] < DEV_IMAGES).any():
        found.append(f"on a dev set of {frame['dev_images'].min():,.0f} digits")
    if not found:
        return []
    return [f"A smaller run than the report's, {' and '.join(found)}: it does not compare with the published figures."]


def _published_sentences(cells: list[Cell]) -> list[str]:
    """Return what the report's own arithmetic gives beside what was published."""
    run = [(mean_of(cell.as_published), cell) for cell in cells if cell.as_published]
    quantized = [(mean, cell) for mean, cell in run if cell.row.family == "quantized"]
    others = [(mean, cell) for mean, cell in run if cell.row.family != "quantized"]
    found = []
    if quantized and others:
        means = [mean for mean, _ in quantized]
        average, plain = float(np.mean(means)), float(np.mean([mean for mean, _ in others]))
        collapsed = average < COLLAPSED * plain
        found.append(
            f"The report's arithmetic, run again, {'collapses' if collapsed else 'does not collapse'} when quantized"
            f"{' as it did there' if collapsed else ', as it did there'}: its quantized cells reach {_span(means)} "
            f"(published {_span([cell.published for _, cell in quantized])}), {100 * average:.1f}% on "
            f"average, the others {100 * plain:.1f}%" + (": it cuts gradients below 1/255 to 0." if collapsed else ".")
        )
    if others:
        rows = [(cell.setting.name, mean - cell.published, len(cell.as_published)) for mean, cell in others]
        settings = pd.DataFrame(rows, columns=["name", "gap", "seeds"]).groupby("name", sort=False)
        far = settings["gap"].apply(lambda gaps: float(np.mean(gaps.tolist())))
        worst = str(far.abs().idxmax())
        found.append(
            "Its classical and pruned cells, which are one and the same arithmetic, come within "
            f"{100 * abs(far[worst]):.1f} points of the published mean in each setting (furthest: {worst}, "
            f"{in_points(far[worst])}; {settings['seeds'].sum()[worst]} random first weights there)."
        )
    return found


def _own_sentences(cells: list[Cell]) -> list[str]:
    """Return what our column says: what compression costs, and the largest repair."""
    quantized = [cell for cell in cells if cell.row.family == "quantized" and cell.reference]
    sparse = [cell for cell in cells if cell.sparse]
    same = "our float32 training of the same loss and setting"
    pruned = f"pruned to 80% in {100 * PRUNING_SHARE:g}% more iterations"
    longer = "our float32 training of the same loss and rate with as many iterations"
    found = [
        *_gap_sentence("quantized to int8", same, quantized, "edgedigits", "reference"),
        *_gap_sentence(pruned, same, sparse, "sparse", "reference"),
        *_gap_sentence("pruned to 80%", longer, sparse, "sparse", "as_long"),
    ]
    repaired = [(mean_of(cell.edgedigits) - cell.published, cell) for cell in quantized]
    if repaired:
        gain, cell = max(repaired, key=lambda pair: pair[0])
        found.append(
            f"The largest repair: {cell.row.name} at {cell.setting.name}, from {100 * cell.published:.1f}% "
            f"to {100 * mean_of(cell.edgedigits):.1f}%, {100 * gain:.1f} points."
        )
    return found


def _gap_sentence(what: str, against: str, cells: list[Cell], ours: str, floats: str) -> list[str]:
    """Return in words how far cells are from a float32 training; nothing without cells.

    Args:
        what, against: both sides in words.
        cells: that have both.
        ours, floats: the fields to compare.
    """
    gaps = [(gap, cell) for cell in cells if (gap := cell_gaps(cell, ours, floats))]
    if not gaps:
        return []
    (low, worst), (high, best) = (pick(gaps, key=lambda pair: mean_of(pair[0])) for pick in (min, max))
    seeds = sorted(set.intersection(*(set(gap) for gap, _ in gaps)))
    left, right = interval([np.mean([gap[seed] for gap, _ in gaps]) for seed in seeds]) if seeds else (None, None)
    mean = float(np.mean([mean_of(gap) for gap, _ in gaps]))
    span = "" if left is None or right is None else f", 95% interval {in_points(left)} to {in_points(right)}"
    where = TEST if cells[0].test else DEV
    count = f"{len(gaps)} {'cell differs' if len(gaps) == 1 else 'cells differ'}"
    return [
        f"Trained by edgedigits and {what}, {count} from {against} by {in_points(mean_of(low))} "
        f"({worst.row.loss} at {worst.setting.name}) to {in_points(mean_of(high))} points ({best.row.loss} at "
        f"{best.setting.name}) of the {where}, {in_points(mean)} on average{span} "
        f"({len(seeds)} {'seed' if len(seeds) == 1 else 'seeds'})."
    ]


def cell_gaps(cell: Cell, ours: str, floats: str) -> dict[int, float]:
    """Return compressed − float32 by seed, on the test set where there is one: it has ten times the images."""
    if cell.test:
        ours, floats = {"edgedigits": "test"}.get(ours, f"{ours}_test"), f"{floats}_test"
    left, right = getattr(cell, ours), getattr(cell, floats)
    return {seed: left[seed] - right[seed] for seed in left if seed in right}


def _span(values: list[float]) -> str:
    return f"{100 * min(values):.1f} to {100 * max(values):.1f}%"
