"""An encoding is one file and the template of its kernel: laid into their folders, it is chosen, proven and emitted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import edgedigits
from tests.engine.compilers import C_COMPILERS, available, compile_and_run
from tests.tflite_builder import random_mlp

ENCODING = '''
"""All weights by columns, so that inputs at their lowest value are skipped."""

import numpy as np

from edgedigits.model.weights.encoding import Constant, Encoding, Visits


class Columns(Encoding):
    name = "columns"
    rank = 99
    summary = "all weights by columns"
    code_bytes = 100
    kernel = "dense_columns"
    template = "columns.c.j2"
    visits = Visits.LISTED_INPUTS

    def pack(self, weights):
        return (Constant("columns", np.ascontiguousarray(weights.T).reshape(-1)),)

    def unpack(self, constants, shape):
        return constants[0].values.reshape(shape[::-1]).T

    def instructions(self, weights, activity):
        return 1.0


ENCODINGS = (Columns(),)
'''
KERNEL = """\
/* A dense layer by columns. */
static void dense_columns(const uint8_t *in, uint32_t flip, uint32_t inputs, const int8_t *columns,
                          const int32_t *bias, uint32_t outputs, scratch *s)
{
    const uint8_t *const first = in, *const stop = in + (inputs + 3u) / 4u * 4u;

    for (uint32_t i = 0; i < outputs; ++i) {
        s->sums[i] = bias[i];
    }
    do {
        in = list_columns(first, in, stop, flip, s->list);
        for (const active *input = s->list; input->value != 0u; ++input) {
            for (uint32_t i = 0; i < outputs; ++i) {
                s->sums[i] += (int32_t)input->value * columns[input->at * outputs + i];
            }
        }
    } while (in != stop);
}

"""
MAIN = """\
#include <stdint.h>
#include <stdio.h>
#include "edgedigits_model.h"
static int32_t workspace[EDGEDIGITS_MODEL_WORKSPACE_BYTES / 4];
int main(void)
{
    printf("%d", edgedigits_model_self_test(workspace));
    return 0;
}
"""


def test_an_encoding_laid_into_its_folder_is_chosen_proven_and_emitted(tmp_path: Path) -> None:
    package = Path(edgedigits.__file__).parent
    shutil.copytree(package, tmp_path / "edgedigits", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "edgedigits/model/weights/columns_of_all.py").write_text(ENCODING)
    (tmp_path / "edgedigits/engine/templates/kernels/columns.c.j2").write_text(KERNEL)
    (tmp_path / "model.tflite").write_bytes(random_mlp(3, (30, 9, 4)))

    command = [sys.executable, "-m", "edgedigits", "compile", "model.tflite", "--out", "it", "--optimize", "speed"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*command, "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    engine = json.loads(done.stdout)["engine"]
    assert [layer["encoding"] for layer in engine["layers"]] == ["columns", "columns"]
    assert engine["proof"]["proven"]
    folder = tmp_path / "it" / "engine"
    (folder / "main.c").write_text(MAIN)
    assert compile_and_run(available(C_COMPILERS)[0], ["-std=c99"], sorted(folder.glob("*.c")), tmp_path) == "0"
