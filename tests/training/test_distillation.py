"""Distillation: the loss against its formula in NumPy, what it does to a student, and every teacher that is none."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgedigits.config import BuildConfig, ModelConfig, TrainingConfig
from edgedigits.errors import DataError, UnsupportedModelError
from edgedigits.progress import SILENT
from edgedigits.training.distillation import Distillation, DistilledLoss, labels_of
from edgedigits.training.epochs import training_epochs
from edgedigits.training.fit import ClassificationCounts, StagePlan, train
from edgedigits.training.keras_env import keras, set_seed, tf
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.model import build_mlp, with_softmax
from edgedigits.training.teacher import LOGITS, PROBABILITIES, Teacher, load_teacher, save_model
from edgedigits.view import View

LABELS = np.array([3, 0, 9], np.int32)


def network(hidden: int = 8) -> keras.Model:
    return build_mlp(BuildConfig(model=ModelConfig(hidden=(hidden,))))


@pytest.fixture(scope="module")
def teacher(few) -> Teacher:
    """A linear classifier of a few hundred digits, by ridge regression."""
    pixels, wanted = few.train.images / 255, np.eye(10)[few.train.labels]
    weights = np.linalg.solve(pixels.T @ pixels + 10 * np.eye(784), pixels.T @ wanted)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, use_bias=False)])
    model.layers[0].kernel.assign(10 * weights)
    return Teacher("t", "", model, (784,), LOGITS)


def log_softmax(s: np.ndarray) -> np.ndarray:
    s = s - s.max(axis=1, keepdims=True)
    return s - np.log(np.exp(s).sum(axis=1, keepdims=True))


def kl(teacher: np.ndarray, student: np.ndarray, temperature: float) -> np.ndarray:
    """KL divergence of softened distributions, once more in float64."""
    t, s = log_softmax(teacher.astype(float) / temperature), log_softmax(student.astype(float) / temperature)
    return (np.exp(t) * (t - s)).sum(axis=1)


LOGITS_OF_FEW = arrays(np.float32, (3, 10), elements=st.floats(-8, 8, width=32))


@settings(max_examples=40, deadline=None)
@given(LOGITS_OF_FEW, LOGITS_OF_FEW, st.floats(0.5, 20), st.floats(0.01, 1))
def test_the_loss_is_its_formula(said, student, temperature, weight):
    loss = DistilledLoss(LogitsLoss("cross-entropy"), temperature, weight)
    hard = -log_softmax(student.astype(float))[np.arange(3), LABELS]
    expected = weight * temperature**2 * kl(said, student, temperature) + (1 - weight) * hard
    packed = np.concatenate([LABELS[:, None].astype(np.float32), said], axis=1)
    # Of large T, T² times what float32 leaves of a small divergence.
    assert loss.call(tf.constant(packed), tf.constant(student)).numpy() == pytest.approx(expected, rel=1e-3, abs=2e-3)


def test_the_loss_survives_serialisation():
    loss = DistilledLoss(LogitsLoss("focal", {"gamma": 2.0}), 3.0, 0.4)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.temperature, again.weight, again.hard.constants) == (3.0, 0.4, {"gamma": 2.0})


def test_labels_are_found_in_targets_of_either_kind():
    packed = np.concatenate([LABELS[:, None], np.zeros((3, 10))], axis=1).astype(np.float32)
    for targets in (LABELS, LABELS[:, None], packed):
        assert labels_of(targets).numpy().tolist() == LABELS.tolist()
        counts = ClassificationCounts()
        counts.update_state(targets, np.eye(10, dtype=np.float32)[[3, 1, 9]])
        assert float(counts.result()["accuracy"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("augment", ["none", "light"])
@pytest.mark.parametrize("view", [View(28, 28, False, False, 8), View(28, 14, False, False, 8)], ids=["whole", "14²"])
def test_the_teacher_speaks_of_the_very_pixels_that_are_shown_before_they_are_reduced(few, teacher, augment, view):
    config = TrainingConfig(batch_size=50, augment=augment, augment_copies=2)
    distillation = Distillation(teacher, 2.0, 0.7)
    told, whole = (
        training_epochs(few.train, config, 5, view, distillation.targets),
        training_epochs(few.train, config, 5),
    )
    again = []
    for (pixels, targets), (shown, labels) in zip(told.dataset.take(4), whole.dataset.take(4), strict=True):
        assert pixels.shape == (12, 50, view.inputs) and targets.shape == (12, 50, 11)
        assert (targets[..., 0].numpy() == labels.numpy()).all()
        said = teacher.model(tf.cast(shown[0], tf.float32) / 255.0).numpy()
        assert targets[0, :, 1:].numpy() == pytest.approx(said, abs=1e-4)
        again.append(targets.numpy())
    assert (again[0] == again[2]).all() and (again[1] == again[3]).all() and (again[0] != again[1]).any()


@pytest.mark.slow
def test_distilling_brings_a_student_nearer_to_its_teacher(few, teacher):
    def divergence(distillation):
        set_seed(7)
        model = network(24)
        plan, config = StagePlan("float", "", 14, 1e-2, 1), TrainingConfig(batch_size=50, augment="none")
        loss = LogitsLoss("cross-entropy")
        history = train(model, few, config, plan, loss, SILENT, distillation=distillation, at_once=False)
        said = model(few.validation.images.astype(np.float32) / 255).numpy()
        assert history["val_accuracy"][-1] == pytest.approx(np.mean(said.argmax(axis=1) == few.validation.labels))
        return kl(teacher.logits(few.validation.images).numpy(), said, 2.0).mean()

    assert divergence(Distillation(teacher, 2.0, 1.0)) < 0.5 * divergence(None)


def test_a_model_is_written_as_the_same_bytes_and_read_back(few, tmp_path):
    set_seed(1)
    model = network()
    for name in ("a.keras", "b.keras"):
        save_model(model, tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    read = load_teacher(tmp_path / "a.keras", few.train.images)
    expected = model(few.train.images[:1500].astype(np.float32) / 255).numpy()
    assert (read.shape, read.outputs_are) == ((784,), LOGITS)
    assert read.logits(few.train.images[:1500]).numpy() == pytest.approx(expected, abs=1e-5)


def test_probabilities_are_recognised_and_become_their_logarithms(few, tmp_path):
    model = with_softmax(network())
    save_model(model, tmp_path / "m.keras")
    read = load_teacher(tmp_path / "m.keras", few.train.images)
    said = model(few.train.images[:3].astype(np.float32) / 255).numpy()
    assert read.outputs_are == PROBABILITIES
    assert read.logits(few.train.images[:3]).numpy() == pytest.approx(np.log(said), abs=1e-4)


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1)])
def test_a_teacher_may_take_images(few, tmp_path, shape):
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.save(tmp_path / "m.keras")
    said = model(few.train.images[:5].reshape(-1, *shape).astype(np.float32) / 255).numpy()
    read = load_teacher(tmp_path / "m.keras", few.train.images)
    assert read.shape == shape and read.logits(few.train.images[:5]).numpy() == pytest.approx(said, abs=1e-5)


@pytest.mark.slow
def test_a_teacher_may_be_of_keras_3(few, tmp_path):
    import keras as newer

    model = newer.Sequential([newer.Input((784,)), newer.layers.Dense(10)])
    model.save(tmp_path / "m.keras")
    said = np.asarray(model(few.train.images[:5].astype(np.float32) / 255))
    assert load_teacher(tmp_path / "m.keras", few.train.images).logits(few.train.images[:5]).numpy() == pytest.approx(
        said, abs=1e-5
    )


@pytest.mark.parametrize(
    ("shape", "outputs", "words"),
    [
        ((32, 32, 3), 10, r"takes \[n, 32, 32, 3\] and gives \[n, 10\]"),
        ((784,), 100, r"takes \[n, 784\] and gives \[n, 100\]"),
        ((1024,), 10, r"takes \[n, 1024\]"),
    ],
)
def test_a_teacher_of_the_wrong_shape_is_told_with_both(few, tmp_path, shape, outputs, words):
    keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(outputs)]).save(
        tmp_path / "m.keras"
    )
    with pytest.raises(UnsupportedModelError, match=words) as caught:
        load_teacher(tmp_path / "m.keras", few.train.images)
    assert "[n, 784], [n, 28, 28] or [n, 28, 28, 1]" in caught.value.hint


def test_a_file_that_is_no_keras_model_is_told_in_a_sentence(few, tmp_path):
    (tmp_path / "text.keras").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w"):
        pass
    save_model(network(), tmp_path / "m.keras")
    whole = (tmp_path / "m.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    for name in ("text", "empty", "cut"):
        with pytest.raises(DataError, match=rf"{name}\.keras is no Keras model that can be read: ") as caught:
            load_teacher(tmp_path / f"{name}.keras", few.train.images)
        assert "\n" not in str(caught.value) and "keras" in caught.value.hint
    with pytest.raises(DataError, match="none.keras does not exist"):
        load_teacher(tmp_path / "none.keras", few.train.images)


def test_a_file_runs_no_code_of_its_own(few, tmp_path):
    save_model(network(), tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1] |= {"module": "os", "class_name": "system", "registered_name": None}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(UnsupportedModelError, match="has code of its own, of 'os', which is not run"):
        load_teacher(tmp_path / "m.keras", few.train.images)


def test_a_teacher_of_nothing_finite_is_refused(few, tmp_path):
    model = network()
    model.layers[-1].bias.assign(np.full(10, np.nan, np.float32))
    save_model(model, tmp_path / "m.keras")
    with pytest.raises(UnsupportedModelError, match="says nothing finite"):
        load_teacher(tmp_path / "m.keras", few.train.images)
