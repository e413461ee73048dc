"""The maps for maintainers name what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAPS = [
    (ROOT / "edgedigits" / "README.md", (ROOT / "edgedigits", ROOT)),
    (ROOT / "tests" / "README.md", (ROOT / "tests", ROOT)),
]


@pytest.mark.parametrize(("page", "places"), MAPS, ids=["edgedigits", "tests"])
def test_every_file_that_a_map_names_is_there(page: Path, places: tuple[Path, ...]) -> None:
    named = set(re.findall(r"`([\w*./-]+(?:\.(?:py|json|j2|toml)|/))`", page.read_text(encoding="utf-8")))
    named = {name for name in named if "NAME" not in name}
    assert len(named) > 10
    assert [name for name in sorted(named) if not any(_has(place, name) for place in places)] == []


def _has(place: Path, name: str) -> bool:
    """Tell whether a file or folder is at `place`, or in a room of it where a map has named the room beside."""
    return any(place.glob(name)) or ("/" not in name and any(place.glob(f"*/{name}")))


def test_nothing_is_on_the_map_twice() -> None:
    rows = re.findall(r"^\| (.+?) \|", (ROOT / "edgedigits" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 40
    assert [row for row in sorted(set(rows) - {"---"}) if rows.count(row) > 1] == []


def test_every_room_is_on_the_map() -> None:
    text = (ROOT / "edgedigits" / "README.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "edgedigits").glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}/`" not in text} == set()
