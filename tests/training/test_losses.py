"""Every loss against its formula in NumPy, its gradient against differences, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgedigits.config import LossConfig
from edgedigits.config_file import make_config, parse_sections
from edgedigits.examples import custom_loss
from edgedigits.losses.catalogue import LOSSES
from edgedigits.losses.hinge import KINDS
from edgedigits.losses.weighted_cross_entropy import class_weights
from edgedigits.training.keras_env import keras, tf
from edgedigits.training.losses import make_loss

LABELS = np.array([3, 0, 9, 3, 1], np.uint8)
VARIANTS = [{"name": name} for name in LOSSES if name != "hinge"]
VARIANTS += [{"name": "hinge", "hinge": kind} for kind in KINDS]
VARIANTS += [
    {"name": "focal", "gamma": 0.5, "alpha": 0.25},
    {"name": "focal", "alpha": "1,2,3,4,5,6,7,8,9,10"},
]
VARIANTS += [{"name": "weighted-cross-entropy", "class_weights": "effective-number"}]


def config_of(variant: dict) -> LossConfig:
    return make_config(parse_sections({"loss": variant}, "test")).loss


def softmax(s: np.ndarray) -> np.ndarray:
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def by_formula(config: LossConfig, s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The formulas of the files in `edgedigits/losses`, written once more in float64."""
    rows = np.arange(len(y))
    p, p_y, s_y = softmax(s), softmax(s)[rows, y], s[rows, y][:, None]
    onehot = np.eye(10)[y]
    if config.name == "cross-entropy":
        return -np.log(p_y)
    if config.name == "weighted-cross-entropy":
        return -class_weights(vars(config), LABELS)[y] * np.log(p_y)
    if config.name == "mse":
        return ((p - onehot) ** 2).sum(axis=1)
    if config.name == "focal":
        alpha = np.broadcast_to(np.array(config.alpha or 1.0), 10)[y]
        return -alpha * (1 - p_y) ** config.gamma * np.log(p_y)
    if config.name == "one-hot":
        return np.zeros(len(y))
    if config.hinge == "one-vs-rest":
        return np.maximum(0, 1 - (2 * onehot - 1) * s).sum(axis=1)
    margins = np.where(onehot == 1, 0, 1 + s - s_y)
    if config.hinge == "weston-watkins":
        return np.maximum(0, margins).sum(axis=1)
    return np.maximum(0, np.where(onehot == 1, -np.inf, margins).max(axis=1))


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@settings(max_examples=15, deadline=None)
@given(logits=arrays(np.float32, (5, 10), elements=st.floats(-8, 8, width=32)))
def test_value_is_the_formula(variant, logits):
    config = config_of(variant)
    loss = make_loss(config, LABELS)
    assert loss.call(LABELS.astype(np.int32), logits).numpy() == pytest.approx(
        by_formula(config, logits.astype(np.float64), LABELS), rel=2e-4, abs=2e-5
    )


@pytest.mark.parametrize("variant", [v for v in VARIANTS if LOSSES[v["name"]].takes_smoothing], ids=str)
@settings(max_examples=15, deadline=None)
@given(arrays(np.float32, (5, 10), elements=st.floats(-8, 8, width=32)), st.floats(0, 0.9))
def test_a_smoothed_label_is_a_little_of_every_class(variant, logits, smoothing):
    config = config_of(variant)
    of_each = [by_formula(config, logits.astype(np.float64), np.full(5, one)) for one in range(10)]
    expected = (1 - smoothing) * by_formula(config, logits.astype(np.float64), LABELS) + smoothing * np.mean(
        of_each, axis=0
    )
    loss = make_loss(config, LABELS, smoothing)
    assert loss.call(LABELS.astype(np.int32), logits).numpy() == pytest.approx(expected, rel=2e-4, abs=2e-5)


def test_smoothing_one_hot_sends_the_error_of_the_smoothed_label_back():
    logits = np.random.default_rng(6).normal(0, 2, (5, 10))
    error = (softmax(logits) - (0.7 * np.eye(10)[LABELS] + 0.03)) / len(LABELS)
    assert gradient(make_loss(LossConfig(name="one-hot"), LABELS, 0.3), logits) == pytest.approx(error, abs=1e-6)
    assert gradient(make_loss(LossConfig(), LABELS, 0.3), logits) == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v["name"] != "one-hot"], ids=str)
def test_gradient_is_the_slope_of_the_formula(variant):
    config = config_of(variant)
    logits = np.random.default_rng(5).normal(0, 2, (5, 10))
    slope, step = np.empty_like(logits), 1e-6
    for place in np.ndindex(logits.shape):
        up, down = logits.copy(), logits.copy()
        up[place] += step
        down[place] -= step
        slope[place] = (by_formula(config, up, LABELS).mean() - by_formula(config, down, LABELS).mean()) / (2 * step)
    assert gradient(make_loss(config, LABELS), logits) == pytest.approx(slope, abs=2e-5)


