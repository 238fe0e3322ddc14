"""Damaged, hostile and unusual ONNX models: errors of our own that say where, what and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError, ModelError, UnsupportedError
from tests.onnx.nets import Net, TensorProto, helper, numpy_helper, onnx
from tests.onnx.test_networks import mlp


def changed(change: Callable[[Any], None]) -> Any:
    model = mlp()
    change(model)
    return model


def refused(model: Any, kind: type[HlsgenError], *words: str) -> None:
    with pytest.raises(kind) as caught:
        hlsgen.convert(model)
    assert all(word in str(caught.value) for word in words), str(caught.value)


# -- files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0, 1, 10, 100, 200, -1])
def test_truncated(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(mlp().SerializeToString()[:kept])
    refused(path, ModelError, str(path))


@pytest.mark.parametrize("seed", range(60))
def test_damaged_bytes(seed: int, tmp_path: Path) -> None:
    """Refused, or read as some model; nothing else is raised."""
    rng = np.random.default_rng(seed)
    content = bytearray(mlp().SerializeToString())
    for place in rng.integers(0, len(content), 1 + seed % 5):
        content[place] = rng.integers(0, 256)
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    try:
        project = hlsgen.convert(path)
        shape = project.design.inputs[0].shape
        project.evaluate(np.zeros((2, *shape)))
    except HlsgenError as error:
        assert str(error)


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("model" * 100)
    refused(tmp_path / "text.onnx", ModelError, "text.onnx")
    (tmp_path / "folder.onnx").mkdir()
    refused(tmp_path / "folder.onnx", ModelError, "directory")
    refused(tmp_path / "missing.onnx", ModelError, "does not exist")


# -- tensors beside the model -------------------------------------------------------------------------


def stored_at(folder: Path, **entries: str) -> Path:
    """A model whose first weight is elsewhere."""
    model = mlp()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return folder / "net.onnx"


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../net.bin", "a/../../net.bin", "C:\\net.bin", "..\\net.bin", "", "a\0b", "C:net.bin"]
)
def test_locations_outside_of_the_folder(location: str, tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(bytes(192))
    (tmp_path / "inner").mkdir()
    refused(stored_at(tmp_path / "inner", location=location), ModelError, "its data are in", "onnx.save")


def test_links_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(192))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "net.bin").symlink_to(tmp_path / "secret")
    refused(stored_at(tmp_path / "inner", location="net.bin"), ModelError, "a link that leads out")
    (tmp_path / "inner" / "sub").symlink_to(tmp_path)
    refused(stored_at(tmp_path / "inner", location="sub/secret"), ModelError, "a link that leads out")


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"offset": "0", "length": "1000"}, "which has 192"),
        ({"offset": "200"}, "which has 192"),
        ({"offset": "-1"}, "no whole number"),
        ({"length": "1e3"}, "no whole number"),
        ({"offset": "9" * 40}, "no whole number"),
        ({"length": "100"}, "damaged"),
    ],
)
def test_places_beyond_the_file(entries: dict[str, str], word: str, tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(bytes(192))
    refused(stored_at(tmp_path, location="net.bin", **entries), ModelError, word)


def test_more_data_than_weights_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors may all be in one file, again and again."""
    model = mlp()
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="net.bin")
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "net.bin").write_bytes(bytes(192))
    monkeypatch.setattr("hlsgen.frontends.onnx.files.MAX_OUTSIDE", 500)
    refused(tmp_path / "net.onnx", ModelError, "'w2'", "more than the 500")


def test_missing_data_and_models_in_memory(tmp_path: Path) -> None:
    path = stored_at(tmp_path, location="net.bin")
    refused(path, ModelError, "does not exist")
    refused(onnx.load(path, load_external_data=False), ModelError, "without its path")


# -- models -------------------------------------------------------------------------------------------


