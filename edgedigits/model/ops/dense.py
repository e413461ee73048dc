"""FULLY_CONNECTED: from what the file says to an integer layer, or to the reason why there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fitting import fit_multiplier
from edgedigits.model.fixed_point import INT32_MAX, INT32_MIN, Rounding, quantize_multiplier, rescale
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.clamp import ACTIVATIONS, clamp
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.refusals import Reason, RefusalError

BIAS_SCALE_TOLERANCE = 0.02
"""Share of the output's scale by which a bias's scale may be off: `GetQuantizedConvolutionMultipler` of TFLite."""


class Dense(Op):
    """Weights, a bias or none, a fused activation or none."""

    opcodes = ("FULLY_CONNECTED",)
    inputs = (2, 3)

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return the layer for what the step before can give."""
        if any(step.gives_probabilities for step in chain.steps):
            raise chain.refuse(Reason.AFTER_SOFTMAX, operator, source)
        layer = _Lowering(chain, operator, source, target).layer()
        rows = chain.shapes.of(source)[:-1] if operator.options.get("keep_num_dims") else (1,)
        return Link((*rows, layer.outputs), layer)


class _Lowering:
    """Lowers one FULLY_CONNECTED, from `source` to `target`."""

    def __init__(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> None:
        self._chain, self._graph, self._shapes, self._rounding = chain, chain.graph, chain.shapes, chain.rounding
        self._operator, self._source, self._target = operator, source, target

    def layer(self) -> DenseLayer:
        weights = self._chain.operand(self._operator, 1)
        self._check_kind(weights)
        self._chain.check_int8(self._operator, self._source, self._target)
        if self._operator.options.get("weights_format", 0) != 0:
            raise self._refuse(Reason.SHUFFLED, self._source)
        if self._operator.activation not in ACTIVATIONS:
            raise self._refuse(Reason.ACTIVATION, self._target, activation=self._operator.activation)
        weights = self._check_weights(weights)
        self._check_rows(weights)
        return self._proven(weights)

    def _refuse(self, reason: Reason, tensor: Tensor | None, **facts: Any) -> RefusalError:
        return self._chain.refuse(reason, self._operator, tensor, **facts)

    def _check_kind(self, weights: Tensor | None) -> None:
        """Tell models that compute in float by what they are: each has the same remedy, and another name."""
        if self._source.dtype != "float32":
            self._check_sparse(weights)
            return
        if weights is None or weights.dtype == "float32":
            raise self._refuse(Reason.FLOAT32, weights)
        raise self._refuse(Reason.DYNAMIC_RANGE, weights, dtype=weights.dtype)

    def _check_sparse(self, weights: Tensor | None) -> None:
        """TFLM reads sparse weights as if they were dense, and says nothing."""
        if weights is not None and weights.is_sparse:
            if self._rounding is Rounding.TFLM:
                raise self._refuse(Reason.SPARSE_TFLM, weights)
            if weights.data is None:
                raise self._refuse(Reason.SPARSE, weights)

    def _check_weights(self, weights: Tensor | None) -> Tensor:
        if weights is None or weights.data is None:
            raise self._refuse(Reason.NO_WEIGHTS, weights)
        if weights.dtype != "int8" or len(weights.shape) != 2 or 0 in weights.shape:
            facts = {"dtype": weights.dtype, "shape": list(weights.shape)}
            raise self._refuse(Reason.WEIGHTS_TYPE, weights, **facts)
        if not weights.is_quantized:
            raise self._refuse(Reason.WEIGHTS_SCALES, weights)
        if np.any(weights.zero_points != 0):
            point = int(weights.zero_points[weights.zero_points != 0][0])
            raise self._refuse(Reason.WEIGHTS_ZERO_POINTS, weights, point=point)
        if weights.is_per_channel and weights.quantized_dimension != 0:
            raise self._refuse(Reason.WEIGHTS_AXIS, weights, axis=weights.quantized_dimension)
        return weights

    def _check_rows(self, weights: Tensor) -> None:
        """One image must be one row: the engine has no loop over rows."""
        row, elements = weights.shape[1], self._shapes.size(self._source)
        last = self._shapes.of(self._source)[-1:]
        keeps = bool(self._operator.options.get("keep_num_dims"))
        if elements == row and not (keeps and last != (row,)):
            return
        first = self._shapes.of(self._graph.tensors[self._graph.inputs[0]])[:1]
        if first and first[0] > 1 and first[0] * row == elements:
            raise self._refuse(Reason.FIXED_BATCH, self._source, batch=first[0])
        facts = {"elements": elements, "shape": list(weights.shape), "row": row}
        raise self._refuse(Reason.ROWS, self._source, **facts)

    def _proven(self, weights: Tensor) -> DenseLayer:
        assert weights.data is not None
        values = self._of_all_inputs(np.ascontiguousarray(weights.data, dtype=np.int8))
        folded = self._bias(weights) - self._source.zero_point * values.sum(axis=1, dtype=np.int64)
        if np.any(np.abs(folded) > INT32_MAX):
            raise self._refuse(Reason.FOLDED_BIAS, weights)
        real = self._factors(weights)
        rounding = Rounding.TFLM if weights.is_sparse else self._rounding
        multiplier, shift = np.array([quantize_multiplier(one, rounding) for one in real], np.int32).T
        low, high = clamp(self._operator.activation, self._target)
        lowest, highest = self._chain.limits(self._source)
        try:
            layer = DenseLayer(
                name=self._operator.label,
                weights=values,
                bias=folded.astype(np.int32),
                multiplier=np.ascontiguousarray(multiplier),
                shift=np.ascontiguousarray(shift),
                output_offset=self._target.zero_point,
                clamp_low=low,
                clamp_high=high,
                input_low=lowest,
                input_high=highest,
                activation=self._operator.activation,
                per_channel=weights.is_per_channel,
                # LiteRT's kernel for sparse weights is not the one for others.
                rounds_twice=weights.is_sparse,
            )
        except OverflowError as error:
            raise self._refuse(Reason.ACCUMULATOR, weights, detail=str(error)) from error
        if rounding is Rounding.LITERT:
            layer = _as_litert(layer, real)
        self._prove_rescaling(layer, rounding)
        return layer

    def _of_all_inputs(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return weights (out, in) of all the values that there are, where a GATHER picks some of them."""
        if self._source.index not in self._chain.picked:
            return values
        places, count = self._chain.picked[self._source.index]
        wide = np.zeros((len(values), count), np.int8)
        wide[:, places] = values
        return wide

    def _bias(self, weights: Tensor) -> NDArray[np.int64]:
        """Return the bias as the file has it, int64 (out,)."""
        outputs = weights.shape[0]
        bias = self._chain.operand(self._operator, 2)
        if bias is None:
            return np.zeros(outputs, np.int64)
        if bias.data is None or bias.dtype != "int32" or bias.size != outputs:
            facts = {"dtype": bias.dtype, "shape": list(bias.shape), "outputs": outputs}
            raise self._refuse(Reason.BIAS, bias, **facts)
        self._check_bias_scale(bias, weights)
        return bias.data.astype(np.int64).reshape(-1)

    def _check_bias_scale(self, bias: Tensor, weights: Tensor) -> None:
        """The runtimes refuse a bias of another scale than the products have; by channel they do not look."""
        if weights.is_per_channel:
            return
        found = float(bias.scales[0]) if bias.is_quantized else 0.0
        expected = float(self._source.scale) * float(weights.scale)
        if abs(found - expected) / float(self._target.scale) > BIAS_SCALE_TOLERANCE:
            raise self._refuse(Reason.BIAS_SCALE, bias, found=found, expected=expected)

    def _factors(self, weights: Tensor) -> list[float]:
        """Return input scale · weight scale / output scale of each output.

        In float64, as both runtimes compute it: a product in float32 would change the last bits of a multiplier, and
        one output byte in some 100,000.
        """
        scales = np.broadcast_to(weights.scales, weights.shape[:1])
        return [float(self._source.scale) * float(scale) / float(self._target.scale) for scale in scales]

    def _prove_rescaling(self, layer: DenseLayer, rounding: Rounding) -> None:
        """Hold what the requantization computes with, at both ends of the accumulators, against int32."""
        multiplier, shift = layer.multiplier.astype(np.int64), layer.shift.astype(np.int64)
        for acc in layer.accumulator_range():
            shifted = [int(a) << max(int(s), 0) for a, s in zip(acc, shift, strict=True)]
            if rounding is Rounding.TFLM and any(not INT32_MIN <= value <= INT32_MAX for value in shifted):
                raise self._refuse(Reason.SHIFTED, self._target)
            scaled = rescale(acc, multiplier, shift, rounding) + layer.output_offset
            if np.any(scaled > INT32_MAX) or np.any(scaled < INT32_MIN):
                raise self._refuse(Reason.RESCALED, self._target)


def _as_litert(layer: DenseLayer, factors: list[float]) -> DenseLayer:
    """Return the layer with multipliers that give LiteRT's results for every accumulator; one for each factor."""
    low, high = layer.accumulator_range()
    results = layer.clamp_low - layer.output_offset, layer.clamp_high - layer.output_offset
    fitted = layer.multiplier.copy()
    for factor in set(factors):
        same = np.array(factors) == factor
        multiplier, shift = int(layer.multiplier[same][0]), int(layer.shift[same][0])
        if multiplier:
            ends = int(low[same].min()), int(high[same].max())
            fitted[same] = fit_multiplier(factor, multiplier, shift, ends, results)
    return replace(layer, multiplier=fitted)


OP = Dense()
