"""An engine in somebody's project: flat, included twice, beside others, from C++, without its self-test, on AVR."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.devices.cores import find_core
from edgedigits.engine.c_array import render_model_data
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.engine.tflm_resolver import render_tflm_resolver
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import Goal, candidates, choose
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights import ENCODINGS
from edgedigits.scoring.pixels import engine_map
from tests.devices.conftest import toolchain_or_skip
from tests.engine.compilers import C_COMPILERS, CXX_COMPILERS, STRICT, available, compile_and_run
from tests.engine.engine_program import run as run_command
from tests.model.random_models import random_model
from tests.tflite_builder import random_mlp

pytestmark = pytest.mark.slow

DIGITS = random_mlp(1, (784, 6, 10), density=0.3)
OTHERS = random_mlp(2, (784, 6, 10), density=0.3)


@cache
def engine(content: bytes = DIGITS, prefix: str = "digits", goal: Goal = Goal.SPEED) -> EngineSource:
    graph = read_tflite(content)
    network = lower(graph)
    return render_engine(network, choose(network, goal), prefix, engine_map(graph))


def write_flat(folder: Path, *sources: EngineSource) -> Path:
    """Write engines as an Arduino sketch has them: every file in one folder."""
    folder.mkdir(exist_ok=True)
    for source in sources:
        for name, text in source.files().items():
            (folder / Path(name).name).write_text(text)
    return folder


def fails(command: Sequence[str]) -> str:
    """Return what a compiler says that must refuse."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    return done.stderr


def engine_of_every_encoding(name: str, number: int) -> tuple[Network, EngineSource]:
    network = lower(
        read_tflite(random_model(50 + number, widest=40, distinct=7, layers=3).content), list(Rounding)[number % 2]
    )
    packed = []
    for options in candidates(network):
        wanted = [one for one in options if one.encoding.name == name]
        packed.append(wanted[0] if wanted else options[0])
    return network, render_engine(network, tuple(packed), f"net_{name}")


def test_the_engine_is_four_files_that_include_nothing_but_themselves() -> None:
    files = engine().files()
    assert list(files) == [f"engine/digits{end}" for end in (".h", ".c", "_self_test.c", "_fit.c", ".json")]
    included = {name for text in files.values() for name in re.findall(r'#include ["<](.*)[">]', text)}
    assert included == {"digits.h", "stdint.h", "stddef.h", "arm_acle.h"}, "the last for cores with DSP alone"


@pytest.mark.parametrize("compiler", [*C_COMPILERS, *CXX_COMPILERS])
@pytest.mark.parametrize("other", [(1, 8, 1), (64, 9, 26), (784, 10)], ids=str)
def test_two_engines_fit_into_one_program_and_into_one_file(
    other: tuple[int, ...], compiler: str, tmp_path: Path
) -> None:
    """Headers twice and in both orders; then all of both as one translation unit, in C and in C++."""
    available([compiler])
    second = engine(random_mlp(3, other, softmax=len(other) == 3, density=0.3), "second", Goal.SIZE)
    write_flat(tmp_path, engine(), second)
    language, standard = ("cpp", "-std=c++17") if compiler in CXX_COMPILERS else ("c", "-std=c99")
    body = (
        "static digits_workspace_t first;\nstatic union { digits_workspace_t a; second_workspace_t b; } lent;\n"
        "static uint32_t memory[DIGITS_WORKSPACE_BYTES / 4];\n"
        "int main(void) { return digits_self_test(&first) + digits_self_test(&lent.a) + digits_self_test(memory)"
        " + 10 * second_self_test(&lent.b); }\n"
    )
    headers = '#include "second.h"\n#include "digits.h"\n#include "digits.h"\n#include "second.h"\n'
    files = sorted(path.name for path in tmp_path.glob("*.c"))
    assert "digits_fit.c" in files and ("second_fit.c" in files) == (other[0] == 784)
    (tmp_path / f"one.{language}").write_text("".join(f'#include "{name}"\n' for name in files) + headers + body)
    compile_and_run(compiler, [standard, "-O1"], [tmp_path / f"one.{language}"], tmp_path)
    if language == "c":
        (tmp_path / "main.c").write_text(headers + body)
        compile_and_run(compiler, [standard, "-O1"], [tmp_path / name for name in [*files, "main.c"]], tmp_path)


