"""ONNX's own tests of operators, which come with its library: right, or refused by our errors; none wrong.

Inputs behind the first that are no tensors of samples become constants, as weights of a model are.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError
from tests.onnx.nets import numpy_helper, onnx

pytestmark = pytest.mark.slow

READ = """\
Abs Add ArgMax ArgMin AveragePool BatchNormalization Cast Celu Clip Concat Conv ConvInteger ConvTranspose DepthToSpace
DequantizeLinear Div Dropout QLinearConv QLinearMatMul QuantizeLinear MatMulInteger
Einsum Elu Erf Exp Expand Flatten GRU Gather Gelu Gemm GlobalAveragePool GlobalMaxPool GroupNormalization HardSigmoid
HardSwish Identity InstanceNormalization LSTM LayerNormalization LeakyRelu LogSoftmax MatMul Max MaxPool Mean Min Mish Mul
Neg PRelu Pad Pow RMSNormalization RNN ReduceL1 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu
Reshape Resize Selu Shrink Sigmoid Slice Softmax Softplus Softsign SpaceToDepth Split Squeeze Sub Sum Swish Tanh
ThresholdedRelu Tile TopK Transpose Unsqueeze""".split()
SEVERAL = "Add Concat Div Einsum MatMul Max Mean Min Mul Sub Sum".split()
"""Operators of which all inputs are tensors of samples."""
NEVER_RIGHT = {
    "LayerNormalization": "mean and deviation as outputs",
    "Cast": "other types",
    "Einsum": "float64",
    "Tile": "samples repeated",
    "Pow": "by other than one whole number",
    "QuantizeLinear": "words of a scale for each channel, and one axis",
    **dict.fromkeys(["Max", "Mean", "Min", "Mish", "Shrink", "Sum", "Swish"], "one axis, that of samples"),
}
"""Operators of which each of these tests shows something that is refused; tests/onnx/inventory.py has others."""


def cases() -> dict[str, list[Any]]:
    """Tests of one operator, by its name."""
    loader = pytest.importorskip("onnx.backend.test.loader", reason="this onnx comes without its tests")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = loader.load_model_tests(kind="node")
    found: dict[str, list[Any]] = {}
    for case in every:
        if case.model is not None and len(case.model.graph.node) == 1 and "_expanded" not in case.name:
            found.setdefault(case.model.graph.node[0].op_type, []).append(case)
    return found


@pytest.fixture(scope="module")
def known() -> dict[str, list[Any]]:
    return cases()


@pytest.mark.parametrize("operator", READ)
def test_operator(operator: str, known: dict[str, list[Any]]) -> None:
    right = 0
    for case in known[operator]:
        for inputs, outputs in case.data_sets:
            if all(isinstance(array, np.ndarray | np.generic) for array in (*inputs, *outputs)):
                right += check(case, [np.asarray(array) for array in inputs], [np.asarray(array) for array in outputs])
    assert (right == 0) == (operator in NEVER_RIGHT)


def check(case: Any, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> bool:
    """Whether the case was taken; then it has to be right."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    of_samples = [
        place == 0 or (case.model.graph.node[0].op_type in SEVERAL and array.shape[:1] == inputs[0].shape[:1])
        for place, array in enumerate(inputs)
    ]
    del model.graph.input[:]
    model.graph.input.extend(v for v, kept in zip(case.model.graph.input, of_samples, strict=True) if kept)
    model.graph.initializer.extend(
        numpy_helper.from_array(array, value.name)
        for value, array, kept in zip(case.model.graph.input, inputs, of_samples, strict=True)
        if not kept
    )
    x = [array.astype(np.float64) for array, kept in zip(inputs, of_samples, strict=True) if kept]
    if case.model.graph.node[0].op_type in ("LSTM", "GRU", "RNN") and "batchwise" not in case.name:
        x = [array.swapaxes(0, 1) for array in x]  # the steps are in front of the samples
    try:
        project = hlsgen.convert(model, calibration=x if len(x) > 1 else x[0], default_width=24)
    except HlsgenError as error:
        assert len(str(error)) > 20
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = project.evaluate(x if len(x) > 1 else x[0])
    keys = project.trace_keys()
    for wanted, value in zip(outputs, project.design.outputs, strict=True):
        got = next(found[key] for key, tensor in keys.items() if tensor is value)
        assert any(agree(got, np.moveaxis(wanted, axis, 0)) for axis in range(wanted.ndim)), case.name
    return True


def agree(got: np.ndarray, wanted: np.ndarray) -> bool:
    """The same shape, and within 2^-10 of the largest value; the samples may be another axis of ``wanted``."""
    if got.shape != wanted.shape:
        return False
    right = wanted.astype(np.float64)
    return float(np.abs(got - right).max(initial=0)) <= 2.0**-10 * max(1.0, float(np.abs(right).max(initial=0)))
