"""Builds' engines of each kind, written once."""

from __future__ import annotations

import pytest

from tests.exports.engines import KINDS, Made


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Folders with an engine each, by how pixels go in."""
    root = tmp_path_factory.mktemp("builds")
    return Made(lambda name: KINDS[name].write(root / name))