@pytest.mark.parametrize("compiler", CXX_COMPILERS)
def test_engines_of_every_encoding_fit_into_one_cpp_file_and_stay_exact(compiler: str, tmp_path: Path) -> None:
    """The self-test holds the outputs of the NumPy engine; here every kernel stands beside every other."""
    available([compiler])
    found = [engine_of_every_encoding(encoding.name, number) for number, encoding in enumerate(ENCODINGS)]
    write_flat(tmp_path, *(source for _, source in found))
    names = [source.prefix for _, source in found]
    most = max(source.workspace_bytes for _, source in found)
    text = "".join(f'#include "{name}.c"\n#include "{name}_self_test.c"\n' for name in names)
    calls = " | ".join(f"{name}_self_test(memory)" for name in names)
    text += f"int main() {{ static uint32_t memory[{-(-most // 4)}]; return {calls}; }}\n"
    (tmp_path / "all.cpp").write_text(text)
    compile_and_run(compiler, ["-std=c++17", "-O1"], [tmp_path / "all.cpp"], tmp_path)


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_engines_fit_into_one_cpp_file_on_cores(core: str, tmp_path: Path) -> None:
    target = find_core(core)
    zig = toolchain_or_skip("zig", target)
    found = [engine_of_every_encoding(name, number) for number, name in enumerate(("pairs", "lists8", "codebook"))]
    write_flat(tmp_path, *(source for _, source in found))
    (tmp_path / "all.cpp").write_text("".join(f'#include "{source.prefix}.c"\n' for _, source in found))
    command = [
        *zig.command[:-1],
        "c++",
        *target.zig,
        "-std=c++17",
        "-O2",
        "-ffreestanding",
        "-nostdinc++",
        *STRICT,
    ]
    run_command([*command, "-c", str(tmp_path / "all.cpp"), "-o", str(tmp_path / "all.o")])


@pytest.mark.parametrize("compiler", [*C_COMPILERS, *CXX_COMPILERS])
def test_a_second_engine_of_the_same_name_is_an_error_that_says_what_to_do(compiler: str, tmp_path: Path) -> None:
    available([compiler])
    write_flat(tmp_path / "a", engine())
    write_flat(tmp_path / "b", engine(OTHERS))
    write_flat(tmp_path / "c", engine(goal=Goal.SIZE))
    for second in ("b", "c"):
        (tmp_path / "main.c").write_text(f'#include "a/digits.h"\n#include "{second}/digits.h"\n')
        said = fails([compiler, "-fsyntax-only", str(tmp_path / "main.c")])
        assert "Another engine digits is included already" in said and "edgedigits build --name" in said
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "a" / "digits.h", tmp_path / "copy" / "digits.h")
    (tmp_path / "main.c").write_text('#include "a/digits.h"\n#include "copy/digits.h"\nint main(void) { return 0; }\n')
    run_command([compiler, "-fsyntax-only", str(tmp_path / "main.c")])


@pytest.mark.parametrize("compiler", CXX_COMPILERS)
def test_so_is_a_second_model_data_and_a_second_resolver(compiler: str, tmp_path: Path) -> None:
    available([compiler])
    interpreter = tmp_path / "tensorflow" / "lite" / "micro"
    interpreter.mkdir(parents=True)
    (interpreter / "micro_mutable_op_resolver.h").write_text("#include <stdint.h>\n")
    for render, what in ((render_model_data, "model array m_data"), (render_tflm_resolver, "resolver m_op_resolver")):
        for name, content in (("a.h", DIGITS), ("b.h", OTHERS)):
            graph = read_tflite(content)
            text = (
                render_model_data(graph, "m") if render is render_model_data else render_tflm_resolver(graph, None, "m")
            )
            (tmp_path / name).write_text(text)
        (tmp_path / "main.cpp").write_text('#include "a.h"\n#include "b.h"\n')
        said = fails([compiler, f"-I{tmp_path}", "-fsyntax-only", str(tmp_path / "main.cpp")])
        assert f"Another {what} is included already" in said


@pytest.mark.parametrize("sizes", [(784, 10), (784, 300, 100, 10), (6, 4, 200), (1, 8, 1)], ids=str)
def test_the_type_of_the_workspace_has_its_size_and_what_it_needs_of_alignment(
    sizes: tuple[int, ...], tmp_path: Path
) -> None:
    """As those see it who declare one, beside a byte that would shift it."""
    write_flat(tmp_path, engine(random_mlp(3, sizes, density=0.4), "digits"))
    (tmp_path / "main.c").write_text(
        '#include <stddef.h>\n#include "digits.h"\ntypedef struct { char byte; digits_workspace_t workspace; } beside;\n'
        "int main(void) { static beside b; return sizeof(digits_workspace_t) != DIGITS_WORKSPACE_BYTES\n"
        "    || offsetof(beside, workspace) % 4 || digits_self_test(&b.workspace); }\n"
    )
    files = sorted(tmp_path.glob("*.c"))
    compile_and_run(available(C_COMPILERS)[0], ["-std=c99", "-O1"], files, tmp_path)


