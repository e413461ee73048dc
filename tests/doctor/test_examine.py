"""What `edgedigits doctor` finds: every trap by itself, and that it runs where nearly nothing else does."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from edgedigits import extras, posix
from edgedigits.cli.main import main
from edgedigits.doctor import boards, examine, places, tools
from edgedigits.doctor.boards import examine_boards
from edgedigits.doctor.finding import Finding, State, fine
from edgedigits.doctor.libraries import examine_extras, examine_libraries
from edgedigits.doctor.places import examine_places
from edgedigits.doctor.python import examine_python
from edgedigits.doctor.tools import examine_tools

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
NEEDED = {**extras.TRAINING, **extras.LITERT, **extras.OTHERS}


def by_name(findings: object) -> dict[str, Finding]:
    return {one.name: one for one in findings}  # type: ignore[attr-defined]


def pinned(requirements: list[str]) -> dict[str, SpecifierSet]:
    return {one.name: one.specifier for one in map(Requirement, requirements) if one.name != "edgedigits"}


def specifiers(packages: Mapping[str, str]) -> dict[str, SpecifierSet]:
    return {name: SpecifierSet(versions) for name, versions in packages.items()}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that packages are looked for in first; `install` puts some there."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, version: str, *requirements: str, whole: bool = True) -> None:
    facts = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    facts.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    (facts / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {one}" for one in requirements), ""]))
    module = folder / name.replace("-", "_")
    module.mkdir()
    if whole:
        (module / "__init__.py").touch()


def test_it_asks_for_what_pip_is_asked_for() -> None:
    assert specifiers(NEEDED) == pinned(PROJECT["dependencies"])
    assert SpecifierSet(extras.PYTHON) == SpecifierSet(PROJECT["requires-python"])
    optional = PROJECT["optional-dependencies"]
    assert {name: specifiers(packages) for name, packages in extras.OPTIONAL.items()} == {
        name: pinned(optional[name]) for name in optional.keys() - {"test", "dev"}
    }


def test_what_runs_these_tests_can_build() -> None:
    assert not [one for one in (*examine_python(), *examine_libraries()) if one.stops_build]


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("tensorflow", "2.19.1", "2.19.1, needed ==2.21.*"),
        ("tf-keras", "2.20.0", "2.20.0, needed ==2.21.*"),
        ("ai-edge-litert", "3.0.0", "3.0.0, needed ==2.3.*"),
        ("numpy", "1.26.4", "1.26.4, needed >=2.3.5,<3"),
        ("tensorflow-cpu", "2.21.0", "shares its folder with tensorflow"),
    ],
)
def test_a_library_that_does_not_fit_stops_a_build(name: str, version: str, words: str, packages: Path) -> None:
    install(packages, name, version)
    found = by_name(examine_libraries())[name]
    assert (found.state, found.stops_build) == (State.WRONG, True)
    assert words in found.detail and "pip install" in found.remedy
    assert all(one in found.remedy for one in extras.TRAINING) == (name in {*extras.TRAINING, "tensorflow-cpu"})


def test_a_library_that_is_not_there_stops_a_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    found = by_name(examine_libraries())
    assert found.keys() == NEEDED.keys()
    assert {(one.state, one.detail, one.stops_build) for one in found.values()} == {
        (State.ABSENT, "not installed", True)
    }
    optional = by_name(examine_extras())
    assert optional["ziglang"].remedy == "pip install 'edgedigits[mcu]'" and not optional["ziglang"].stops_build


def test_a_library_whose_files_were_removed_stops_a_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    install(tmp_path, "tensorflow", "2.21.3", whole=False)
    found = by_name(examine_libraries())["tensorflow"]
    assert found.stops_build and found.detail == "2.21.3 by name, but its files are gone"


def test_what_libraries_ask_of_one_another_is_held_too(packages: Path) -> None:
    install(packages, "msgspec", "0.20.0", "absl-py<1", "notthere>3; extra == 'more'", "nowhere>=2")
    found = by_name(examine_libraries())
    assert found["absl-py"].state is State.WRONG and "needed <1, by msgspec" in found["absl-py"].detail
    assert (found["nowhere"].state, found["nowhere"].stops_build) == (State.ABSENT, True)
    assert "notthere" not in found


@pytest.mark.parametrize(("told", "stops"), [("1", False), ("true", False), ("0", True), ("", True)])
def test_another_keras_by_the_environment(told: str, stops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", told)
    found = by_name(examine_python())["Keras 2"]
    assert found.stops_build == stops and (found.remedy == "unset TF_USE_LEGACY_KERAS") == stops


@pytest.mark.parametrize(("flags", "stops"), [("fpu avx2 avx", False), ("fpu sse4_2", True)])
def test_a_processor_without_avx(flags: str, stops: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor: 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(posix, "_PROCESSORS", str(tmp_path / "cpuinfo"))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert by_name(examine_python())["processor"].stops_build == stops


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.python_version", lambda: "3.10.4")
    found = by_name(examine_python())["Python"]
    assert found.stops_build and "virtual environment" in found.remedy


def test_tools_that_are_absent_broken_or_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("gcc", "exit 3"), ("cmake", "exec sleep 30"), ("qemu-system-arm", "echo QEMU version 9.2.1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "sleep").symlink_to("/bin/sleep")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "TIMEOUT_S", 0.5)
    found = by_name(examine_tools())
    assert found["C for this machine"].state is State.WRONG and "fails" in found["C for this machine"].detail
    assert found["C for this machine"].remedy.startswith("gcc -dumpversion tells why; if it is broken, get it anew")
    assert "does not answer within 0.5 s" in found["CMake"].detail
    assert found["QEMU for RISC-V"].remedy.startswith("apt-get install qemu-system-misc")
    assert found["GCC for Arm"].state is State.ABSENT
    assert not any(one.stops_build for one in found.values())


def test_an_old_gcc_for_avr_is_fine_and_simavr_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Debian's avr-gcc 5.4, which knows no -dumpfullversion: alone it is an error there."""
    for name, script in (
        ("avr-gcc", 'case "$*" in *-dumpversion) echo 5.4.0;; *) exit 1;; esac'),
        ("gcc", 'case "$*" in "-M -include simavr/sim_avr.h "*) exit 1;; *) echo 12.2.0;; esac'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = by_name(examine_tools())
    assert found["GCC for AVR"] == fine("compilers", "GCC for AVR", "avr-gcc 5.4.0")
    lacking = "gcc 12.2.0 finds no simavr/sim_avr.h", "apt-get install libsimavr-dev"
    assert found["simavr for AVR"] == Finding("emulators", "simavr for AVR", State.ABSENT, *lacking)
    (tmp_path / "gcc").write_text("#!/bin/sh\necho 12.2.0\n")
    assert by_name(examine_tools())["simavr for AVR"].state is State.FINE


def test_probes_and_ports_that_this_user_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe, hub = tmp_path / "usb" / "1-2", tmp_path / "usb" / "1-0"
    for device, facts in (
        (probe, {"idVendor": "0d28", "product": "CMSIS-DAP", "busnum": "1", "devnum": "7"}),
        (hub, {"idVendor": "1d6b", "product": "hub", "busnum": "1", "devnum": "1"}),
    ):
        device.mkdir(parents=True)
        for name, text in facts.items():
            (device / name).write_text(f"{text}\n")
    (tmp_path / "ttyACM0").touch()
    monkeypatch.setattr(boards, "_USB", tmp_path / "usb")
    monkeypatch.setattr(boards, "_DEVICES", tmp_path)
    found = list(examine_boards())
    # The probe's node is not there, which nobody may open.
    assert (found[0].state, found[0].detail[:18], found[0].remedy) == (
        State.WRONG,
        "DAPLink: CMSIS-DAP",
        "Install pyOCD's udev rules.",
    )
    assert found[1] == fine("boards", "serial port", str(tmp_path / "ttyACM0"))


def test_places_that_cannot_be_written_or_are_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    monkeypatch.setenv("EDGEDIGITS_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(places, "LEAST_FREE_BYTES", 1 << 80)
    found = by_name(examine_places())
    assert found["this folder"].stops_build and "MiB free, at least" in found["this folder"].detail
    assert found["temporary files"].stops_build
    assert found["MNIST"].state is State.WRONG and not found["MNIST"].stops_build
    assert "Unset EDGEDIGITS_DATA" in found["MNIST"].remedy
    assert not any(one.detail.endswith(".") for one in found.values()), "a remedy follows behind a colon"


def test_one_broken_examination_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def examine_python() -> list[Finding]:
        raise ImportError("no module named packaging")

    monkeypatch.setattr(examine, "_EXAMINATIONS", (examine_python, examine_extras))
    found = examine.examine()
    assert (found[0].area, found[0].state) == ("python", State.WRONG) and len(found) > 5


def test_the_verb_says_what_stops_a_build_and_exits_with_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(examine, "_EXAMINATIONS", (examine_extras, examine_places, examine_python))
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("A build can run: edgedigits build")
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    assert main(["doctor", "--json"]) == 4
    told = capsys.readouterr()
    facts = json.loads(told.out)
    assert (facts["status"], facts["can_build"]) == ("failed", False)
    assert [one["area"] for one in facts["findings"]][:2] == ["python", "python"]
    assert "a build would fail: Keras 2" in told.err and "unset TF_USE_LEGACY_KERAS" in told.err


def test_it_runs_where_large_libraries_cannot_be_imported() -> None:
    code = (
        "import sys\n"
        "for name in ('numpy', 'tensorflow', 'matplotlib'): sys.modules[name] = None\n"
        "from edgedigits.cli.main import main\n"
        "code = main(['doctor', '--json'])\n"
        "assert not sys.modules['tensorflow'], 'imported'\n"
        "raise SystemExit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 4), done.stderr
    wrong = [one for one in json.loads(done.stdout)["findings"] if "cannot be looked at" in one["detail"]]
    assert wrong and all("import" in one["detail"] for one in wrong)
