"""Every reason to refuse a model has a file that triggers it, and a sentence that names op, tensor and reason."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgedigits.errors import EXIT_UNSUPPORTED_MODEL
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from edgedigits.model.refusals import Reason, RefusalError
from tests.model.one_layer import Layer, layer, quantized, whole
from tests.model.refusals import TABLE
from tests.tflite_builder import random_mlp, schema


def refusal(content: bytes, rounding: Rounding = Rounding.LITERT) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        lower(read_tflite(content, "m.tflite"), rounding)
    return caught.value


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(Reason)


@pytest.mark.parametrize("reason", TABLE, ids=lambda reason: reason.name)
def test_each_reason_has_its_sentence_and_its_remedy(reason: Reason) -> None:
    refused = TABLE[reason]
    found = refusal(refused.make(), refused.rounding)

    assert found.reason is reason
    assert found.message == f"m.tflite: {refused.says}."
    assert refused.remedy in found.hint
    assert found.exit_code == EXIT_UNSUPPORTED_MODEL


def test_the_model_of_the_table_is_fine_when_nothing_is_changed() -> None:
    network = lower(read_tflite(layer()()))

    assert (network.inputs, network.outputs) == (4, 3)


def litert_accepts(content: bytes) -> bool:
    try:
        Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF).allocate_tensors()
    except (RuntimeError, ValueError):
        return False
    return True


def accepted(content: bytes) -> bool:
    try:
        lower(read_tflite(content))
    except RefusalError:
        return False
    return True


@pytest.mark.parametrize("off", [-0.03, -0.021, -0.019, 0.0, 0.019, 0.021, 0.03])
def test_a_bias_of_another_scale_is_refused_where_litert_refuses_it(off: float) -> None:
    content = layer(quantized("bias", scale=np.array([0.125 + off], np.float32)))()

    assert accepted(content) == litert_accepts(content) == (abs(off) <= 0.02)


@pytest.mark.parametrize(("output_scale", "expected"), [(1.0, False), (6.24, False), (6.26, True)])
def test_a_bias_without_a_scale_has_scale_0(output_scale: float, expected: bool) -> None:
    content = layer(
        lambda model: setattr(model.tensor(model.bias), "quantization", None),
        quantized("outputs", scale=np.array([output_scale], np.float32)),
    )()

    assert accepted(content) == litert_accepts(content) == expected


def test_by_channel_the_bias_has_no_scale_that_counts() -> None:
    by_channel = {"scale": np.full(3, 0.25, np.float32), "zeroPoint": np.zeros(3, np.int64)}
    content = layer(quantized("weights", **by_channel), quantized("bias", scale=np.array([9.0], np.float32)))()

    assert accepted(content) and litert_accepts(content)


def test_an_operator_that_is_not_there_is_told_before_what_converting_again_would_mend() -> None:
    assert refusal(random_mlp(1, (4, 3), float_model=True, extra_op="EXP")).reason is Reason.NO_OPERATOR


def test_scaling_that_shifts_is_called_scaling() -> None:
    def shifted(model: Layer) -> None:
        target = model.activation("shifted", 4, 0.5, -3)
        one = model.writer.constant("one", np.array(1, np.int8), 1.0)
        model.add("ADD", model.inputs[0], target, schema.AddOptionsT(), one)
        model.dense(target)

    assert refusal(whole(shifted)()).message.startswith("m.tflite: operator 0 (ADD), tensor 0 'x': it changes values")


@pytest.mark.parametrize(("code", "remedy"), [("edgetpu-custom-op", "edgetpu_compiler"), ("ethos-u", "Vela")])
def test_a_model_compiled_for_an_accelerator_is_traced_back(code: str, remedy: str) -> None:
    assert remedy in refusal(random_mlp(1, (4, 3), extra_op=code)).hint


@pytest.mark.parametrize("end", ["input", "output"])
@pytest.mark.parametrize(("scale", "shift", "fine"), [(1.0, 128, True), (1.0, 127, False), (0.7, 128, False)])
def test_uint8_at_an_end_differs_by_128_or_is_another_quantization(
    end: str, scale: float, shift: int, fine: bool
) -> None:
    def ended(model: Layer) -> None:
        inner = model.inputs[0] if end == "input" else model.outputs[0]
        size, base = (4, 0.5) if end == "input" else (3, 1.0)
        point = int(model.tensor(inner).quantization.zeroPoint[0])
        outer = model.activation("outer", size, base * scale, point + shift, "uint8")
        if end == "input":
            model.add("QUANTIZE", outer, inner, schema.QuantizeOptionsT())
            model.inputs = [outer]
            model.dense(inner)
        else:
            model.dense()
            model.add("QUANTIZE", inner, outer, schema.QuantizeOptionsT())
            model.outputs = [outer]

    content = whole(ended)()
    assert accepted(content) is fine
    assert fine or refusal(content).reason is Reason.REQUANTIZE


def test_a_computed_value_is_no_shape() -> None:
    """PACK belongs to shape computations, and here it packs an activation."""

    def packed(model: Layer) -> None:
        pair = model.activation("pair", 8, 0.5, -3)
        model.writer.operator("PACK", [*model.inputs, *model.inputs], [pair], schema.PackOptionsT())
        model.dense(pair)

    assert refusal(whole(packed)()).message == (
        "m.tflite: operator 0 (PACK), tensor 0 'x': the engine has no such operator."
    )