def test_the_example_of_a_loss_of_ones_own_is_its_formula():
    logits = np.random.default_rng(7).normal(0, 3, (5, 10)).astype(np.float32)
    p_y = softmax(logits.astype(np.float64))[np.arange(5), LABELS]
    for q in (1e-4, 0.7, 1.0):
        value = custom_loss.LOSS.per_image(tf, LABELS.astype(np.int32), logits, q=q).numpy()
        assert value == pytest.approx((1 - p_y**q) / q, rel=2e-4, abs=2e-5)
        if q < 0.01:
            assert value == pytest.approx(-np.log(p_y), rel=1e-2)


def gradient(loss, logits: np.ndarray) -> np.ndarray:
    variable = tf.Variable(logits, dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = loss(LABELS.astype(np.int32), variable)
    return tape.gradient(value, variable).numpy()


def test_one_hot_sends_the_error_back_and_that_is_cross_entropys_gradient():
    logits = np.random.default_rng(6).normal(0, 2, (5, 10))
    error = (softmax(logits) - np.eye(10)[LABELS]) / len(LABELS)
    one_hot = gradient(make_loss(LossConfig(name="one-hot"), LABELS), logits)
    assert one_hot == pytest.approx(error, abs=1e-6)
    assert one_hot == pytest.approx(gradient(make_loss(LossConfig(), LABELS), logits), abs=1e-6)


def test_focal_with_gamma_0_is_cross_entropy_and_stays_finite_when_certain():
    logits = np.random.default_rng(7).normal(0, 2, (5, 10)).astype(np.float32)
    plain = make_loss(LossConfig(), LABELS)(LABELS.astype(np.int32), logits)
    focal = [make_loss(LossConfig(name="focal", gamma=gamma), LABELS) for gamma in (0.0, 0.5)]
    assert focal[0](LABELS.astype(np.int32), logits).numpy() == pytest.approx(plain.numpy(), rel=1e-5)
    certain = np.where(np.eye(10)[LABELS] == 1, 80.0, -80.0)
    assert np.isfinite(gradient(focal[1], certain)).all()


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_loss_survives_serialisation(variant):
    loss = make_loss(config_of(variant), LABELS)
    logits = np.random.default_rng(8).normal(0, 2, (5, 10)).astype(np.float32)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.call(LABELS.astype(np.int32), logits).numpy() == pytest.approx(
        loss.call(LABELS.astype(np.int32), logits).numpy()
    )


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize(
    ("labels", "logits", "message"),
    [
        (np.eye(10, dtype=np.int32)[LABELS], np.zeros((5, 10)), "one-hot labels become integers"),
        (LABELS.astype(np.float32), np.zeros((5, 10)), "takes integer labels"),
        (LABELS.astype(np.int32), np.full((5, 10), 0.1), "takes logits. Received: probabilities"),
    ],
    ids=["one-hot labels", "float labels", "probabilities"],
)
def test_wrong_use_is_an_error(variant, labels, logits, message):
    with pytest.raises(ValueError, match=message):
        make_loss(config_of(variant), LABELS)(labels, tf.constant(logits, tf.float32))


def test_a_softmax_layer_under_a_logits_loss_is_an_error_when_training_starts():
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
    model.compile("sgd", loss=make_loss(LossConfig(), LABELS))
    with pytest.raises(ValueError, match="takes logits. Received: probabilities"):
        model.fit(np.zeros((5, 784), np.float32), LABELS.astype(np.int32), verbose=0)


def test_balanced_weights_are_inverse_to_the_counts():
    labels = np.repeat(np.arange(10, dtype=np.uint8), np.arange(1, 11))
    weights = class_weights({"class_weights": "balanced"}, labels)
    assert weights == pytest.approx(55 / (10 * np.arange(1, 11)))


def test_effective_number_weights_are_those_of_the_paper_with_mean_1():
    labels = np.repeat(np.arange(10, dtype=np.uint8), np.arange(1, 11))
    weights = class_weights({"class_weights": "effective-number", "beta": 0.9}, labels)
    expected = 0.1 / (1 - 0.9 ** np.arange(1.0, 11.0))
    assert weights == pytest.approx(expected / expected.mean())


def test_a_class_that_never_occurs_weighs_nothing():
    weights = class_weights({"class_weights": "balanced"}, np.zeros(20, np.uint8))
    assert weights.tolist() == [0.1] + [0.0] * 9
