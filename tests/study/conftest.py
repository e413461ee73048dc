"""Studies that several tests read or fill: finished ones, and one of three trials."""

from __future__ import annotations

import pytest

from edgedigits.study.run.store import Store
from tests.study.made_up import grid_trials, table_trials

TRIALS = [(key, "build", {"label": key}) for key in "abc"]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s", create=True) as opened:
        opened.add(TRIALS)
        yield opened


@pytest.fixture(scope="session")
def grid():
    return grid_trials()


@pytest.fixture(scope="session")
def table():
    return table_trials()