def test_opsets() -> None:
    refused(changed(lambda m: setattr(m.opset_import[0], "version", 8)), UnsupportedError, "opset 8", "from 9 to")
    refused(changed(lambda m: setattr(m.opset_import[0], "version", 999)), UnsupportedError, "opset 999")
    refused(changed(lambda m: m.ClearField("opset_import")), UnsupportedError, "0 opsets")


@pytest.mark.parametrize(
    ("domain", "words"), [("com.microsoft", "runtime's own"), ("qonnx.custom_op.general", "BipolarQuant")]
)
def test_operators_of_others(domain: str, words: str) -> None:
    def change(model: Any) -> None:
        model.graph.node[2].domain = domain
        model.opset_import.append(helper.make_opsetid(domain, 1))

    refused(changed(change), UnsupportedError, "'act'", domain, words)


def test_operators_that_are_none_or_without_a_layer() -> None:
    refused(changed(lambda m: setattr(m.graph.node[2], "op_type", "Rellu")), ModelError, "Rellu")
    refused(changed(lambda m: setattr(m.graph.node[2], "op_type", "Sin")), UnsupportedError, "'act' (Sin)")
    refused(changed(lambda m: setattr(m.graph.node[2], "op_type", "QuantizeLinear")), HlsgenError, "QuantizeLinear")


def test_control_flow() -> None:
    def change(model: Any) -> None:
        node = model.graph.node[2]
        graph = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "inner", [], [])
        node.op_type = "If"
        node.attribute.append(helper.make_attribute("then_branch", graph))

    refused(changed(change), UnsupportedError, "'act' (If)", "control flow")


def test_functions_that_call_themselves_or_grow() -> None:
    def function(name: str, *called: str) -> Any:
        nodes = [helper.make_node(c, ["a"], [f"b{i}"], domain="own") for i, c in enumerate(called)]
        nodes.append(helper.make_node("Relu", ["a"], ["b"]))
        imports = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
        return helper.make_function("own", name, ["a"], ["b"], nodes, imports)

    def change(model: Any, *functions: Any) -> None:
        model.functions.extend(functions)
        model.opset_import.append(helper.make_opsetid("own", 1))
        model.graph.node[2].op_type, model.graph.node[2].domain = "F0", "own"

    refused(changed(lambda m: change(m, function("F0", "F1"), function("F1", "F0"))), ModelError, "calls itself")
    tower = [function(f"F{i}", f"F{i + 1}", f"F{i + 1}") for i in range(40)]
    refused(changed(lambda m: change(m, *tower, function("F40"))), ModelError, "more operators")


@pytest.mark.parametrize(
    "kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE, TensorProto.STRING, TensorProto.COMPLEX64]
)
def test_numbers_of_other_types(kind: int) -> None:
    name = TensorProto.DataType.Name(kind)

    def of_input(model: Any) -> None:
        model.graph.input[0].type.tensor_type.elem_type = kind

    refused(changed(of_input), HlsgenError)
    if kind in (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE):

        def of_weight(model: Any) -> None:
            tensor = model.graph.initializer[0]
            tensor.CopyFrom(helper.make_tensor(tensor.name, kind, tensor.dims, numpy_helper.to_array(tensor).ravel()))

        refused(changed(of_weight), UnsupportedError, "'w0'", name, "export the model with float32")


def test_open_extents() -> None:
    net = Net()
    net.output(net("Relu", net.input("height", 4)))
    refused(net.model(), UnsupportedError, "input 'x0'", "(N, height, 4)", "update_model_dims")
    net = Net()
    net.output(net("Relu", net.input()))
    refused(net.model(), UnsupportedError, "(N)", "axis of samples")


def test_weights_larger_than_their_data() -> None:
    def change(model: Any) -> None:
        model.graph.initializer[0].dims[0] = 2**40

    refused(changed(change), ModelError, "'w0'")

    def little(model: Any) -> None:
        model.graph.initializer[0].dims[0] = 7

    refused(changed(little), ModelError)


def test_constants_that_grow() -> None:
    net = Net()
    huge = net("ConstantOfShape", net.whole(2**20, 2**20))
    net.output(net("Add", net.input(4), huge))
    refused(net.model(), ModelError, "more than the")


