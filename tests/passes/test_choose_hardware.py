"""Strategy and reuse factor: kept or refused by a layer's name, the nearest valid one else, and chosen by size."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hlsgen.config import make_config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError
from hlsgen.passes.choose_hardware import MOST_MULTIPLIERS, nearest_factor
from hlsgen.pipeline import make_design
from tests.passes.builders import Net, graph_of

INPUT = {"input_precision": "fixed<8,4>"}


def design(source: Any, **settings: Any) -> Design:
    return make_design(graph_of(source), make_config(**INPUT, **settings))


def chosen(made: Design) -> dict[str, tuple[str, int]]:
    return {op.name: (op.strategy.value, op.reuse_factor) for op in made if op.layer.has_multiplier}


@pytest.fixture(scope="module")
def two() -> Any:
    """Matrices of 12 x 10, whose valid factors are 1 2 3 4 6 12 24 60 120, and of 10 x 7: 1 2 5 10 70."""
    net = Net()
    net.input((12,))
    return net.source(net.dense("b", net.dense("a", "x", 12, 10), 10, 7))


@pytest.fixture(scope="module")
def separable() -> Any:
    """A depthwise product of 9 x 4, and a pointwise one of 4 x 6."""
    net = Net()
    net.input((5, 5, 4))
    weights = {"depthwise_kernel": net.dyadic(3, 3, 4, 1), "pointwise_kernel": net.dyadic(4, 6), "bias": net.dyadic(6)}
    weights["pointwise_kernel"] = weights["pointwise_kernel"].reshape(1, 1, 4, 6)
    return net.source(
        net.call("SeparableConv2D", "sep", "x", weights, filters=6, kernel_size=[3, 3], depth_multiplier=1)
    )


@pytest.mark.parametrize(
    ("wish", "a", "b"), [(1, 1, 1), (4, 4, 5), (8, 6, 10), (9, 6, 10), (30, 24, 10), (50, 60, 70), (9999, 120, 70)]
)
def test_each_layer_takes_the_nearest_of_a_wish(two: Any, wish: int, a: int, b: int) -> None:
    for level in ({"reuse_factor": wish}, {"layer_types": {"Dense": {"reuse_factor": wish}}}):
        made = design(two, **level)
        assert chosen(made) == {"a": ("latency", a), "b": ("latency", b)}
        notes = [note for note in made.notes if "reuse_factor" in note]
        moved = [f"{name} takes {factor}" for name, factor in (("a", a), ("b", b)) if factor != wish]
        assert len(notes) == bool(moved)
        assert not moved or (f"reuse_factor {wish}" in notes[0] and notes[0].endswith(", ".join(moved)))


def test_of_two_as_near_the_faster() -> None:
    assert nearest_factor(9, [6, 12]) == 6
    assert nearest_factor(3, [2, 4]) == 2


def test_a_factor_by_name_is_kept_or_refused(two: Any) -> None:
    made = design(two, reuse_factor=4, layers={"b": {"reuse_factor": 70}})
    assert chosen(made) == {"a": ("latency", 4), "b": ("latency", 70)}
    with pytest.raises(
        ConfigError, match=r"layer 'b': reuse_factor 6 is not valid; the nearest valid ones are 2, 5, 10, 70"
    ):
        design(two, layers={"b": {"reuse_factor": 6}})


def test_what_a_refusal_offers_is_accepted(separable: Any) -> None:
    """A layer that became two operations is meant as a whole, by the name that the configuration knows."""
    with pytest.raises(ConfigError, match="layer 'sep': reuse_factor 5 is not valid") as refused:
        design(separable, layers={"sep": {"reuse_factor": 5}})
    offered = [int(n) for n in re.findall(r"ones are ([\d, ]+)", str(refused.value))[0].rstrip(", ").split(", ")]
    assert offered
    for factor in offered:
        made = design(separable, layers={"sep": {"reuse_factor": factor}})
        assert {reuse for _, reuse in chosen(made).values()} == {factor}


def test_auto_builds_side_by_side_what_is_small() -> None:
    rows = MOST_MULTIPLIERS // 64
    net = Net()
    net.input((64,))
    source = net.source(net.dense("large", net.dense("small", "x", 64, rows), rows, 65))
    assert chosen(design(source)) == {"small": ("latency", 1), "large": ("resource", 2)}
    assert any("large takes 2" in note for note in design(source).notes)
    assert chosen(design(source, reuse_factor=16)) == {"small": ("latency", 16), "large": ("resource", 16)}
    assert chosen(design(source, strategy="latency")) == {"small": ("latency", 1), "large": ("latency", 1)}
    named = {"large": {"reuse_factor": 1}}
    assert chosen(design(source, layers=named))["large"] == ("resource", 1), "by its name it is kept"


def test_what_has_no_multipliers_says_so() -> None:
    net = Net()
    net.input((6,))
    source = net.source(net.call("ReLU", "relu", net.dense("fc", "x", 6, 4)))
    made = design(source, layers={"relu": {"reuse_factor": 2, "strategy": "resource"}})
    assert any("relu: its strategy and reuse_factor has no effect" in note for note in made.notes)
    assert not any("no effect" in n for n in design(source, layers={"relu": {"reuse_factor": 1}}).notes)
