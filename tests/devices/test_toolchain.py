"""Every core compiles with every toolchain that is present; what goes wrong is told in a sentence."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgedigits.devices import toolchain as room
from edgedigits.devices.boards import find_board
from edgedigits.devices.cores import find_core, load_cores
from edgedigits.devices.elf import Image
from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import Program, Toolchain, compile_program, find_toolchain, first_error
from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError
from tests.devices.conftest import toolchain_or_skip

M4 = find_core("cortex-m4")


@pytest.mark.parametrize("name", ["zig", "gcc"])
@pytest.mark.parametrize("core", list(load_cores()))
def test_every_core_compiles(tiny: Engine, compiled: Callable[..., Image], core: str, name: str) -> None:
    image = compiled(tiny, core, name)

    assert image.footprint.constants >= 7840
    assert 50 <= image.footprint.code <= 600
    assert image.footprint.static_ram == 0


def program(tmp_path: Path, text: str, script: str | None = None) -> Program:
    source = tmp_path / "a.c"
    source.write_text(text)
    function = (firmware_stub() / "harness" / "function.ld").read_text()
    return Program([source], tmp_path / "a.elf", script or function, "start")


@pytest.mark.parametrize("name", ["zig", "gcc"])
def test_sources_that_do_not_compile_or_link(tmp_path: Path, name: str) -> None:
    compiler = toolchain_or_skip(name, M4)

    with pytest.raises(DataError, match=r"cannot compile a\.elf for cortex-m4.*nonsense"):
        compile_program(compiler, M4, program(tmp_path, "int start(void) { return nonsense; }"))
    with pytest.raises(DataError, match="elsewhere"):
        compile_program(
            compiler, M4, program(tmp_path, "int elsewhere(void);\nint start(void) { return elsewhere(); }")
        )


@pytest.mark.parametrize("name", ["zig", "gcc"])
def test_what_does_not_fit_says_by_how_much(tmp_path: Path, name: str) -> None:
    script = replace(find_board("microbit"), flash_kib=1).linker_script()
    table = "const int table[1000] = {1};\nint start(int i) { return table[i]; }"

    with pytest.raises(CheckFailedError, match=r"does not fit: it needs (2,9|3,0)\d\d bytes more flash"):
        compile_program(toolchain_or_skip(name, M4), M4, program(tmp_path, table, script))


def test_a_missing_zig_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda name: None)

    with pytest.raises(ToolMissingError, match=r"ziglang.*pip install 'edgedigits\[mcu\]'"):
        find_toolchain("zig", M4)


def test_a_zig_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        stdout = "0.13.0\n"

    monkeypatch.setattr(room, "find_spec", lambda name: object())
    monkeypatch.setattr(room, "run_tool", lambda command: Done())

    with pytest.raises(ToolMissingError, match=r"ziglang 0\.13\.0 is older than 0\.15\.2"):
        find_toolchain("zig", M4)


@pytest.mark.parametrize("core", ["cortex-m4", "rv32imc"])
def test_a_missing_gcc_names_its_package(monkeypatch: pytest.MonkeyPatch, core: str) -> None:
    monkeypatch.setattr(room.shutil, "which", lambda name: None)

    with pytest.raises(ToolMissingError, match=r"apt-get install gcc-.*--toolchain zig"):
        find_toolchain("gcc", find_core(core))


def test_an_unknown_toolchain() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'gcc'"):
        find_toolchain("gccc", M4)


def test_a_compiler_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "TIMEOUT_S", 0.3)
    slow = Toolchain("gcc", "gcc 0", (sys.executable, "-c", "import time; time.sleep(20)"))

    with pytest.raises(DataError, match=r"did not finish within 0\.3 s"):
        compile_program(slow, M4, program(tmp_path, ""))


def test_a_compiler_that_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="cannot be started"):
        compile_program(Toolchain("gcc", "gcc 0", ("/nowhere/gcc",)), M4, program(tmp_path, ""))


FULL = (
    "warning(zcu): unable to write cached ZIR code for lib/std/crypto/errors.zig to {cache}/z/0e2d: NoSpaceLeft",
    "fatal error: error writing to /tmp/cc1.s: No space left on device",
    "LLVM ERROR: IO failure on output stream: No space left on device",
    "error: unable to create {cache}/o: DiskQuota",
)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("said", FULL)
def test_a_full_disk_is_told_with_its_own_remedy(
    said: str, named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = str(tmp_path / "cache")
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", cache if named else "")
    words = said.format(cache=cache)
    code = f"import sys; sys.stderr.write({words!r}); sys.exit(1)"
    full = Toolchain("gcc", "gcc 0", (sys.executable, "-c", code))
    place = f"The cache of zig, {cache}," if named and cache in words else "Temporary files"
    variable = "ZIG_GLOBAL_CACHE_DIR" if named and cache in words else "TMPDIR"
    with pytest.raises(DataError, match=f"^{place} cannot be written: No space left on device. Make room .*{variable}"):
        compile_program(full, M4, program(tmp_path, ""))


def test_a_warning_about_a_file_called_errors_is_no_error() -> None:
    said = "warning(zcu): lib/std/errors.zig\nwarning: an error\na.c:1:2: error: expected ';'.\n"
    assert first_error(said) == "a.c:1:2: error: expected ';'"


def test_zigs_cache_needs_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR", raising=False)
    monkeypatch.setattr(room.tempfile, "gettempdir", lambda: str(tmp_path))

    cache = room.zig_cache.__wrapped__()

    assert cache.parent == tmp_path and cache.is_dir()
    if hasattr(os, "getuid"):
        assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files")
def test_a_link_in_the_place_of_zigs_cache_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR", raising=False)
    monkeypatch.setattr(room.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(room.tempfile, "tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"edgedigits-zig-{os.getuid()}").symlink_to(tmp_path / "elsewhere")

    cache = room.zig_cache.__wrapped__()

    assert cache.is_dir() and not cache.is_symlink() and cache.parent == tmp_path
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("named", [True, False])
def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR", raising=False)
    monkeypatch.setattr(room.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    (tmp_path / "file").touch()
    if named:
        monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(tmp_path / "file" / "cache"))

    with pytest.raises(DataError, match="cannot be made: Not a directory. Set ZIG_GLOBAL_CACHE_DIR"):
        room.zig_cache.__wrapped__()


def test_ziglang_is_really_there_in_ci() -> None:
    if "CI" in os.environ:
        assert importlib.util.find_spec("ziglang") is not None
