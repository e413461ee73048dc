"""A build's folder: what may be replaced, and that nothing of anybody else's ever is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from edgedigits.artifacts import new_folder
from edgedigits.build_folder import BUILD, ENGINE, MANIFEST, Manifest, write_manifest
from edgedigits.errors import DataError
from edgedigits.files.listing import REPORT, SCHEMA, TOOL, list_files, seal
from edgedigits.files.writing import write_json, write_text
from edgedigits.report.engine_report import check_place
from edgedigits.report.places import simulation_folder

FILES = ("model.tflite", "engine/model.c", "plots/a.svg")


def make(folder: Path, word: str = "old", *, force: bool = False, kind: str = BUILD) -> None:
    with new_folder(folder, force=force, kind=kind) as partial:
        for name in FILES:
            (partial / name).parent.mkdir(exist_ok=True)
            write_text(partial / name, word)
        write_manifest(partial, Manifest(kind=kind, config={"word": word}))


def contents(folder: Path) -> dict[str, str]:
    """Return what every file below a folder holds; links and pipes are named only."""
    found = {}
    for path in sorted(folder.rglob("*")):
        plain = path.is_file() and not path.is_symlink()
        found[path.relative_to(folder).as_posix()] = path.read_text(errors="replace") if plain else "there"
    return found


def edit_manifest(folder: Path, **changes: object) -> None:
    """Change the manifest as somebody would who can seal it."""
    facts = json.loads((folder / MANIFEST).read_text())
    del facts["sha256"]
    write_json(folder / MANIFEST, seal({**facts, **changes}))


@pytest.fixture
def it(tmp_path) -> Path:
    """A build."""
    make(tmp_path / "it")
    return tmp_path / "it"


def refuse(folder: Path, message: str, **options) -> None:
    """Check that a folder is refused with that message, and stays as it is."""
    before = contents(folder)
    with pytest.raises(DataError) as caught:
        make(folder, "new", force=True, **options)
    assert message in str(caught.value)
    assert contents(folder) == before
    assert [path for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_a_build_is_replaced_with_force_only(it):
    with pytest.raises(DataError, match="it exists already. Choose another --out, or overwrite it with --force."):
        make(it)
    make(it, "new", force=True)
    assert {contents(it)[name] for name in FILES} == {"new"}
    assert [path.name for path in it.parent.iterdir()] == ["it"]


def test_a_build_that_lacks_files_is_replaced(it):
    shutil.rmtree(it / "plots")
    (it / "model.tflite").unlink()
    make(it, "new", force=True)
    assert {contents(it)[name] for name in FILES} == {"new"}


@pytest.mark.parametrize(
    ("disturb", "named"),
    [
        (lambda it: (it / "NOTES.txt").write_text("mine"), "NOTES.txt."),
        (lambda it: (it / "engine" / "main.c").write_text("mine"), "engine/main.c."),
        (lambda it: (it / "model.tflite").write_text("mine"), "model.tflite (changed)."),
        (lambda it: (it / "data").mkdir(), "data/."),
        (lambda it: (it / ".git").mkdir(), ".git/."),
        (lambda it: (it / "Model.tflite").write_text("mine"), "Model.tflite."),
        (lambda it: (it / "link").symlink_to("model.tflite"), "link."),
        (lambda it: (it / "link").symlink_to("/"), "link."),
        (lambda it: os.mkfifo(it / "pipe"), "pipe."),
        (lambda it: ((it / "model.tflite").unlink(), os.mkfifo(it / "model.tflite")), "model.tflite (changed)."),
        (lambda it: ((it / "model.tflite").unlink(), (it / "model.tflite").mkdir()), "model.tflite/."),
        (
            lambda it: ((it / "model.tflite").rename(it.parent / "m"), (it / "model.tflite").symlink_to("../m")),
            "model.tflite (changed).",
        ),
        (
            lambda it: (shutil.rmtree(it / "plots"), (it / "plots").symlink_to(it.parent)),
            "plots.",
        ),
    ],
)
def test_what_a_user_added_or_changed_is_named_and_stays(it, disturb, named):
    disturb(it)
    refuse(it, f"it holds what this tool did not write: {named} Move that away, or choose another --out.")


def test_of_many_files_a_few_are_named(it):
    for number in range(10):
        (it / f"{number}.txt").touch()
    refuse(it, "did not write: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, 5.txt and 4 more.")


def test_what_is_added_while_a_build_runs_is_not_lost(it):
    with pytest.raises(DataError, match="did not write: NOTES.txt"), new_folder(it, force=True) as partial:
        write_manifest(partial, Manifest())
        (it / "NOTES.txt").write_text("mine")
    assert contents(it)["NOTES.txt"] == "mine"


def test_a_place_that_is_taken_while_a_build_runs_is_not_lost(tmp_path):
    with pytest.raises(DataError, match="it exists and is not a build"), new_folder(tmp_path / "it", force=True):
        (tmp_path / "it").mkdir()
        (tmp_path / "it" / "NOTES.txt").write_text("mine")
    assert contents(tmp_path / "it") == {"NOTES.txt": "mine"}


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ('{"name": "My shop"}', "its manifest.json was not written by this tool."),
        ("[1]", "was not written by this tool."),
        ("{", "was not written by this tool."),
        ("\ud800", "was not written by this tool."),
        ("[" * 100_000, "was not written by this tool."),
        ('{"a": 1' + "0" * 5000 + "}", "was not written by this tool."),
        ('{"schema": 1, "kind": "build", "tool": "webpack 5.1", "files": {}}', "was not written by this tool."),
        ('{"schema": 1, "kind": "site", "tool": "edgedigits 0.1.0", "files": {}}', "was not written by this tool."),
        ('{"schema": 1, "kind": ["build"], "tool": "edgedigits 0.1.0", "files": {}}', "not written by this tool."),
        ('{"schema": 1, "kind": "build", "tool": "edgedigits 0.1.0", "files": []}', "was not written by this tool."),
        ('{"schema": "1", "kind": "build", "tool": "edgedigits 0.1.0", "files": {}}', "was not written by this tool."),
        ('{"schema": 2, "kind": "build", "tool": "edgedigits 9.0"}', "is of a newer edgedigits (schema 2)."),
    ],
)
def test_anybody_elses_manifest_makes_no_build(tmp_path, manifest, reason):
    (tmp_path / "app" / "src").mkdir(parents=True)
    (tmp_path / "app" / "src" / "main.js").write_text("years of work")
    (tmp_path / "app" / MANIFEST).write_bytes(manifest.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError) as caught:
        make(tmp_path / "app", force=True)
    assert str(caught.value).startswith(
        f"{tmp_path / 'app'} exists and is not a build of edgedigits: its manifest.json"
    )
    assert str(caught.value).endswith(f"{reason} Choose another --out.")
    assert contents(tmp_path / "app")["src/main.js"] == "years of work"


def test_a_manifest_that_was_changed_is_somebodys_work(it):
    text = (it / MANIFEST).read_text()
    (it / MANIFEST).write_text(text.replace('"word": "old"', '"word": "mine"'))
    refuse(it, "its manifest.json was changed since it was written.")
    (it / MANIFEST).write_text(json.dumps(json.loads(text)))
    make(it, "new", force=True)


def test_a_manifest_without_a_seal_is_of_an_earlier_build(it):
    facts = json.loads((it / MANIFEST).read_text())
    del facts["sha256"]
    write_json(it / MANIFEST, facts)
    make(it, "new", force=True)


@pytest.mark.parametrize(
    "name", ["../thesis.txt", "/etc/passwd", "a/../../b", "./model.tflite", "a//b", "C:/b", "a\\b", "", ".", "a\0b"]
)
def test_a_manifest_that_lists_what_is_outside_is_refused(it, name):
    (it.parent / "thesis.txt").write_text("years of work")
    edit_manifest(it, files={name: {"sha256": "0" * 64}})
    refuse(it, "its manifest.json lists a file outside of it")
    assert (it.parent / "thesis.txt").read_text() == "years of work"


def test_an_engine_and_a_build_do_not_replace_each_other(it, tmp_path):
    refuse(it, "it holds a build, which no engine replaces. Choose another --out.", kind=ENGINE)
    make(tmp_path / "engine", kind=ENGINE)
    refuse(tmp_path / "engine", "engine holds an engine, which no build replaces.")
    make(tmp_path / "engine", force=True, kind=ENGINE)


def test_the_manifest_itself_may_not_be_a_link(it):
    (it / MANIFEST).rename(it.parent / "m.json")
    (it / MANIFEST).symlink_to("../m.json")
    refuse(it, "is not a build of edgedigits: it holds no manifest.json.")


def add_report(folder: Path) -> None:
    write_text(folder / "simulate.html", "page")
    listed = {"schema": SCHEMA, "kind": REPORT, "tool": TOOL, "files": list_files(folder, ["simulate.html"])}
    write_json(folder / "simulate.json", seal(listed))


def test_the_report_of_another_verb_goes_with_its_build(it):
    add_report(it)
    make(it, "new", force=True)
    assert "simulate.json" not in contents(it)
    add_report(it)
    (it / "simulate.html").write_text("with my remarks")
    refuse(it, "did not write: simulate.html (changed).")
    add_report(it)
    text = (it / "simulate.json").read_text()
    (it / "simulate.json").write_text(text.replace("report", "mine"))
    refuse(it, "did not write: simulate.html, simulate.json.")


def test_a_report_replaces_only_a_report(tmp_path):
    check_place(tmp_path, force=False)
    add_report(tmp_path)
    with pytest.raises(DataError, match="simulate.json exists already. Choose another --report, or overwrite"):
        check_place(tmp_path, force=False)
    check_place(tmp_path, force=True)
    (tmp_path / "simulate.html").write_text("with my remarks")
    with pytest.raises(DataError, match="simulate.html is not what this tool wrote. Move it away, or choose"):
        check_place(tmp_path, force=True)
    add_report(tmp_path)
    (tmp_path / "simulate.json").write_text('{"my": "simulation"}')
    with pytest.raises(DataError, match="simulate.json is not what this tool wrote."):
        check_place(tmp_path, force=True)


def test_a_report_lies_beside_the_build_whose_bytes_repeat(it):
    beside = it.with_name("it-simulation")
    assert simulation_folder(it) == simulation_folder(it / "engine") == beside
    assert simulation_folder(it.parent / "loose-engine") == it.parent / "loose-engine-simulation"


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "it").symlink_to(tmp_path / "disk" / "real")
    make(tmp_path / "it")
    make(tmp_path / "it", "new", force=True)
    assert (tmp_path / "it").is_symlink()
    assert contents(tmp_path / "disk" / "real")["model.tflite"] == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "it"]
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["real"]


def test_folders_above_are_made_and_go_again_with_a_build_that_fails(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "a" / "b" / "it", force=False):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    make(tmp_path / "a" / "b" / "it")
    assert (tmp_path / "a" / "b" / "it" / MANIFEST).is_file()


def test_the_folder_one_stands_in_is_not_pulled_away(it, monkeypatch):
    monkeypatch.chdir(it / "engine")
    for folder in (it / "engine", it, Path(".."), Path()):
        with pytest.raises(DataError, match="is the folder that this runs in, or above it. Choose a folder in it."):
            make(folder, force=True)


def test_where_a_disk_is_mounted_is_told_at_once():
    with pytest.raises(DataError, match="/proc is where a disk is mounted. Choose a folder in it."):
        make(Path("/proc"), force=True)


@pytest.mark.parametrize(("mask", "folder_mode", "file_mode"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600)])
def test_the_umask_is_heeded(tmp_path, mask, folder_mode, file_mode):
    before = os.umask(mask)
    try:
        make(tmp_path / "it")
        make(tmp_path / "it", "new", force=True)
    finally:
        os.umask(before)
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in [tmp_path / "it", *(tmp_path / "it").rglob("*")]}
    assert modes == {True: folder_mode, False: file_mode}
    assert len({path.stat().st_mode for path in (tmp_path / "it").rglob("*") if path.is_file()}) == 1


@pytest.mark.parametrize("epoch", ["1700000000", "", "soon", "9" * 5000, "１２"])
def test_the_manifest_has_a_time_only_where_the_environment_gives_one(tmp_path, monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    make(tmp_path / "it")
    facts = json.loads((tmp_path / "it" / MANIFEST).read_text())
    assert facts.get("source_date_epoch") == (1_700_000_000 if epoch == "1700000000" else None)


def test_a_path_that_is_no_utf8_is_kept_in_json(tmp_path):
    write_json(tmp_path / "a.json", {"source": "caf\udce9.csv"})
    assert json.loads((tmp_path / "a.json").read_bytes().decode("utf-8")) == {"source": "caf\udce9.csv"}
