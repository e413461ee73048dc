"""Clustering with TF-MOT: a Keras model in, one whose layers have few different weights out; zeros stay zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgedigits.compression_sections import WHOLE_BITS
from edgedigits.levels.codebook import initial
from edgedigits.stages.declaration import Stage, Tables

if TYPE_CHECKING:
    from edgedigits.training.line import Line

_KERNEL = "kernel"


def add_clustering(model: Any, bits: int) -> Any:
    """Return a clone of `model` whose layers are wrapped to have 2^bits different weights each, beside zeros.

    The clusters begin as a codebook in joint training does. TF-MOT's own beginnings take small weights for zeros, or
    fail where a layer has fewer weights than clusters.

    Args:
        model: plain Keras MLP, trained.
        bits: of a weight.
    """
    from edgedigits.training.keras_env import keras, tf, tfmot

    tools = tfmot.clustering.keras
    # TF-MOT wraps the very layer it is given, and changes it.
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    kernels = {layer.name: layer.kernel.numpy() for layer in copy.layers}

    def wrap(layer: Any) -> Any:
        left = kernels[layer.name] != 0
        if not left.any():
            return layer
        sparse = not left.all()
        start = tools.CentroidInitialization.LINEAR
        return tools.cluster_weights(layer, 2**bits + sparse, start, preserve_sparsity=sparse)

    wrapped = keras.models.clone_model(copy, clone_function=wrap)
    for layer in wrapped.layers:
        if not isinstance(layer, keras.layers.Wrapper):
            continue
        with_dense_gradient(layer.clustering_algorithms[_KERNEL])
        kernel = kernels[layer.layer.name]
        centroids = initial(kernel[kernel != 0], bits)
        if layer.preserve_sparsity:
            layer.sparsity_masks[_KERNEL] = tf.constant(kernel != 0, tf.float32)
            centroids = np.insert(centroids, int(layer.zero_idx[_KERNEL]), 0)
        layer.cluster_centroids[_KERNEL].assign(centroids)
    return wrapped


def with_dense_gradient(algorithm: Any) -> None:
    """Have the gradient of clusters come as one tensor of TF-MOT's algorithm.

    It comes as a row for each weight, over which Keras takes most of the time of a step.
    """
    look_up, variable = algorithm.get_clustered_weight, algorithm.cluster_centroids

    def get_clustered_weight(places: Any, weights: Any) -> Any:
        algorithm.cluster_centroids = variable * 1.0
        looked_up = look_up(places, weights)
        algorithm.cluster_centroids = variable
        return looked_up

    algorithm.get_clustered_weight = get_clustered_weight


def strip_clustering(wrapped: Any) -> Any:
    """Return a plain Keras model whose weights are those of the clusters."""
    from edgedigits.training.keras_env import tfmot

    return tfmot.clustering.keras.strip_clustering(wrapped)


def run(line: Line, model: Any) -> tuple[Any, Any]:
    """Train on with clusters, and strip what TF-MOT wrapped around the layers."""
    bits, cluster = line.config.levels.weight_bits, line.config.cluster
    plan = line.plan("cluster", f"Clustering to {2**bits} values", cluster.epochs, cluster.rate)
    clustered = line.train(plan, add_clustering(model, bits), finish=strip_clustering)
    return clustered, clustered


def _brief(tables: Tables) -> str:
    # A study of an earlier version has no levels.
    bits = tables.get("levels", {}).get("weight_bits", WHOLE_BITS)
    joint = tables.get("joint", {}).get("enabled", False)
    return f"clustered to {bits} bits" if bits < WHOLE_BITS and not joint else ""


STAGE = Stage(
    "cluster",
    order=15,
    label="clustered",
    asked=lambda config: config.is_clustered,
    run=run,
    past=lambda target_sparsity: "clustered",
    brief=_brief,
    slug="cluster",
)
