"""Makes a float `.tflite` full-integer by litert-quantizer; run by `worker.py`, imports nothing of the package.

What the library leaves to its caller is done here: it takes neither float16 behind DEQUANTIZE, nor shapes that a
model computes, nor a file without a signature, tells tensors apart by name, and would measure the input's range. Of the
ranges that it measures the widest count, as in TensorFlow's converter: its own moving averages cut many digits off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_SIGNATURE, _INPUT, _OUTPUT = "serving_default", "input", "output"
# What the library leaves in float32 and the engine has, with the version under which LiteRT runs it in int8.
_LEFT = {
    schema.BuiltinOperator.LEAKY_RELU: 2,
    schema.BuiltinOperator.RELU6: 2,
    schema.BuiltinOperator.RELU_N1_TO_1: 1,
    schema.BuiltinOperator.RELU_0_TO_1: 1,
}
# Quantized by the ranges of what it takes and gives, as those are; the engine has none, so that no model here does.
_STAND_IN = schema.BuiltinOperator.GELU
_WIDENED = {schema.TensorType.FLOAT16: "<f2", schema.TensorType.INT8: "i1"}


def make_int8(
    content: bytes, targets: Mapping[str, Sequence[int]], inputs: NDArray[np.float32], low: float, high: float
) -> bytes:
    """Return the model in int8, its input and output too.

    Args:
        content: a float32 model of one input and one output; its weights may be float16 or int8.
        targets: the shape that each RESHAPE gives for one image, by its operator's index.
        inputs: what it is calibrated on, float32 (n, 1, …).
        low: the least that its input can be; the int8 input spans what lies between.
        high: the most.
    """
    from litert_quantizer import calibrator, quantizer, recipe, recipe_manager
    from litert_quantizer.utils import qsv_utils

    content, first = _plain(content, targets)
    choices = recipe.static_wi8_ai8()
    plan = recipe_manager.RecipeManager()
    plan.load_quantization_recipe(choices)
    measuring = calibrator.Calibrator(content, num_threads=1, qsv_update_func=qsv_utils.min_max_update)
    measuring.calibrate({_SIGNATURE: [{_INPUT: one} for one in inputs]}, plan)
    ranges = measuring.get_model_qsvs()
    ranges[first] = {end: np.full_like(ranges[first][end], value) for end, value in (("min", low), ("max", high))}
    content, left = _with_stand_ins(content)
    made = quantizer.Quantizer(content, choices).quantize(ranges, enable_progress_report=False)
    return _put_back(bytes(made.quantized_model), left)


def _plain(content: bytes, targets: Mapping[str, Sequence[int]]) -> tuple[bytes, str]:
    """Return the first subgraph, for one image, with float32 weights, different names and one signature; its input."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    main = model.subgraphs[0]
    model.subgraphs, model.metadata, model.metadataBuffer = [main], None, None
    for place, shape in targets.items():
        _reshape(model, main, main.operators[int(place)], np.array(shape, np.int32))
    _widen_weights(model, main)
    _drop_unused(model, main)
    names: set[str] = set()
    for index, tensor in enumerate(main.tensors):
        name = (tensor.name or b"").decode("utf-8", "replace")
        tensor.name = f"{name};{index}" if name in names else name
        names.add(tensor.name)
    model.signatureDefs = [_signature(main)]
    return _packed(model), main.tensors[main.inputs[0]].name


