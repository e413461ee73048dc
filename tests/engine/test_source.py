"""The generated engine, compiled for this machine: clean under every warning and sanitizer, exact in every byte."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.data.preprocess import INPUT_SCALE, PixelRange, pixel_map
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.engine.workspace import ENTRY_BYTES
from edgedigits.errors import ConfigError
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import Goal, PackedLayer, candidates, choose, use
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights import ENCODINGS
from edgedigits.sections import LIST_ROOM
from tests.engine.compilers import C_COMPILERS, EACH_COMPILER, available, compile_and_run
from tests.engine.engine_program import SANITIZED, Answers, run_engines, write
from tests.golden.compare import assert_golden
from tests.model.oracles import ORACLES, hard_inputs
from tests.model.random_models import largest_sums, random_model
from tests.tflite_builder import build_mlp, random_mlp

ENCODING_NAMES = [encoding.name for encoding in ENCODINGS]
USUAL = pixel_map(PixelRange(0, 1, "as usual"), INPUT_SCALE, -128, "int8")
# Of each encoding and rounding as the first choice, and larger ones packed as the tool likes; many more in CI.
SEEDS_AN_ENCODING = 1
LARGE_MODELS = 4


def network_of(content: bytes, rounding: Rounding = Rounding.LITERT) -> Network:
    return simplify(lower(read_tflite(content), rounding))


def pack_as(network: Network, name: str, random: np.random.Generator) -> tuple[PackedLayer, ...]:
    """Store layers as `name` where that can hold them, and else as chance has it."""
    packed = []
    for options in candidates(network):
        wanted = [one for one in options if one.encoding.name == name]
        packed.append(wanted[0] if wanted else options[random.integers(len(options))])
    return tuple(packed)


def narrow_biases() -> bytes:
    """A model whose layers have biases of 8 and of 13 bits without the low ones, which are 0, and of 24 bits."""
    random = np.random.default_rng(6)
    weights = [random.integers(-99, 100, shape).astype(np.int8) for shape in ((20, 30), (12, 20), (10, 12))]
    biases = [random.integers(-128, 128, 20) << 7, random.integers(-4000, 4000, 12) << 2, np.arange(-5, 5) * 1_597_831]
    return build_mlp(weights, [one.astype(np.int32) for one in biases])


@cache
def random_engines() -> list[tuple[str, Network, EngineSource, NDArray[np.int8]]]:
    """Encoding, network, engine and inputs of every random model."""
    found = []
    for number, encoding in enumerate(ENCODINGS):
        name, distinct = encoding.name, min(256, encoding.most_distinct)
        for rounding in Rounding:
            for seed in range(SEEDS_AN_ENCODING):
                even = encoding.at_equal_distances
                lanes = name == "pairs"
                model = random_model(1000 * number + seed, widest=70, distinct=distinct, even=even, lanes=lanes)
                network = network_of(model.content, rounding)
                packed = pack_as(network, name, np.random.default_rng(seed))
                prefix = f"{name}_{rounding}_{seed}"
                inputs = hard_inputs(network.inputs, seed)
                found.append((name, network, render_engine(network, packed, prefix), inputs))
    for rounding in Rounding:
        network = network_of(narrow_biases(), rounding)
        packed = [replace(one, narrow_biases=True) for one in choose(network)]
        found.append(("narrow", network, render_engine(network, packed, f"narrow_{rounding}"), hard_inputs(30)))
    for seed in range(LARGE_MODELS):
        network = network_of(random_model(seed, layers=1 + seed % 4).content, list(Rounding)[seed % 2])
        source = render_engine(network, choose(network, list(Goal)[seed % 3]), f"large_{seed}")
        found.append(("large", network, source, hard_inputs(network.inputs, seed)))
    return found


@pytest.fixture(scope="module", params=EACH_COMPILER)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answers]:
    """What each random engine says, by prefix; one program a compiler, under sanitizers."""
    available([request.param])
    engines = [(source, inputs) for _, _, source, inputs in random_engines()]
    found = run_engines(request.param, SANITIZED, engines, tmp_path_factory.mktemp(request.param))
    return {source.prefix: answer for (source, _), answer in zip(engines, found, strict=True)}


@pytest.mark.parametrize("name", [*ENCODING_NAMES, "narrow", "large"])
def test_c_equals_numpy_in_every_byte(answers: dict[str, Answers], name: str) -> None:
    mine = [one for one in random_engines() if one[0] == name]
    assert len(mine) >= 2 * SEEDS_AN_ENCODING
    for _, network, source, inputs in mine:
        np.testing.assert_array_equal(answers[source.prefix].scores, run(network, inputs), err_msg=source.prefix)


def test_every_encoding_was_in_use() -> None:
    for encoding in ENCODINGS:
        texts = [source.source for name, _, source, _ in random_engines() if name == encoding.name]
        assert texts and all(f"{encoding.kernel}(" in text for text in texts), encoding.name


def test_classes_are_those_of_numpys_argmax_and_margins_their_lead(answers: dict[str, Answers]) -> None:
    ties = 0
    engines = [one for one in random_engines() if one[2].classifies]
    assert 10 < len(engines) < len(random_engines())
    for _, network, source, inputs in engines:
        scores = run(network, inputs).astype(np.int64)
        best = np.argmax(scores, axis=1)  # of equal ones the first
        np.testing.assert_array_equal(answers[source.prefix].classes, best.astype(np.int8))
        ordered = np.sort(np.pad(scores, ((0, 0), (1, 0)), constant_values=-129), axis=1)
        lead = ordered[:, -1] - ordered[:, -2]
        np.testing.assert_array_equal(answers[source.prefix].margins, np.minimum(lead, 127))
        ties += int(np.sum(lead == 0))
    assert ties > 0


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_smallest_factor_on_the_largest_sums(per_channel: bool, rounding: Rounding, tmp_path: Path) -> None:
    factor = np.full(3, 1e-8, np.float32) if per_channel else np.float32(1e-8)
    bias = np.array([2**31 - 1, -(2**31) + 1, 2**30], np.int32)
    scales = {"weight_scales": [factor], "activation_scales": [0.1], "activation_zero_points": [7]}
    content = build_mlp([np.zeros((3, 4), np.int8)], [bias], per_channel=per_channel, **scales)
    network = network_of(content, rounding)
    assert int(network.layers[0].shift.min()) == -31
    source = render_engine(*_packed(network))
    compiler = available(C_COMPILERS)[0]
    (answer,) = run_engines(compiler, SANITIZED, [(source, hard_inputs(4))], tmp_path)
    np.testing.assert_array_equal(answer.scores, [[8, 6, 7]] * 12)
    np.testing.assert_array_equal(answer.scores, ORACLES[rounding](content, hard_inputs(4)))


def test_the_self_tests_pass(answers: dict[str, Answers]) -> None:
    assert {answer.self_test for answer in answers.values()} == {0}


def _one(source: EngineSource, inputs: NDArray[np.int8], folder: Path) -> Answers:
    flags = ["-std=c99", "-O1"]
    return run_engines(available(C_COMPILERS)[0], flags, [(source, inputs)], folder)[0]


@pytest.mark.parametrize(
    "name", ["pairs", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lists8", "codebook"))]
)
def test_the_self_test_detects_one_flipped_bit_in_any_constant(name: str, tmp_path: Path) -> None:
    """Weights, biases, factors of single outputs, exponentials, and the table of pixels."""
    content = random_mlp(3, (784, 5, 10), softmax=True, per_channel=True, density=0.1, input_scale=np.float32(0.01))
    network = network_of(content)
    pixels = pixel_map(PixelRange(0, 1, ""), network.input.scale, -128, "int8")
    whole = render_engine(network, pack_as(network, name, np.random.default_rng(0)), "whole", pixels)
    inputs = hard_inputs(network.inputs)
    engines, text = [(whole, inputs)], whole.source
    # Of two variants the last is for cores without MVE, such as this.
    constants = {one[1]: one for one in re.finditer(r"^static const FLASH \w+ (\w+)\[\d+\] = {\s*([-\w]+)", text, re.M)}
    for number, found in enumerate(one for name, one in constants.items() if not name.endswith("_rows")):
        flipped = str(int(found[2], 0) ^ 1)
        damaged = text[: found.start(2)] + flipped + text[found.end(2) :]
        files = {
            field: getattr(whole, field).replace("whole", f"damaged{number}")
            for field in ("header", "self_test", "fit")
        }
        source = damaged.replace("whole", f"damaged{number}").replace("WHOLE", f"DAMAGED{number}")
        files = {field: value.replace("WHOLE", f"DAMAGED{number}") for field, value in files.items()}
        engines.append((replace(whole, prefix=f"damaged{number}", source=source, **files), inputs))
    assert len(engines) > 8
    answers = run_engines(available(C_COMPILERS)[0], ["-std=c99", "-O0"], engines, tmp_path)
    assert [answer.self_test for answer in answers] == [0] + [1] * (len(engines) - 1)


def test_the_self_test_says_which_image_gives_other_scores(tmp_path: Path) -> None:
    source = render_engine(*_packed(network_of(random_mlp(2, (20, 8, 4)))))
    text = source.self_test
    *_, last = re.finditer(r"    \{\n        (-?\d+)", text)
    wrong = replace(source, self_test=text[: last.start(1)] + str(int(last[1]) ^ 1) + text[last.end(1) :])
    vectors = int(re.search(r"_VECTORS (\d+)", text)[1])  # type: ignore[index]
    assert _one(wrong, hard_inputs(20), tmp_path).self_test == 2 + vectors - 1


LISTING = [encoding for encoding in ENCODINGS if encoding.uses_list]


def full_lists() -> tuple[Network, NDArray[np.int8]]:
    """A network behind whose list of active inputs the workspace ends at once, and inputs that fill it to every length.

    The list takes the inputs of a word of four at a time; how many of a word are active decides with how many entries
    it is closed.
    """
    random = np.random.default_rng(8)
    words = random.integers(1, 5, (40, 66))
    words[:8] = 4
    words[:4, 0] = np.arange(1, 5)
    active = np.arange(4) < words[:, :, None]
    inputs = np.where(active, random.integers(-127, 128, active.shape), -128).reshape(40, 264)
    weights = random.choice(np.array([-6, -3, 0, 3], np.int8), (4, 264))
    return network_of(build_mlp([weights], [None])), inputs.astype(np.int8)


@pytest.mark.parametrize("room", [LIST_ROOM, *(pytest.param(one, marks=pytest.mark.slow) for one in (4, 9, 256))])
@pytest.mark.parametrize("compiler", C_COMPILERS[:1])
def test_a_full_list_ends_where_the_workspace_does(compiler: str, room: int, tmp_path: Path) -> None:
    """A list one entry longer would reach what lies behind it, and there is the end of the caller's memory."""
    network, inputs = full_lists()
    engines = [
        (render_engine(network, use(network, [encoding.name]), encoding.name, list_room=room), inputs)
        for encoding in LISTING
    ]
    entries = (room + 1) * ENTRY_BYTES
    for encoding, (source, _) in zip(LISTING, engines, strict=True):
        assert source.workspace_bytes == 4 * encoding.padded(4) + entries + 4

    for answer in run_engines(available([compiler])[0], SANITIZED, engines, tmp_path):
        np.testing.assert_array_equal(answer.scores, run(network, inputs))


