"""The firmware for those who keep TensorFlow Lite Micro: it compiles against its interface and answers the protocol.

TensorFlow Lite Micro comes as source; a stand-in with as much of its interface as main.cc uses takes its place here.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.stub import firmware_stub
from edgedigits.engine.c_array import render_model_data
from edgedigits.engine.tflm_resolver import Arena, render_tflm_resolver
from edgedigits.model.reader import read_tflite
from tests.engine.compilers import C_COMPILERS, CXX_COMPILERS, STRICT, available
from tests.firmware.test_protocol import checked
from tests.tflite_builder import random_mlp

RESOLVER = """
#pragma once
typedef enum { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
namespace tflite {
class MicroOpResolver {
 public:
  int count = 0;
};
template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddFullyConnected() { return ++count > static_cast<int>(tOpCount) ? kTfLiteError : kTfLiteOk; }
};
}  // namespace tflite
"""
SCHEMA = """
#pragma once
namespace tflite {
struct Model {
  const unsigned char *bytes;
};
inline const Model *GetModel(const void *bytes) {
  static Model model;
  model.bytes = static_cast<const unsigned char *>(bytes);
  return &model;
}
}  // namespace tflite
"""
# Gives the number of bytes above 100 in each tenth of the input, or wants more arena than there is.
INTERPRETER = """
#pragma once
#include <cstddef>
#include <cstdint>
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
typedef enum { kTfLiteInt8 = 9 } TfLiteType;
struct TfLiteTensor {
  TfLiteType type;
  union { int8_t *int8; } data;
  size_t bytes;
};
namespace tflite {
class MicroInterpreter {
 public:
  MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *arena, size_t size)
      : ready_(model->bytes[4] == 'T' && model->bytes[7] == '3' && resolver.count == 1), size_(size) {
    in_.type = out_.type = kTfLiteInt8;
    in_.data.int8 = reinterpret_cast<int8_t *>(arena);
    out_.data.int8 = in_.data.int8 + 784;
    in_.bytes = 784;
    out_.bytes = 10;
  }
  TfLiteStatus AllocateTensors() { return ready_ && size_ >= NEEDED_ARENA ? kTfLiteOk : kTfLiteError; }
  TfLiteStatus Invoke() {
    for (int i = 0; i < 10; i++) {
      out_.data.int8[i] = 0;
      for (int j = 0; j < 78; j++) {
        out_.data.int8[i] = static_cast<int8_t>(out_.data.int8[i] + (in_.data.int8[78 * i + j] > 100));
      }
    }
    return kTfLiteOk;
  }
  TfLiteTensor *input(size_t) { return &in_; }
  TfLiteTensor *output(size_t) { return &out_; }
 private:
  bool ready_;
  size_t size_;
  TfLiteTensor in_, out_;
};
}  // namespace tflite
"""
FILES = {
    "tensorflow/lite/micro/micro_mutable_op_resolver.h": RESOLVER,
    "tensorflow/lite/micro/micro_interpreter.h": INTERPRETER,
    "tensorflow/lite/schema/schema_generated.h": SCHEMA,
}


def build(folder: Path, needed_arena: int = 1000, inputs: int = 784) -> Path:
    """Compile tflm/main.cc as C++ and the protocol as C for this machine; return the program."""
    graph = read_tflite(random_mlp(1, (784, 10)), "m.tflite")
    stub, here = firmware_stub(), Path(__file__).parent
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "model_data.h").write_text(render_model_data(graph))
    (folder / "tflm_resolver.h").write_text(render_tflm_resolver(graph, Arena(1500, 500, "measured")))
    include = (f"-I{folder}", f"-I{stub / 'src'}", f"-I{stub / 'tflm'}")
    sanitize = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    engine = ('-DMODEL_HEADER="tflm_engine.h"', "-DMODEL_PREFIX=tflm_model", "-DMODEL_MACRO=TFLM_MODEL")
    sizes = f"-DTFLM_MODEL_INPUT_SIZE={inputs}"
    objects = []
    for source in (stub / "src" / "protocol.c", stub / "src" / "crc32.c", here / "host_platform.c"):
        objects.append(folder / f"{source.stem}.o")
        flags = ("-std=c99", *STRICT, *sanitize, "-DHOST_TEST", *engine, sizes, *include)
        compile_one(available(C_COMPILERS)[0], *flags, "-c", str(source), "-o", str(objects[-1]))
    program = folder / "program"
    flags = ("-std=c++17", *STRICT, *sanitize, f"-DNEEDED_ARENA={needed_arena}", sizes, *include)
    main = str(stub / "tflm" / "main.cc")
    compile_one(available(CXX_COMPILERS)[0], *flags, main, *map(str, objects), "-o", str(program))
    return program


def compile_one(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def talk(program: Path, said: str, code: int = 0) -> list[str]:
    done = subprocess.run([program], input=said.encode(), capture_output=True, timeout=20)
    assert done.returncode == code, done.stderr.decode()
    return [checked(line) for line in done.stdout.decode().splitlines()]


def test_it_speaks_the_same_protocol(tmp_path: Path) -> None:
    image = np.full(784, -128, dtype=np.int8)
    image[3 * 78 : 3 * 78 + 20], image[7 * 78 : 7 * 78 + 20], image[9 * 78 : 9 * 78 + 5] = 127, 127, 127

    ready, identity, run = talk(build(tmp_path), f"id\nrun {image.tobytes().hex()}\n")

    assert ready == "ready edgedigits protocol=1 selftest=0"
    assert "model=tflm_model input=784 output=10 workspace=0" in identity
    # The third and the seventh tie; the first of equal scores wins.
    assert "ok run class=3 margin=0 " in run
    assert run.endswith("output=00000014000000140005")


@pytest.mark.parametrize("needed", [10_000_000])
def test_an_arena_that_is_too_small_is_told(tmp_path: Path, needed: int) -> None:
    ready, identity = talk(build(tmp_path, needed), "id\n", code=2)

    assert ready.endswith("selftest=2") and identity.endswith("selftest=2")


def test_a_model_of_another_size_is_told_again_and_again_and_nothing_is_written(tmp_path: Path) -> None:
    answers = talk(build(tmp_path, inputs=5000), f"selftest\nrun {'7f' * 5000}\n", code=3)

    assert [answer.split(" ")[-1] for answer in answers] == ["selftest=3", "result=3", "output=" + "00" * 10]
