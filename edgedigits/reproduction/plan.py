"""The trials of `study run report-table`: each cell of the table, as published and by edgedigits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edgedigits.config import DataConfig
from edgedigits.errors import ConfigError, nearest
from edgedigits.reproduction.published_table import CSV_ROWS, Setting, published_table
from edgedigits.study.kinds import Entry, Plan
from edgedigits.study.plan.grid import MOST_TRIALS

NAME = "report-table"
PUBLISHED, EDGEDIGITS = "published", "edgedigits"
COLUMNS = (PUBLISHED, EDGEDIGITS)
STORED_AS = {PUBLISHED: "published", EDGEDIGITS: "table"}
"""The kind of a trial in a store, by its column."""
SPARSITIES = (0.1, 0.8)
"""The report pruned a tenth; a tenth is hardly a compression, so that four fifths are shown beside it."""
FEWEST_ITERATIONS = 5
PROCESSES_A_SEED = 2
"""Cells in one process share the reading of the images; two processes share the cores."""

# Seconds an iteration over 42,000 rows, of each of two processes on two cores; an estimate for --dry-run only.
_SECONDS = {PUBLISHED: 0.017, EDGEDIGITS: 0.0075}
_FIXED_S = {PUBLISHED: 0.5, EDGEDIGITS: 3.0}


def plan_table(
    *,
    source: str = "auto",
    seeds: int = 1,
    rows: int = 0,
    scale: float = 1.0,
    settings: str = "",
    columns: str = ",".join(COLUMNS),
) -> Plan:
    """Return the plan of the report's table.

    Args:
        source: the digits.
        seeds: seeds of the first weights, from 0.
        rows: rows of digits; 0 for 42,000.
        scale: share of every setting's iterations, for a quick look.
        settings: some settings only, as "0.1/500,0.5/100"; "" for all five.
        columns: "published", "edgedigits" or both, separated by a comma.

    Raises:
        ConfigError: a setting or a column is unknown, or there would be too many trials.
    """
    chosen = _chosen_settings(settings)
    wanted = _chosen_columns(columns)
    groups = _groups(chosen)

    def entries_of(seed: int) -> list[Entry]:
        return [
            entry
            for column in wanted
            for setting in chosen
            for entry in _cells(column, setting, groups[setting.rate], seed, source, rows or CSV_ROWS, scale)
        ]

    most = MOST_TRIALS // len(entries_of(0))
    if seeds > most:
        raise ConfigError(
            f"--seeds {seeds} plans more than {MOST_TRIALS:,} trials.", hint=f"Take {most:,} seeds or fewer."
        )
    return Plan(NAME, tuple(entry for seed in range(seeds) for entry in entries_of(seed)))


def _chosen_columns(text: str) -> list[str]:
    """Return the columns named, the quicker one first."""
    wanted = _names(text)
    for name in wanted:
        if name not in COLUMNS:
            raise ConfigError(f"--columns: there is no column '{name}'.", hint=nearest(name, COLUMNS))
    if not wanted:
        raise ConfigError("--columns names no column.", hint=f"Known: {', '.join(COLUMNS)}.")
    return [name for name in reversed(COLUMNS) if name in wanted]


def _chosen_settings(text: str) -> list[Setting]:
    every = {setting.name: setting for setting in published_table().settings}
    names = _names(text) or list(every)
    for name in names:
        if name not in every:
            raise ConfigError(f"--settings: the table has no setting '{name}'.", hint=nearest(name, every))
    return [every[name] for name in names]


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _groups(settings: Sequence[Setting]) -> dict[float, int]:
    """Deal the learning rates to the processes of a seed, the longest first, so that they end at about one time."""
    loads: dict[float, int] = {}
    for setting in settings:
        loads[setting.rate] = loads.get(setting.rate, 0) + setting.iterations
    found, totals = {}, [0] * PROCESSES_A_SEED
    for rate in sorted(loads, key=lambda rate: -loads[rate]):
        found[rate] = totals.index(min(totals))
        totals[found[rate]] += loads[rate]
    return found


def _cells(
    column: str, setting: Setting, group: int, seed: int, source: str, rows: int, scale: float
) -> Iterator[Entry]:
    iterations = max(FEWEST_ITERATIONS, round(setting.iterations * scale))
    seconds = _FIXED_S[column] + iterations * _SECONDS[column] * rows / CSV_ROWS
    for number, row in enumerate(published_table().rows):
        for sparsity in SPARSITIES if column == EDGEDIGITS and row.family == "pruned" else (None,):
            cell: dict[str, Any] = {
                "column": column,
                "family": row.family,
                "loss": row.loss,
                "setting": setting.name,
                "rate": setting.rate,
                "iterations": iterations,
                "seed": seed,
                "rows": rows,
            }
            if column == PUBLISHED:
                # Every row of the report had first weights of its own; here its settings share them, so that a short
                # one is the beginning of a longer one of the same rate.
                cell["first_weights"] = 100 * seed + number
            share = "" if sparsity is None else f" {100 * sparsity:g}%"
            if sparsity is not None:
                cell["sparsity"] = sparsity
            label = f"{column}: {row.family}{share}, {row.loss}, {setting.name}, seed {seed}"
            spec, data = {"label": label, "source": source, **cell}, DataConfig(source=source)
            yield Entry(STORED_AS[column], label, {"cell": cell}, spec, data, f"{group}/{seed}", seconds)
