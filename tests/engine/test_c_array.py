"""`model_data.h` holds the file to the byte, for any compiler and any number of files that include it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgedigits.engine.c_array import render_model_data
from edgedigits.errors import ConfigError
from edgedigits.model.reader import read_tflite
from tests.engine.compilers import C_COMPILERS, CXX_COMPILERS, available, compile_and_run
from tests.golden.compare import assert_golden
from tests.tflite_builder import ModelWriter, build_mlp, random_mlp

# One file that takes the length alone, and one that prints all there is to know.
LENGTH_ONLY = """
#include "model_data.h"
#if EDGEDIGITS_MODEL_DATA_LEN < 100
#error "too short"
#endif
unsigned long length_elsewhere(void);
unsigned long length_elsewhere(void) { return EDGEDIGITS_MODEL_DATA_LEN; }
"""
PRINT_ALL = """
#include "model_data.h"
#include "model_data.h"
#include <stdint.h>
#include <stdio.h>
unsigned long length_elsewhere(void);
int main(void) {
    static const unsigned char same_size[EDGEDIGITS_MODEL_DATA_LEN] = {0};
    const unsigned long misaligned = (unsigned long)((uintptr_t)edgedigits_model_data % 16u);
    printf("%lu %lu %lu %lu %lu\\n", length_elsewhere(), (unsigned long)sizeof same_size,
           (unsigned long)edgedigits_model_data_len, (unsigned long)sizeof edgedigits_model_data, misaligned);
    for (size_t i = 0; i < edgedigits_model_data_len; ++i) {
        printf("%02x", (unsigned int)edgedigits_model_data[i]);
    }
    return 0;
}
"""


def test_the_header_as_a_person_would_read_it() -> None:
    weights = np.arange(-20, 20, dtype=np.int8).reshape(10, 4)
    graph = read_tflite(build_mlp([weights], [np.arange(10, dtype=np.int32)]))
    assert_golden("model_data.h", render_model_data(graph))


@pytest.mark.parametrize("standard", ["c99", "c11", "c17"])
def test_c_programs_see_every_byte(tmp_path: Path, standard: str) -> None:
    for compiler in available(C_COMPILERS):
        _build_and_compare(tmp_path, compiler, f"-std={standard}", "c")


@pytest.mark.parametrize("standard", ["c++11", "c++17", "c++20"])
def test_cpp_programs_see_every_byte(tmp_path: Path, standard: str) -> None:
    for compiler in available(CXX_COMPILERS):
        _build_and_compare(tmp_path, compiler, f"-std={standard}", "cpp")


def _build_and_compare(folder: Path, compiler: str, standard: str, suffix: str) -> None:
    content = random_mlp(1, (20, 6, 10))
    (folder / "model_data.h").write_bytes(render_model_data(read_tflite(content)).encode())
    sources = [folder / f"length.{suffix}", folder / f"main.{suffix}"]
    for source, text in zip(sources, (LENGTH_ONLY, PRINT_ALL), strict=True):
        source.write_text(text)
    numbers, data = compile_and_run(compiler, [standard], sources, folder).split("\n")
    assert numbers.split() == [str(len(content))] * 4 + ["0"]
    assert bytes.fromhex(data) == content


def test_names_follow_the_prefix() -> None:
    text = render_model_data(read_tflite(random_mlp(1, (20, 10))), prefix="zip_codes")
    assert "#define ZIP_CODES_DATA_LEN " in text
    assert "zip_codes_data_len = ZIP_CODES_DATA_LEN;" in text
    assert "zip_codes_data[ZIP_CODES_DATA_LEN] = {" in text
    assert "edgedigits_model" not in text.lower()


def test_a_bad_prefix_is_refused() -> None:
    with pytest.raises(ConfigError, match="'int' is a keyword"):
        render_model_data(read_tflite(random_mlp(1, (20, 10))), prefix="int")


def test_the_same_model_gives_the_same_text_with_lf_ends_and_no_time() -> None:
    content = random_mlp(1, (20, 10))
    text = render_model_data(read_tflite(content))
    assert text == render_model_data(read_tflite(content, "elsewhere/other.tflite"))
    assert "\r" not in text
    assert text.endswith("#endif\n")
    assert read_tflite(content).digest in text


def test_text_from_the_model_cannot_break_the_header(tmp_path: Path) -> None:
    writer = ModelWriter(description="*/ int broken; /*")
    index = writer.activation("*/ int broken; /*", [1, 10], "int8", 0.5)
    text = render_model_data(read_tflite(writer.pack([index], [index])))
    assert "broken" not in text
