"""The CMSIS-Pack: its description keeps the rules of its schema, and each of its components compiles for a Cortex-M."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

from edgedigits.cli.main import main
from edgedigits.version import __version__
from tests.engine.compilers import STRICT, available
from tests.engine.engine_program import run as run_command
from tests.exports.engines import PREFIX, Made, export

NAME = f"edgedigits.{PREFIX}.{__version__}.pack"
# Of the schema's <package> and <component>: what has to be there, and what may.
NEEDED = {"vendor", "name", "description", "url", "releases"}
ALLOWED = {*NEEDED, "requirements", "conditions", "components", "license", "keywords", "examples"}
NEEDED_OF_COMPONENT = {"Cclass", "Cgroup", "Cversion"}
CATEGORIES = {"doc", "header", "source"}
LONGEST_DESCRIPTION = 256


@pytest.fixture(scope="module")
def pack(builds: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack, unpacked."""
    place = tmp_path_factory.mktemp("pack")
    export(builds["in portions"], "cmsis-pack", place / NAME)
    with zipfile.ZipFile(place / NAME) as archive:
        archive.extractall(place / "there")
    return place / "there"


def description(pack: Path) -> ET.Element:
    return ET.parse(pack / f"edgedigits.{PREFIX}.pdsc").getroot()


def test_the_description_keeps_the_rules_of_the_schema(pack: Path) -> None:
    package = description(pack)
    names = [child.tag for child in package]
    assert package.tag == "package" and re.fullmatch(r"\d+\.\d+(\.\d+)?", package.attrib["schemaVersion"])
    assert set(names) >= NEEDED and set(names) <= ALLOWED and len(names) == len(set(names))
    for name in ("vendor", "name"):
        assert re.fullmatch(r"[-_A-Za-z0-9]+", package.findtext(name, ""))
    assert all(0 < len(one.text or "") <= LONGEST_DESCRIPTION for one in package.iter("description"))
    [release] = package.findall("releases/release")
    assert re.fullmatch(r"\d+\.\d+\.\d+", release.attrib["version"]) and release.text
    for component in package.iter("component"):
        assert NEEDED_OF_COMPONENT <= set(component.attrib) <= {*NEEDED_OF_COMPONENT, "Csub", "condition"}
        assert all(2 <= len(component.attrib[name]) <= 32 for name in ("Cclass", "Cgroup", "Csub"))
        assert {child.tag for child in component} == {"description", "files"}
    conditions = {one.attrib["id"] for one in package.iter("condition")}
    used = [one.attrib["condition"] for one in package.iter() if "condition" in one.attrib]
    assert used and set(used) <= conditions


def test_every_file_is_there_and_of_a_component(pack: Path) -> None:
    told = [file.attrib for file in description(pack).iter("file")]
    assert {one["category"] for one in told} <= CATEGORIES
    assert all((pack / one["name"]).is_file() for one in told)
    sources = {path.relative_to(pack).as_posix() for path in pack.rglob("*.[ch]")}
    assert sources == {one["name"] for one in told if one["category"] != "doc"}


@pytest.mark.slow
def test_every_component_compiles_for_a_cortex_m(pack: Path, tmp_path: Path) -> None:
    compiler = [*available(["arm-none-eabi-gcc"]), "-mcpu=cortex-m4", "-mthumb", "-std=c99", "-O2", *STRICT]
    for file in description(pack).iter("file"):
        if file.attrib["category"] == "source":
            source = str(pack / file.attrib["name"])
            run_command([*compiler, f"-I{pack / 'src'}", "-c", source, "-o", str(tmp_path / "a.o")])


def test_pyocd_reads_it(pack: Path) -> None:
    packs = pytest.importorskip("pyocd.target.pack.cmsis_pack")
    assert packs.CmsisPack(str(pack.parent / NAME)).pack_name == PREFIX


def test_a_pack_has_the_name_that_tools_read(
    builds: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(builds["in portions"]), "--to", "cmsis-pack"]) == 0
    assert [path.name for path in (tmp_path / "export" / "cmsis-pack").iterdir()] == [NAME]
    capsys.readouterr()
    assert main(["export", str(builds["in portions"]), "--to", "cmsis-pack", "--out", "mine.pack"]) == 2
    assert f"mine.pack has to be called {NAME}." in capsys.readouterr().err