def test_what_does_not_test_itself_does_not_hold_the_vectors(tmp_path: Path) -> None:
    source = engine()
    write_flat(tmp_path, source)
    (tmp_path / "main.c").write_text(
        '#include "digits.h"\nint main(void) { static uint32_t w[DIGITS_WORKSPACE_BYTES / 4];\n'
        "static int8_t in[784], out[10]; digits_invoke(in, out, w); return 0; }\n"
    )
    compiler = available(C_COMPILERS)[0]
    compile_and_run(compiler, ["-std=c99"], [tmp_path / "main.c", tmp_path / "digits.c"], tmp_path)
    assert "vector" not in source.source and "vector" not in source.header
    told = re.search(r"with\n \* ([\d,]+) bytes of constants", source.header)
    assert told and int(told[1].replace(",", "")) == 7 * (784 + 10)


def test_scores_of_the_self_test_lie_inside_the_workspace(tmp_path: Path) -> None:
    """An autoencoder's are many: under the address sanitizer, with a workspace of exactly its size."""
    network = lower(read_tflite(random_mlp(3, (6, 4, 200), density=0.5)))
    write_flat(tmp_path, render_engine(network, choose(network), "wide"))
    (tmp_path / "main.c").write_text(
        '#include <stdlib.h>\n#include "wide.h"\n'
        "int main(void) { void *w = malloc(WIDE_WORKSPACE_BYTES); int r = wide_self_test(w); free(w); return r; }\n"
    )
    flags = ["-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    files = [tmp_path / name for name in ("main.c", "wide.c", "wide_self_test.c")]
    compile_and_run(available(C_COMPILERS)[0], flags, files, tmp_path)


AVR = ("-mmcu=atmega328p", "-std=gnu99", "-Os")
PRINTS_SELF_TEST = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include "digits.h"
static digits_workspace_t workspace;
int main(void)
{
    UCSR0B = 1 << TXEN0;
    UDR0 = digits_self_test(&workspace) ? 'x' : '+';
    while (!(UCSR0A & 1 << UDRE0)) {
    }
    UDR0 = '\\n';
    cli();
    sleep_enable();
    sleep_cpu();
}
"""


@pytest.mark.parametrize("goal", Goal)
def test_avr_computes_the_same_out_of_its_flash(goal: Goal, tmp_path: Path) -> None:
    """Its int has 16 bits, and its constants are in flash alone: "data" of the program is nearly empty."""
    write_flat(tmp_path, engine(goal=goal))
    (tmp_path / "main.c").write_text(PRINTS_SELF_TEST)
    sources = [str(tmp_path / name) for name in ("digits.c", "digits_self_test.c", "digits_fit.c", "main.c")]
    elf, strict = str(tmp_path / "a.elf"), (flag for flag in STRICT if flag != "-Wpedantic")
    run_command([*available(["avr-gcc"]), *AVR, *strict, *sources, "-o", elf])
    simavr = [*available(["simavr"]), "-m", "atmega328p", "-f", "16000000", elf]
    done = subprocess.run(simavr, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    said = done.stdout
    assert "+." in said and re.search(r"Loaded 0 \.data", said), said


def test_avr_has_flash_in_clang_and_not_in_cxx(tmp_path: Path) -> None:
    zig = toolchain_or_skip("zig", find_core("cortex-m4")).command
    write_flat(tmp_path, engine())
    command = [
        *zig,
        "-target",
        "avr-freestanding-none",
        "-mcpu=atmega328p",
        "-mmcu=atmega328p",
        "-Os",
        "-o",
        str(tmp_path / "a.o"),
        "-c",
    ]
    run_command([*command, "-std=c99", *STRICT, str(tmp_path / "digits.c")])
    assert "Compile this file as C" in fails([*command, "-x", "c++", str(tmp_path / "digits.c")])


# -- models that classify no digits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(1, 8, 1), (640, 8, 640), (784, 8, 784), (784, 9, 26), (64, 10)], ids=str)
def test_what_is_no_digit_classifier_does_not_call_itself_one(sizes: tuple[int, ...]) -> None:
    files = engine(random_mlp(5, sizes, density=0.2), "net").files()
    text = "".join(text for name, text in files.items() if not name.endswith(".json")).replace("edgedigits", "")
    for word in ("digit", "preprocess", "classif", "class", "pixel", "image", "nought", "score"):
        assert word not in text.lower(), word
    assert "A neural network without an interpreter" in text


def test_what_ends_in_a_softmax_is_a_classifier_though_not_of_digits() -> None:
    source = engine(random_mlp(5, (64, 9, 26), softmax=True), "letters")
    assert source.classifies and "#define LETTERS_CLASSES 26" in source.header
    assert "int letters_classify(" in source.header and "preprocess" not in source.header
    assert not engine(random_mlp(5, (64, 9, 1), softmax=True), "one").classifies


QUANTIZATIONS = [(1 / 255, -128), (0.0245, 3), (7.5, 127), (1.0, 0)]


def hard_values(scale: np.float32) -> NDArray[np.float32]:
    """Return values in the middle between two steps and beside it, and some that are far out of reach."""
    halves = (np.arange(-300, 300) / np.float32(2)).astype(np.float32) * scale
    down, up = (np.nextafter(halves, np.float32(end)) for end in (-np.inf, np.inf))
    return np.concatenate([halves, down, up, np.array([1e30, -1e30, -0.0], np.float32)])


@pytest.mark.parametrize("compiler", [*C_COMPILERS, *CXX_COMPILERS])
def test_quantize_and_dequantize_are_the_interpreters(compiler: str, tmp_path: Path) -> None:
    """QUANTIZE rounds halves away from zero; the same in NumPy with the sums in float64, which are exact."""
    available([compiler])
    networks, text, calls = [], "#include <math.h>\n#include <stdio.h>\n", ""
    for number, (scale, zero_point) in enumerate(QUANTIZATIONS):
        content = random_mlp(4 + number, (1, 5, 1), input_scale=np.float32(scale), input_zero_point=zero_point)
        network = lower(read_tflite(content))
        networks.append(network)
        write_flat(tmp_path, render_engine(network, choose(network), f"sine{number}"))
        literals = ", ".join(f"{float(value).hex()}f" for value in hard_values(network.input.scale))
        text += f'#include "sine{number}.h"\nstatic const float values{number}[] = {{{literals}, INFINITY, -INFINITY, NAN}};\n'
        calls += f"""\
    for (unsigned i = 0; i < sizeof values{number} / sizeof values{number}[0]; ++i) {{
        printf("%d ", sine{number}_quantize(values{number}[i]));
    }}
    for (int q = -128; q < 128; ++q) {{
        printf("%a ", (double)sine{number}_dequantize((int8_t)q));
    }}
    printf("\\n");
"""
    (tmp_path / "main.c").write_text(f"{text}int main(void) {{\n{calls}    return 0;\n}}\n")
    flags = ["-x", "c++", "-std=c++17"] if compiler in CXX_COMPILERS else ["-std=c99"]
    printed = compile_and_run(compiler, flags, [tmp_path / "main.c"], tmp_path).splitlines()
    for network, line in zip(networks, printed, strict=True):
        steps = (hard_values(network.input.scale) / network.input.scale).astype(np.float64)
        away = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
        expected = np.clip(away + network.input.zero_point, -128, 127).astype(int).tolist()
        words = line.split()
        assert list(map(int, words[:-256])) == [*expected, 127, -128, -128]
        reals = (np.arange(-128, 128) - network.output.zero_point).astype(np.float32) * network.output.scale
        assert [float.fromhex(word) for word in words[-256:]] == reals.astype(float).tolist()


def test_without_float_there_are_no_helpers_and_the_engine_never_needs_any(tmp_path: Path) -> None:
    zig = toolchain_or_skip("zig", find_core("cortex-m0plus"))
    write_flat(tmp_path, engine(random_mlp(5, (1, 8, 1)), "sine"))
    command = [*zig.command, *find_core("cortex-m0plus").zig, "-std=c99", "-O2", "-ffreestanding"]
    run_command([*command, "-c", str(tmp_path / "sine.c"), "-o", str(tmp_path / "sine.o")])
    assert not re.search(rb"__aeabi_[fd]|__[a-z]+sf|__[a-z]+df", (tmp_path / "sine.o").read_bytes())
    (tmp_path / "main.c").write_text('#include "sine.h"\nint f(void) { return sine_quantize(1); }\n')
    command += ["-c", str(tmp_path / "main.c"), "-o", str(tmp_path / "main.o")]
    run_command(command)
    assert "sine_quantize" in fails([*command, "-Werror", "-DSINE_NO_FLOAT"])


def test_scales_round_trip_through_their_macros() -> None:
    for scale in (1 / 255, 1e-8, 3e8, 0.1, 7.5, float(np.nextafter(np.float32(1), np.float32(2)))):
        network = lower(read_tflite(random_mlp(4, (3, 2), input_scale=np.float32(scale))))
        header = render_engine(network, choose(network), "net").header
        found = re.search(r"#define NET_INPUT_SCALE (\S+)f$", header, re.MULTILINE)
        assert found and np.float32(found[1]) == np.float32(scale)


def test_the_numpy_engine_gives_the_self_tests_outputs() -> None:
    network, source = engine_of_every_encoding("pairs", 0)
    numbers = [int(word) for word in re.findall(r"-?\d+(?=[,\n])", source.self_test.split("_vector_outputs[")[1])]
    inputs = [
        int(word) for word in re.findall(r"-?\d+(?=[,\n])", source.self_test.split("_vector_inputs[")[1].split("};")[0])
    ]
    rows = np.array(inputs).reshape(-1, network.inputs).astype(np.int8)
    assert numbers[: 3 * network.outputs] == run(network, rows).ravel().tolist()
