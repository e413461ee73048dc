"""Files of the user's outside the package: found like those in it, told in a sentence where they are wrong."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from edgedigits import discovery
from edgedigits.cli.main import main
from edgedigits.cli.parsing import make_parser
from edgedigits.config import BuildConfig
from edgedigits.config_file import read_config_file, refuse_idle_keys, to_tables
from edgedigits.devices.boards import find_board, read_boards
from edgedigits.discovery import declared_anywhere, extension_of
from edgedigits.errors import ConfigError, DataError
from edgedigits.extensions import ENVIRONMENT
from edgedigits.losses import catalogue, declaration
from edgedigits.stages.catalogue import own_files
from edgedigits.study.run import keys

VALUE = "from types import SimpleNamespace\nLOSS = SimpleNamespace(name={!r})\n"
BOARD = Path(__file__).parents[1] / "firmware_stub" / "boards" / "nucleo-f401re.json"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the variable names, with the rooms `losses` and `boards`."""
    for room in ("losses", "boards"):
        (tmp_path / "mine" / room).mkdir(parents=True)
    monkeypatch.setenv(ENVIRONMENT, f"{tmp_path / 'mine'}{os.pathsep}")
    return tmp_path / "mine"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package with a room `losses`, in which one is declared."""
    room = tmp_path / "toyhouse" / "losses"
    room.mkdir(parents=True)
    (room.parent / "__init__.py").touch()
    (room / "__init__.py").touch()
    (room / "one.py").write_text(VALUE.format("one"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(discovery, "_own", [])
    yield import_module("toyhouse.losses")
    for name in [name for name in sys.modules if name.startswith("toyhouse")]:
        del sys.modules[name]


def test_what_lies_outside_is_found_behind_what_is_shipped(mine: Path, house: ModuleType) -> None:
    (mine / "losses" / "__init__.py").touch()
    (mine / "losses" / "two.py").write_text(f"from toyhouse.losses import one\n{VALUE.format('two')}")

    one, two = declared_anywhere(house, "LOSS", SimpleNamespace)

    assert (one.name, two.name) == ("one", "two")
    file = extension_of(two)
    assert file is not None and file.name == "losses/two.py" and extension_of(one) is None


@pytest.mark.parametrize(
    ("name", "text", "kind", "words"),
    [
        (
            "one",
            VALUE.format("two"),
            ConfigError,
            r"one\.py: there is another losses/one\.py already\. Give it another",
        ),
        (
            "two",
            VALUE.format("one"),
            ConfigError,
            r"two\.py: there is another LOSS called 'one' already\. Give it anoth",
        ),
        ("two", "X = 1", DataError, r"two\.py declares no LOSS\. Let it say LOSS = SimpleNamespace"),
        ("two", "LOSS = 1", DataError, r"two\.py declares no LOSS"),
        ("two", VALUE.format("../two"), DataError, r"two\.py: its LOSS is called '\.\./two', expected letters"),
        (
            "two",
            "\nimport no_such_library",
            DataError,
            r"two\.py, line 2: ModuleNotFoundError: No module named 'no_such",
        ),
        ("two", "\n\nx = (", DataError, r"two\.py, line 3: SyntaxError: '\(' was never closed\. Mend it, or take"),
        ("two", "raise SystemExit(1)", DataError, r"two\.py, line 1: SystemExit: 1\."),
        ("two.too", VALUE.format("two"), DataError, r"two\.too\.py: ModuleNotFoundError"),
    ],
)
def test_a_wrong_file_is_told(
    mine: Path, house: ModuleType, name: str, text: str, kind: type[Exception], words: str
) -> None:
    (mine / "losses" / f"{name}.py").write_text(text)
    with pytest.raises(kind, match=words):
        declared_anywhere(house, "LOSS", SimpleNamespace)


def test_a_folder_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, house: ModuleType) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=rf"{ENVIRONMENT} names .*none, which is no folder\. Make it, or unset"):
        declared_anywhere(house, "LOSS", SimpleNamespace)


@pytest.fixture
def own_loss(mine: Path, monkeypatch: pytest.MonkeyPatch) -> declaration.Loss:
    """A loss of the user's with a parameter `q`."""
    assert main(["examples", "custom_loss.py", "--out", str(mine / "losses"), "--quiet"]) == 0
    from edgedigits.examples.custom_loss import LOSS

    monkeypatch.setitem(catalogue.LOSSES, LOSS.name, LOSS)
    monkeypatch.setattr(discovery, "_own", [(LOSS, *discovery.extensions("losses", ".py"))])
    monkeypatch.setitem(catalogue.OWN_PARAMETERS, "q", LOSS)
    return LOSS


