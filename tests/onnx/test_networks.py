"""Whole networks of ONNX: what ONNX Runtime computes, nothing transposed, equal integers by all executors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.cli.score import score
from tests.ladder.harness import executors_agree, grid_input
from tests.onnx.nets import Net, TensorProto, onnx, runtime


def mlp(samples: Any = "N") -> Any:
    net = Net(samples=samples)
    x = net("Add", net("MatMul", net.input(6), net.weight(6, 8), name="fc1"), net.weight(8), name="fc1_bias")
    net.output(net("Gemm", net("Relu", x, name="act"), net.weight(3, 8), net.weight(3), transB=1, name="fc2"))
    return net.model()


def cnn(samples: Any = "N", channels: int = 2) -> Any:
    """Two convolutions with a residual sum, pooling, and a Flatten that Dense weights follow."""
    net = Net(samples=samples, seed=3)
    x = net("Relu", net("Conv", net.input(channels, 8, 6), net.weight(4, channels, 3, 3), net.weight(4), pads=[1] * 4))
    y = net("Conv", x, net.weight(4, 4, 3, 3), net.weight(4), pads=[1] * 4, name="second")
    pooled = net("MaxPool", net("Add", x, y), kernel_shape=[2, 2], strides=[2, 2], name="pool")
    net.output(net("Gemm", net("Flatten", pooled), net.weight(48, 5), net.weight(5), name="head"))
    return net.model()


def shuffled() -> Any:
    """Channels in groups, exchanged by Reshape, Transpose and Reshape, as ShuffleNet does."""
    net = Net(seed=4)
    x = net("Conv", net.input(4, 5, 5), net.weight(6, 2, 3, 3), group=2)
    parts = net("Transpose", net("Reshape", x, net.whole(0, 2, 3, 3, 3)), perm=[0, 2, 1, 3, 4])
    net.output(net("GlobalMaxPool", net("Conv", net("Reshape", parts, net.whole(0, 6, 3, 3)), net.weight(3, 6, 2, 2))))
    return net.model()


def exported() -> Any:
    """``x.view(x.size(0), -1)`` as exporters write it: a shape computed while the model runs."""
    net = Net(seed=5)
    x = net("Conv", net.input(2, 4, 4), net.weight(3, 2, 3, 3))
    count = net("Unsqueeze", net("Gather", net("Shape", x), net.weight(values=np.array(0)), axis=0), net.whole(0))
    flat = net("Reshape", x, net("Concat", count, net.whole(-1), axis=0))
    net.output(net("Gemm", flat, net.weight(12, 2)))
    return net.model()


def from_keras() -> Any:
    """Images with the channels last, transposed for ONNX's operators, as tf2onnx writes them."""
    net = Net(seed=6)
    first = net("Transpose", net.input(6, 5, 3), perm=[0, 3, 1, 2])
    x = net("Relu", net("Conv", first, net.weight(4, 3, 2, 2)))
    last = net("Transpose", x, perm=[0, 2, 3, 1])
    net.output(net("Gemm", net("Reshape", last, net.whole(-1, 80)), net.weight(80, 2)))
    return net.model()


def batch_normalised(net: Net, x: str, channels: int) -> str:
    variance = net.weight(values=np.resize([0.25, 1.0, 4.0], channels))
    parts = [net.weight(channels), net.weight(channels), net.weight(channels), variance]
    return net("BatchNormalization", x, *parts, epsilon=0.0)


def mobile() -> Any:
    """A block of MobileNet: depthwise between convolutions of one pixel, ReLU6, a sum."""
    net = Net(seed=7)
    x = batch_normalised(net, net("Conv", net.input(3, 8, 8), net.weight(4, 3, 3, 3), pads=[1] * 4, strides=[2, 2]), 4)
    y = net("Clip", net("Conv", x, net.weight(8, 4, 1, 1), net.weight(8)), net.scalar(0.0), net.scalar(6.0))
    y = net("Conv", y, net.weight(8, 1, 3, 3), pads=[1] * 4, group=8)
    y = net("Add", x, net("Conv", net("Relu", y), net.weight(4, 8, 1, 1)))
    net.output(net("Gemm", net("Flatten", net("GlobalAveragePool", y)), net.weight(4, 3)))
    return net.model()