HUGE = 2**50
LARGE = {
    "Conv": lambda net, x: net("Conv", x, net.weight(3, 2, 2, 2), pads=[0, 0, HUGE, HUGE]),
    "Conv strides": lambda net, x: net("Conv", x, net.weight(3, 2, 2, 2), strides=[HUGE, 1], dilations=[1, HUGE]),
    "AveragePool": lambda net, x: net("AveragePool", x, kernel_shape=[2, 2], pads=[HUGE, 0, 0, HUGE]),
    "AveragePool kernel": lambda net, x: net("AveragePool", x, kernel_shape=[HUGE, HUGE], ceil_mode=1),
    "MaxPool": lambda net, x: net("MaxPool", x, kernel_shape=[HUGE, 2], pads=[HUGE, 0, HUGE, 0]),
    "ConvTranspose": lambda net, x: net("ConvTranspose", x, net.weight(2, 1, 2, 2), strides=[HUGE, HUGE]),
    "Pad": lambda net, x: net("Pad", x, net.whole(0, 0, HUGE, HUGE, 0, 0, HUGE, HUGE)),
    "Pad edge": lambda net, x: net("Pad", x, net.whole(0, 0, HUGE, 0, 0, 0, 0, 0), mode="edge"),
    "Pad number": lambda net, x: net("Pad", x, net.whole(0, 0, HUGE, HUGE, 0, 0, HUGE, HUGE), net.scalar(1.0)),
    "Tile": lambda net, x: net("Tile", x, net.whole(1, HUGE, 1, 1)),
    "Expand": lambda net, x: net(
        "Expand", net("Slice", x, *(net.whole(n) for n in (0, 1, 1))), net.whole(1, HUGE, 1, 1)
    ),
    "Resize": lambda net, x: net("Resize", x, "", "", net.whole(1, 2, HUGE, 4)),
    "Upsampled": lambda net, x: net("Resize", x, "", net.weight(values=np.float32([1, 1, 1e9, 1]))),
    "Reshape": lambda net, x: net("Reshape", x, net.whole(-1, HUGE)),
    "Unsqueeze": lambda net, x: net("Unsqueeze", x, net.whole(*range(1, 60))),
    "Split": lambda net, x: net("Split", x, net.whole(HUGE, -HUGE + 2), axis=1, outputs=2)[0],
    "TopK": lambda net, x: net("TopK", x, net.whole(HUGE), outputs=2)[0],
    "Gather": lambda net, x: net("Gather", x, net.whole(HUGE), axis=1),
    "DepthToSpace": lambda net, x: net("DepthToSpace", x, blocksize=HUGE),
    "Pow": lambda net, x: net("Pow", x, net.scalar(1e30)),
    "Range": lambda net, x: net("Add", x, net("Range", net.scalar(0.0), net.scalar(1e12), net.scalar(1.0))),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_would_be_too_large(name: str) -> None:
    net = Net()
    net.output(LARGE[name](net, net.input(2, 4, 4)))
    refused(net.model(), HlsgenError)


def test_cycles_and_missing_values() -> None:
    refused(changed(lambda m: m.graph.node[0].input.__setitem__(0, "fc2_out0")), ModelError)
    refused(changed(lambda m: m.graph.node[2].input.__setitem__(0, "nothing")), ModelError, "nothing")
    refused(changed(lambda m: m.graph.ClearField("output")), ModelError, "no output")


def test_weights_that_are_no_numbers() -> None:
    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.CopyFrom(numpy_helper.from_array(np.full((6, 8), np.nan, dtype=np.float32), tensor.name))

    refused(changed(change), ModelError, "'fc1' (MatMul)", "NaN")


def test_weights_argument(tmp_path: Path) -> None:
    onnx.save(mlp(), tmp_path / "net.onnx")
    with pytest.raises(ModelError, match="holds its own weights"):
        hlsgen.convert(tmp_path / "net.onnx", weights=tmp_path / "w.h5")
