"""Print what an image takes on this machine: by the C engine, and by LiteRT's interpreter with XNNPACK, one thread each.

    EDGEDIGITS_DATA=… python tests/benchmarks/bench_host.py BUILD …

A check that a program for a PC or a Cortex-A may take the engine that a board gets. Of 1,000 test digits, again and again;
the fastest round of the engine, the median of LiteRT. Needs GCC or clang.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.data.load import read_source
from edgedigits.devices.host import find_host_compiler
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import open_classifier
from edgedigits.scoring.latency import measure_latency
from edgedigits.scoring.subject import find_subject

DIGITS = 1000
LEVELS = (("-O2",), ("-O3",), ("-O3", "-march=native"))
PROGRAM = """\
#include <stdio.h>
#include <time.h>
#include "{prefix}.h"

static uint8_t pixels[{digits}][784];
static uint32_t workspace[({macro}_WORKSPACE_BYTES + 3) / 4];
static int8_t input[{macro}_INPUT_SIZE];

int main(void)
{{
    double best = 1e9;

    if (fread(pixels, sizeof pixels, 1, stdin) != 1) {{
        return 1;
    }}
    for (int round = 0; round < 50; ++round) {{
        const clock_t began = clock();
        volatile int sum = 0;

        for (int i = 0; i < {digits}; ++i) {{
            {prefix}_preprocess(pixels[i], 0, input);
            sum += {prefix}_classify(input, workspace, NULL);
        }}
        const double took = (double)(clock() - began) * 1e6 / CLOCKS_PER_SEC / {digits};
        best = took < best ? took : best;
    }}
    printf("%.2f", best);
    return 0;
}}
"""


def engine_us(engine: Engine, images: bytes, flags: tuple[str, ...]) -> float:
    """Return microseconds from pixels to class, compiled with some flags."""
    with tempfile.TemporaryDirectory() as place:
        source, program = Path(place) / "main.c", Path(place) / "main"
        source.write_text(PROGRAM.format(prefix=engine.prefix, macro=engine.macro, digits=DIGITS))
        command = [*find_host_compiler().command, "-std=c99", *flags, f"-I{engine.folder}", str(source)]
        subprocess.run([*command, *map(str, engine.sources), "-o", str(program)], check=True)
        return float(subprocess.run([program], input=images, capture_output=True, check=True).stdout)


def main() -> None:
    """Print a line a build."""
    digits = read_source("mnist").everything.images[-10_000 :: 10_000 // DIGITS]
    for word in sys.argv[1:]:
        engine, subject = find_engine(Path(word)), find_subject(Path(word))
        own = [f"{' '.join(flags)} {engine_us(engine, digits.tobytes(), flags):.2f} µs" for flags in LEVELS]
        classifier = open_classifier(read_tflite(subject.model), subject.pixels(), subject.view())
        interpreter = measure_latency(classifier, np.ascontiguousarray(digits)).p50_us
        print(
            f"{Path(word).name}: {find_host_compiler().version} {', '.join(own)}; LiteRT {interpreter:.2f} µs",
            flush=True,
        )


if __name__ == "__main__":
    main()
