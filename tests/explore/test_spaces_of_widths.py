"""Spaces over the settings of layers that are mappings: widths, as types are."""

from __future__ import annotations

from typing import Any

import pytest

from hlsgen.errors import ConfigError
from hlsgen.explore.origin import Origin
from hlsgen.explore.space import merged
from hlsgen.explore.spaces import read_space
from hlsgen.ir.graph import Graph
from tests.explore.models import small_graph


@pytest.fixture(scope="module")
def graph() -> Graph:
    return small_graph()


def paths(graph: Graph, path: str, values: Any) -> list[tuple[str, ...]]:
    space = read_space({path: values}, graph, {}, Origin("sweep()"))
    return [found for axis in space.axes for found in axis.paths]


def test_widths_by_layer_and_for_all(graph: Graph) -> None:
    assert paths(graph, "layers.fc1.width.weight", "3..6") == [("layers", "fc1", "width", "weight")]
    assert paths(graph, "layers.fc1.width", [4, 6]) == [("layers", "fc1", "width")]
    assert paths(graph, "layer_types.Dense.width.result", "6..9") == [("layer_types", "Dense", "width", "result")]
    assert paths(graph, "width.weight", "3..6") == [("defaults", "width", "weight")]
    assert paths(graph, "layers.fc1.hold.scale", [0.5, 1, 2]) == [("layers", "fc1", "hold", "scale")]


def test_stars_are_layers_that_have_such(graph: Graph) -> None:
    assert [path[1] for path in paths(graph, "layers.*.width.weight", "3..6")] == ["fc1", "fc2"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("layers.fc1.width.wieght", "there is no 'width' of 'wieght'; did you mean 'weight'"),
        ("layers.relu1.width.weight", "it has no effect"),
        ("layers.fc1.widht", "layers have no setting 'widht'; did you mean 'width'"),
        ("layer_types.Dense.hold.scale", "layers have no setting 'hold'"),
    ],
)
def test_what_is_no_such_setting_is_refused(graph: Graph, path: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        paths(graph, path, [4, 5])
    assert message in str(caught.value)


def test_one_number_is_spelt_out_where_a_part_of_it_is_set() -> None:
    base = {"layers": {"a": {"width": 8}}, "defaults": {"width": {"result": 9}}}
    found = merged(base, ((("layers", "a", "width", "weight"), 4), (("defaults", "width", "weight"), 5)))
    assert found == {
        "layers": {"a": {"width": {"weight": 4, "result": 8}}},
        "defaults": {"width": {"result": 9, "weight": 5}},
    }
