"""`edgedigits report`: the page that is there is told; one that is not is drawn from what the folder holds."""

from __future__ import annotations

import json
import shutil
import webbrowser
from pathlib import Path

import pytest

from edgedigits.cli.main import main
from edgedigits.data.mnist import find_mnist
from edgedigits.errors import EXIT_DATA
from tests.kinds import ROOT
from tests.report.page_checker import assert_stands_alone, page_text

REFERENCE = ROOT / "deploy" / "reference"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build as it is committed: without its pages."""
    return shutil.copytree(REFERENCE, tmp_path / "ref 1")


def test_a_build_without_a_page_gets_one_beside_it_that_links_its_simulation(build: Path, monkeypatch, capsys) -> None:
    monkeypatch.delenv("EDGEDIGITS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(build.parent))
    simulation = build.with_name("ref 1-simulation") / "simulate.html"
    simulation.parent.mkdir()
    simulation.write_text("")
    assert main(["report", str(build), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    page = build.with_name("ref 1-report.html")
    assert (told["page"], told["drawn"], told["simulation"]) == (str(page), True, str(simulation))
    assert told["note"] == "Pictures of the mistakes are left out: MNIST is not on this machine."
    text = page.read_text(encoding="utf-8")
    assert 'alt="Its weights in model.tflite"' in text
    assert "of the float model" not in text and 'alt="Test image' not in text
    assert 'href="ref%201-simulation/simulate.html"' in text
    assert_stands_alone(text.replace('<a href="ref%201-simulation/simulate.html">', "<a>"))
    facts = json.loads((build / "report.json").read_text())
    for figure in (f"{facts['evaluation']['scores']['accuracy']:.2%}", f"margin {facts['mistakes'][0]['margin']}"):
        assert figure in page_text(text)
    assert sorted(path.name for path in build.iterdir()) == sorted(path.name for path in REFERENCE.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(find_mnist() is None, reason="needs the full MNIST")
def test_mistakes_have_pictures_where_their_digits_are_on_this_machine(build: Path, capsys) -> None:
    page = build.with_name("page.html")
    assert main(["report", str(build), "--out", str(page), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["note"] == ""
    assert page.read_text(encoding="utf-8").count('alt="Test image ') == 24


def test_a_page_that_is_there_is_told_and_shown_and_never_replaced(build, monkeypatch, capsys) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(shown.append(address)) or True)
    (build / "report.html").write_text("as it was built")
    assert main(["report", str(build), "--open"]) == 0
    assert capsys.readouterr().out.split() == ["page", *str(build / "report.html").split()]
    assert shown == [(build / "report.html").as_uri()]
    assert (build / "report.html").read_text() == "as it was built"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["report", "nowhere"], EXIT_DATA, "nowhere does not exist. Give the folder of a build, a simulation,"),
        (["report", "empty"], EXIT_DATA, "empty holds no report.json. Give the folder of a build."),
        (["report", "ref 1", "--out", "there.html"], EXIT_DATA, "there.html exists already. Choose another name, or"),
        (["report", "ref 1", "--force"], 2, "--force has no effect without --out. Leave it out."),
    ],
)
def test_what_has_no_page_is_told(build, monkeypatch, capsys, arguments, code, sentence) -> None:
    monkeypatch.chdir(build.parent)
    Path("empty").mkdir()
    Path("there.html").write_text("mine")
    assert main(arguments) == code
    assert sentence in capsys.readouterr().err
    assert Path("there.html").read_text() == "mine" and not Path("ref 1-report.html").exists()


def test_a_model_of_another_build_is_not_drawn(build, capsys) -> None:
    shutil.copy(ROOT / "deploy" / "frontier" / "424" / "model.tflite", build / "model.tflite")
    assert main(["report", str(build)]) == EXIT_DATA
    assert "is not the file that" in capsys.readouterr().err