@pytest.mark.parametrize("compiler", C_COMPILERS[:1])
def test_the_largest_sums_of_pairs_are_exact(compiler: str, tmp_path: Path) -> None:
    """What is modulo 2^32 there is the sum, up to the last that fits into 24 bits; above, weights are apart."""
    networks = {"pairs": network_of(largest_sums(0)), "pairs_apart": network_of(largest_sums(1))}
    engines = [
        (render_engine(network, use(network, [name]), name), hard_inputs(network.inputs))
        for name, network in networks.items()
    ]
    answers = run_engines(available([compiler])[0], SANITIZED, engines, tmp_path)
    for (_, inputs), answer, network in zip(engines, answers, networks.values(), strict=True):
        np.testing.assert_array_equal(answer.scores, run(network, inputs))


def _packed(network: Network) -> tuple[Network, tuple[PackedLayer, ...]]:
    return network, choose(network)


@pytest.mark.parametrize(
    ("scale", "zero_point", "low", "high"),
    [
        (1 / 255, -128, 0, 1),
        (1.0, -128, 0, 255),
        (1 / 127, 0, 0, 1),
        (2 / 255, 0, -1, 1),
        (2 / 255, -1, -1, 1),
        (0.0059, -59, -0.3, 0.9),
        (0.02, 3, -5, 5),
    ],
)
def test_preprocess_is_the_map_of_python(
    scale: float, zero_point: int, low: float, high: float, tmp_path: Path
) -> None:
    """Straight and inverted, into a buffer of its own and in place; the usual map needs no table."""
    network = network_of(random_mlp(1, (784, 10), input_scale=np.float32(scale), input_zero_point=zero_point))
    pixels = pixel_map(PixelRange(low, high, ""), network.input.scale, zero_point, "int8")
    source = render_engine(*_packed(network), "digits", pixels)
    usual = np.array_equal(pixels.table, np.arange(256) - 128)
    assert usual == (low == 0 and zero_point == -128) == ("pixel_inputs" not in source.source)
    assert source.table_bytes == (0 if usual else 256)
    write(source, tmp_path)
    (tmp_path / "main.c").write_text(
        """\
#include <stdio.h>
#include "engine/digits.h"
int main(void) {
    uint8_t pixels[DIGITS_PIXELS];
    int8_t inputs[2][DIGITS_INPUT_SIZE];
    for (int i = 0; i < DIGITS_PIXELS; ++i) {
        pixels[i] = (uint8_t)i;
    }
    digits_preprocess(pixels, 0, inputs[0]);
    digits_preprocess(pixels, 1, (int8_t *)pixels);
    for (int i = 0; i < DIGITS_PIXELS; ++i) {
        inputs[1][i] = ((const int8_t *)pixels)[i];
    }
    for (int i = 0; i < 2 * DIGITS_PIXELS; ++i) {
        printf("%d ", inputs[i / DIGITS_PIXELS][i % DIGITS_PIXELS]);
    }
    return 0;
}
"""
    )
    compiler = available(C_COMPILERS)[0]
    printed = compile_and_run(compiler, ["-std=c99"], [tmp_path / "main.c", tmp_path / "engine/digits.c"], tmp_path)
    plain, inverted = np.array(printed.split(), np.int64).reshape(2, 784)
    ramp = np.arange(784) % 256
    np.testing.assert_array_equal(plain, pixels.table[ramp])
    np.testing.assert_array_equal(inverted, pixels.table[255 - ramp])


