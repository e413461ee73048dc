"""Compiles C for a core: with the clang inside the `ziglang` package, or with a GCC that is installed.

Both make one ELF from sources and a linker script, without a C library. `zig cc` comes from PyPI and knows every core;
GCC is the independent second opinion where it is present.
"""

from __future__ import annotations

import atexit
import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from edgedigits.devices.cores import Core, load_recipe
from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError, nearest
from edgedigits.files.scratch import no_room, tells_of_no_room
from edgedigits.posix import is_own, user_name
from edgedigits.programs import run_program

TOOLCHAINS = ("zig", "gcc")
OLDEST_ZIG = (0, 15, 2)
TIMEOUT_S = 300.0
_ZIG_CACHE = "ZIG_GLOBAL_CACHE_DIR"
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wdouble-promotion")

# lld tells by how much; GNU ld only sometimes, but prints what each region would hold.
_OVERFLOW = re.compile(r"region [`'](\w+)':? overflowed by (\d+) bytes")
_NO_ROOM = re.compile(r"will not fit in region [`'](\w+)'")
_USAGE = re.compile(r"^\s*(\w+):\s+(\d+) ([KMG]?)B\s+(\d+) ([KMG]?)B", re.MULTILINE)
_ERROR = re.compile(r"\berror\b|undefined", re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A compiler that is present.

    Attributes:
        name: "zig" or "gcc".
        version: as the compiler gives it, such as "zig 0.17.1" or "gcc 12.2.1".
        command: how it is started.
    """

    name: str
    version: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """What to compile.

    Attributes:
        sources: .c files.
        output: the ELF to write.
        linker_script: text of it.
        entry: symbol where the program starts; what it does not reach is dropped.
        include: folders of headers.
        defines: macros, name → value.
        optimize: such as "-O2" or "-Os".
        flags: more flags for the compiler.
    """

    sources: Sequence[Path]
    output: Path
    linker_script: str
    entry: str
    include: Sequence[Path] = ()
    defines: Mapping[str, str] = field(default_factory=dict)
    optimize: str = "-O2"
    flags: Sequence[str] = ()


def macros(defines: Sequence[str]) -> dict[str, str]:
    """Return macros, name → value, that the catalogue writes as "NAME=VALUE"."""
    return dict(define.split("=", 1) for define in defines)


def find_toolchain(name: str, core: Core) -> Toolchain:
    """Return the toolchain `name` if it is present and knows `core`.

    Raises:
        ConfigError: no toolchain is called so, or it makes no programs for this core.
        ToolMissingError: it is not installed or too old; the hint says how to get it.
    """
    if name == "zig" and not core.zig:
        raise ConfigError(f"zig makes no programs for {core.name}.", hint="Use --toolchain gcc.")
    if name == "zig":
        return find_zig()
    if name == "gcc":
        return _find_gcc(core)
    raise ConfigError(f"There is no toolchain '{name}'.", hint=nearest(name, TOOLCHAINS))


def find_zig() -> Toolchain:
    """Return the clang inside zig, which knows every core and this machine; raises as `find_toolchain`."""
    install = "Install it: pip install 'edgedigits[mcu]'"
    if find_spec("ziglang") is None:
        raise ToolMissingError("The compiler zig (package ziglang) is not installed.", hint=install)
    command = (sys.executable, "-m", "ziglang")
    version = run_tool([*command, "version"]).stdout.strip()
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if numbers < OLDEST_ZIG:
        oldest = ".".join(map(str, OLDEST_ZIG))
        raise ToolMissingError(f"ziglang {version or '?'} is older than {oldest}.", hint=install)
    return Toolchain("zig", f"zig {version}", (*command, "cc"))


def _find_gcc(core: Core) -> Toolchain:
    architecture = core.architecture
    path = next((found for found in map(shutil.which, architecture.gcc) if found), None)
    if path is None:
        other = ", or use --toolchain zig" if core.zig else ""
        raise ToolMissingError(
            f"{architecture.gcc[-1]}, the GCC for {core.name}, is not installed.",
            hint=f"Install it (Debian, Ubuntu: apt-get install {architecture.gcc_package}){other}.",
        )
    return Toolchain("gcc", f"gcc {run_tool([path, '-dumpfullversion', '-dumpversion']).stdout.strip()}", (path,))


def compile_program(toolchain: Toolchain, core: Core, program: Program) -> Path:
    """Compile and link.

    Returns:
        `program.output`.

    Raises:
        CheckFailedError: it does not fit into the linker script's memory; says by how many bytes.
        DataError: the sources do not compile or link; holds the compiler's first error.
    """
    result = run_tool(_command_line(toolchain, core, program), toolchain_environment(toolchain))
    if result.returncode == 0 and program.output.is_file():
        return program.output
    overflow = _overflow(result)
    if overflow:
        raise CheckFailedError(
            f"{program.output.name} does not fit: it needs {overflow[1]:,} bytes more {overflow[0]} than there are.",
            hint="Choose a board with more, a smaller model, or prune and compile with --optimize size.",
        )
    raise compile_error(toolchain, f"{program.output.name} for {core.name}", result.stderr)


def compile_error(toolchain: Toolchain, what: str, said: str) -> DataError:
    """Return why something was not compiled.

    Args:
        toolchain: the compiler.
        what: it was to compile.
        said: by the compiler.
    """
    if not tells_of_no_room(said):
        return DataError(
            f"{toolchain.version} cannot compile {what}: {first_error(said)}.",
            hint="Build or compile the engine again; if it persists, try the other toolchain.",
        )
    named = os.environ.get(_ZIG_CACHE, "")
    if named and named in said:
        return DataError(
            f"The cache of zig, {named}, cannot be written: {os.strerror(errno.ENOSPC)}.",
            hint=f"Make room there, or set {_ZIG_CACHE} to a folder that has some.",
        )
    return no_room()


def _command_line(toolchain: Toolchain, core: Core, program: Program) -> list[str]:
    # No -nostdlib for zig: a freestanding target has no library, and 0.16 and later would lose their compiler-rt.
    recipe = load_recipe()
    flags, compiler = (core.zig, recipe.zig) if toolchain.name == "zig" else (core.gcc, recipe.gcc)
    script = program.output.with_suffix(".ld")
    script.write_bytes(program.linker_script.encode())
    return [
        *toolchain.command,
        *recipe.flags,
        *flags,
        program.optimize,
        *program.flags,
        *compiler.flags,
        *(f"-D{name}={value}" for name, value in program.defines.items()),
        *(f"-I{folder}" for folder in program.include),
        f"-Wl,-T,{script}",
        # lld ignores ENTRY() in scripts.
        f"-Wl,-e,{program.entry}",
        "-Wl,--gc-sections",
        *map(str, program.sources),
        *compiler.libraries,
        "-o",
        str(program.output),
    ]


def _overflow(result: subprocess.CompletedProcess[str]) -> tuple[str, int] | None:
    """Return the region that is too small and by how many bytes, if that is what went wrong."""
    names = {"FLASH": "flash"}
    told = _OVERFLOW.search(result.stderr)
    if told:
        return names.get(told[1], told[1]), int(told[2])
    named = _NO_ROOM.search(result.stderr)
    for region, used, used_unit, size, size_unit in _USAGE.findall(result.stdout):
        if named and region == named[1]:
            return names.get(region, region), int(used) * _UNITS[used_unit] - int(size) * _UNITS[size_unit]
    return None


def run_tool(command: Sequence[str], environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a compiler to its end, whatever it returns.

    Raises:
        DataError: it did not end in time.
        ToolMissingError: it cannot be started.
    """
    try:
        return run_program(command, TIMEOUT_S, environment=environment)
    except subprocess.TimeoutExpired:
        name = Path(command[0]).name
        raise DataError(f"{name} did not finish within {TIMEOUT_S:g} s.", hint="Is the machine overloaded?") from None
    except OSError as error:
        what = f"{command[0]} cannot be started: {error.strerror}."
        raise ToolMissingError(what, hint="Install it again.") from error


def toolchain_environment(toolchain: Toolchain) -> dict[str, str]:
    """Return the environment variables that the toolchain needs."""
    if toolchain.name != "zig":
        return {}
    cache = str(zig_cache())
    return {_ZIG_CACHE: cache, "ZIG_LOCAL_CACHE_DIR": cache}


@lru_cache
def zig_cache() -> Path:
    """Return the folder where zig keeps what it compiled of itself; it exists also where there is no home.

    Raises:
        DataError: it cannot be made.
    """
    named = os.environ.get(_ZIG_CACHE, "")
    cache = Path(named) if named else Path(tempfile.gettempdir()) / f"edgedigits-zig-{user_name()}"
    try:
        cache.mkdir(mode=0o777 if named else 0o700, parents=bool(named), exist_ok=True)
        if not named and not _is_own_folder(cache):
            # Somebody else's folder under our name, or a link to one: what it holds would end up in firmware.
            cache = Path(tempfile.mkdtemp(prefix="edgedigits-zig-"))
            atexit.register(shutil.rmtree, cache, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"The cache of zig, {cache}, cannot be made: {error.strerror}.",
            hint=f"Set {_ZIG_CACHE} to a folder that can be written.",
        ) from error
    return cache


def _is_own_folder(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and is_own(status)


def first_error(text: str) -> str:
    """Return the line of a compiler's messages that tells most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("collect2:")]
    errors = [line for line in telling if _ERROR.search(line) and not line.startswith("warning")]
    return (errors or lines or ["no reason given"])[0].rstrip(".")
