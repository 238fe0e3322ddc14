"""Spaces as users write them: what they mean, and what is refused, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ConfigError
from hlsgen.explore.origin import Origin
from hlsgen.explore.ranges import values_of
from hlsgen.explore.space import Dimension, Space, merged
from hlsgen.explore.spaces import read_space
from hlsgen.ir.graph import Graph
from hlsgen.strict_yaml import parse
from tests.explore.models import small_graph

HERE = Origin("sweep()")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return small_graph()


def space_of(graph: Graph, given: Any, base: dict[str, Any] | None = None) -> Space:
    return read_space(given, graph, base or {}, HERE)


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "values", "dimensions"),
    [
        ("4..8", (4, 5, 6, 7, 8), [(5, True)]),
        ("4..9:2", (4, 6, 8), [(3, True)]),
        ("1..64:*2", (1, 2, 4, 8, 16, 32, 64), [(7, True)]),
        ("-1..1", (-1, 0, 1), [(3, True)]),
        (range(1, 9, 3), (1, 4, 7), [(3, True)]),
        ("fixed<4..6,1>", ("fixed<4,1>", "fixed<5,1>", "fixed<6,1>"), [(3, True)]),
        ("fixed<4..8:4,1..2>", ("fixed<4,1>", "fixed<4,2>", "fixed<8,1>", "fixed<8,2>"), [(2, True), (2, True)]),
        ("fixed<8,-1..1>", ("fixed<8,-1>", "fixed<8,0>", "fixed<8,1>"), [(3, True)]),
        ("fixed<8,1,{TRN,RND}>", ("fixed<8,1,TRN>", "fixed<8,1,RND>"), [(2, False)]),
        ("{latency,resource}", ("latency", "resource"), [(2, False)]),
        ([1, 2, 4], (1, 2, 4), [(3, True)]),
        ([4, 2, 1], (4, 2, 1), [(3, True)]),
        ([1, 4, 2], (1, 4, 2), [(3, False)]),
        ([2.5, 5.0], (2.5, 5.0), [(2, True)]),
        ([True, False], (True, False), [(2, False)]),
        (["auto", "fixed<4..5,1>"], ("auto", "fixed<4,1>", "fixed<5,1>"), [(3, False)]),
        (["fixed<4,1>", "ufixed<9,1>"], ("fixed<4,1>", "ufixed<9,1>"), [(2, True)]),
        ([[], ["fuse_batchnorm"]], ([], ["fuse_batchnorm"]), [(2, False)]),
        (np.arange(3), None, None),
        ([np.int64(3)], (3,), [(1, True)]),
        ("io_stream", ("io_stream",), [(1, True)]),
        (5, (5,), [(1, True)]),
    ],
)
def test_values(given: Any, values: Any, dimensions: Any) -> None:
    if values is None:
        with pytest.raises(ValueError, match="expected a list of values"):
            values_of(given)
        return
    found = values_of(given)
    assert found.values == values and list(map(type, found.values)) == list(map(type, values))
    assert found.dimensions == tuple(Dimension(*pair) for pair in dimensions)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "an empty list"),
        ([1, 1], "1 stands twice"),
        ("8..4", "'8..4': expected the smaller end first"),
        ("4..8:0", "'4..8:0': expected the smaller end first and a step"),
        ("0..8:*2", "from 1 on"),
        ("fixed<{8},1>", "expected different words between commas"),
        ("1..999999999", "999,999,999 values; an axis has up to 10,000"),
        ("fixed<1..200,1..200>", "40,000 values"),
        ([None], "None is no value of a setting"),
        ([{"a": 1}], "is no value of a setting"),
        (None, "expected a list of values, a range as 4..8"),
        ([float("nan")], "nan is no value"),
    ],
)
def test_values_that_cannot_be(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[").replace("{", r"\{")):
        values_of(given)


# -- axes -----------------------------------------------------------------------------------------


def test_axes_of_every_form(graph: Graph) -> None:
    space = space_of(
        graph,
        {
            "layers.fc1.precision.weight": "fixed<4..8,1>",
            "reuse_factor": [1, 2, 4],
            "skip_passes": [[], ["fuse_batchnorm"]],
            "io": {"choices": {"fast": {"io_type": "io_parallel"}, "small": {"io_type": "io_stream", "strategy": "resource"}}},
            "acts": {"paths": "layers.relu*.precision.result", "values": "ufixed<4..6,2>", "each": True},
            ("layers.fc2.precision.weight", "layers.fc2.precision.bias"): "fixed<3..4,1>",
        },
    )  # fmt: skip
    assert [axis.name for axis in space.axes] == [
        "layers.fc1.precision.weight",
        "reuse_factor",
        "skip_passes",
        "io",
        "layers.relu1.precision.result",
        'layers."relu.2".precision.result',
        "layers.fc2.precision.weight, layers.fc2.precision.bias",
    ]
    assert space.size == 5 * 3 * 2 * 2 * 3 * 3 * 2
    assert space.axes[1].paths == (("defaults", "reuse_factor"),)
    assert space.axes[3].settings[1] == ((("io_type",), "io_stream"), (("defaults", "strategy"), "resource"))
    assert [axis.is_ordered for axis in space.axes] == [True, True, False, False, True, True, True]
    assert Space.of_json(space.as_json()) == space


def test_stars_are_layers_that_the_setting_is_for(graph: Graph) -> None:
    space = space_of(
        graph, {"layers.*.precision.weight": "fixed<4..8,1>", "layers.*.precision.result": "fixed<8..9,4>"}
    )
    assert [path[1] for path in space.axes[0].paths] == ["fc1", "fc2"]
    assert [path[1] for path in space.axes[1].paths] == ["fc1", "relu1", "fc2", "relu.2"]


def test_what_is_named_outright_is_taken_from_stars(graph: Graph) -> None:
    for each in (False, True):
        space = space_of(
            graph,
            {
                "all": {"paths": "layers.*.precision.weight", "values": "fixed<4..8,1>", "each": each},
                "layers.fc2.precision.weight": "fixed<2..3,1>",
            },
        )
        assert [axis.paths for axis in space.axes] == [
            (("layers", "fc1", "precision", "weight"),),
            (("layers", "fc2", "precision", "weight"),),
        ]


@pytest.mark.parametrize(
    "path",
    ["layers.relu.2.precision.result", 'layers."relu.2".precision.result', 'layers."relu".2.precision.result'],
)
def test_names_with_dots(graph: Graph, path: str) -> None:
    space = space_of(graph, {path: "ufixed<4..6,2>"})
    assert space.axes[0].paths == (("layers", "relu.2", "precision", "result"),)


def test_points_and_numbers(graph: Graph) -> None:
    space = space_of(
        graph, {"default_width": "8..10", "reuse_factor": [1, 2], "layers.fc1.precision.weight": "fixed<4..5,1..2>"}
    )
    assert space.size == 24 and len(space.dimensions) == 4
    seen = set()
    for number in range(space.size):
        steps = space.numbered(number)
        assert space.number(steps) == number
        assert space.steps(space.point(steps)) == steps
        seen.add(tuple(space.point(steps).items()))
    assert len(seen) == 24
    assert space.point((2, 0, 1, 0)) == {
        "default_width": 10, "reuse_factor": 1, "layers.fc1.precision.weight": "fixed<5,1>"
    }  # fmt: skip


def test_true_is_not_one(graph: Graph) -> None:
    space = space_of(graph, {"tlast": [True, False]})
    with pytest.raises(StopIteration):
        space.steps({"tlast": 1})


def test_settings_go_into_a_configuration() -> None:
    base = {"layers": {"a": {"precision": "fixed<8,1>", "reuse_factor": 2}}, "input_precision": "fixed<9,1>"}
    found = merged(
        base,
        (
            (("layers", "a", "precision", "weight"), "fixed<4,1>"),
            (("layers", "b", "strategy"), "latency"),
            (("input_precision", "x"), "fixed<5,1>"),
        ),
        ["x", "y"],
    )
    assert found == {
        "layers": {
            "a": {
                "precision": {"weight": "fixed<4,1>", "bias": "fixed<8,1>", "result": "fixed<8,1>"},
                "reuse_factor": 2,
            },
            "b": {"strategy": "latency"},
        },
        "input_precision": {"x": "fixed<5,1>", "y": "fixed<9,1>"},
    }
    assert base["layers"] == {"a": {"precision": "fixed<8,1>", "reuse_factor": 2}}


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "expected settings and what they may be"),
        ([], "expected settings and what they may be"),
        ({"layers.fc.precision.weight": "fixed<4..8,1>"}, "the model has no layer 'fc'; did you mean 'fc"),
        ({"layers.fc1.precision.weigth": "fixed<4..8,1>"}, "there is no type for 'weigth'; did you mean 'weight'"),
        ({"layers.fc1.precison.weight": "fixed<4..8,1>"}, "'precision' stands before 'weight', as layers.fc1.precision.weight"),
        ({"layers.fc1": [1]}, "expected a name and a setting behind 'layers'"),
        ({"layers.fc1.reuse_facto": [1]}, "layers have no setting 'reuse_facto'; did you mean 'reuse_factor'"),
        ({"layers.conv*.reuse_factor": [1]}, "no layer of the model is called so; there are fc1, relu1, fc2, relu.2"),
        ({"layers.relu*.reuse_factor": [1]}, "it has no effect: none of relu1, relu.2 has a reuse_factor of its own"),
        ({"layers.relu1.precision.weight": "fixed<4..5,1>"}, "it has no effect: Relu has no weight of its own"),
        ({"layer_types.Dens.reuse_factor": [1]}, "the model has no layer of type 'Dens'; did you mean 'Dense'"),
        ({"input_precision.y": "fixed<4..5,1>"}, "the model has no input 'y'"),
        ({"io_typ": ["io_stream"]}, "there is no setting 'io_typ'; did you mean 'io_type'"),
        ({"io_type": ["io_streams"]}, "io_type: .* found 'io_streams'"),
        ({"model": ["a.h5"]}, "'model' is nothing to search for: the model is read once"),
        ({"defaults.reuse_factor": [0, 1]}, "reuse_factor.*greater than or equal to 1.*found 0"),
        ({"defaults.reuse_factor": ["many"]}, "reuse_factor"),
        ({"layers.fc1.precision.weight": "fixed<0..3,1>"}, "fixed<0,1>"),
        ({"layers.fc1.precision.weight": "fxed<4..8,1>"}, "fxed<4,1>"),
        ({"layers.fc1.precision.weight": "fixed<200..201,1>"}, "cannot be computed with"),
        ({"layers.fc1.precision.weight": []}, "an empty list"),
        ({"skip_passes": [["fuse_batchnorms"]]}, "no pass 'fuse_batchnorms' that can be skipped; did you mean"),
        ({"backend": ["vitis", "vhdl"]}, "vhdl"),
        ({"reuse_factor": [1, 2], "defaults.reuse_factor": [1]}, "defaults.reuse_factor is chosen by 'reuse_factor' already"),
        ({"layers.fc1.precision": ["fixed<8,1>"], "layers.fc1.precision.weight": ["fixed<8,1>"]}, "is chosen by"),
        ({"layers.fc1.precision.weight": ["fixed<8,1>"], "layers.fc1.precision": ["fixed<8,1>"]}, "is chosen by"),
        ({"a": {"paths": "layers.fc1.reuse_factor"}}, "'values' is missing"),
        ({"a": {"path": "layers.fc1.reuse_factor", "values": [1]}}, "unknown key 'path'; did you mean 'paths'"),
        ({"a": {"paths": [], "values": [1]}}, "paths: expected paths of settings"),
        ({"a": {"paths": "default_width", "values": [9], "each": 1}}, "each is 1, expected true or false"),
        ({"a": {"choices": {}}}, "choices: expected words and their settings"),
        ({"a": {"choices": {"x": {"io_typ": "io_stream"}}}}, "io_typ: there is no setting"),
        ({"a": {"choices": {"x": {"io_type": "x"}}}}, "io_type"),
        ({"a": {"choices": {"x": {}}, "values": [1]}}, "'choices' stands alone"),
        ({'layers."fc1.reuse_factor': [1]}, "expected settings as layers.fc1.precision.weight"),
        ({"": [1]}, "expected the path of a setting"),
        ({5: [1]}, "expected the path of a setting, found 5"),
    ],
)  # fmt: skip
def test_spaces_that_cannot_be(graph: Graph, given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"^sweep\(\): space.*{said}"):
        space_of(graph, given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("space:\n  layers.fc9.precision.weight: fixed<4..8,1>", "line 2, column 3: space: layers.fc9"),
        ("space:\n  reuse_factor: [1, 2, 0]", "line 2, column 24: space: reuse_factor: defaults.reuse_factor"),
        ("space:\n  a:\n    paths: default_width\n    values: [8, 99]", "line 4, column 17: space: a: default_width"),
        ("space:\n  a:\n    choices:\n      x: {io_type: io}", "line 4, column 10: space: a: io_type"),
        ("space:\n  layers.fc1.precision.weight: fixed<8..4,1>", "line 2, column 32: space: layers.fc1"),
        ("space:\n  a: {value: 1}", "line 2, column 7: space: a: unknown key 'value'; did you mean 'values'"),
    ],
)
def test_places_in_yaml(graph: Graph, text: str, said: str) -> None:
    document = parse(text, "s.yml")
    with pytest.raises(ConfigError, match=f"^s.yml, {said}"):
        read_space(document.data["space"], graph, {}, Origin("s.yml", document))


def test_the_size_of_large_spaces_is_exact(graph: Graph) -> None:
    space = space_of(
        graph, {f"layers.fc{i}.precision.{role}": "fixed<2..9,1>" for i in (1, 2) for role in ("weight", "bias")}
    )
    assert space.size == 8**4


def test_the_model_in_this_file(tmp_path: Path, graph: Graph) -> None:
    assert [node.source.name for node in graph] == ["x", "fc1", "relu1", "fc2", "relu.2"]
