"""Quantization-aware training with TF-MOT: a Keras model in, the same with fake quantization out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgedigits.stages.cluster import with_dense_gradient
from edgedigits.stages.declaration import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from edgedigits.training.line import Line


ZEROS, CLUSTERS = "zeros", "clusters"

Ranges = dict[str, dict[str, tuple[float, float]]]
"""Lowest and highest value of "kernel" and "activation" by layer; the input's activation as "input"."""


def add_fake_quantization(model: Any, calibration: NDArray[np.float32], *, preserve: str = "") -> Any:
    """Return a clone of `model` with fake quantization, its ranges preset to what is measured.

    TF-MOT starts every range at ±6, activations with a moving average of 0.999: a short fine-tuning would end, and a
    conversion before it would be, far off.

    Args:
        model: plain Keras MLP, trained.
        calibration: images float32 (n, inputs) that the ranges of activations are measured on.
        preserve: as in `with_ranges`.
    """
    return with_ranges(model, measured_ranges(model, calibration), preserve)


def with_ranges(model: Any, ranges: Ranges, preserve: str = "") -> Any:
    """Return a clone of a plain Keras MLP with fake quantization in given ranges.

    Args:
        model: plain Keras MLP, trained.
        ranges: of every layer.
        preserve: `ZEROS` that pruning made, which plain quantization-aware training fills again; `CLUSTERS` too, which
            it breaks; "" to train neither.
    """
    from edgedigits.training.keras_env import keras, tfmot

    annotated = tfmot.quantization.keras.quantize_annotate_model(keras.models.clone_model(model))
    annotated.set_weights(model.get_weights())
    with tfmot.quantization.keras.quantize_scope():
        aware = tfmot.quantization.keras.quantize_apply(annotated, *_schemes(model, preserve))
    aware.layers[0].quantizer = _pixel_quantizer()
    for layer in aware.layers:
        for _, _, variables in getattr(layer, "_weight_vars", []):
            if "clst_impl" in variables:
                with_dense_gradient(variables["clst_impl"])
    for name, what, is_max, variable in _range_variables(aware):
        variable.assign(ranges[name][what][is_max])
    return aware


def ranges_of(aware: Any) -> Ranges:
    """Return the ranges of the fake quantization of a model."""
    found: Ranges = {}
    for name, what, is_max, variable in _range_variables(aware):
        low, high = found.setdefault(name, {}).get(what, (0.0, 0.0))
        end = float(variable.numpy())
        found[name][what] = (low, end) if is_max else (end, high)
    return found


def _range_variables(aware: Any) -> Iterator[tuple[str, str, bool, Any]]:
    """Yield the layer, "kernel" or "activation", whether it is the highest value, and the variable of each end."""
    for layer in aware.layers:
        name = layer.layer.name if hasattr(layer, "layer") else "input"
        for variable in layer.non_trainable_weights:
            what, _, end = _short(variable.name).rpartition("_")
            if end in ("min", "max"):
                yield name, "kernel" if what == "kernel" else "activation", end == "max", variable


def _schemes(model: Any, preserve: str) -> list[Any]:
    """Return TF-MOT's scheme that preserves what is to be preserved; none to take its default."""
    from edgedigits.training.keras_env import tfmot

    ready = tfmot.experimental.combine
    if preserve != CLUSTERS:
        return [ready.Default8BitPrunePreserveQuantizeScheme()] if preserve else []
    sparse = {layer.name for layer in model.layers if not layer.kernel.numpy().all()}
    scheme: Any = ready.Default8BitClusterPreserveQuantizeScheme

    class LayerByLayer(scheme):
        """Gives every layer a quantizer of its own: TF-MOT's one for all forgets zeros at the first layer without."""

        def get_quantize_registry(self) -> Any:
            registries = {one: scheme(one).get_quantize_registry() for one in (False, True)}

            class Registry(type(registries[True])):  # type: ignore[misc]
                def get_quantize_config(self, layer: Any) -> Any:
                    return registries[layer.name in sparse].get_quantize_config(layer)

            return Registry(preserve_sparsity=True)

    return [LayerByLayer()]


def _pixel_quantizer() -> Any:
    from edgedigits.training.keras_env import tfmot

    class PixelQuantizer(tfmot.quantization.keras.quantizers.AllValuesQuantizer):
        """Fake quantization of the input, for conversion only: training pixels lie on its grid already."""

        def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
            return inputs if training else super().__call__(inputs, training, weights, **kwargs)

    return PixelQuantizer(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)


def measured_ranges(model: Any, calibration: NDArray[np.float32]) -> Ranges:
    """Return the ranges of weights and activations; the input's is [0, 1] for good: a pixel p enters as p − 128.

    Args:
        model: plain Keras MLP, trained.
        calibration: images float32 (n, 784) that the ranges of activations are measured on.
    """
    from edgedigits.training.keras_env import tf

    ranges: Ranges = {"input": {"activation": (0.0, 1.0)}}
    activation = tf.constant(calibration)
    for layer in model.layers:
        activation = layer(activation)
        low, high = float(tf.reduce_min(activation)), float(tf.reduce_max(activation))
        limit = float(tf.reduce_max(tf.abs(layer.kernel)))
        ranges[layer.name] = {"activation": (min(low, 0.0), max(high, 1e-3)), "kernel": (-limit, limit)}
    return ranges


def strip_fake_quantization(aware: Any, model: Any) -> Any:
    """Return a plain float model shaped like `model` with the weights of `aware`."""
    from edgedigits.training.keras_env import keras

    plain = keras.models.clone_model(model)
    wrapped = {layer.layer.name: layer for layer in aware.layers if hasattr(layer, "layer")}
    for layer in plain.layers:
        # The wrapper leaves a symbolic tensor in its layer's attribute `kernel`; the variables are in the lists.
        trained = {_short(variable.name): variable.numpy() for variable in wrapped[layer.name].trainable_weights}
        layer.set_weights([trained["kernel"], trained["bias"]])
    return plain


def _short(variable_name: str) -> str:
    return variable_name.split("/")[-1].split(":")[0]


def run(line: Line, model: Any) -> tuple[Any, Any]:
    """Train on with fake quantization.

    The model that comes in is stripped of pruning and clustering already: the preserving schemes keep what they made.
    """
    from edgedigits.training.keras_env import tfmot, unwarned

    config, qat = line.config, line.config.qat
    preserve = CLUSTERS if config.is_clustered else ZEROS if config.target_sparsity else ""
    aware = add_fake_quantization(model, line.calibration, preserve=preserve)
    plan = line.plan("qat", "Quantization-aware training", qat.epochs, qat.rate)
    finish = tfmot.experimental.combine.strip_clustering_cqat if preserve == CLUSTERS else lambda trained: trained
    # It is the clusters of kernels that TF-MOT trains.
    with unwarned("Gradients do not exist"):
        aware = line.train(plan, aware, finish=finish)
    return aware, strip_fake_quantization(aware, model)


STAGE = Stage(
    "qat",
    order=20,
    label="QAT",
    asked=lambda config: config.qat.enabled and not config.joint.enabled,
    run=run,
    past=lambda target_sparsity: "trained quantization-aware",
    brief=lambda tables: "QAT" if tables["qat"]["enabled"] else "",
    slug="qat",
    quantizes=True,
)
