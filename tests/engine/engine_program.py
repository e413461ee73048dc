"""Many emitted engines in one program of the host, each called on inputs that its caller chose."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.engine.source import EngineSource
from tests.engine.compilers import STRICT

SANITIZED = ("-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

# Every buffer is an allocation of exactly its size, and the input starts at an odd address.
_CALL = """\
static int run_{prefix}(FILE *inputs, FILE *outputs, int count) {{
    int8_t *memory = malloc({macro}_INPUT_SIZE + 1), *input = memory + 1, *output = malloc({macro}_OUTPUT_SIZE);
    void *workspace = malloc({macro}_WORKSPACE_BYTES);
    int8_t answer[3] = {{0, 0, (int8_t){prefix}_self_test(workspace)}};
    for (int i = 0; i < count; ++i) {{
        if (fread(input, {macro}_INPUT_SIZE, 1, inputs) != 1) {{
            return 1;
        }}
        memset(workspace, 0xa5, {macro}_WORKSPACE_BYTES);
        {prefix}_invoke(input, output, workspace);
#ifdef {macro}_CLASSES
        answer[0] = (int8_t){prefix}_classify(input, workspace, &answer[1]);
#endif
        fwrite(output, {macro}_OUTPUT_SIZE, 1, outputs);
        fwrite(answer, sizeof answer, 1, outputs);
    }}
    free(memory);
    free(output);
    free(workspace);
    return 0;
}}
"""


@dataclass(frozen=True)
class Answers:
    """What an engine says to inputs (n, k).

    Attributes:
        scores: int8 (n, m), by invoke.
        classes: (n,), by classify; modulo 256. 0 for an engine without it.
        margins: (n,), by classify. 0 for an engine without it.
        self_test: what the self-test returned, modulo 256.
    """

    scores: NDArray[np.int8]
    classes: NDArray[np.int8]
    margins: NDArray[np.int8]
    self_test: int


def run_engines(
    compiler: str, flags: Sequence[str], engines: Sequence[tuple[EngineSource, NDArray[np.int8]]], folder: Path
) -> list[Answers]:
    """Compile engines of different prefixes with every warning an error, and run each on its inputs (n, k)."""
    for source, _ in engines:
        write(source, folder / source.prefix)
    folder.mkdir(exist_ok=True)
    (folder / "main.c").write_text(_main(engines))
    (folder / "inputs.bin").write_bytes(b"".join(inputs.tobytes() for _, inputs in engines))
    sources = [*folder.glob("*/engine/*.c"), folder / "main.c"]
    objects = [path.with_suffix(".o") for path in sources]
    for path, target in zip(sources, objects, strict=True):
        run([compiler, *flags, *STRICT, "-c", str(path), "-o", str(target)])
    run([compiler, *flags, *map(str, objects), "-o", str(folder / "program")])
    run([str(folder / "program")], folder)
    return _answers((folder / "outputs.bin").read_bytes(), engines)


def write(source: EngineSource, folder: Path) -> Path:
    """Write an engine's files as a build has them; return the folder."""
    for name, text in source.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def run(command: Sequence[str], folder: Path | None = None) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return done.stdout


def _main(engines: Sequence[tuple[EngineSource, NDArray[np.int8]]]) -> str:
    names = [source.prefix for source, _ in engines]
    includes = [f'#include "{name}/engine/{name}.h"' for name in names]
    calls = [_CALL.format(prefix=name, macro=name.upper()) for name in names]
    runs = " ||\n        ".join(f"run_{source.prefix}(in, out, {len(inputs)})" for source, inputs in engines)
    body = (
        'int main(void) {\n    FILE *in = fopen("inputs.bin", "rb"), *out = fopen("outputs.bin", "wb");\n'
        f"    const int failed = {runs};\n    return failed || fclose(in) || fclose(out);\n}}\n"
    )
    return "\n".join(["#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>", *includes, *calls, body])


def _answers(content: bytes, engines: Sequence[tuple[EngineSource, NDArray[np.int8]]]) -> list[Answers]:
    values, position, found = np.frombuffer(content, np.int8), 0, []
    for source, inputs in engines:
        width = source.outputs + 3
        rows = values[position : position + width * len(inputs)].reshape(len(inputs), width)
        position += rows.size
        found.append(Answers(rows[:, :-3], rows[:, -3], rows[:, -2], int(rows[0, -1])))
    return found
