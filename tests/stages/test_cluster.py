"""Clustering in turn: few weights a layer and the zeros of pruning, through fake quantization and into the file."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config_file import make_config, parse_sections
from edgedigits.convert import to_int8_tflite
from edgedigits.errors import CheckFailedError, ConfigError
from edgedigits.levels.codebook import initial
from edgedigits.model.contract import check_contract, dense_weights
from edgedigits.model.reader import read_tflite
from edgedigits.pipeline import train_and_compress
from edgedigits.progress import SILENT
from edgedigits.stages.cluster import add_clustering, strip_clustering
from edgedigits.stages.quantize import CLUSTERS, add_fake_quantization
from edgedigits.training.keras_env import set_seed, tf
from edgedigits.training.model import build_mlp

IMAGES = np.random.default_rng(0).random((50, 784), np.float32)


def config(**sections):
    tables = {"model": {"hidden": [12, 8]}, "levels": {"weight_bits": 2}, **sections}
    return make_config(parse_sections(tables, "test"))


@pytest.fixture(scope="module")
def pruned():
    """A network with four fifths of zeros in its hidden layers, as pruning leaves it."""
    set_seed(3)
    model = build_mlp(config())
    for layer in model.layers[:-1]:
        kernel = layer.kernel.numpy()
        layer.kernel.assign(np.where(np.abs(kernel) < np.quantile(np.abs(kernel), 0.8), 0, kernel))
    return model


@pytest.fixture(scope="module")
def clustered(pruned):
    wrapped = add_clustering(pruned, 2)
    wrapped(IMAGES)
    return strip_clustering(wrapped)


def kernels(model):
    return [layer.kernel.numpy() for layer in model.layers]


def file_of(model, *, per_tensor):
    return read_tflite(to_int8_tflite(model, IMAGES, per_tensor=per_tensor), "model.tflite")


def test_a_layer_has_2_to_the_bits_values_beside_its_zeros_and_begins_as_a_learned_codebook(pruned, clustered) -> None:
    for before, after in zip(kernels(pruned), kernels(clustered), strict=True):
        assert ((before == 0) == (after == 0)).all()
        nearest = np.abs(before[..., None] - initial(before[before != 0], 2)).argmin(axis=-1)
        assert np.allclose(after, np.where(before, initial(before[before != 0], 2)[nearest], 0))


def test_clusters_get_the_gradient_that_tfmot_gives_them_as_one_tensor(pruned) -> None:
    layer = add_clustering(pruned, 2).layers[0]
    mended = layer.clustering_algorithms["kernel"]
    plain = type(mended)(layer.cluster_centroids["kernel"])
    places, weights = layer.pulling_indices["kernel"], layer.original_clusterable_weights["kernel"]
    upwards = tf.constant(np.random.default_rng(1).normal(size=weights.shape), tf.float32)
    gradients = []
    for algorithm in (plain, mended):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(algorithm.get_clustered_weight(places, weights) * upwards)
        gradients.append(tape.gradient(total, [layer.cluster_centroids["kernel"], weights]))
    assert isinstance(gradients[1][0], tf.Tensor)
    for theirs, ours in zip(*gradients, strict=True):
        assert np.allclose(tf.convert_to_tensor(theirs), ours, rtol=1e-5, atol=1e-5)


def test_the_model_that_comes_in_stays_as_it_is(pruned) -> None:
    before = [one.copy() for one in pruned.get_weights()]
    add_clustering(pruned, 3)(IMAGES)
    assert all((a == b).all() for a, b in zip(before, pruned.get_weights(), strict=True))


def test_a_layer_with_fewer_weights_than_clusters_and_one_with_none_are_left() -> None:
    model = build_mlp(config(model={"hidden": [1, 2]}, levels={"weight_bits": 7}))
    model.layers[0].kernel.assign(np.zeros((784, 1)))
    wrapped = add_clustering(model, 7)
    wrapped(IMAGES)
    after = kernels(strip_clustering(wrapped))
    assert not after[0].any()
    for one, before in zip(after[1:], kernels(model)[1:], strict=True):
        assert np.allclose(one, before, atol=1e-4)


@pytest.mark.slow
def test_every_layers_quantizer_knows_for_itself_whether_it_has_zeros(clustered) -> None:
    """TF-MOT's scheme shares one, which forgets the zeros of all once it meets a layer without."""
    aware = add_fake_quantization(clustered, IMAGES, preserve=CLUSTERS)
    keeps = [layer.quantize_config.weight_quantizer.preserve_sparsity for layer in aware.layers[1:]]
    assert keeps == [True, True, False]


def test_a_codebook_that_the_deployed_file_lost_is_told(clustered) -> None:
    check_contract(file_of(clustered, per_tensor=True), maximum_distinct=[5, 5, 4])
    with pytest.raises(CheckFailedError, match=r"distinct weights, expected at most 5: its codebook was lost") as told:
        check_contract(file_of(clustered, per_tensor=False), maximum_distinct=[5, 5, 4])
    assert "must not be deployed" in told.value.hint


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"levels": {"weight_bits": 3, "weight_values": "powers"}}, "is learned in joint training alone"),
        ({"qat": {"per_tensor": False}}, "a scale for every output, which would break it"),
    ],
)
def test_what_would_break_or_cannot_be_clustered_is_told(tables, message) -> None:
    with pytest.raises(ConfigError, match=message):
        config(**tables)
    config(**tables, joint={"enabled": True})


@pytest.mark.slow
@pytest.mark.parametrize("stages", ["cluster", "prune cluster", "cluster qat", "prune cluster qat"])
def test_the_file_has_the_clusters_and_the_zeros_that_each_stage_handed_on(few, stages, caplog) -> None:
    """CQAT and PCQAT among them."""
    short = {"training": {"epochs": 5, "batch_size": 60, "augment": "none"}, "cluster": {"epochs": 3, "rate": 1.0}}
    asked = {name: {"enabled": name in stages, "epochs": 3} for name in ("prune", "qat")}
    choices = config(**short, **asked, levels={"weight_bits": 3})
    done = train_and_compress(choices, few, SILENT)
    assert [stage.plan.name for stage in done.stages[1:]] == stages.split()
    # A process that trains many networks is told by TensorFlow that it traces anew.
    assert not [record for record in caplog.records if "retracing" not in record.getMessage()]
    content = to_int8_tflite(done.final, done.calibration, per_tensor=choices.qat.per_tensor)
    stored = [tensor.data.T for tensor in dense_weights(read_tflite(content, "model.tflite"))]
    sparse = [name in choices.target_sparsity for name in choices.layer_names]
    for codes, twin, is_sparse in zip(stored, kernels(done.twin), sparse, strict=True):
        assert len(np.unique(codes)) <= 8 + is_sparse
        assert (codes[twin == 0] == 0).all()
        assert (np.mean(codes == 0) >= 0.8) == is_sparse
    moved = [set(np.unique(one)) for one in kernels(done.twin)]
    started = [set(initial(one[one != 0], 3)) for one in kernels(done.stages[-3 if "qat" in stages else -2].model)]
    assert all(not found <= start for found, start in zip(moved, started, strict=True)), "they are trained"
