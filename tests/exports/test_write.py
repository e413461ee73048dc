"""`edgedigits export`: what is written, whole or not at all, and what is refused in a sentence."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

import edgedigits
from edgedigits.cli.main import main
from edgedigits.errors import ConfigError
from edgedigits.exports.catalogue import EXPORTS
from edgedigits.exports.write import _TEMPLATES
from tests.devices.emitted_engine import write_emitted_engine
from tests.exports.engines import PREFIX, Made
from tests.tflite_builder import random_mlp

ENGINE = [f"{PREFIX}{end}" for end in (".c", ".h", "_fit.c", "_reader.c", "_reader.h", "_self_test.c")]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("to", EXPORTS)
def test_an_export_is_the_engine_as_it_is_and_what_it_declares(to: str, builds: Made, tmp_path: Path) -> None:
    written = edgedigits.export(builds["in portions"], to, tmp_path / "out")
    files, export = tree(tmp_path / "out"), EXPORTS[to]
    assert written.files == tuple(sorted(files))
    sources = f"{export.sources}/".format(prefix=PREFIX) if export.sources else ""
    own = {path.format(prefix=PREFIX, vendor="edgedigits", version=edgedigits.__version__) for path in export.files}
    taken = [name for name in ENGINE if export.reader or "_reader" not in name]
    assert set(files) == own | {"README.md", "VERSION"} | {f"{sources}{name}" for name in taken}
    for path in (builds["in portions"] / "engine").glob("*.[ch]"):
        assert files[f"{sources}{path.name}"] == path.read_bytes()
    assert files["VERSION"].decode().strip() == edgedigits.__version__
    readme = files["README.md"].decode()
    assert "Licence: none is given here" in readme and len(readme.splitlines()) <= 10
    assert ("digits_reader.h" in readme) == export.reader and ("out/micropython.cmake" in readme) == (
        to == "micropython"
    )
    for path, content in files.items():
        assert b"\r" not in content and b"{{" not in content and not content.endswith(b"\n\n"), path
    templates = {path.relative_to(_TEMPLATES / to).as_posix() for path in (_TEMPLATES / to).rglob("*.j2")}
    assert templates == {f"{path}.j2" for path in export.files}, "every template is of a file that is declared"


def test_without_the_self_test_nothing_names_it(builds: Made, tmp_path: Path) -> None:
    for to in EXPORTS:
        edgedigits.export(builds["in portions"], to, tmp_path / to, self_test=False)
        for name, content in tree(tmp_path / to).items():
            assert "self_test" not in name, to
            assert b"self_test" not in content.lower() or name.endswith((f"{PREFIX}.h", f"{PREFIX}.c")), (to, name)


def test_an_archive_holds_the_folder_and_is_the_same_each_time(builds: Made, tmp_path: Path) -> None:
    for name in ("one", "two"):
        edgedigits.export(builds["in portions"], "cmake", tmp_path / "new" / f"{name}.zip")
    (tmp_path / "new" / "one.zip").write_text("an older one")
    edgedigits.export(builds["in portions"], "cmake", tmp_path / "new" / "one.zip", force=True)
    edgedigits.export(builds["in portions"], "cmake", tmp_path / PREFIX)
    assert (tmp_path / "new" / "one.zip").read_bytes() == (tmp_path / "new" / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "new" / "one.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert tree(tmp_path / "out" / PREFIX) == tree(tmp_path / PREFIX)


def test_without_a_place_it_lands_in_export(
    builds: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(builds["in portions"]), "--to", "arduino"]) == 0
    said = capsys.readouterr().out
    assert f"export/arduino/{PREFIX}: 12 files for arduino" in said and "licence   none is given" in said
    assert main(["export", str(builds["in portions"]), "--to", "cmake", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["place"], told["to"], len(told["files"])) == (f"export/cmake/{PREFIX}", "cmake", 12)


@pytest.mark.parametrize(
    ("prepare", "code", "words"),
    [
        ("none", 3, "is not a folder"),
        ("no_engine", 3, "holds no engine with its facts"),
        ("no_digits", 5, "classifies no 28×28 digits"),
        ("no_fit", 3, "digits_fit.c is not there"),
        ("old", 3, "is of an older edgedigits"),
        ("taken", 3, "exists already, and no export replaces a folder"),
        ("forced", 2, "--force replaces an archive, and no folder"),
        ("file", 3, "is a file, expected a folder"),
        ("archive", 3, "mine.zip exists already"),
        ("pack", 2, "is nothing that --to arduino writes"),
        ("zipped_pack", 2, "mine.zip has to be called edgedigits.digits.0.1.0.pack. Give a folder."),
        ("unwritable", 3, "cannot be written"),
        ("unwritable_zip", 3, "cannot be written"),
        ("kernel", 3, "cannot be written"),
        ("kernel_zip", 3, "cannot be written"),
        ("kernel/new_zip", 3, "cannot be written"),
    ],
)
def test_what_cannot_be_exported_ends_in_a_sentence(
    prepare: str, code: int, words: str, builds: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "build", tmp_path / "out"
    if prepare == "no_engine":
        folder.mkdir()
    elif prepare == "no_digits":
        write_emitted_engine(folder, random_mlp(5, (30, 8, 10)))
    elif prepare != "none":
        shutil.copytree(builds["in portions"], folder)
    if prepare == "no_fit":
        (folder / "engine" / "digits_fit.c").unlink()
    if prepare == "old":
        facts = json.loads((folder / "engine" / "digits.json").read_text())
        del facts["scores"]
        (folder / "engine" / "digits.json").write_text(json.dumps(facts))
    if prepare in ("taken", "forced"):
        out.mkdir()
        (out / "mine").write_text("mine")
    if prepare in ("file", "archive"):
        out = tmp_path / ("mine.zip" if prepare == "archive" else "mine")
        out.write_text("mine")
    if prepare == "zipped_pack":
        out = tmp_path / "mine.zip"
    if prepare == "pack":
        out = tmp_path / "digits.pack"
    if prepare.startswith("unwritable"):
        (tmp_path / "locked").write_text("a file stands where a folder would have to")
        out = tmp_path / "locked" / ("out.zip" if prepare.endswith("zip") else "out")
        words = "is a file"
    if prepare.startswith("kernel"):  # where root may not write either
        place = Path("/proc/new" if "new" in prepare else "/proc")
        out = place / ("digits.zip" if prepare.endswith("zip") else "digits")
    before = tree(tmp_path)
    more = ["--force"] * (prepare == "forced")
    to = "cmsis-pack" if prepare == "zipped_pack" else "arduino"
    assert main(["export", str(folder), "--to", to, "--out", str(out), *more]) == code
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert tree(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_told(builds: Made, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert main(["export", str(builds["in portions"]), "--to", "arduino", "--out", str(tmp_path / "out")]) == 3
    assert not list(tmp_path.iterdir())


def test_a_kind_that_there_is_not_names_the_nearest(builds: Made, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no export to 'ardunio'. Did you mean 'arduino'\?"):
        edgedigits.export(builds["in portions"], "ardunio", tmp_path / "out")
    assert main(["export", str(builds["in portions"]), "--to", "ardunio", "--out", str(tmp_path / "out")]) == 2
    assert not list(tmp_path.iterdir())
