"""Studies that take seconds: the report's arithmetic on a few hundred digits for a few iterations."""

from __future__ import annotations

from edgedigits.config import DataConfig
from edgedigits.study.kinds import Entry, Plan


def small_plan(count: int = 4, *, iterations: int = 5, source: str = "mnist-5k", **more: object) -> Plan:
    """Return `count` trainings of 300 rows."""
    entries = []
    for number in range(count):
        cell = {
            "column": "published",
            "family": "classical",
            "rate": 0.5,
            "iterations": iterations,
            "first_weights": number,
            "rows": 300,
            **more,
        }
        label = f"small {number}"
        entries.append(Entry("published", label, {"cell": cell}, {"label": label, **cell}, DataConfig(source=source)))
    return Plan("small", tuple(entries))
