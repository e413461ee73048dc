"""Examples that run as they are: `edgedigits examples` copies them."""

from __future__ import annotations

from pathlib import Path

from edgedigits.data.writing import replacing
from edgedigits.errors import ConfigError, nearest, shown
from edgedigits.files.writing import write_text

_FOLDER = Path(__file__).parent
EXAMPLES = {
    "kaggle.ipynb": "a notebook: from Kaggle's train.csv to a build, its figures and a submission.csv",
    "grid.toml": "the smallest grid of a study: two losses, with and without quantization and pruning",
    "custom_loss.py": "a loss of your own, for --out mine/losses: EDGEDIGITS_EXTENSIONS=mine, and --loss names it",
    "custom_board.json": "a board of your own, for --out mine/boards: EDGEDIGITS_EXTENSIONS=mine, and --board names it",
}
"""File and what it shows."""


def copy_example(name: str, folder: Path, *, force: bool = False) -> Path:
    """Copy an example into a folder, which is made where there is none; return its path.

    Raises:
        ConfigError: there is none of that name.
        DataError: the file is there already, or cannot be written.
    """
    if name not in EXAMPLES:
        raise ConfigError(f"There is no example '{shown(name)}'.", hint=nearest(name, EXAMPLES))
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path, force=force) as temporary:
        write_text(temporary, (_FOLDER / name).read_text(encoding="utf-8"))
    return path
