"""Every encoding gives the weights back, counts its bytes exactly, and is chosen where it is best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert
from numpy.typing import NDArray

from edgedigits.engine.engine_json import Name
from edgedigits.errors import UnsupportedModelError
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, _total, candidates, choose, pack_layer, use
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import DIGITS, HIDDEN, Encoding
from edgedigits.model.weights.rice import _STEP_BITS, _WEIGHT_BITS, _entries, _parameters
from edgedigits.model.weights.rows import ROWS
from tests.model.pruned import pruned_in_blocks
from tests.model.random_models import largest_sums
from tests.tflite_builder import build_mlp, random_mlp

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}


@st.composite
def kernels(draw: st.DrawFn) -> NDArray[np.int8]:
    """Weights (1…300, 1…60) of any density, also with empty and full columns, and of few or many values."""
    rows, columns = draw(st.integers(1, 300)), draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = draw(st.sampled_from([[-128, 127, 5], [-1, 1], list(range(-7, 8)), list(range(-128, 128))]))
    weights = random.choice(np.array(values, np.int8), (rows, columns))
    density = random.choice([0.0, 0.02, 0.1, 0.5, 1.0], columns)
    return weights * (random.random((rows, columns)) < density).astype(np.int8)


def exceeds_lanes(weights: NDArray[np.int8]) -> bool:
    """Whether of two neighbouring outputs the second has a weight of -128 where that of the first is below 0."""
    even = weights[: len(weights) // 2 * 2]
    return bool(np.any((even[1::2] == -128) & (even[::2] < 0)))


def places_of(weights: NDArray[np.int8], encoding: Encoding) -> int:
    """How many different weights there are for an encoding: 0 always, where it holds zeros apart; or what lies between."""
    if not encoding.at_equal_distances:
        return len(np.unique(np.append(weights, np.int8(0))))
    above = np.unique(weights.astype(np.int64) - weights.min())
    return int(above.max()) // max(int(np.gcd.reduce(above)), 1) + 1


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_its_name_is_one_that_programs_read_beside_the_c(encoding: Encoding) -> None:
    assert convert(encoding.name, Name) == encoding.name


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
@given(weights=kernels())
@settings(max_examples=60, deadline=None)
def test_what_was_packed_is_unpacked(encoding: Encoding, weights: NDArray[np.int8]) -> None:
    constants = encoding.pack(weights)
    if constants is None:
        assert encoding.nbytes(weights) is None
        assert (
            exceeds_lanes(weights)
            if encoding.name == "pairs"
            else places_of(weights, encoding) > encoding.most_distinct
        )
        return
    assert encoding.nbytes(weights) == sum(constant.nbytes for constant in constants)
    np.testing.assert_array_equal(encoding.unpack(constants, weights.shape), weights)
    assert encoding.instructions(weights, DIGITS) > 0


def test_every_encoding_is_found_and_has_name_rank_and_kernel_of_its_own() -> None:
    """Of equally good ones the first is taken, so that the order is part of what is chosen."""
    names = [
        *("pairs", "rows", "codebook", "lists8", "lists4", "coded44", "coded53", "rice", "bitmap", "blocks"),
        *("stream", "fields", "even4", "even2", "pairs_apart", "counted4", "marked"),
    ]
    assert [encoding.name for encoding in ENCODINGS if encoding.name in names] == names
    for trait in ("name", "rank", "kernel", "summary"):
        assert len({getattr(encoding, trait) for encoding in ENCODINGS}) == len(ENCODINGS), trait


def test_bytes_are_those_of_the_arrays() -> None:
    weights = np.arange(1, 121, dtype=np.int8).reshape(10, 12)

    def nbytes(name: str, kernel: NDArray[np.int8] = weights) -> int:
        return sum(constant.nbytes for constant in BY_NAME[name].pack(kernel) or ())

    starts = 2 * 13
    assert nbytes("rows") == nbytes("pairs") == 120
    assert nbytes("lists8") == 240 + 2 * 12
    assert nbytes("lists4") == 180 + starts
    assert nbytes("bitmap") == 120 + 12 * 2 + starts
    assert nbytes("blocks") == 12 * 3 * 5 + 2 * 12
    assert nbytes("codebook", weights % 3) == 60 + 3
    assert nbytes("coded44", np.ones((10, 12), np.int8)) == 120 + starts + 2


def test_long_gaps_are_bridged_and_the_last_entry_is_marked() -> None:
    weights = np.zeros((300, 2), np.int8)
    weights[[2, 3, 299], 1] = -1, 1, 7
    entries, starts = BY_NAME["lists8"].pack(weights) or ()
    last = 1 << 24
    assert entries.values.tolist() == [last, 0xFF | 2 << 8 | 1 << 16 | (2 ^ 3) << 25, 255 << 8, 7 | 41 << 8 | last]
    assert starts.values.tolist() == [0, 1, 0, 0]


def test_a_byte_marks_the_last_weight_of_a_column_and_bridges_eight_steps_at_most() -> None:
    weights = np.zeros((300, 3), np.int8)
    weights[[2, 3, 18, 299], 1] = -1, 7, 7, -1
    weights[14, 2] = 7
    entries, codebook = BY_NAME["marked"].pack(weights) or ()
    longest, last = 15 << 1, 1
    far = [2 << 1, 1 << 1 | 1 << 5, longest, 1 << 5, *[longest | 7 << 5] * 2, longest | 1 << 5, 11 << 1 | last]
    assert entries.values.tolist() == [longest | last, *far, 14 << 1 | 1 << 5 | last]
    assert codebook.values.tolist() == [-1, 7]


@pytest.mark.parametrize("step_bits", _STEP_BITS)
@pytest.mark.parametrize("weight_bits", _WEIGHT_BITS)
def test_no_rice_code_is_longer_than_what_a_kernel_holds(step_bits: int, weight_bits: int) -> None:
    """A kernel has 25 bits at hand wherever in a byte a code begins; a longer step, or weight, takes several codes."""
    column = np.zeros(40_000, np.int8)
    places = [0, 1, 2, 9, 20, 21, 2500, 39_999]
    column[places] = [1, -1, 127, -128, 7, -8, 8, -9]

    entries = list(_entries(column, step_bits, weight_bits))
    lengths = [(step >> step_bits) + 1 + step_bits + weight_bits for step, _ in entries]
    assert max(lengths) == 25
    assert all(-(2 ** (weight_bits - 1)) <= weight < 2 ** (weight_bits - 1) for _, weight in entries)
    rebuilt = np.zeros(len(column), np.int64)
    np.add.at(rebuilt, np.cumsum([step for step, _ in entries]), [weight for _, weight in entries])
    np.testing.assert_array_equal(rebuilt, column)


@pytest.mark.parametrize("density", [0.02, 0.1, 0.5])
def test_rice_takes_the_parameters_with_the_fewest_bits(density: float) -> None:
    random = np.random.default_rng(3)
    weights = np.rint(random.normal(0, 20, (200, 30))).clip(-127, 127).astype(np.int8)
    weights[random.random(weights.shape) >= density] = 0
    bits = {
        (steps, values): sum(
            (step >> steps) + 1 + steps + values for column in weights.T for step, _ in _entries(column, steps, values)
        )
        for steps in _STEP_BITS
        for values in _WEIGHT_BITS
        if 1 + steps + values >= 8
    }

    assert bits[_parameters(weights)] == min(bits.values())


def test_starts_grow_to_32_bits_where_16_do_not_do() -> None:
    weights = np.ones((300, 300), np.int8)
    assert (BY_NAME["lists4"].pack(weights) or ())[1].values.dtype == np.uint32
    assert (BY_NAME["lists8"].pack(weights) or ())[1].values.dtype == np.uint16


def chosen(goal: Goal, **options: float) -> list[str]:
    network = lower(read_tflite(random_mlp(1, (784, 100, 10), **options)))
    return [one.encoding.name for one in choose(network, goal)]


def test_each_goal_has_its_own_best_encoding() -> None:
    """The same layer, three goals, three answers."""
    network = lower(read_tflite(random_mlp(2, (784, 10), density=0.2)))
    best = {goal: choose(network, goal)[0].encoding.name for goal in Goal}

    assert best == {Goal.SPEED: "pairs", Goal.SIZE: "stream", Goal.BALANCED: "lists8"}


@pytest.mark.parametrize("density", [0.03, 0.2, 0.45, 1.0])
def test_of_one_layer_each_goal_takes_the_least_of_what_it_is_about(density: float) -> None:
    network = lower(read_tflite(random_mlp(2, (120, 12), density=density)))
    flash = {one.encoding.name: one.nbytes + one.encoding.code_bytes for one in candidates(network)[0]}
    time = {one.encoding.name: one.instructions for one in candidates(network)[0]}
    chosen = {goal: choose(network, goal)[0].encoding.name for goal in Goal}

    assert flash[chosen[Goal.SIZE]] == min(flash.values())
    assert time[chosen[Goal.SPEED]] == min(time[name] for name in time if not BY_NAME[name].for_size_alone)
    products = {name: flash[name] * time[name] for name in flash if not BY_NAME[name].for_size_alone}
    assert products[chosen[Goal.BALANCED]] == min(products.values())


def test_of_equal_speed_the_smaller_is_taken_and_of_equal_size_the_faster() -> None:
    network = lower(read_tflite(random_mlp(2, (8, 2))))
    twins = [pack_layer(network.layers[0], BY_NAME["rows"])] * 2
    assert all(twins)
    small, large = (replace(one, constants=one.constants * count) for one, count in zip(twins, (1, 2), strict=True))
    fast, slow = (replace(small, instructions=count) for count in (10.0, 11.0))

    assert _total([small], Goal.SPEED) < _total([large], Goal.SPEED)
    assert _total([fast], Goal.SIZE) < _total([slow], Goal.SIZE)


def test_the_code_of_a_kernel_is_paid_for_once() -> None:
    network = lower(read_tflite(random_mlp(2, (30, 20, 10))))
    one, two = (pack_layer(layer, BY_NAME["rows"]) for layer in network.layers)
    assert one and two
    code = BY_NAME["rows"].code_bytes

    both = _total([one, two], Goal.SIZE)
    assert both == pytest.approx(one.nbytes + two.nbytes + code, abs=1)
    assert both == pytest.approx(_total([one], Goal.SIZE) + _total([two], Goal.SIZE) - code, abs=1)


def test_layers_share_a_kernel_where_its_code_is_dearer_than_their_weights() -> None:
    """Alone the small dense second layer would be stored otherwise."""
    random = np.random.default_rng(2)
    weights = [random.integers(-99, 100, shape).astype(np.int8) for shape in ((40, 784), (4, 40))]
    weights[0][random.random((40, 784)) >= 0.15] = 0
    network = lower(read_tflite(build_mlp(weights, [None, None])))
    first, second = choose(network, Goal.SIZE)
    alone = min(candidates(network)[1], key=lambda one: one.nbytes + one.encoding.code_bytes)

    assert first.encoding.name == second.encoding.name == "stream"
    assert alone.encoding.name != "stream"


def test_a_kernel_more_has_to_be_worth_its_code() -> None:
    """Lists would be faster in the second layer, but not so much that it is worth a third kernel."""
    network = simplify(lower(read_tflite(pruned_in_blocks())))
    assert [one.encoding.name for one in choose(network, Goal.SPEED)] == ["blocks", "pairs", "pairs"]
    second = {one.encoding.name: one.instructions for one in candidates(network)[1]}
    assert second["lists8"] < second["pairs"]


def test_only_the_first_layer_reads_pixels() -> None:
    """Of a hidden layer's inputs half are active, of an image's a fifth: the same weights cost more there."""
    square = [np.full((20, 20), 3, np.int8)] * 2
    network = lower(read_tflite(build_mlp(square, [None, None])))
    for layers in (choose(network, Goal.SPEED), use(network, ["pairs", "pairs"])):
        first, second = layers
        assert first.instructions == BY_NAME["pairs"].instructions(square[0], DIGITS)
        assert second.instructions == BY_NAME["pairs"].instructions(square[0], HIDDEN)


def test_pairs_are_rows_on_vectors_and_lists_where_that_is_faster() -> None:
    dense, sparse = (lower(read_tflite(random_mlp(2, (784, 32, 10), density=share))) for share in (1.0, 0.2))
    assert [one.rows_on_vectors for one in use(dense, ["pairs", "lists8"])] == [True, False]
    packed = choose(sparse, Goal.SPEED)
    lists = [one for one in packed if one.encoding.name == "lists8"]
    assert lists and all(one.rows_on_vectors for one in lists)
    assert sum(ROWS.vector_instructions(one.layer.weights) for one in lists) < sum(one.instructions for one in lists)
    thin = lower(read_tflite(random_mlp(2, (784, 32, 10), density=0.01)))
    assert {one.encoding.name for one in choose(thin, Goal.SPEED)} == {"lists8"}
    assert not any(one.rows_on_vectors for one in choose(thin, Goal.SPEED))


def test_dense_layers_are_stored_in_pairs_for_speed() -> None:
    assert chosen(Goal.SPEED) == ["pairs", "pairs"]


def test_two_weights_share_a_lane_where_that_is_exact() -> None:
    """All sums lie within 24 bits, up to the very last; and no second weight is -128 beside a first below 0."""
    by_one = {beyond: lower(read_tflite(largest_sums(beyond))) for beyond in (0, 1)}
    assert np.abs(by_one[0].layers[0].accumulator_range()).max() == (1 << 23) - 1
    [narrow], [wide] = (choose(network, Goal.SPEED) for network in by_one.values())
    assert (narrow.encoding.name, wide.encoding.name) == ("pairs", "pairs_apart")
    with pytest.raises(UnsupportedModelError, match="cannot be stored as 'pairs'") as refusal:
        use(by_one[1], ["pairs"])
    assert "sums" in refusal.value.hint

    for first, name in ((0, "pairs"), (-1, "pairs_apart")):
        weights = np.full((2, 40), 5, np.int8)
        weights[:, 7] = first, -128
        assert choose(lower(read_tflite(build_mlp([weights], [None]))), Goal.SPEED)[0].encoding.name == name


def test_pruned_layers_are_stored_as_lists() -> None:
    assert chosen(Goal.SPEED, density=0.05)[0] in ("lists8", "lists4")
    assert chosen(Goal.SIZE, density=0.15)[0] == "stream"


@pytest.mark.slow
def test_size_is_never_larger_and_speed_never_slower() -> None:
    for density in (0.02, 0.1, 0.3, 0.6, 1.0):
        network = lower(read_tflite(random_mlp(2, (784, 64, 10), density=density)))
        packed = {goal: choose(network, goal) for goal in Goal}
        slack = sum(encoding.code_bytes for encoding in ENCODINGS)
        nbytes = {goal: sum(one.nbytes for one in layers) for goal, layers in packed.items()}
        instructions = {goal: sum(one.instructions for one in layers) for goal, layers in packed.items()}
        assert nbytes[Goal.SIZE] <= min(nbytes.values()) + slack
        assert instructions[Goal.SPEED] <= min(instructions.values()) + 1


def test_a_clustered_model_uses_its_codebook_for_size() -> None:
    random = np.random.default_rng(0)
    weights = [random.choice(np.arange(-70, 80, 10), (64, 784)), random.integers(-99, 99, (10, 64))]
    network = lower(read_tflite(build_mlp([kernel.astype(np.int8) for kernel in weights], [None, None])))
    assert choose(network, Goal.SIZE)[0].encoding.name == "codebook"


def test_an_encoding_that_cannot_hold_the_weights_is_refused_by_name() -> None:
    network = lower(read_tflite(random_mlp(1, (20, 10))))
    with pytest.raises(UnsupportedModelError, match="cannot be stored as 'codebook'"):
        use(network, ["codebook"])
