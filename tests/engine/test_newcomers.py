"""An encoding is one file and the template of its kernel, an op is one file: laid into their folders, they are in use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import edgedigits
from tests.engine.compilers import C_COMPILERS, available, compile_and_run
from tests.model.random_chains import ChainWriter
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
OP = '''
"""ABS: how far a value is from zero."""

import numpy as np

from edgedigits.model.ops.table import CODES, TableOp


class Absolute(TableOp):
    opcodes = ("ABS",)

    def table(self, operator, source, target, rounding):
        return np.abs(CODES - source.zero_point) + target.zero_point


OP = Absolute()
'''
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


def compiled(tmp_path: Path, files: Mapping[str, str], model: bytes) -> dict[str, Any]:
    """Compile `model` by a package that has `files` besides its own; return what it says of the engine."""
    package = Path(edgedigits.__file__).parent
    shutil.copytree(package, tmp_path / "edgedigits", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in files.items():
        (tmp_path / "edgedigits" / name).write_text(text)
    (tmp_path / "model.tflite").write_bytes(model)
    command = [sys.executable, "-m", "edgedigits", "compile", "model.tflite", "--out", "it", "--optimize", "speed"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*command, "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["engine"]


def self_test(folder: Path) -> str:
    """Compile the engine in `folder` for this machine and return what its self-test says."""
    (folder / "main.c").write_text(MAIN)
    return compile_and_run(available(C_COMPILERS)[0], ["-std=c99"], sorted(folder.glob("*.c")), folder)


def test_an_encoding_laid_into_its_folder_is_chosen_proven_and_emitted(tmp_path: Path) -> None:
    files = {
        "model/weights/columns_of_all.py": ENCODING,
        "engine/templates/kernels/columns.c.j2": KERNEL,
    }
    engine = compiled(tmp_path, files, random_mlp(3, (30, 9, 4)))

    assert [layer["encoding"] for layer in engine["layers"]] == ["columns", "columns"]
    assert engine["proof"]["proven"]
    assert self_test(tmp_path / "it" / "engine") == "0"


def test_an_op_laid_into_its_folder_is_lowered_proven_and_emitted(tmp_path: Path) -> None:
    chain = ChainWriter(5, 12)
    chain.dense(7)
    chain.function("ABS", keeps_scale=True)
    chain.dense(3)
    engine = compiled(tmp_path, {"model/ops/absolute.py": OP}, chain.pack())

    assert engine["proof"]["proven"]
    assert engine["table_bytes"] == 256
    assert self_test(tmp_path / "it" / "engine") == "0"