def _packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _number(code: Any) -> int:
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _with_stand_ins(content: bytes) -> tuple[bytes, list[tuple[int, Any, int]]]:
    """Return the model with a stand-in for each operator that the library leaves, and what those were, in order."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    left = []
    for operator in model.subgraphs[0].operators:
        number = _number(model.operatorCodes[operator.opcodeIndex])
        if number in _LEFT:
            left.append((number, operator.builtinOptions, operator.builtinOptionsType))
            operator.opcodeIndex = _add_code(model, _STAND_IN, 2)
            operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE
    return (_packed(model), left) if left else (content, left)


def _put_back(content: bytes, left: list[tuple[int, Any, int]]) -> bytes:
    """Return the model with what was there before each stand-in."""
    if not left:
        return content
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    operators = model.subgraphs[0].operators
    standing = [one for one in operators if _number(model.operatorCodes[one.opcodeIndex]) == _STAND_IN]
    for operator, (number, options, kind) in zip(standing, left, strict=True):
        operator.opcodeIndex = _add_code(model, number, _LEFT[number])
        operator.builtinOptions, operator.builtinOptionsType = options, kind
    return _packed(model)


def _add_code(model: Any, number: int, version: int) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _reshape(model: Any, main: Any, operator: Any, shape: NDArray[np.int32]) -> None:
    """Give a RESHAPE its target as a constant."""
    constant, target = schema.TensorT(), main.tensors[operator.outputs[0]]
    constant.name, constant.type, constant.shape = b"shape", schema.TensorType.INT32, np.array([len(shape)], np.int32)
    constant.buffer = _hold(model, shape)
    main.tensors.append(constant)
    operator.inputs = np.array([operator.inputs[0], len(main.tensors) - 1], np.int32)
    operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE
    target.shape, target.shapeSignature = shape, None


def _hold(model: Any, values: NDArray[Any]) -> int:
    """Return the index of a new buffer with such values."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _widen_weights(model: Any, main: Any) -> None:
    """Make constants of float16, and those of int8 that a float32 layer reads, float32 constants."""
    dequantize = schema.BuiltinOperator.DEQUANTIZE
    widening = {index for index, code in enumerate(model.operatorCodes) if _number(code) == dequantize}
    kept = []
    for operator in main.operators:
        source = main.tensors[operator.inputs[0]]
        if operator.opcodeIndex not in widening or not _widen(model, source, main.tensors[operator.outputs[0]]):
            kept.append(operator)
    main.operators = kept
    for tensor in main.tensors:
        if tensor.type == schema.TensorType.INT8:
            _widen(model, tensor, tensor)


def _values(model: Any, tensor: Any) -> NDArray[np.float32] | None:
    """Return what a constant stands for; None for what is none, or is stored in another way."""
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) == 0 or tensor.type not in _WIDENED or tensor.sparsity is not None:
        return None
    values = np.asarray(data, np.uint8).view(_WIDENED[tensor.type]).reshape(tensor.shape).astype(np.float32)
    if tensor.type == schema.TensorType.FLOAT16:
        return values
    stored = tensor.quantization
    if stored is None or stored.scale is None:
        return None
    along = [-1 if axis == stored.quantizedDimension else 1 for axis in range(values.ndim)]
    scales, points = (np.reshape(one, along if len(one) > 1 else -1) for one in (stored.scale, stored.zeroPoint))
    widened: NDArray[np.float32] = (values - points.astype(np.float32)) * scales.astype(np.float32)
    return widened


def _widen(model: Any, source: Any, target: Any) -> bool:
    """Make `target` hold what the constant `source` stands for; False where that is none."""
    values = _values(model, source)
    if values is None:
        return False
    target.buffer, target.type, target.quantization = _hold(model, values), schema.TensorType.FLOAT32, None
    return True


def _drop_unused(model: Any, main: Any) -> None:
    """Drop operators that lead nowhere, tensors that no other reads or writes, and what buffers hold for them."""
    wanted, kept = {*main.outputs, *main.inputs}, list[Any]()
    for operator in reversed(main.operators):
        if not wanted.isdisjoint(operator.outputs):
            wanted |= {*operator.inputs, *operator.outputs}
            kept.insert(0, operator)
    main.operators = kept
    used = sorted(int(index) for index in wanted if index >= 0)
    places = {-1: -1, **{index: place for place, index in enumerate(used)}}

    def moved(indices: Sequence[int]) -> NDArray[np.int32]:
        return np.array([places[int(index)] for index in indices], np.int32)

    for operator in main.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
    main.inputs, main.outputs = moved(main.inputs), moved(main.outputs)
    main.tensors = [main.tensors[index] for index in used]
    held = {tensor.buffer for tensor in main.tensors}
    for index, buffer in enumerate(model.buffers):
        if index not in held:
            buffer.data = None


def _signature(main: Any) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey = _SIGNATURE
    signature.inputs, signature.outputs = _named(_INPUT, main.inputs[0]), _named(_OUTPUT, main.outputs[0])
    return signature


def _named(name: str, index: int) -> list[Any]:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return [entry]
