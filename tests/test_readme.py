"""What README.md promises and can be held without training."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from edgedigits import errors
from edgedigits.cli.config_flags import config_from_arguments
from edgedigits.cli.parsing import VERBS, parse
from edgedigits.config import SECTIONS
from tests.readme_tables import anchors, filled_in

PLACE = Path(__file__).parents[1] / "README.md"
README = PLACE.read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (?:pip install [^&\n]* && )?edgedigits ([a-z].*?)(?:  +#.*)?$", README, re.MULTILINE)


def test_the_table_of_exit_codes_is_whole():
    table = README[README.index("## Exit codes") : README.index("## Training speed")]
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes
    raised = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    assert raised <= codes


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_is_understood(command):
    args = parse(command.split())
    assert args.verb in VERBS


def test_commands_are_found():
    assert len(COMMANDS) > 20
    assert {command.split()[0] for command in COMMANDS} == set(VERBS)


def test_the_file_of_options_is_taken_as_it_stands(tmp_path):
    start = README.index("    [data]\n    source =")
    block = README[start : README.index("\n\n", start)]
    (tmp_path / "edgedigits.toml").write_text(re.sub(r"^    ", "", block, flags=re.MULTILINE))
    path = str(tmp_path / "edgedigits.toml")
    config = config_from_arguments(parse(["build", "--config", path]), path)
    assert (config.loss.name, config.target_sparsity["hidden_2"]) == ("focal", 0.5)
    tables = re.findall(r"^\[(\w+)\]$", re.sub(r"^    ", "", block, flags=re.MULTILINE), re.MULTILINE)
    assert set(tables) == set(SECTIONS)


def test_tables_are_those_that_follow_from_the_package():
    if os.environ.get("EDGEDIGITS_UPDATE_GOLDEN"):
        PLACE.write_text(filled_in(README), encoding="utf-8")
    text = PLACE.read_text(encoding="utf-8")
    assert text == filled_in(text), "run with EDGEDIGITS_UPDATE_GOLDEN=1, then git diff"


def test_every_link_within_the_page_leads_to_a_heading():
    links = set(re.findall(r"\]\(#([^)]+)\)", README))
    assert len(links) > 10
    assert links <= set(anchors(README).values())


def test_every_file_with_inline_assembly_is_named_with_its_reason_and_no_other() -> None:
    root = PLACE.parent
    stub, templates = root / "firmware_stub", root / "edgedigits" / "engine" / "templates"
    files = {path.relative_to(place).as_posix(): path for place in (stub, templates) for path in place.rglob("*.*")}
    text = files.pop("README.md").read_text(encoding="utf-8").split("## Inline assembly")[1].split("\n## ")[0]

    named = set(re.findall(r"`(\w+/\w+\.c(?:\.j2)?)`", text))

    assert named == {name for name, path in files.items() if b"__asm" in path.read_bytes()}
