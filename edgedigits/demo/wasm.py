"""The engine of a build as WebAssembly, compiled by zig: the very C that goes onto a board."""

from __future__ import annotations

from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import compile_error, find_zig, run_tool, toolchain_environment
from edgedigits.errors import DataError
from edgedigits.files.scratch import scratch

# -O2: a scalar engine gains nothing by more. No C library; what the compiler calls of one, zig brings.
_FLAGS = (
    *("-target", "wasm32-freestanding", "-std=c99", "-O2", "-fno-sanitize=undefined", "-ffreestanding"),
    *("-nostartfiles", "-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--gc-sections"),
)


def compile_wasm(engine: Engine) -> tuple[bytes, str]:
    """Return an engine with `firmware_stub/harness/demo.c` as a WebAssembly module, and the compiler's name.

    Raises:
        ToolMissingError: zig is not installed or too old.
        DataError: the engine takes no pixels of digits, is older than `fit`, or does not compile.
    """
    fit = engine.folder / f"{engine.prefix}_fit.c"
    if not fit.is_file():
        raise DataError(f"{fit} is not there.", hint="Build or compile a classifier of digits again.")
    compiler, stub = find_zig(), firmware_stub()
    with scratch("wasm") as folder:
        program = folder / "demo.wasm"
        command = [
            *compiler.command,
            *_FLAGS,
            *(f"-D{name}={value}" for name, value in engine.defines.items()),
            *(f"-I{include}" for include in (engine.folder, stub / "src")),
            *map(str, (*engine.sources, engine.self_test, fit, stub / "harness" / "demo.c")),
            *("-o", str(program)),
        ]
        done = run_tool(command, toolchain_environment(compiler))
        if done.returncode != 0 or not program.is_file():
            raise compile_error(compiler, "the engine as WebAssembly", done.stderr)
        return program.read_bytes(), compiler.version
