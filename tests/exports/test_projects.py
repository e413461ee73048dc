"""Exports whose frameworks are not here: each is built on this machine by its own files, with the framework's edge stubbed."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from edgedigits.data.digits import Digits
from edgedigits.data.geometry import fitted
from edgedigits.version import __version__
from tests.engine.compilers import available
from tests.engine.engine_program import run as run_command
from tests.exports.engines import EACH_KIND, KINDS, PREFIX, Made, as_text, export

HERE = Path(__file__).parent


def answers(program: Path, digits: Digits, name: str) -> None:
    """Hold what a program says of images against the NumPy engine."""
    images = digits.images[::500]
    done = subprocess.run([program], input=as_text(images), capture_output=True, timeout=60, check=True)
    said = [line for line in done.stdout.decode().splitlines() if line != "ready"]
    assert said == KINDS[name].said(images)


def build(source: Path, folder: Path, *choices: str, **environment: str) -> Path:
    """Build a project by CMake; return where."""
    cmake, place = available(["cmake"])[0], folder / "build"
    done = subprocess.run(
        [cmake, "-S", source, "-B", place, "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror", *choices],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run_command([cmake, "--build", str(place)])
    return place


# -- PlatformIO --------------------------------------------------------------------------------------------------------


def test_platformio_says_what_it_builds(builds: Made, tmp_path: Path) -> None:
    export(builds["in portions"], "platformio", tmp_path / "project")
    said = configparser.ConfigParser()
    said.read(tmp_path / "project" / "platformio.ini")
    boards = [said[name] for name in said.sections() if name.startswith("env:")]
    assert [one["platform"] for one in boards if "extends" not in one] == ["native"]
    assert all("board" in one and one["extends"] in said for one in boards if "extends" in one)
    library = json.loads((tmp_path / "project" / "lib" / PREFIX / "library.json").read_text())
    assert library["name"] == PREFIX and library["version"] == __version__
    assert all((tmp_path / "project" / "lib" / PREFIX / "src" / name).is_file() for name in library["headers"])


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_the_platformio_project_runs_here_and_as_a_sketch(
    name: str, builds: Made, five_thousand: Digits, tmp_path: Path
) -> None:
    project = export(builds[name], "platformio", tmp_path / "project")
    sources, objects = project / "lib" / PREFIX / "src", []
    for source in sources.glob("*.c"):
        objects.append(str(tmp_path / f"{source.stem}.o"))
        run_command([*available(["gcc"]), "-c", str(source), "-o", objects[-1]])
    compiler = [*available(["g++"]), "-Wall", "-Wextra", "-Werror", f"-I{sources}"]
    run_command([*compiler, str(project / "src" / "main.cpp"), *objects, "-o", str(tmp_path / "native")])
    answers(tmp_path / "native", five_thousand, name)
    sketch = ["-DARDUINO=10819", '-DSKETCH="main.cpp"', f"-I{HERE / 'arduino'}", f"-I{project / 'src'}"]
    run_command(
        [*compiler, *sketch, str(HERE / "arduino" / "run_sketch.cpp"), *objects, "-o", str(tmp_path / "sketch")]
    )
    answers(tmp_path / "sketch", five_thousand, name)


@pytest.mark.slow
def test_platformio_packs_its_library(builds: Made, tmp_path: Path) -> None:
    if find_spec("platformio") is None:
        pytest.skip("platformio is not installed")
    project = export(builds["in portions"], "platformio", tmp_path / "project")
    command = [sys.executable, "-m", "platformio", "pkg", "pack", project / "lib" / PREFIX, "-o", tmp_path]
    said = {"PLATFORMIO_CORE_DIR": str(tmp_path / "core"), "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}
    subprocess.run(command, env={**os.environ, **said}, capture_output=True, timeout=120, check=True)
    with tarfile.open(tmp_path / f"{PREFIX}-{__version__}.tar.gz") as packed:
        assert {"library.json", f"src/{PREFIX}.c", f"src/{PREFIX}.h"} <= set(packed.getnames())


# -- Zephyr ------------------------------------------------------------------------------------------------------------


def test_the_zephyr_module_is_well_formed(builds: Made, tmp_path: Path) -> None:
    module = export(builds["in portions"], "zephyr", tmp_path / "module")
    said = yaml.safe_load((module / "zephyr" / "module.yml").read_text())
    assert said["name"] == PREFIX
    assert (module / said["build"]["kconfig"]).is_file() and (
        module / said["build"]["cmake"] / "CMakeLists.txt"
    ).is_file()
    [samples] = said["samples"]
    [sample] = (module / samples).rglob("sample.yaml")
    told = yaml.safe_load(sample.read_text())
    assert set(told) == {"sample", "common", "tests"} and set(told["sample"]) == {"name", "description"}
    assert told["common"]["harness"] == "console" and told["common"]["harness_config"]["type"] == "one_line"
    assert all(
        word in (sample.parent / "src" / "main.c").read_text() for word in told["common"]["harness_config"]["regex"]
    )
    assert [name.startswith(f"{PREFIX}.") for name in told["tests"]] == [True]
    assert f"config {PREFIX.upper()}\n\tbool " in (module / "Kconfig").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_the_sample_of_the_zephyr_module_reads_digits(
    name: str, builds: Made, five_thousand: Digits, tmp_path: Path
) -> None:
    module = export(builds[name], "zephyr", tmp_path / "module")
    place = build(module / "samples" / "read_digits", tmp_path, f"-DZephyr_DIR={HERE / 'zephyr'}")
    answers(place / "app", five_thousand, name)


# -- ESP-IDF -----------------------------------------------------------------------------------------------------------


def test_the_manifests_of_esp_idf_are_well_formed(builds: Made, tmp_path: Path) -> None:
    component = export(builds["in portions"], "esp-idf", tmp_path / PREFIX)
    said = yaml.safe_load((component / "idf_component.yml").read_text())
    assert said["version"] == __version__ and said["dependencies"] == {"idf": ">=4.4"}
    main = component / "examples" / "read_digits" / "main"
    needed = yaml.safe_load((main / "idf_component.yml").read_text())["dependencies"]
    assert list(needed) == [PREFIX] and (main / needed[PREFIX]["path"]).resolve() == component


@pytest.mark.slow
def test_the_component_manager_takes_both_manifests(builds: Made, tmp_path: Path) -> None:
    manager = pytest.importorskip("idf_component_tools.manager")
    component = export(builds["in portions"], "esp-idf", tmp_path / PREFIX)
    for folder in (component, component / "examples" / "read_digits" / "main"):
        assert manager.ManifestManager(str(folder), PREFIX).load().name == PREFIX


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_the_esp_idf_component_reads_digits(
    name: str, builds: Made, five_thousand: Digits, tmp_path: Path
) -> None:
    component = export(builds[name], "esp-idf", tmp_path / PREFIX)
    place = build(component / "examples" / "read_digits", tmp_path, IDF_PATH=str(HERE / "esp_idf"))
    answers(place / "app", five_thousand, name)


# -- MicroPython -------------------------------------------------------------------------------------------------------

_MAKE = """\
USERMOD_DIR = {module}
include {module}/micropython.mk
program: $(SRC_USERMOD_C) {stub}/main.c
\t$(CC) -std=c11 -Wall -Wextra -Werror -I{stub} $(CFLAGS_USERMOD) $^ -o $@
"""
_CMAKE = """\
cmake_minimum_required(VERSION 3.13)
project(port LANGUAGES C)
add_library(usermod INTERFACE)
include({module}/micropython.cmake)
add_executable(program {stub}/main.c)
target_include_directories(program PRIVATE {stub})
target_link_libraries(program PRIVATE usermod)
"""


@pytest.mark.parametrize("name", EACH_KIND)
@pytest.mark.parametrize("tool", ["make", pytest.param("cmake", marks=pytest.mark.slow)])
def test_the_micropython_module_classifies_and_tells_scores(
    tool: str, name: str, builds: Made, five_thousand: Digits, tmp_path: Path
) -> None:
    available([tool])
    module = export(builds[name], "micropython", tmp_path / PREFIX)
    names = {"module": module, "stub": HERE / "micropython"}
    if tool == "make":
        (tmp_path / "Makefile").write_text(_MAKE.format(**names))
        run_command(["make", "-C", str(tmp_path)])
        program = tmp_path / "program"
    else:
        (tmp_path / "CMakeLists.txt").write_text(_CMAKE.format(**names))
        program = build(tmp_path, tmp_path) / "program"
    images = five_thousand.images[::500]
    done = subprocess.run([program], input=images.tobytes() + b"783 bytes", capture_output=True, timeout=60, check=True)
    *lines, short, blank, uneven = done.stdout.decode().splitlines()
    assert lines[::3] == [", ".join(line.split(", ")[::2]) for line in KINDS[name].said(images)]
    pictures = images.reshape(-1, 28, 28)
    assert lines[1::3] == [one.tobytes().hex() for one in fitted(pictures)]
    assert lines[2::3] == [one.tobytes().hex() for one in fitted(pictures, dark=True)]
    assert short == "ValueError: 784 pixels expected" and blank == "no ink"
    assert uneven == "ValueError: width times height bytes expected, 1 to 4096 each"
