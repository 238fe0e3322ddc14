"""Export "config-table": a machine that knows nothing else computes the design's integers."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.exports.base import exported_files
from hlsgen.exports.facts import option_facts
from hlsgen.ir.types import FixedType
from hlsgen.layers.linear import LinearLayer
from hlsgen.project import Project
from tests.exports.networks import mixed
from tests.exports.test_weights import elements, read_bin
from tests.layers.instances import EVERY, Instance, typed
from tests.passes.builders import Net, grid, project_of

Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def project() -> Project:
    return mixed()


def exported(project: Project, folder: Path, **options: Any) -> dict[str, Any]:
    made = project.export("config-table", folder, **options)
    return json.loads((made / "config_table.json").read_text("utf-8"))


# -- an engine that is configured by rows ----------------------------------------------------------


def convolved(row: Row, x: np.ndarray, constants: Mapping[str, np.ndarray]) -> np.ndarray:
    """A convolution by its row: mantissas (samples, *input shape) to mantissas of the result."""
    window, weight = row["window"], constants["weight"].astype(np.int64)  # (o, h, w, i)
    shape = row["inputs"][0]["shape"]
    image = x.reshape(len(x), *((1,) * (3 - len(shape))), *shape).astype(np.int64)
    pad = window["padding"]
    image = np.pad(image, ((0, 0), (pad["top"], pad["bottom"]), (pad["left"], pad["right"]), (0, 0)))
    outputs, rows, columns, inputs = weight.shape
    (down, right), (dy, dx) = window["stride"], window["dilation"]
    height = (image.shape[1] - (rows - 1) * dy - 1) // down + 1
    width = (image.shape[2] - (columns - 1) * dx - 1) // right + 1
    sums = np.zeros((len(x), height, width, outputs), dtype=np.int64)
    of_group = outputs // row["groups"]
    for o, r, c, i in np.ndindex(*weight.shape):
        channel = o // of_group * inputs + i
        cells = image[:, r * dy :: down, c * dx :: right, channel][:, :height, :width]
        sums[..., o] += cells * weight[o, r, c, i]
    frac = row["inputs"][0]["fraction"] + row["constants"]["weight"]["fraction"]
    bias, bias_frac = constants["bias"].astype(np.int64), row["constants"]["bias"]["fraction"]
    common = max(frac, bias_frac)
    total = (sums << common - frac) + (bias << common - bias_frac)
    accumulator, result = row["outputs"][0]["accumulator"], row["outputs"][0]
    held = FixedType.parse(accumulator["type"]).cast(total, common)
    return FixedType.parse(result["type"]).cast(held, accumulator["fraction"]).reshape(len(x), *result["shape"])


OPTIONS = [{}, {"word_width": 24, "layout": "bit-serial"}, {"word_width": 16, "layout": "aligned", "rows": True}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_an_engine_computes_every_convolution(project: Project, tmp_path: Path, options: dict[str, Any]) -> None:
    """From the table and the image of the weights alone, and the integers of the layer in front."""
    table = exported(project, tmp_path / "table", **options)
    folder = project.export("weights", tmp_path / "weights", **options)
    index = json.loads((folder / "weights.json").read_text("utf-8"))
    words = read_bin(folder / "weights.bin", index["word_bytes"])
    assert table["memory"]["words"] == len(words) and table["memory"]["word_width"] == index["word_width"]
    values = project.evaluate(grid((6, 5, 4), 7), raw=True)
    computed = []
    for row in table["operations"]:
        if "weight" in row["constants"] and row["groups"] is not None:
            constants = {
                role: elements(words[entry["address"] : entry["address"] + entry["words"]], entry, index)
                for role, entry in row["constants"].items()
            }
            found = convolved(row, values[row["inputs"][0]["name"]], constants)
            np.testing.assert_array_equal(found, values[row["outputs"][0]["name"]])
            computed.append(row["kind"])
    assert sorted(computed) == ["Conv2D", "Dense", "DepthwiseConv2D"]


@pytest.mark.parametrize(
    "instance", [i for i in EVERY if isinstance(i.layer, LinearLayer)], ids=lambda i: str(i).replace(" ", "_")
)
def test_every_linear_layer_is_a_convolution(instance: Instance) -> None:
    layer = typed(instance).layer
    assert isinstance(layer, LinearLayer)
    kernel = layer.kernel()
    assert kernel is not None and np.prod(kernel.shape) == layer.weight.values.size
    assert kernel.shape[:2] == kernel.window.size and kernel.shape[2] * kernel.groups == instance.shapes[0][-1]


# -- what a row says -------------------------------------------------------------------------------


def test_rows_are_the_design(project: Project, tmp_path: Path) -> None:
    table = exported(project, tmp_path / "out")
    assert [row["name"] for row in table["operations"]] == [op.name for op in project.design]
    for row, op in zip(table["operations"], project.design, strict=True):
        assert row["kind"] == op.layer.kind and row["layer"] == op.source.name
        for facts, tensor in zip(row["inputs"], op.inputs, strict=True):
            assert facts["name"] == tensor.name and facts["shape"] == list(tensor.shape)
            assert FixedType.parse(facts["type"]) == tensor.type
        for facts, tensor in zip(row["outputs"], op.outputs, strict=True):
            assert FixedType.parse(facts["type"]) == tensor.type and facts["fraction"] == tensor.type.frac
            if not op.is_input:
                assert FixedType.parse(facts["accumulator"]["type"]) == tensor.typing.accum_type
        assert set(row["constants"]) == set(op.layer.constants())
    assert table["inputs"] == ["x"] and table["outputs"] == ["fc"]
    assert sum(row["multiplications"] for row in table["operations"]) == project.design.products


def test_geometry(project: Project, tmp_path: Path) -> None:
    """As the source model says: kernel 3 x 2, strides 2 and 1, padding "same" of 6 x 5, two groups."""
    rows = {row["layer"]: row for row in exported(project, tmp_path / "out")["operations"]}
    conv, depthwise = rows["conv/1: ünsafe\n../../x"], rows["depthwise"]
    assert conv["groups"] == 2 and conv["window"] == {
        "kernel": [3, 2],
        "stride": [2, 1],
        "dilation": [1, 1],
        "padding": {"top": 0, "bottom": 1, "left": 0, "right": 1},
    }
    assert depthwise["groups"] == 6 and depthwise["window"]["dilation"] == [1, 2]
    assert conv["multiplications"] == 3 * 5 * 6 * (3 * 2 * 2)
    assert rows["pool"]["window"] is None and rows["pool"]["groups"] is None


def test_pools_merges_and_loops(tmp_path: Path) -> None:
    net = Net(2)
    x = net.input((8, 6, 2))
    pooled = net.call("MaxPooling2D", "pool", x, pool_size=[2, 3], strides=[1, 2], padding="same")
    other = net.conv("conv", x, 2, 2, size=1, strides=[1, 2])
    net.call("Add", "sum", [pooled, other])
    rows = {row["layer"]: row for row in exported(project_of(net.source("sum")), tmp_path / "a")["operations"]}
    assert rows["pool"]["window"]["kernel"] == [2, 3] and rows["pool"]["window"]["stride"] == [1, 2]
    assert rows["pool"]["window"]["padding"] == {"top": 0, "bottom": 1, "left": 0, "right": 1}
    assert rows["sum"]["options"] == {"op": "add"} and len(rows["sum"]["inputs"]) == 2
    lines = list(csv.DictReader((tmp_path / "a" / "config_table.csv").open(encoding="utf-8")))
    of_sum = next(line for line in lines if line["layer"] == "sum")
    assert of_sum["input_shape"] == "8x3x2;8x3x2" and len(of_sum["input_width"].split(";")) == 2


def test_csv_says_what_json_says(project: Project, tmp_path: Path) -> None:
    table = exported(project, tmp_path / "out")
    with (tmp_path / "out" / "config_table.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(table["operations"])
    for line, row in zip(lines, table["operations"], strict=True):
        assert None not in line and line["name"] == row["name"] and line["layer"] == row["layer"]
        assert line["input_type"] == ";".join(tensor["type"] for tensor in row["inputs"])
        assert line["output_shape"] == ";".join("x".join(map(str, t["shape"])) for t in row["outputs"])
        for role in ("weight", "bias"):
            entry = row["constants"].get(role)
            for key in ("width", "integer", "address", "words", "byte_address", "bytes"):
                assert line[f"{role}_{key}"] == ("" if entry is None else str(entry[key]))
        window = row["window"]
        assert line["stride_width"] == ("" if window is None else str(window["stride"][1]))
        assert line["padding_bottom"] == ("" if window is None else str(window["padding"]["bottom"]))
        assert int(line["multiplications"]) == row["multiplications"]
        others = [role for role in row["constants"] if role not in ("weight", "bias")]
        assert line["other_constants"] == ";".join(others)


@pytest.mark.parametrize("instance", EVERY, ids=lambda i: str(i).replace(" ", "_")[:60])
def test_options_of_every_layer(instance: Instance) -> None:
    """Plain JSON, the same every time: no address of an object, no array."""
    facts = option_facts(typed(instance).layer)
    text = json.dumps(facts, allow_nan=False)
    assert json.loads(text) == facts == option_facts(typed(instance).layer)
    assert " at 0x" not in text and "<" not in text.replace("fixed<", "")


def test_a_design_without_constants(tmp_path: Path) -> None:
    net = Net()
    net.call("Flatten", "flat", net.input((2, 3)))
    table = exported(project_of(net.source("flat")), tmp_path / "out")
    assert table["memory"] == {"words": 0} and [r["kind"] for r in table["operations"]] == ["Input", "Reshape"]


def test_steps_of_a_loop(examples: Path) -> None:
    """A recurrent layer is the operations of one step: multiplications are those of all of them."""
    import hlsgen

    project = hlsgen.convert(examples / "mnist_gru" / "model.keras")
    rows = json.loads(exported_files(project._job, "config-table", {})["config_table.json"])["operations"]
    inside = [row for row in rows if row["loop"] is not None and row["multiplications"]]
    assert inside
    for row in inside:
        op = next(op for op in project.design if op.name == row["name"])
        assert row["multiplications"] == row["loop"]["steps"] * op.layer.products
