"""A simulation compares with the interpreter itself, and its figures are the parts' sums."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.c_names import DEFAULT_PREFIX
from edgedigits.data.preprocess import PixelMap, PixelRange, pixel_map
from edgedigits.devices.boards import find_board
from edgedigits.devices.cores import find_core
from edgedigits.devices.gates import Limits, check_simulation
from edgedigits.devices.simulate import extreme_images, simulate, simulate_inputs
from edgedigits.devices.simulation import Simulation
from edgedigits.devices.simulation_json import milliseconds, to_json
from edgedigits.devices.stand_ins import STAND_INS
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.engine.source import render_engine
from edgedigits.errors import CheckFailedError, ConfigError, UnsupportedModelError
from edgedigits.model.lowering import lower
from edgedigits.model.packing import choose
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import Classifier, open_classifier
from edgedigits.scoring.oracle import engine_inputs, oracle_outputs
from edgedigits.scoring.pixels import told_range
from edgedigits.view import View
from tests.devices.conftest import toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import expected, random_inputs, write_engine
from tests.tflite_builder import random_mlp

pytest.importorskip("unicorn")

M4 = find_core("cortex-m4")
MNIST_WIDTH = 1 / 0.3081


def classifier_of(**options: Any) -> Classifier:
    return open_classifier(read_tflite(random_mlp(3, **options), "random.tflite"))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """uint8 (120, 784): a fifth of the pixels inked, one blank, one all ink."""
    random = np.random.default_rng(1)
    pixels = (random.integers(0, 256, (120, 784)) * (random.random((120, 784)) < 0.2)).astype(np.uint8)
    pixels[0], pixels[1] = 0, 255
    return pixels


@pytest.fixture(scope="module")
def two_layers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Classifier]:
    """784-12-10, its first layer stored in pairs, its second in lists."""
    model = random_mlp(3, sizes=(784, 12, 10))
    engine = write_emitted_engine(tmp_path_factory.mktemp("two"), model, encodings=("pairs", "lists8"))
    return engine, open_classifier(read_tflite(model, "random.tflite"))


@pytest.fixture(scope="module")
def result(two_layers: tuple[Engine, Classifier], images: np.ndarray) -> Simulation:
    return simulate(*two_layers, images, M4, toolchain_or_skip("zig", M4))


def test_an_exact_engine_equals_litert(result: Simulation) -> None:
    assert (result.differing, result.bytes, result.differences) == (0, 1200, ())
    assert result.oracle == "LiteRT, reference kernels"
    assert result.images == 120 and len(result.counts) == 120


def test_the_parts_add_up(two_layers: tuple[Engine, Classifier], result: Simulation) -> None:
    assert result.footprint.flash == result.footprint.code + result.footprint.constants
    assert result.footprint.constants == sum(layer.nbytes for layer in result.layers)
    assert result.ram.total == two_layers[0].facts.workspace_bytes + 784 + 10 + result.ram.stack
    assert sum(result.by_function.values()) == pytest.approx(result.instructions.mean)
    assert result.instructions.least <= result.instructions.mean <= result.instructions.p95 <= result.instructions.most
    assert result.cycles is not None and result.cycles.low >= result.instructions.mean


def test_everything_that_computes_is_held_against_the_oracle(result: Simulation) -> None:
    assert [(other.what, other.images, other.differing, other.bytes) for other in result.others] == [
        ("emulated core, extreme images", 8, 0, 80),
        ("host C", 236, 0, 2360),
        ("NumPy engine", 128, 0, 1280),
        ("preprocess on the emulated core, with invert and without", 236, 0, 236 * 784),
        ("classify_pixels on the emulated core", 236, 0, 236 * 2),
        ("feed on the emulated core, in portions", 236, 0, 236 * 2),
    ]
    assert result.from_pixels is not None
    assert result.instructions.mean - 250 < result.from_pixels.mean < result.instructions.mean + 250
    assert result.pixels is not None and (result.pixels.low, result.pixels.high) == (0, 1)
    assert result.no_background is not None and result.no_background > result.instructions.mean


@pytest.mark.slow
@pytest.mark.parametrize("view", [View(window=20, size=8), View(window=24, size=12, deskew=True, centre=True, bits=4)])
def test_a_view_of_images_is_held_against_the_oracle(view: View, images: np.ndarray, tmp_path: Path) -> None:
    model = random_mlp(5, (view.inputs, 10))
    engine, classifier = (
        write_emitted_engine(tmp_path, model, view=view),
        open_classifier(read_tflite(model), view=view),
    )
    found = simulate(engine, classifier, images, M4, toolchain_or_skip("zig", M4))
    assert found.differing == 0 and found.ram.input == view.inputs
    assert found.preprocess is not None and found.preprocess.view == view
    assert 1_000 < found.preprocess.instructions.mean < 15_000 and found.preprocess.code > 200
    assert found.from_pixels is None
    assert [(other.what.partition(",")[0], other.differing, other.bytes) for other in found.others] == [
        ("emulated core", 0, 80),
        ("host C", 0, 2360),
        ("NumPy engine", 0, 1280),
        ("preprocess on the emulated core", 0, 236 * view.inputs),
    ]


def test_instructions_are_told_by_layer(result: Simulation) -> None:
    """Functions that only one of the layers calls are inside its share, and the shares make up the whole."""
    first, second = result.layers
    assert (first.name, first.shape, first.encoding) == ("layer 1", "784 inputs, 12 outputs, ReLU", "pairs")
    assert (second.name, second.encoding) == ("layer 2", "lists8")
    assert first.nbytes == 784 * 12 + 12 * 4
    # 120 entries of two bytes and where 12 columns start; ten biases, which compilers may put into the code.
    assert 2 * 120 + 2 * 12 <= second.nbytes <= 2 * 120 + 2 * 13 + 10 * 4
    assert first.instructions is not None and second.instructions is not None
    assert first.instructions.mean + second.instructions.mean == pytest.approx(result.instructions.mean)
    start = "edgedigits_model_"
    own = {name: result.by_function.get(start + name, 0.0) for name in ("list_pairs", "add_six", "sparse_lists8")}
    shared = sum(result.by_function[start + name] for name in ("activate", "run", "invoke"))
    assert own["list_pairs"] + own["add_six"] < first.instructions.mean < own["list_pairs"] + own["add_six"] + shared
    assert own["sparse_lists8"] < second.instructions.mean
    assert second.instructions.least < second.instructions.p95 <= second.instructions.most


def test_one_wrong_byte_in_a_thousand_is_found(
    two_layers: tuple[Engine, Classifier], images: np.ndarray, tmp_path: Path
) -> None:
    engine, classifier = two_layers
    shutil.copytree(engine.folder.parent, tmp_path / "broken")
    source = tmp_path / "broken" / "engine" / "edgedigits_model.c"
    head, rest = source.read_text().split("void edgedigits_model_invoke", 1)
    body, rest = rest.split("\n}\n", 1)
    source.write_text(
        f"{head}void edgedigits_model_invoke{body}\n    if (input[400] == -77) {{ output[3]++; }}\n}}\n{rest}"
    )
    marked = images.copy()
    marked[:, 400] = 0
    marked[17, 400] = 128 - 77

    run = simulate(find_engine(tmp_path / "broken"), classifier, marked, M4, toolchain_or_skip("zig", M4))

    assert run.differing == 1
    assert (run.differences[0].image, run.differences[0].output) == (17, 3)
    assert run.differences[0].engine == run.differences[0].oracle + 1
    assert "1 of 1,200 output bytes differ from LiteRT" in check_simulation(run, Limits())[0]


# The last of the extreme images: neither data sets nor the engine's self-test have it.
EXTREME = [int(value) - 128 for value in extreme_images(784)[-1, :2]]
IS_EXTREME = f"input[0] == {EXTREME[0]} && input[1] == {EXTREME[1]}"
DEEP = f"""
static void deep(volatile const int8_t *from) __attribute__((noinline));
static void deep(volatile const int8_t *from) {{
    volatile char some[900];
    for (int i = 0; i < 900; i++) some[i] = *from;
}}
void edgedigits_model_invoke(const int8_t *input, int8_t *output, void *workspace)
{{
    if ({IS_EXTREME}) {{ deep(input); }}
"""


def with_a_change(made: tuple[Engine, Classifier], folder: Path, invoke: str) -> Engine:
    """A copy of an engine whose `invoke` begins with other text."""
    shutil.copytree(made[0].folder.parent, folder / "changed")
    source = folder / "changed" / "engine" / "edgedigits_model.c"
    begin = "void edgedigits_model_invoke(const int8_t *input, int8_t *output, void *workspace)\n{\n"
    assert begin in source.read_text()
    source.write_text(source.read_text().replace(begin, invoke))
    return find_engine(folder / "changed")


def test_the_stack_is_that_of_the_worst_image_also_where_no_data_set_has_it(
    two_layers: tuple[Engine, Classifier], images: np.ndarray, result: Simulation, tmp_path: Path
) -> None:
    engine = with_a_change(two_layers, tmp_path, DEEP)

    run = simulate(engine, two_layers[1], images[:10], M4, toolchain_or_skip("zig", M4))

    assert run.differing == 0 and result.ram.stack < 900 <= run.ram.stack


def test_what_differs_only_on_extreme_images_fails_too(
    two_layers: tuple[Engine, Classifier], images: np.ndarray, tmp_path: Path
) -> None:
    begin = "void edgedigits_model_invoke(const int8_t *given, int8_t *output, void *workspace)\n{\n"
    begin += "    int8_t input[784];\n    for (int i = 0; i < 784; i++) { input[i] = given[i]; }\n"
    begin += f"    if ({IS_EXTREME}) {{ for (int i = 0; i < 784; i++) {{ input[i] = 0; }} }}\n"
    engine = with_a_change(two_layers, tmp_path, begin)

    run = simulate(engine, two_layers[1], images[:10], M4, toolchain_or_skip("zig", M4))

    assert run.differing == 0
    counts = {other.what: other.differing for other in run.others}
    # On the host extreme images run again, dark on light.
    assert 2 * counts["emulated core, extreme images"] == counts["host C"] > 0 == counts["NumPy engine"]
    failures = check_simulation(run, Limits())
    assert len(failures) == 2 and all("differ from LiteRT, reference kernels" in failure for failure in failures)


def test_the_other_oracle_is_tflm(two_layers: tuple[Engine, Classifier], images: np.ndarray) -> None:
    pytest.importorskip("tflite_micro")

    run = simulate(*two_layers, images, M4, toolchain_or_skip("zig", M4), rounding="tflm")

    assert run.oracle == "TensorFlow Lite Micro"
    assert run.bytes == 1200 and run.differing < 30, "other rounding: a few bytes, by one"
    assert all(abs(found.engine - found.oracle) == 1 for found in run.differences)


@pytest.mark.slow
def test_both_emulators_give_one_report(
    qemu: None, two_layers: tuple[Engine, Classifier], images: np.ndarray, result: Simulation
) -> None:
    other = simulate(*two_layers, images, M4, toolchain_or_skip("zig", M4), emulator="qemu")

    assert other.differing == 0
    assert other.instructions.mean == pytest.approx(result.instructions.mean, abs=1)
    assert other.ram == result.ram and other.footprint == result.footprint
    assert other.cycles is None and other.by_function == {}


def test_an_engine_of_any_size_runs_without_a_model(tmp_path: Path) -> None:
    weights = write_engine(tmp_path, inputs=5, outputs=3)
    inputs = random_inputs(9, 5)

    run = simulate_inputs(
        find_engine(tmp_path),
        inputs,
        M4,
        toolchain_or_skip("zig", M4),
        expected=expected(weights, inputs),
        oracle="NumPy",
    )

    assert (run.differing, run.bytes, run.oracle) == (0, 27, "NumPy")


def test_inputs_of_another_size(tiny: Engine) -> None:
    with pytest.raises(ConfigError, match=r"takes 784 values an image, and there are \[2, 5\]"):
        simulate_inputs(tiny, random_inputs(2, 5), M4, toolchain_or_skip("zig", M4))
    with pytest.raises(ConfigError, match="Did you mean 'unicorn'"):
        simulate_inputs(tiny, random_inputs(2), M4, toolchain_or_skip("zig", M4), emulator="unicron")


def test_an_engine_of_another_model(tmp_path: Path, images: np.ndarray) -> None:
    write_engine(tmp_path, outputs=7)

    with pytest.raises(CheckFailedError, match="Is it the engine of this model"):
        simulate(find_engine(tmp_path), classifier_of(sizes=(784, 10)), images[:2], M4, toolchain_or_skip("zig", M4))


def test_gates_name_the_biggest_symbols_and_the_parts(result: Simulation) -> None:
    workspace = result.ram.workspace
    failures = check_simulation(result, Limits(flash=1024, ram=512, instructions=1000), find_board("microbit"))

    assert len(failures) == 3
    assert "above the 1,024 B allowed; biggest: edgedigits_model_layer1_weights 9,408 B" in failures[0]
    assert f"above the 512 B allowed: workspace {workspace} B, input 784 B" in failures[1]
    assert "above the 1,000 allowed" in failures[2]
    assert check_simulation(result, Limits(16384, 2048, 1e6), find_board("microbit")) == ()


def test_instructions_of_stand_ins_are_held_against_no_limit_on_those_of_digits(result: Simulation) -> None:
    stood_in = replace(result, kind=STAND_INS)

    (failure,) = check_simulation(stood_in, Limits(instructions=1e9))
    assert "no digits are at hand" in failure
    assert check_simulation(stood_in, Limits(flash=1 << 20)) == ()


def test_a_board_that_is_too_small_says_how_many_bytes(result: Simulation) -> None:
    board = replace(find_board("microbit"), flash_kib=8, ram_kib=1)

    flash, ram = check_simulation(result, Limits(), board, "Prune it.")

    assert (
        f"{result.footprint.flash - 8192:,} B too big for the flash of microbit: code {result.footprint.code:,} B"
        in flash
    )
    assert "; biggest: edgedigits_model_layer1_weights" in flash and "Prune it." not in flash
    assert f"{result.ram.total - 1024} B more RAM than microbit has" in ram and ram.endswith(" B. Prune it.")


def test_json_says_how_each_figure_was_obtained(result: Simulation) -> None:
    facts = to_json(result, find_board("nrf52840dk"))

    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    histogram = facts["instructions"]["histogram"]
    assert sum(histogram["images"]) == 120 and len(histogram["edges"]) == len(histogram["images"]) + 1
    assert histogram["edges"][0] == result.instructions.least and histogram["edges"][-1] == result.instructions.most + 1
    assert [layer["encoding"] for layer in facts["instructions"]["by_layer"]] == ["pairs", "lists8"]
    for group in ("parity", "instructions"):
        assert facts[group]["how"].startswith("emulated: cortex-m4, unicorn")
    assert facts["cycles"]["how"].startswith("estimated")
    assert facts["board"]["how"].startswith("vendor")


def test_time_follows_from_the_clock(result: Simulation) -> None:
    assert result.cycles is not None
    low, high = milliseconds(result, find_board("nrf52840dk")) or (0, 0)

    assert low == pytest.approx(result.cycles.low / 64000) and low < high
    assert milliseconds(replace(result, cycles=None), find_board("nrf52840dk")) is None


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_an_engine_takes_and_gives_int8_whatever_the_ends(io: str, images: np.ndarray) -> None:
    plain, ended = classifier_of(sizes=(784, 10)), classifier_of(sizes=(784, 10), io=io)

    assert np.array_equal(engine_inputs(ended, images), images.astype(np.int16) - 128)
    assert np.array_equal(oracle_outputs(ended, images, "litert"), oracle_outputs(plain, images, "litert"))


def test_a_float_model_has_no_engine(images: np.ndarray) -> None:
    with pytest.raises(UnsupportedModelError, match="is float32, and no int8 tensor lies behind it"):
        engine_inputs(classifier_of(sizes=(784, 10), float_model=True), images)


def test_an_unknown_rounding(images: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="no rounding 'stochastic'"):
        oracle_outputs(classifier_of(sizes=(784, 10)), images, "stochastic")


# -- from pixels -------------------------------------------------------------------------------------------------------

PIXEL = "const int pixel = invert ? 255 - pixels[i] : pixels[i];"
PLAIN = "input[i] = (int8_t)(pixel - 128);"


@pytest.mark.parametrize(
    ("old", "new", "plain_differs"),
    [
        (PIXEL, "const int pixel = pixels[i] + 0 * invert;", False),
        (PLAIN, "input[i] = (int8_t)(pixel / 255 - 128);", True),
        (PLAIN, "input[i] = (int8_t)(pixel == 254 ? 127 : pixel - 128);", True),
    ],
    ids=["invert ignored", "scaled twice", "one value wrong"],
)
def test_a_preprocess_that_is_wrong_is_found_on_the_core_and_on_the_host(
    two_layers: tuple[Engine, Classifier], images: np.ndarray, tmp_path: Path, old: str, new: str, plain_differs: bool
) -> None:
    shutil.copytree(two_layers[0].folder.parent, tmp_path / "changed")
    source = tmp_path / "changed" / "engine" / "edgedigits_model.c"
    assert old in source.read_text()
    source.write_text(source.read_text().replace(old, new))

    run = simulate(find_engine(tmp_path / "changed"), two_layers[1], images[:20], M4, toolchain_or_skip("zig", M4))

    differing = {other.what.split(",")[0]: other.differing for other in run.others}
    assert differing["preprocess on the emulated core"] > 0 and differing["host C"] > 0 == differing["NumPy engine"]
    assert (run.differing > 0) == plain_differs
    failures = check_simulation(run, Limits())
    assert any("of the preprocess on the emulated core" in one and "from the definition" in one for one in failures)


def test_a_map_that_python_and_c_share_is_held_against_the_definition(images: np.ndarray, tmp_path: Path) -> None:
    """The map of 0 to 1, fed to a model of 0 to 255: everything agrees but the interpreter, which gets no map."""
    content = random_mlp(3, sizes=(784, 12, 10), input_scale=np.float32(1))
    graph = read_tflite(content, "random.tflite")
    wrong = pixel_map(PixelRange(0, 1, "wrongly"), np.float32(1), -128, "int8")
    network = lower(graph)
    for name, text in render_engine(network, choose(network), DEFAULT_PREFIX, wrong).files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    classifier = open_classifier(graph)
    same = replace(classifier, pixels=PixelMap(classifier.pixels.range, wrong.table))

    run = simulate(find_engine(tmp_path), same, images[:20], M4, toolchain_or_skip("zig", M4))

    assert run.differing > 0 and all(other.differing > 0 for other in run.others)


@pytest.mark.parametrize(
    ("io", "scale", "zero_point", "told", "emulator"),
    [
        ("int8", 1.0, -128, None, "unicorn"),
        ("uint8", 2 / 255, 0, None, "unicorn"),
        ("float32", MNIST_WIDTH / 255, -95, None, "unicorn"),
        ("int8", 0.0059, -59, (-0.3, 0.9), "qemu"),
    ],
    ids=str,
)
def test_other_ranges_are_proven_from_pixels(
    io: Any,
    scale: float,
    zero_point: int,
    told: tuple[float, float] | None,
    emulator: str,
    images: np.ndarray,
    tmp_path: Path,
) -> None:
    if emulator == "qemu" and shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
    content = random_mlp(3, sizes=(784, 12, 10), io=io, input_scale=np.float32(scale), input_zero_point=zero_point)
    pixels = told_range(*told) if told else None
    engine = write_emitted_engine(tmp_path, content, pixels=pixels)
    classifier = open_classifier(read_tflite(content, "random.tflite"), pixels)

    run = simulate(engine, classifier, images[:20], M4, toolchain_or_skip("zig", M4), emulator=emulator)

    assert run.differing == 0 and not any(other.differing for other in run.others)
    assert len({row.tobytes() for row in run.outputs}) > 10, "the images are told apart"
