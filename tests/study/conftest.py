"""Finished studies that several tests read."""

from __future__ import annotations

import pytest

from tests.study.made_up import grid_trials, table_trials


@pytest.fixture(scope="session")
def grid():
    return grid_trials()


@pytest.fixture(scope="session")
def table():
    return table_trials()