@pytest.mark.parametrize(
    "level", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("-O0", "-O3")), "-O2", "-Os"]
)
@pytest.mark.parametrize("compiler", C_COMPILERS)
def test_no_warning_at_any_level(compiler: str, level: str, tmp_path: Path) -> None:
    available([compiler])
    network = network_of(random_model(5, widest=30, layers=4, distinct=7).content, Rounding.TFLM)
    for name in ("pairs", "lists8"):
        source = render_engine(network, pack_as(network, name, np.random.default_rng(1)), name)
        run_engines(compiler, ["-std=c99", level], [(source, hard_inputs(network.inputs))], tmp_path / name)


def test_only_the_kernels_a_model_needs_are_there() -> None:
    network = network_of(random_mlp(1, (20, 8, 4)))
    text = render_engine(network, pack_as(network, "rows", np.random.default_rng(0))).source
    for word in ("list_pairs", "dense_pairs", "sparse_", "softmax", "pixel_inputs", "smlad", "activate_each"):
        assert word not in text
    assert "float" not in text and "malloc" not in text
    assert text.count("dense_rows(") == 3, "one kernel, two calls"


def test_names_carry_the_prefix() -> None:
    source = render_engine(*_packed(network_of(random_mlp(1, (784, 10)))), "digits", USUAL)
    public = re.findall(r"^(?:void|int) (\w+)\(", source.source, re.MULTILINE)
    names = ["invoke", "classify", "classify_pixels", "begin", "feed", "end", "preprocess", "check_weights"]
    assert public == [f"digits_{name}" for name in names]
    assert re.findall(r"^(?:void|int) (\w+)\(", source.self_test, re.MULTILINE) == ["digits_self_test"]
    with pytest.raises(ConfigError, match="keyword"):
        render_engine(*_packed(network_of(random_mlp(1, (6, 3)))), "int")