def pyramid() -> Any:
    """Down and up again, joined with what there was: the image of a U-Net."""
    net = Net(seed=8)
    x = net("Relu", net("Conv", net.input(2, 8, 8), net.weight(4, 2, 3, 3), pads=[1] * 4))
    down = net("Relu", net("Conv", net("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), net.weight(6, 4, 1, 1)))
    up = net("ConvTranspose", down, net.weight(6, 3, 2, 2), strides=[2, 2])
    net.output(net("Conv", net("Concat", x, up, axis=1), net.weight(2, 7, 1, 1)))
    return net.model()


EXACT = {f.__name__: f for f in (mlp, cnn, shuffled, exported, from_keras, mobile, pyramid)}


def weighted() -> Any:
    """Channels weighed by what is in all of the image: squeeze and excitation."""
    net = Net(seed=9)
    x = net("Conv", net.input(3, 5, 5), net.weight(4, 3, 2, 2), net.weight(4))
    y = net("Relu", net("Conv", net("GlobalAveragePool", x), net.weight(2, 4, 1, 1)))
    y = net("Mul", x, net("HardSigmoid", net("Conv", y, net.weight(4, 2, 1, 1))))
    net.output(net("Softmax", net("ReduceMean", y, net.whole(2, 3), keepdims=0)))
    return net.model()


def attention() -> Any:
    """A block of a transformer: two heads, scores by the root of their depth, GELU by erf."""
    net = Net(seed=10)
    x = net.input(5, 8)
    normal = net("LayerNormalization", x, net.weight(8), net.weight(8))
    heads = []
    for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
        y = net("Add", net("MatMul", normal, net.weight(8, 8)), net.weight(8))
        heads.append(net("Transpose", net("Reshape", y, net.whole(0, 0, 2, 4)), perm=order))
    scores = net("Div", net("MatMul", heads[0], heads[1]), net.scalar(2.0))
    seen = net("Transpose", net("MatMul", net("Softmax", scores), heads[2]), perm=[0, 2, 1, 3])
    x = net("Add", x, net("MatMul", net("Reshape", seen, net.whole(0, 0, 8)), net.weight(8, 8)))
    y = net("MatMul", x, net.weight(8, 12))
    gate = net("Add", net("Erf", net("Div", y, net.scalar(np.sqrt(2.0)))), net.scalar(1.0))
    y = net("Mul", net("Mul", y, gate), net.scalar(0.5))
    net.output(net("ReduceMean", net("Add", x, net("MatMul", y, net.weight(12, 8))), net.whole(1), keepdims=0))
    return net.model()


def recurrent() -> Any:
    """A sequence read by an LSTM whose states begin with zeros, as many as samples: as PyTorch exports it."""
    net = Net(seed=11)
    x = net("Transpose", net.input(6, 4), perm=[1, 0, 2])
    count = net("Slice", net("Shape", x), net.whole(1), net.whole(2))
    zeros = [net("Expand", net.scalar(0.0), net("Concat", net.whole(1), count, net.whole(3), axis=0)) for _ in "hc"]
    weights = [net.weight(1, 12, 4), net.weight(1, 12, 3), net.weight(1, 24)]
    steps = net("LSTM", x, *weights, "", *zeros, hidden_size=3, outputs=1)
    last = net("Gather", net("Squeeze", steps, net.whole(1)), net.weight(values=np.array(-1)), axis=0)
    net.output(net("Gemm", last, net.weight(3, 2)))
    return net.model()


CLOSE = {f.__name__: f for f in (weighted, attention, recurrent)}
"""With functions and quotients, which are rounded."""
NETWORKS = EXACT | CLOSE


def inputs_of(model: Any) -> np.ndarray:
    shape = [axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    return grid_input(shape, samples=16)


@pytest.mark.parametrize("name", EXACT)
def test_the_runtime_says_the_same(name: str) -> None:
    """Weights and inputs are short multiples of powers of two, so that float32 is exact, too."""
    model = NETWORKS[name]()
    x = inputs_of(model)
    project = hlsgen.convert(model, input_precision="fixed<8,4>", default_width=32)
    (right,) = runtime(model, [x])
    np.testing.assert_array_equal(project.predict(x), right)


@pytest.mark.parametrize("name", CLOSE)
def test_the_runtime_says_nearly_the_same(name: str) -> None:
    """Within 2^-10 of the largest value of the output, as Keras's networks are."""
    model = NETWORKS[name]()
    x = inputs_of(model)
    project = hlsgen.convert(model, input_precision="fixed<8,4>", default_width=20, calibration=x)
    (right,) = runtime(model, [x])
    assert np.abs(project.predict(x) - right).max() <= 2.0**-10 * max(1.0, float(np.abs(right).max()))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("shuffled", "pyramid", "attention")])
def test_nothing_is_transposed(name: str) -> None:
    project = hlsgen.convert(NETWORKS[name]())
    for graph in (project.graph, project.design):
        assert "Permute" not in [op.layer.kind for op in graph]


def test_a_shuffle_of_channels_is_one_permutation() -> None:
    kinds = [op.layer.kind for op in hlsgen.convert(shuffled()).graph]
    assert kinds.count("Permute") == 1


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_executors_agree(io_type: str) -> None:
    project = hlsgen.convert(cnn(), input_precision="fixed<8,4>", io_type=io_type)
    executors_agree(project, inputs_of(cnn()))


def test_layers_are_those_of_the_same_keras_model() -> None:
    """A product and the sum behind it are one Dense layer, and a global pool leaves one axis."""
    assert [op.layer.kind for op in hlsgen.convert(mlp()).graph] == ["Input", "Dense", "Relu", "Dense"]
    assert [op.layer.kind for op in hlsgen.convert(cnn()).graph] == [
        *("Input", "Conv2D", "Relu", "Conv2D", "Merge", "MaxPooling2D", "Reshape", "Dense")
    ]


def test_a_summand_is_a_bias_where_it_is_one_number_a_channel() -> None:
    """Of (samples, 3, 3, 3), three numbers are for the columns, and (3, 1, 1) for the channels."""

    def kinds(*shape: int) -> list[str]:
        net = Net()
        net.output(net("Relu", net("Add", net("Conv", net.input(2, 4, 3), net.weight(3, 2, 2, 1)), net.weight(*shape))))
        return [op.layer.kind for op in hlsgen.convert(net.model()).graph]

    assert "Scale" not in kinds(3, 1, 1) and "Scale" not in kinds(1, 3, 1, 1) and "Scale" not in kinds(1)
    assert "Scale" in kinds(3) and "Scale" in kinds(1, 3) and "Scale" in kinds(3, 3, 3)


def test_a_normalisation_in_pieces_that_somebody_looks_into_is_refused() -> None:
    """What is in between is not there then."""

    def net_of(looked: bool) -> Any:
        net = Net(13)
        x = net.input(3, 8)
        difference = net("Sub", x, net("ReduceMean", x, axes=[-1]), name="difference")
        variance = net("ReduceMean", net("Mul", difference, difference), axes=[-1])
        y = net("Div", difference, net("Sqrt", net("Add", net.scalar(1e-3), variance), name="root"), name="norm")
        net.output(net("Add", y, difference) if looked else y)
        return net.model()

    assert [op.layer.kind for op in hlsgen.convert(net_of(False)).graph] == ["Input", "Standardise"]
    with pytest.raises(hlsgen.errors.UnsupportedError, match=r"'root' \(Sqrt\)"):
        hlsgen.convert(net_of(True))


@pytest.mark.parametrize("opset", [9, 11, 13])
def test_constants_are_computed_as_their_opset_says(opset: int) -> None:
    """Axes are an attribute before opset 13, and an input from then on."""
    net = Net(opset, seed=13)
    axes = [net.whole(1, 2)] if opset >= 13 else []
    factors = net("Unsqueeze", net.weight(3), *axes, **({} if axes else {"axes": [1, 2]}))
    net.output(net("Mul", net.input(3, 4, 5), factors))
    x = grid_input((3, 4, 5), samples=4)
    project = hlsgen.convert(net.model(), input_precision="fixed<8,4>", default_width=32)
    np.testing.assert_array_equal(project.predict(x), runtime(net.model(), [x])[0])


def test_rows_of_a_table() -> None:
    net = Net(seed=12)
    numbers = net.input(5, kind=TensorProto.INT64)
    net.output(net("MatMul", net("Gather", net.weight(7, 4), numbers), net.weight(4, 2)))
    x = np.random.default_rng(0).integers(0, 7, (9, 5))
    project = hlsgen.convert(net.model(), default_width=32)
    np.testing.assert_array_equal(project.predict(x), runtime(net.model(), [x])[0])


@pytest.mark.parametrize("samples", ["N", 1, 5])
@pytest.mark.parametrize("written", ["literal", "zero", "left"])
def test_shapes_with_the_number_of_samples(samples: Any, written: str) -> None:
    """As a number, as what there was, or as what is left: what else is -1 is filled by what a sample has."""
    if samples == "N" and written == "literal":
        pytest.skip("there is no number to write")
    first = {"literal": samples, "zero": 0, "left": -1}[written]
    net = Net(samples=samples, seed=14)
    x = net("Conv", net.input(2, 4, 3), net.weight(6, 2, 2, 2))
    shape = (first, 6, 3, 2) if written == "left" else (first, 6, -1)
    x = net("Reshape", x, net.whole(*shape))
    x = net("Reshape", x, net.whole(first, 9 if written == "left" else -1, 4))
    net.output(net("MatMul", x, net.weight(4, 2)))
    x = grid_input((2, 4, 3), samples=5)
    project = hlsgen.convert(net.model(), input_precision="fixed<8,4>", default_width=32)
    batches = x if samples in ("N", 5) else x[:1]
    np.testing.assert_array_equal(project.predict(batches), runtime(net.model(), [batches])[0])


# -- what users give --------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", ["batch_size", 1, 7])
def test_the_number_of_samples_is_free(samples: Any) -> None:
    model = cnn(samples)
    x = inputs_of(cnn())
    project = hlsgen.convert(model, input_precision="fixed<8,4>", default_width=32)
    np.testing.assert_array_equal(project.predict(x), runtime(cnn(), [x])[0])


def test_inputs_have_the_models_order() -> None:
    model = cnn()
    x = inputs_of(model)
    project = hlsgen.convert(model, input_precision="fixed<8,4>", calibration=x, default_width=32)
    assert project.graph.inputs[0].shape == (8, 6, 2)
    (right,) = runtime(model, [x])
    np.testing.assert_array_equal(project.predict(x), right)
    np.testing.assert_array_equal(project.trace(x)["x0"], x.transpose(0, 2, 3, 1))
    whole = np.rint(x).astype(np.int64)
    np.testing.assert_array_equal(project.predict(whole), project.predict(whole.astype(np.float32)))
    with pytest.raises(hlsgen.errors.InputError, match=r"expected \(samples, 2, 8, 6\)"):
        project.predict(x.transpose(0, 2, 3, 1))


def test_streams_and_test_benches_take_them() -> None:
    project = hlsgen.convert(cnn(), io_type="io_stream")
    project.check_streams()
    assert any(name.startswith("tb_data") for name in project.files)


def test_stored_samples_have_the_models_order(tmp_path: Path) -> None:
    """Test vectors and calibration data of a configuration; what writes a test bench takes the same."""
    x = inputs_of(cnn())
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "expected.npy", runtime(cnn(), [x])[0])
    onnx.save(cnn(), tmp_path / "net.onnx")
    lines = ["model: net.onnx", "default_width: 24", "input_precision: fixed<8,4>"]
    lines += ["calibration: x.npy", "test_vectors: {x: x.npy}"]
    (tmp_path / "net.yml").write_text("\n".join(lines))
    project = hlsgen.convert(None, config=tmp_path / "net.yml")
    found = score(project, project.config.test_vectors)
    assert found.output.equal == found.output.total == 16 * 5
    first = project.files["tb_data/inputs.dat"].splitlines()[0].split()
    assert [int(word) for word in first] == (x[0].transpose(1, 2, 0) * 16).astype(int).ravel().tolist()


def test_other_weights() -> None:
    x = inputs_of(mlp())
    project, other = hlsgen.convert(mlp(), default_width=32), mlp()
    for tensor in other.graph.initializer:
        tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor)[..., ::-1].copy(), tensor.name))
    np.testing.assert_array_equal(project.with_weights(other).predict(x), runtime(other, [x])[0])


