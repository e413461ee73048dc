"""The trials of `study run crossdata`: trained on each of several sources and on all, tested on each.

A trial is a cell of that table. Those of one training and one seed are a group: its process trains once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from edgedigits.errors import ConfigError
from edgedigits.study.kinds import Entry, Plan
from edgedigits.study.plan.grid import MOST_TRIALS, plan_grid
from edgedigits.study.trial_kind import plan_builds

NAME = STORED_AS = "crossdata"
SEEDS = 3
ALL = "all sources"
"""What is trained on all of them, by their weights, is called so."""

_TEST_S = 2.0


def plan_crossdata(*, source: str = "", seeds: int = SEEDS, epochs: int = 0) -> Plan:
    """Return the plan.

    Args:
        source: two or more sources, as `data.mixture` reads them.
        seeds: how many, from 1.
        epochs: of the float training, for a quick look; 0 for those of a build.

    Raises:
        ConfigError: there are fewer than two sources, one is written wrong, or there would be too many trials.
    """
    # It imports NumPy, which the help of `study run` does without.
    from edgedigits.data.mixture import ingredients_of

    ingredients = ingredients_of(source) if source.strip() else ()
    if len(ingredients) < 2:
        raise ConfigError(
            f"{NAME} holds sources against each other, and --data names {len(ingredients) or 'none'}.",
            hint="Give two or more: --data mnist --data mine.csv.",
        )
    count = len(ingredients)
    if seeds > (most := MOST_TRIALS // (count * (count + 1))):
        raise ConfigError(f"--seeds {seeds} plans more than {MOST_TRIALS:,} trials.", hint=f"Take {most:,} or fewer.")
    files = [Path(one.source).name for one in ingredients]
    names = files if len(set(files)) == count else [one.source for one in ingredients]
    weights = [one.weight for one in ingredients]
    return Plan(NAME, tuple(_entries(source, names, weights, seeds, epochs)))


def _entries(source: str, names: list[str], weights: list[float], seeds: int, epochs: int) -> Iterator[Entry]:
    base = {"data": {"source": source}, **({"training": {"epochs": epochs}} if epochs else {})}
    for seed in range(1, seeds + 1):
        tables = {"base": base, "trial": [{"quantization": "qat", "seed": seed}]}
        (build,) = plan_builds(NAME, plan_grid(tables, NAME)).entries
        for trained, train_on in enumerate([*names, ALL]):
            for tested, test_on in enumerate(names):
                place = {"trained": trained, "tested": tested}
                label = f"trained on {train_on}, tested on {test_on}, seed {seed}"
                yield replace(
                    build,
                    kind=STORED_AS,
                    label=label,
                    identity={**build.identity, **place, "weights": weights},
                    spec={**build.spec, "label": label, **place, "train_on": train_on, "test_on": test_on},
                    group=f"{train_on}/{seed}",
                    estimate=_TEST_S if tested else build.estimate,
                )
