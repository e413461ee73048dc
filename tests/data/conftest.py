"""Real digits and an environment without anyone's cache, network or EDGEDIGITS_DATA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgedigits.data import mnist
from edgedigits.data.digits import Digits
from edgedigits.data.download import Servers

NOWHERE = Servers((), answer_seconds=0.1, read_seconds=0.1, budget_seconds=0.1)


@pytest.fixture(scope="session")
def few(five_thousand: Digits) -> Digits:
    """Six digits of each class, sorted by class."""
    return five_thousand.take(np.concatenate([np.arange(6) + 500 * digit for digit in range(10)]))


@pytest.fixture(scope="session")
def others(five_thousand: Digits) -> Digits:
    """Two digits of each class that are not in `few`, sorted by class."""
    return five_thousand.take(np.concatenate([np.arange(2) + 500 * digit + 100 for digit in range(10)]))


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, no EDGEDIGITS_DATA and no mirrors; returns the cache's folder for MNIST."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("EDGEDIGITS_DATA", raising=False)
    monkeypatch.setattr(mnist, "PATIENT", NOWHERE)
    monkeypatch.setattr(mnist, "BRIEF", NOWHERE)
    return tmp_path / "cache" / "edgedigits" / "mnist"
