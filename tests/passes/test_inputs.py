"""The types of inputs: what is stated stays, what only quantisers read gets their grid, all else the default."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from hlsgen.ir.graph import Graph, Source
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason
from hlsgen.ir.wish import By, Wished
from hlsgen.layers.convert import Convert
from hlsgen.layers.input import Input
from hlsgen.project import ClippedInputWarning, Project, UnexpectedInputWarning
from tests.ladder.harness import project_of as project_of_graph
from tests.passes.builders import Net, project_of

FOUR = "fixed<4,2,RND_CONV,SAT>"


def input_type(project: Project) -> str:
    return str(project.design.inputs[0].type)


def behind(*moves: tuple[str, dict[str, object]]) -> Net:
    """A quantiser of four bits behind layers that only move or pick values."""
    net = Net()
    x = net.input((4, 4, 2))
    for i, (class_name, options) in enumerate(moves):
        x = net.call(class_name, f"move{i}", x, **options)
    net.quantize("q", x, 4, 1)
    return net


@pytest.mark.parametrize(
    "moves",
    [
        (),
        (("Flatten", {}),),
        (("MaxPooling2D", {"pool_size": [2, 2]}),),
        (("ZeroPadding2D", {"padding": [[1, 1], [1, 1]]}), ("MaxPooling2D", {"pool_size": [3, 3]}), ("Flatten", {})),
    ],
    ids=["at once", "flat", "pool", "padded"],
)
def test_one_quantiser_gives_the_input_its_type(moves: tuple[tuple[str, dict[str, object]], ...]):
    net = behind(*moves)
    project = project_of(net.source("q"))
    assert input_type(project) == FOUR
    assert project.precision["x"].reason is Reason.MODEL
    assert any(note.startswith(f"x: the model quantises it to {FOUR}") for note in project.design.notes)
    fine = project_of(net.source("q"), input_precision="fixed<40,4>")  # on whose grid all of these lie
    x = (np.random.default_rng(0).integers(-(2**20), 2**20, (40, 4, 4, 2)) / 2.0**18).astype(np.float32)
    x[0] = np.float32(0.25) * np.arange(-16, 16).reshape(4, 4, 2) / 2  # ties
    np.testing.assert_array_equal(project.evaluate(x)["q"], fine.evaluate(x)["q"])
    if not moves:
        np.testing.assert_array_equal(project.predict(x), fine.evaluate(x)["q"])


def test_the_models_own_saturation_is_no_clipped_input():
    project = project_of(behind().source("q"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        project.predict(np.full((3, 4, 4, 2), 9.0, dtype=np.float32))
    with pytest.warns(ClippedInputWarning):
        project_of(behind().source("q"), input_precision="fixed<4,2>").predict(np.full((3, 4, 4, 2), 9.0))


def test_data_far_beyond_the_models_own_quantiser_deserve_a_word():
    """Pixels up to 255 for a quantiser of -2 .. 1.75: all of them become its end."""
    project = project_of(behind().source("q"))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 2))
    with pytest.warns(UnexpectedInputWarning, match=r"input 'x': .* times larger than what the model's own quantiser"):
        project.predict(pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        project.predict(pixels / 16 - 8)


@pytest.mark.parametrize("stated", ["fixed<16,6,RND,SAT>", "fixed<8,3,TRN,SAT>", "ufixed<8,0,RND,SAT>"])
def test_what_is_stated_stays(stated: str):
    assert input_type(project_of(behind().source("q"), input_precision=stated)) == stated


def test_calibration_says_nothing_about_an_input_that_is_quantised():
    data = {"x": np.random.default_rng(0).normal(size=(10, 4, 4, 2)) * 50}
    assert input_type(project_of(behind().source("q"), data)) == FOUR


def test_several_quantisers_of_one_type_agree():
    net = behind()
    net.quantize("same", "x", 4, 1)
    assert input_type(project_of(net.source("q", "same"))) == FOUR


def test_quantisers_of_several_types_get_a_grid_that_none_of_them_rounds_twice_on():
    net = behind()
    net.quantize("other", "x", 6, 0)
    project = project_of(net.source("q", "other"))
    assert input_type(project) == "fixed<36,6,TRN,SAT>"  # 5 fraction bits, the tie below, and 24 bits of a float
    assert any("only quantisers read it" in note for note in project.design.notes)
    x = np.random.default_rng(1).normal(size=(500, 4, 4, 2)).astype(np.float32)
    found = project.evaluate(x)
    for name, fixed in (("q", FOUR), ("other", "fixed<6,1,RND_CONV,SAT>")):
        right = FixedType.parse(fixed)
        np.testing.assert_array_equal(found[name], right.to_float(right.quantize(x)))


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["fixed<4,1,RND,WRAP>"], "fixed<4,1,RND,WRAP>"),
        (["fixed<4,1,RND,WRAP>", "fixed<5,2,RND,WRAP>"], "fixed<6,2>"),
        (["ufixed<4,1,TRN,WRAP>", "fixed<3,-1,RND,WRAP>"], "fixed<7,2>"),
        (["fixed<4,1,TRN,SAT>", "ufixed<5,2,RND,SAT>"], "fixed<7,3,TRN,SAT>"),
        (["fixed<4,1,RND,SAT_SYM>", "fixed<3,2,TRN,SAT>"], "fixed<6,2,TRN,SAT>"),
        (["fixed<4,1,RND,SAT>", "fixed<5,2,RND,WRAP>"], None),
        (["fixed<4,1,RND_CONV,SAT>", "fixed<5,2,RND,SAT>"], None),
        (["fixed<4,1,RND,SAT>", "fixed<5,2,RND,SAT_ZERO>"], None),
    ],
)
def test_casts_of_one_input_by_several_readers(types: list[str], expected: str | None):
    """One type that holds all that any of them looks at, where there is one; the same numbers in any case."""
    graph = Graph("several")
    x = graph.add(Input((4,)), (), "x", Source("x", "InputLayer"))
    found = [graph.add(Convert(), [x], f"y{i}", Source(f"y{i}", "Quantizer")) for i, _ in enumerate(types)]
    for value, text in zip(found, types, strict=True):
        value.producer.wish = value.producer.wish.with_type("result", Wished(FixedType.parse(text), By.MODEL))
    graph.set_outputs(found, [value.name for value in found])
    project = project_of_graph(graph)
    assert expected is None or input_type(project) == expected
    data = np.random.default_rng(0).normal(0, 2, (500, 4)).astype(np.float32)
    data[:40] = np.round(data[:40] * 16) / 16
    traces, keys = project.evaluate(data), project.trace_keys()
    for text, tensor in zip(types, project.design.outputs, strict=True):
        fixed, traced = FixedType.parse(text), next(traces[key] for key in traces if keys[key] is tensor)
        np.testing.assert_array_equal(traced, fixed.to_float(fixed.quantize(data)), err_msg=text)


@pytest.mark.parametrize("reader", ["dense", "output"])
def test_any_other_reader_needs_the_value_itself(reader: str):
    net = behind()
    if reader == "dense":
        net.dense("fc", "x", 2, 3)
    outputs = ("q", "fc") if reader == "dense" else ("q", "x")
    assert input_type(project_of(net.source(*outputs))) == "fixed<16,6,RND,SAT>"
