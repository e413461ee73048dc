"""From what a `.tflite` says to what an engine does: walks the chain of operators and makes a `Network`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UnsupportedModelError
from edgedigits.model.fixed_point import INT32_MAX, INT32_MIN, Rounding, quantize_multiplier, rescale
from edgedigits.model.ir import Graph, Operator, Tensor
from edgedigits.model.network import INT8_MAX, INT8_MIN, DenseLayer, Network
from edgedigits.model.softmax import LARGEST_SOFTMAX, OUTPUT_SCALE, OUTPUT_ZERO_POINT, Softmax, lower_softmax

_HINT = "The engine runs chains of FULLY_CONNECTED, SOFTMAX, RESHAPE and QUANTIZE in int8; see the README."
_ACTIVATIONS = ("NONE", "RELU", "RELU6")
_EDGE_DTYPES = ("int8", "uint8", "float32")


def lower(graph: Graph, rounding: Rounding = Rounding.LITERT) -> Network:
    """Lower a full-integer MLP to integer arithmetic.

    Accepted are FULLY_CONNECTED (int8, per-tensor or per-channel, with or without bias, fused ReLU, ReLU6 or
    none), a SOFTMAX at the end, RESHAPE anywhere, QUANTIZE and DEQUANTIZE at the edges, and a dynamic batch,
    which is taken as 1.

    Raises:
        UnsupportedModelError: anything else, and accumulators that could overflow; names operator, tensor and
            reason.
    """
    return _Lowering(graph, rounding).network()


class _Lowering:
    """Walks the chain of operators from the model's input to its output."""

    def __init__(self, graph: Graph, rounding: Rounding) -> None:
        self._graph, self._rounding = graph, rounding
        self._layers: list[DenseLayer] = []
        self._softmax: Softmax | None = None
        self._dropped: list[str] = []
        self._low, self._high = INT8_MIN, INT8_MAX
        self._input: Tensor | None = None
        self._last: Tensor | None = None
        self._current = self._end("input", graph.inputs)

    def network(self) -> Network:
        output = self._end("output", self._graph.outputs)
        handlers = {
            "FULLY_CONNECTED": self._dense,
            "SOFTMAX": self._softmax_op,
            "RESHAPE": self._reshape,
            "QUANTIZE": self._quantize,
            "DEQUANTIZE": self._dequantize,
        }
        for operator in self._graph.operators:
            source = self._graph.input_of(operator, 0)
            if operator.opcode not in handlers:
                raise self._refuse(operator, source, "the engine has no such operator")
            if source is not self._current or len(operator.outputs) != 1:
                raise self._refuse(operator, source, "it is not the next link of one chain from input to output")
            handlers[operator.opcode](operator, self._current, self._graph.tensors[operator.outputs[0]])
        if self._current.index != output.index:
            raise UnsupportedModelError(f"{self._graph.name}: no operator writes output {output.label}.", hint=_HINT)
        if self._input is None or self._last is None:
            raise UnsupportedModelError(f"{self._graph.name}: it has no FULLY_CONNECTED layer.", hint=_HINT)
        layers = tuple(self._layers)
        return Network(
            self._graph, self._rounding, layers, self._softmax, self._input, self._last, tuple(self._dropped)
        )

    def _end(self, kind: str, indices: tuple[int, ...]) -> Tensor:
        if len(indices) != 1:
            raise UnsupportedModelError(f"{self._graph.name}: it has {len(indices)} {kind}s, not one.", hint=_HINT)
        tensor = self._graph.tensors[indices[0]]
        if tensor.dtype not in _EDGE_DTYPES:
            reason = f"is {tensor.dtype}, not one of {', '.join(_EDGE_DTYPES)}"
            raise UnsupportedModelError(f"{self._graph.name}: {kind} {tensor.label} {reason}.", hint=_HINT)
        return tensor

    def _refuse(self, operator: Operator, tensor: Tensor | None, reason: str) -> UnsupportedModelError:
        where = f", {tensor.label}" if tensor else ""
        return UnsupportedModelError(f"{self._graph.name}: {operator.label}{where}: {reason}.", hint=_HINT)

    def _check_int8(self, operator: Operator, tensor: Tensor) -> None:
        if tensor.dtype != "int8":
            hint = " (a float model: convert it with full-integer quantization)" if tensor.dtype == "float32" else ""
            raise self._refuse(operator, tensor, f"it is {tensor.dtype}, expected int8{hint}")
        if len(tensor.scales) != 1 or tensor.scale == 0:
            raise self._refuse(operator, tensor, "it needs one quantization scale above 0")

    def _dense(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        for tensor in (source, target):
            self._check_int8(operator, tensor)
        if self._softmax:
            raise self._refuse(operator, source, "a layer after SOFTMAX is not supported")
        if operator.options.get("weights_format", 0) != 0:
            raise self._refuse(operator, source, "shuffled weights are not supported")
        if operator.activation not in _ACTIVATIONS:
            raise self._refuse(operator, target, f"fused {operator.activation} is not supported")
        weights = self._weights(operator, source)
        layer = self._layer(operator, source, target, weights)
        self._layers.append(layer)
        self._input = self._input or source
        self._low, self._high = layer.clamp_low, layer.clamp_high
        self._current = self._last = target

    def _weights(self, operator: Operator, source: Tensor) -> Tensor:
        weights = self._graph.input_of(operator, 1)
        if weights is None or weights.data is None:
            raise self._refuse(operator, weights, "its weights are not a constant in plain layout")
        if weights.dtype != "int8" or len(weights.shape) != 2:
            raise self._refuse(operator, weights, f"weights are {weights.dtype} {list(weights.shape)}, not int8 [m, n]")
        if not weights.is_quantized or np.any(weights.zero_points != 0):
            raise self._refuse(operator, weights, "weights need scales, and zero points 0")
        if weights.is_per_channel and weights.quantized_dimension != 0:
            raise self._refuse(operator, weights, "per-channel scales must run along the outputs")
        if source.size != weights.shape[1] or 0 in weights.shape:
            reason = f"it has {source.size} elements for weights {list(weights.shape)}: only a batch of 1 is run"
            raise self._refuse(operator, source, reason)
        return weights

    def _layer(self, operator: Operator, source: Tensor, target: Tensor, weights: Tensor) -> DenseLayer:
        assert weights.data is not None
        values = np.ascontiguousarray(weights.data, dtype=np.int8)
        folded = self._bias(operator, len(values)) - source.zero_point * values.sum(axis=1, dtype=np.int64)
        if np.any(np.abs(folded) > INT32_MAX):
            raise self._refuse(operator, weights, "the bias with the input's zero point folded in is beyond int32")
        factors = [quantize_multiplier(real, self._rounding) for real in _factors(source, weights, target)]
        multiplier, shift = np.array(factors, np.int32).T
        low, high = _clamp(operator.activation, target)
        try:
            layer = DenseLayer(
                name=operator.label,
                weights=values,
                bias=folded.astype(np.int32),
                multiplier=np.ascontiguousarray(multiplier),
                shift=np.ascontiguousarray(shift),
                output_offset=target.zero_point,
                clamp_low=low,
                clamp_high=high,
                input_low=self._low,
                input_high=self._high,
                activation=operator.activation,
                per_channel=weights.is_per_channel,
            )
        except OverflowError as error:
            raise self._refuse(operator, weights, str(error)) from error
        self._prove_rescaling(operator, target, layer)
        return layer

    def _bias(self, operator: Operator, outputs: int) -> NDArray[np.int64]:
        bias = self._graph.input_of(operator, 2)
        if bias is None:
            return np.zeros(outputs, np.int64)
        if bias.data is None or bias.dtype != "int32" or bias.size != outputs:
            reason = f"the bias is {bias.dtype} {list(bias.shape)}, expected a constant int32 [{outputs}]"
            raise self._refuse(operator, bias, reason)
        return bias.data.astype(np.int64).reshape(-1)

    def _prove_rescaling(self, operator: Operator, target: Tensor, layer: DenseLayer) -> None:
        """Hold what the requantization computes with, at both ends of the accumulators, against int32."""
        multiplier, shift = layer.multiplier.astype(np.int64), layer.shift.astype(np.int64)
        for acc in layer.accumulator_range():
            shifted = [int(a) << max(int(s), 0) for a, s in zip(acc, shift, strict=True)]
            if self._rounding is Rounding.TFLM and any(not INT32_MIN <= value <= INT32_MAX for value in shifted):
                raise self._refuse(operator, target, "its scale is so small that shifting an accumulator overflows")
            scaled = rescale(acc, multiplier, shift, self._rounding) + layer.output_offset
            if np.any(scaled > INT32_MAX) or np.any(scaled < INT32_MIN):
                raise self._refuse(operator, target, "its scale is so small that rescaled accumulators overflow")

    def _softmax_op(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        for tensor in (source, target):
            self._check_int8(operator, tensor)
        if not self._layers or self._softmax:
            raise self._refuse(operator, source, "a SOFTMAX must follow the last layer")
        if source.size > LARGEST_SOFTMAX:
            raise self._refuse(operator, source, f"a SOFTMAX of more than {LARGEST_SOFTMAX} scores is not supported")
        if target.scale != OUTPUT_SCALE or target.zero_point != OUTPUT_ZERO_POINT:
            raise self._refuse(operator, target, "an int8 SOFTMAX must have scale 1/256 and zero point -128")
        try:
            self._softmax = lower_softmax(float(operator.options.get("beta", 1.0)), source.scale, self._rounding)
        except ValueError as error:
            raise self._refuse(operator, source, str(error)) from error
        self._current = self._last = target

    def _reshape(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        if not _same_quantization(source, target) or source.size != target.size:
            raise self._refuse(operator, target, "its quantization or size differs from its input's")
        self._drop(operator, target, "moves nothing")
        if self._layers:
            self._last = target

    def _quantize(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        at_start, at_end = not self._layers, target.index in self._graph.outputs
        if source.dtype == "int8" and target.dtype == "int8":
            if not _same_quantization(source, target):
                raise self._refuse(operator, target, "requantizing between layers is not supported")
            self._drop(operator, target, "changes nothing")
        elif target.dtype == "int8" and at_start and source.dtype in ("float32", "uint8"):
            self._drop(operator, target, "the engine's input is int8")
        elif source.dtype == "int8" and at_end and target.dtype == "uint8":
            self._drop(operator, target, "the engine's output is int8")
        else:
            raise self._refuse(operator, target, f"from {source.dtype} to {target.dtype} inside the model")

    def _dequantize(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        if source.dtype != "int8" or target.index not in self._graph.outputs:
            raise self._refuse(operator, source, "only int8 at the end of the model can be dequantized")
        self._drop(operator, target, "the engine's output is int8")

    def _drop(self, operator: Operator, target: Tensor, reason: str) -> None:
        self._dropped.append(f"{operator.label}: {reason}")
        self._current = target


def _factors(source: Tensor, weights: Tensor, target: Tensor) -> list[float]:
    """Return input scale · weight scale / output scale of each output.

    In float64, as both runtimes compute it: a product in float32 would change the last bits of a multiplier, and one
    output byte in some 100,000.
    """
    scales = np.broadcast_to(weights.scales, weights.shape[:1])
    return [float(source.scale) * float(scale) / float(target.scale) for scale in scales]


def _clamp(activation: str, target: Tensor) -> tuple[int, int]:
    low, high = INT8_MIN, INT8_MAX
    if activation != "NONE":
        low = max(low, target.zero_point)
    if activation == "RELU6":
        high = min(high, target.zero_point + math.floor(float(np.float32(6.0) / target.scale) + 0.5))
    return low, high


def _same_quantization(one: Tensor, other: Tensor) -> bool:
    return (
        one.dtype == other.dtype
        and np.array_equal(one.scales, other.scales)
        and np.array_equal(one.zero_points, other.zero_points)
    )