@pytest.mark.parametrize("name", ["gamma", "name", "my-q", "for"])
def test_a_parameter_that_cannot_be_called_so_is_told(
    own_loss: declaration.Loss, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    wrong = replace(own_loss, parameters=(replace(own_loss.parameters[0], name=name),))
    monkeypatch.setitem(catalogue.LOSSES, wrong.name, wrong)
    monkeypatch.setattr(discovery, "_own", [(wrong, discovery._own[0][1])])
    with pytest.raises(ConfigError, match=rf"custom_loss\.py: a parameter cannot be called '{name}'"):
        catalogue._own_parameters()


def test_a_parameter_that_would_be_a_flag_of_another_is_told(
    own_loss: declaration.Loss, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogue.OWN_PARAMETERS, "seed", own_loss)
    parser = make_parser()
    build = next(action for action in parser._actions if action.dest == "verb").choices["build"]  # type: ignore[index]
    from edgedigits.cli.config_flags import add_some_arguments

    with pytest.raises(
        ConfigError, match=r"custom_loss\.py: a parameter cannot be called 'seed': there is another --seed"
    ):
        add_some_arguments(build, "again", ("training", "seed"))


def test_a_manifest_names_a_parameter_of_the_users_only_where_its_loss_is_chosen(own_loss: declaration.Loss) -> None:
    assert own_files(BuildConfig()) == {}
    tables = to_tables(BuildConfig())
    refuse_idle_keys(tables, BuildConfig(), "manifest.json")
    assert "q" not in tables["loss"]


def test_a_manifest_whose_file_is_absent_is_told(mine: Path) -> None:
    manifest = mine / "manifest.json"
    manifest.write_text(json.dumps({"config": {}, "extensions": {"losses/gone.py": "0"}}))
    with pytest.raises(
        DataError, match=r"manifest\.json: losses/gone\.py shaped this build, and lies in no folder that"
    ):
        read_config_file(manifest)
    (mine / "losses" / "gone.py").touch()
    assert read_config_file(manifest) == {}


def test_the_keys_of_trials_change_with_a_file(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_PACKAGE", mine / "nothing_else")
    version = keys.code_version.__wrapped__
    none = version()
    (mine / "losses" / "two.py").write_text("X = 1")
    before = version()
    (mine / "losses" / "two.py").write_text("X = 2")
    assert len({none, before, version()}) == 3


def test_a_board_outside_is_one_of_all_and_replaces_none(mine: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "nucleo-f401re.json").write_text(BOARD.read_text())
    assert main(["examples", "custom_board.json", "--out", str(mine / "boards"), "--quiet"]) == 0

    boards = read_boards(shipped)

    own = boards["custom-board"]
    assert list(boards) == ["nucleo-f401re", "custom-board"]
    assert (own.core, own.ram, own.support().uart) == (
        find_board("nucleo-f401re").core,
        131072,
        "drivers/uart_stm32f4.c",
    )
    (mine / "boards" / "Nucleo_F401RE.json").write_text(BOARD.read_text())
    with pytest.raises(ConfigError, match=r"Nucleo_F401RE\.json: there is another board nucleo-f401re already"):
        read_boards(shipped)
