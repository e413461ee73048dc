"""The CMake package, installed and found by another project."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgedigits.data.digits import Digits
from tests.engine.compilers import available
from tests.engine.engine_program import run as run_command
from tests.exports.engines import EACH_KIND, KINDS, Made, as_text, export


@pytest.mark.parametrize("name", EACH_KIND)
def test_it_is_installed_found_and_reads_digits(name: str, builds: Made, five_thousand: Digits, tmp_path: Path) -> None:
    cmake = available(["cmake"])[0]
    export(builds[name], "cmake", tmp_path / "package")
    strict = "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
    for source, more in (("package", []), ("package/example", [f"-DCMAKE_PREFIX_PATH={tmp_path / 'there'}"])):
        build = str(tmp_path / f"build-{Path(source).name}")
        run_command([cmake, "-S", str(tmp_path / source), "-B", build, strict, *more])
        run_command([cmake, "--build", build])
        if not more:
            run_command([cmake, "--install", build, "--prefix", str(tmp_path / "there")])
    images = five_thousand.images[::500]
    program = tmp_path / "build-example" / "read_digits"
    done = subprocess.run([program], input=as_text(images), capture_output=True, timeout=60, check=True)
    assert done.stdout.decode().splitlines() == KINDS[name].said(images)