@pytest.mark.parametrize("name", ["pairs", "lists8"])
def test_the_text_is_what_a_person_has_read(name: str) -> None:
    network = network_of(random_mlp(6, (12, 7, 5), density=0.4, softmax=name == "lists8"))
    source = render_engine(network, pack_as(network, name, np.random.default_rng(0)))
    assert_golden(f"engine_{name}.c", source.source)
    assert_golden(f"engine_{name}.h", source.header)
    assert_golden(f"engine_{name}_self_test.c", source.self_test)
    assert_golden(f"engine_{name}.json", source.facts)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(6))
def test_many_more_random_models_are_exact(batch: int, tmp_path: Path) -> None:
    random = np.random.default_rng(batch)
    engines, expected = [], []
    for seed in range(1000 * batch, 1000 * batch + 24):
        distinct = int(random.choice([3, 8, 16, 256]))
        network = network_of(random_model(seed, distinct=distinct).content, list(Rounding)[seed % 2])
        packed = pack_as(network, str(random.choice(ENCODING_NAMES)), random)
        inputs = hard_inputs(network.inputs, seed, count=20)
        engines.append((render_engine(network, packed, f"engine_{seed}"), inputs))
        expected.append(run(network, inputs))
    answers = run_engines(available(C_COMPILERS)[0], SANITIZED, engines, tmp_path)
    for answer, scores, (source, _) in zip(answers, expected, engines, strict=True):
        np.testing.assert_array_equal(answer.scores, scores, err_msg=source.prefix)
        assert answer.self_test == 0


@pytest.mark.parametrize(("name", "low", "high"), [("even4", -8, 7), ("even2", -2, 1), ("even2", 0, 126)])
def test_sums_of_sixteen_bits_hold_the_largest_inputs_and_weights(
    name: str, low: int, high: int, tmp_path: Path
) -> None:
    weights = np.full((20, 300), high, np.int8)
    weights[3] = low
    network = network_of(build_mlp([weights], [None]))
    inputs = np.repeat(np.array([[127], [126], [-128], [0]], np.int8), 300, axis=1)
    source = render_engine(network, use(network, [name]))
    (answer,) = run_engines(available(C_COMPILERS)[0], SANITIZED, [(source, inputs)], tmp_path)
    np.testing.assert_array_equal(answer.scores, run(network, inputs))
