"""Windows along one axis: what sizes of images and pools they stand for, and that all executors agree on them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import GraphError, UnsupportedError
from hlsgen.frontends.axis_windows import adaptive, interpolated, nearest, pooled
from hlsgen.ir.constant import exact_constant
from hlsgen.layers.axis_windows import LargestAlongAxis, Spans, SumsAlongAxis
from hlsgen.layers.scale import Scale
from hlsgen.project import Project
from tests.ladder.by_hand import Hand
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, grid, project_of


def test_spans_of_pools() -> None:
    assert adaptive(10, 4) == Spans((0, 2, 5, 7), (3, 5, 8, 10))
    assert adaptive(3, 3) == Spans((0, 1, 2), (1, 2, 3))
    assert adaptive(2, 3) == Spans((0, 0, 1), (1, 2, 2)), "more windows than cells"
    assert pooled(5, 3, 2, 1, 3) == Spans((0, 1, 3), (2, 4, 5)), "what lies beside the axis is not seen"


def test_nearest_is_repetition_where_it_divides() -> None:
    for extent, factor in ((1, 7), (3, 3), (5, 2)):
        assert nearest(extent, extent * factor).first == tuple(np.repeat(range(extent), factor))
    assert nearest(5, 3).first == (0, 2, 4)


def test_interpolation_between_halves() -> None:
    mix = interpolated(2, 4)
    assert mix.spans == Spans((0, 0, 0, 1), (1, 2, 2, 2))
    assert mix.weights == [[1], [Fraction(3, 4), Fraction(1, 4)], [Fraction(1, 4), Fraction(3, 4)], [1]]
    assert interpolated(4, 2).weights == [[Fraction(1, 2)] * 2] * 2, "two cells are not averaged over more"
    for extent, outputs in ((7, 3), (3, 7), (1, 4)):
        assert all(sum(row) == 1 for row in interpolated(extent, outputs).weights)


def enlarged(size: tuple[int, int], **settings: Any) -> Project:
    net = Net()
    net.input((3, 4, 2))
    net.call("Resizing", "resized", "x", height=size[0], width=size[1], interpolation="bilinear")
    return project_of(net.source("resized"), **settings)


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("size", [(6, 2), (5, 9)])
def test_bilinear(io_type: str, size: tuple[int, int]) -> None:
    """By two is exact; by 5/3 and 9/4 all but what divides is, and that is as close as 24 bits are."""
    project = enlarged(size, input_precision="fixed<7,3>", io_type=io_type)
    data = grid((3, 4, 2), bound=56)
    executors_agree(project, data)
    divided = any(isinstance(op.layer, Scale) for op in project.design.ops)
    rows, columns = (matrix(*pair) for pair in zip((3, 4), size, strict=True))
    expected = np.einsum("ri,nijc,sj->nrsc", rows, data, columns)
    found = project.evaluate(data)["resized"]
    assert divided == (size == (5, 9))
    assert np.abs(found - expected).max() <= (2.0**-12 if divided else 0)


def matrix(extent: int, outputs: int) -> np.ndarray:
    mix = interpolated(extent, outputs)
    found = np.zeros((outputs, extent))
    for row, (first, weights) in enumerate(zip(mix.spans.first, mix.weights, strict=True)):
        found[row, first : first + len(weights)] = [float(weight) for weight in weights]
    return found


def test_what_is_between_the_axes_is_exact() -> None:
    project = enlarged((5, 9))
    inner = [op.output.typing for op in project.design.ops if isinstance(op.layer, SumsAlongAxis)]
    assert all(typing.result.frac == typing.exact.frac for typing in inner)


def test_a_size_that_it_has_already_is_nothing() -> None:
    project = enlarged((3, 4))
    assert not any(isinstance(op.layer, SumsAlongAxis) for op in project.design.ops)


@pytest.mark.parametrize("option", ["antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio"])
def test_options_are_refused_by_name(option: str) -> None:
    net = Net()
    net.input((3, 4, 2))
    net.call("Resizing", "resized", "x", height=6, width=6, **{option: True})
    with pytest.raises(UnsupportedError, match=f"'resized'.*{option}=True"):
        project_of(net.source("resized"))


@pytest.mark.parametrize(
    "layer",
    [
        LargestAlongAxis(2, Spans((0,), (1,))),
        LargestAlongAxis(0, Spans((1, 0), (2, 2))),
        LargestAlongAxis(0, Spans((0, 2), (2, 5))),
        LargestAlongAxis(0, Spans((1,), (1,))),
        SumsAlongAxis(0, Spans((0, 1), (1, 3)), weight=exact_constant(np.ones((2, 2), dtype=np.int64), 0)),
    ],
    ids=["channels", "falling", "beyond", "empty", "weight-behind-its-window"],
)
def test_what_does_not_fit_is_refused(layer: LargestAlongAxis | SumsAlongAxis) -> None:
    hand = Hand()
    with pytest.raises(GraphError):
        hand.add(layer, hand.input((4, 3, 2), "fixed<8,4>"))
