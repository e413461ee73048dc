"""`tflm_resolver.h` registers exactly the operators of a model and never guesses its arena."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgedigits.engine.tflm_resolver import TFLM_METHODS, Arena, render_tflm_resolver, resolver_methods
from edgedigits.errors import ConfigError, UnsupportedModelError
from edgedigits.model.ir import Graph
from edgedigits.model.reader import read_tflite
from tests.engine.compilers import CXX_COMPILERS, available, compile_and_run
from tests.golden.compare import assert_golden
from tests.tflite_builder import random_mlp

ARENA = Arena(2224, 500, "measured on the host with tflite-micro 0.dev1; a 32-bit core needs no more")

# As little of tflite-micro as the header uses; it prints what it is asked to register.
FAKE_TFLM = """
#pragma once
#include <cstdio>
typedef enum { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
struct TFLMRegistration {};
namespace tflite {
TFLMRegistration Register_FULLY_CONNECTED();
TFLMRegistration Register_SOFTMAX();
template <unsigned int tOpCount>
class MicroMutableOpResolver {
 public:
  TfLiteStatus AddFullyConnected(const TFLMRegistration& = Register_FULLY_CONNECTED()) {
    return Add("FC");
  }
  TfLiteStatus AddSoftmax(const TFLMRegistration& = Register_SOFTMAX()) { return Add("SOFTMAX"); }
  TfLiteStatus AddReshape() { return Add("RESHAPE"); }
 private:
  TfLiteStatus Add(const char* name) {
    std::printf("%s ", name);
    return ++count_ > tOpCount ? kTfLiteError : kTfLiteOk;
  }
  unsigned int count_ = 0;
};
}  // namespace tflite
"""
MAIN = """
#include "tflm_resolver.h"
#include "tflm_resolver.h"
namespace tflite {
TFLMRegistration Register_FULLY_CONNECTED() { return {}; }
TFLMRegistration Register_SOFTMAX() { return {}; }
}  // namespace tflite
int elsewhere();
int main() {
    edgedigits_model_op_resolver resolver;
    const bool fits = edgedigits_model_register_ops(resolver) == kTfLiteOk;
    const bool full = edgedigits_model_register_ops(resolver) != kTfLiteOk;
    std::printf("%d %d %d", fits, full, EDGEDIGITS_MODEL_ARENA_BYTES == elsewhere());
}
"""
ELSEWHERE = """
#include "tflm_resolver.h"
int elsewhere();
int elsewhere() { return EDGEDIGITS_MODEL_ARENA_BYTES; }
"""


def model(**options: Any) -> Graph:
    return read_tflite(random_mlp(1, (784, 10, 10), **options), "m.tflite")


def write_project(folder: Path, header: str) -> list[Path]:
    fake = folder / "tensorflow" / "lite" / "micro" / "micro_mutable_op_resolver.h"
    fake.parent.mkdir(parents=True)
    fake.write_text(FAKE_TFLM)
    (folder / "tflm_resolver.h").write_text(header)
    sources = [folder / "main.cpp", folder / "elsewhere.cpp"]
    for source, text in zip(sources, (MAIN, ELSEWHERE), strict=True):
        source.write_text(text)
    return sources


def test_the_header_as_a_person_would_read_it() -> None:
    assert_golden("tflm_resolver.h", render_tflm_resolver(model(softmax=True, per_channel=True), ARENA))
    assert_golden("tflm_resolver_unmeasured.h", render_tflm_resolver(model()))


def test_each_operator_is_registered_once_and_the_resolver_has_exactly_room(tmp_path: Path) -> None:
    header = render_tflm_resolver(model(softmax=True, input_shape=(1, 28, 28)), ARENA)
    for number, compiler in enumerate(available(CXX_COMPILERS)):
        folder = tmp_path / str(number)
        sources = write_project(folder, header)
        printed = compile_and_run(compiler, ["-std=c++17", f"-I{folder}"], sources, folder)
        assert printed.split() == ["RESHAPE", "FC", "SOFTMAX", "RESHAPE", "1", "1", "1"]


def test_without_a_measured_arena_the_compiler_stops_and_names_the_remedy(tmp_path: Path) -> None:
    compiler = available(CXX_COMPILERS)[0]
    main, elsewhere = write_project(tmp_path, render_tflm_resolver(model()))
    command = [compiler, "-std=c++17", f"-I{tmp_path}", "-fsyntax-only", str(main)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0
    assert "edgedigits[tflm]" in refused.stderr
    own_figure = ["-std=c++17", f"-I{tmp_path}", "-DEDGEDIGITS_MODEL_ARENA_BYTES=4096"]
    assert compile_and_run(compiler, own_figure, [main, elsewhere], tmp_path).split()[0] == "FC"


def test_c_files_are_told_to_be_cpp(tmp_path: Path) -> None:
    compiler = available(("gcc", "clang"))[0]
    write_project(tmp_path, render_tflm_resolver(model(), ARENA))
    (tmp_path / "main.c").write_text('#include "tflm_resolver.h"\n')
    command = [compiler, f"-I{tmp_path}", "-fsyntax-only", str(tmp_path / "main.c")]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "TensorFlow Lite Micro is C++" in refused.stderr


def test_the_arena_is_what_was_measured_and_a_margin_rounded_up() -> None:
    assert ARENA.total_bytes == 2736
    assert Arena(2048, 0, "measured").total_bytes == 2048
    text = render_tflm_resolver(model(), ARENA)
    assert "#define EDGEDIGITS_MODEL_ARENA_BYTES 2736\n" in text
    assert "2,224 bytes, measured on the host with tflite-micro 0.dev1" in text
    assert "With 500 bytes of margin, rounded up to 16." in text.replace("\n *", "")
    assert "margin" not in render_tflm_resolver(model(), Arena(2048, 0, "measured"))


@pytest.mark.parametrize("facts", [(0, 0, "measured"), (10, -1, "measured"), (10, 0, "")])
def test_an_arena_without_figure_or_source_is_refused(facts: tuple[int, int, str]) -> None:
    with pytest.raises(ConfigError):
        Arena(*facts)


@pytest.mark.parametrize(
    ("options", "methods"),
    [
        ({}, ["AddFullyConnected"]),
        ({"io": "uint8", "softmax": True}, ["AddQuantize", "AddFullyConnected", "AddSoftmax"]),
        (
            {"io": "float32", "extra_op": "TANH"},
            ["AddQuantize", "AddFullyConnected", "AddTanh", "AddDequantize"],
        ),
    ],
)
def test_methods_in_order_of_need(options: dict[str, Any], methods: list[str]) -> None:
    assert resolver_methods(model(**options)) == methods


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(UnsupportedModelError, match=r"m.tflite: operator 2 \(CUSTOM 'MyOp'\)") as caught:
        render_tflm_resolver(model(extra_op="MyOp"))
    assert "by hand" in caught.value.hint


def test_method_names_are_those_of_the_schema_in_camel_case() -> None:
    for opcode, method in TFLM_METHODS.items():
        camel = "".join(word.capitalize() for word in opcode.split("_")).replace("2d", "2D")
        assert method == f"Add{camel}"


def test_only_per_channel_weights_bring_the_note_on_old_versions() -> None:
    assert "2673" in render_tflm_resolver(model(per_channel=True))
    assert "2673" not in render_tflm_resolver(model())
