"""Architectures whose parts contradict each other: number of axes, shapes that meet, statistics, nested models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import HlsgenError, ModelError
from hlsgen.frontends import read_model
from hlsgen.frontends.keras.build import build_graph
from hlsgen.frontends.keras.source import Border, InputSpec, LayerCall, SourceModel, Tensor
from tests.frontends.stored import Stored, options, with_option

IMAGE, LINE = (6, 5, 4), (8, 3)
STATISTICS = {"mean": [0.0] * 4, "variance": [1.0] * 4}
CONTRADICTIONS: list[tuple[str, list[tuple[int, ...]], dict[str, Any], str]] = [
    ("Conv2D", [(5, 4)], {}, r"takes tensors of 3 axes besides the batch, and its input has shape \(5, 4\)"),
    ("MaxPooling1D", [IMAGE], {}, "takes tensors of 2 axes"),
    ("SpatialDropout3D", [IMAGE], {}, "takes tensors of 4 axes"),
    ("QConv2DBatchnorm", [LINE], {}, "takes tensors of 3 axes"),
    ("Conv1DTranspose", [IMAGE], {}, "takes tensors of 2 axes"),
    ("RandomFlip", [(2, *IMAGE)], {}, r"takes images, and its input has shape \(2, 6, 5, 4\)"),
    ("TimeDistributed", [(4,)], {}, "takes tensors of at least 2 axes"),
    ("Concatenate", [LINE, (7, 3)], {"axis": -1}, r"\(8, 3\) and \(7, 3\): expected equal extents but for axis 1"),
    ("Concatenate", [LINE, (3,)], {"axis": 1}, "expected equal extents but for axis 0"),
    ("Split", [LINE], {"indices_or_sections": 2, "axis": -1}, "3 elements along axis -1 are not 2 equal parts"),
    ("Split", [LINE], {"indices_or_sections": 0, "axis": 1}, "option indices_or_sections=0"),
    ("Normalization", [IMAGE], {"axis": None, **STATISTICS}, r"mean of shape \(4,\).*; expected one number in both"),
    ("Normalization", [IMAGE], {**STATISTICS, "mean": 0.0}, r"mean of shape \(\), variance of shape \(4,\)"),
    ("Normalization", [IMAGE], {"mean": [[0.0] * 4], "variance": [[1.0] * 4]}, r"mean of shape \(1, 4\)"),
    ("Normalization", [LINE], STATISTICS, r"constants of shape \(4,\) for 3 channels"),
    ("Rescaling", [IMAGE], {"scale": float("inf")}, "option scale=inf .*expected finite numbers"),
    ("Rescaling", [IMAGE], {"scale": 1.0, "offset": float("nan")}, "option offset=nan .*expected finite numbers"),
    ("Cropping2D", [IMAGE], {"cropping": [[3, 3], [0, 0]]}, r"nothing is left of its input of shape \(6, 5, 4\)"),
]


@pytest.mark.parametrize(("class_name", "shapes", "config", "message"), CONTRADICTIONS)
def test_contradictions(class_name: str, shapes: list[tuple[int, ...]], config: dict[str, Any], message: str) -> None:
    with pytest.raises(HlsgenError, match=message) as caught:
        build_graph(source_of(shapes, class_name=class_name, config=config, is_operation=class_name == "Split"))
    assert "'it'" in str(caught.value)


def test_batch_normalization_keeps_the_number_of_axes_it_was_built_for() -> None:
    weights = {role: np.ones(4, np.float32) for role in ("gamma", "beta", "moving_mean", "moving_variance")}
    for built, shape in (([None, 5, 4], IMAGE), ([None, 6, 5, 4], (5, 4))):
        made: dict[str, Any] = {"class_name": "BatchNormalization", "config": {}, "weights": weights}
        build_graph(source_of([shape], **made, build_config={"input_shape": [None, *shape]}))
        with pytest.raises(ModelError, match=rf"takes tensors of {len(built) - 1} axes"):
            build_graph(source_of([shape], **made, build_config={"input_shape": built}))


@pytest.mark.parametrize(("shape", "fits"), [((8, 3), True), ((None, 3), True), ((8, 4), False), ((8, 3, 1), False)])
def test_nested_models_on_other_shapes(shape: tuple[int | None, ...], fits: bool) -> None:
    plain = source_of([LINE], class_name="ReLU", config={})
    source = replace(plain, borders=(Border("outer/inner", Tensor("x0"), shape),))
    if fits:
        build_graph(source)
        return
    with pytest.raises(ModelError, match=r"model 'outer/inner' .* is given one of shape \(8, 3\) by 'x0'"):
        build_graph(source)


def test_nested_models_in_a_file(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    inner = keras.Sequential([keras.Input((8, 3)), keras.layers.ReLU()], name="inner")
    x = keras.Input(LINE)
    kept = Stored(keras.Model(x, inner(x)), ".keras", tmp_path)
    read_model(**kept.write())
    way = next(w for w, v in options(kept.config) if w[-1] == "batch_shape" and v == [None, 8, 3] and len(w) > 6)
    with pytest.raises(ModelError, match=r"model 'inner' .* was built for tensors of shape \(7, 3\)"):
        read_model(**kept.write(config=with_option(kept.config, way, [None, 7, 3])))


def source_of(shapes: Sequence[tuple[int, ...]], class_name: str, config: dict[str, Any], **more: Any) -> SourceModel:
    """A source model of one call, named 'it'."""
    inputs = tuple(InputSpec(f"x{i}", shape, "float32") for i, shape in enumerate(shapes))
    tensors = tuple(Tensor(spec.name) for spec in inputs)
    options = {"module": "keras", "weights": {}, "inputs": tensors, **more}
    call = LayerCall(name="it", layer_name="it", class_name=class_name, config=config, **options)
    return SourceModel("model", "keras3", inputs, (call,), (Tensor("it"),), ("it",))
