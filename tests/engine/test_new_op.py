"""An op is one file: laid into its folder, it is lowered, proven and emitted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import edgedigits
from tests.engine.compilers import C_COMPILERS, available, compile_and_run
from tests.model.random_chains import ChainWriter

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


def test_an_op_laid_into_its_folder_is_lowered_proven_and_emitted(tmp_path: Path) -> None:
    package = Path(edgedigits.__file__).parent
    shutil.copytree(package, tmp_path / "edgedigits", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "edgedigits/model/ops/absolute.py").write_text(OP)
    chain = ChainWriter(5, 12)
    chain.dense(7)
    chain.function("ABS", keeps_scale=True)
    chain.dense(3)
    (tmp_path / "model.tflite").write_bytes(chain.pack())

    command = [sys.executable, "-m", "edgedigits", "compile", "model.tflite", "--out", "it", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    engine = json.loads(done.stdout)["engine"]
    assert engine["proof"]["proven"]
    assert engine["table_bytes"] == 256
    folder = tmp_path / "it" / "engine"
    (folder / "main.c").write_text(MAIN)
    assert compile_and_run(available(C_COMPILERS)[0], ["-std=c99"], sorted(folder.glob("*.c")), folder) == "0"