def test_outputs_have_the_models_order() -> None:
    net = Net()
    net.output(net("Conv", net.input(2, 5, 4), net.weight(3, 2, 2, 2), name="image"))
    x = grid_input((2, 5, 4), samples=8)
    project = hlsgen.convert(net.model(), input_precision="fixed<8,4>", default_width=32)
    (right,) = runtime(net.model(), [x])
    np.testing.assert_array_equal(project.predict(x), right)
    np.testing.assert_array_equal(project.trace(x)["image"], right.transpose(0, 2, 3, 1))


def test_files_configurations_and_names(tmp_path: Path) -> None:
    onnx.save(mlp(), tmp_path / "net.onnx")
    (tmp_path / "net.yml").write_text("model: net.onnx\nlayers:\n  fc1: {reuse_factor: 2}\n")
    project = hlsgen.convert(None, config=tmp_path / "net.yml")
    assert project.design.ops[1].reuse_factor == 2
    assert list(project.trace_keys()) == ["x0", "fc1", "fc1_bias", "act", "fc2"]
    assert list(hlsgen.default_config(tmp_path / "net.onnx", "name").layers) == ["fc1", "act", "fc2"]
    assert set(hlsgen.default_config(tmp_path / "net.onnx", "type").layer_types) == {"MatMul", "Relu", "Gemm"}


def test_weights_beside_the_model(tmp_path: Path) -> None:
    onnx.save(mlp(), tmp_path / "net.onnx", save_as_external_data=True, location="net.bin", size_threshold=0)
    assert (tmp_path / "net.bin").stat().st_size
    x = inputs_of(mlp())
    first, second = (hlsgen.convert(model, default_width=32) for model in (mlp(), tmp_path / "net.onnx"))
    np.testing.assert_array_equal(first.predict(x), second.predict(x))


def test_functions_of_a_model_are_put_in_their_places() -> None:
    model = mlp()
    node = onnx.helper.make_node("Relu", ["a"], ["b"])
    opset = onnx.helper.make_opsetid("", 21)
    model.functions.append(onnx.helper.make_function("own", "Rectified", ["a"], ["b"], [node], [opset]))
    model.opset_import.append(onnx.helper.make_opsetid("own", 1))
    relu = next(n for n in model.graph.node if n.op_type == "Relu")
    relu.op_type, relu.domain = "Rectified", "own"
    x = inputs_of(model)
    np.testing.assert_array_equal(
        hlsgen.convert(model, default_width=32).predict(x), hlsgen.convert(mlp(), default_width=32).predict(x)
    )
