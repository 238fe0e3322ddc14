"""width: the bits of what nobody fixed, by layer; it pins nothing, unlike a type."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.config import make_config
from hlsgen.errors import ConfigError, HlsgenError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.graph import Graph
from hlsgen.project import Project
from tests.exports.c_library import check, compiler, job_of
from tests.ladder.harness import executors_agree, ladder
from tests.passes.builders import Net, evaluate_float, graph_of, grid, project_of, rewritten
from tests.passes.random_graphs import random_network
from tests.passes.unequal_networks import unequal


def small() -> SourceModel:
    """A convolution with a BatchNormalization, a function, a dense layer."""
    net = Net(5)
    y = real(net, "Conv2D", "conv", net.input((4, 4, 2)), (3, 3, 2, 4), filters=4, kernel_size=[3, 3])
    y = net.call("ReLU", "relu", net.batchnorm("bn", y, 4))
    y = net.call("Flatten", "flat", y)
    y = real(net, "Dense", "hidden", y, (16, 5), units=5, activation="tanh")
    real(net, "Dense", "out", y, (5, 3), units=3)
    return net.source("out")


def real(net: Net, class_name: str, name: str, x: str, shape: tuple[int, ...], **config: Any) -> str:
    """A layer whose weights need all bits they can get."""
    weights = {"kernel": net.rng.normal(size=shape), "bias": net.rng.normal(size=shape[-1])}
    return net.call(class_name, name, x, weights, **config)


def widths(project: Project) -> dict[str, tuple[int, int]]:
    """The bits of weights and results of what has weights."""
    found = {}
    for op in project.design:
        weights = op.layer.constants().get("weight")
        found[op.name] = 0 if weights is None else weights.known_type.width, op.output.type.width
    return found


# -- levels ----------------------------------------------------------------------------------------


def test_one_number_is_for_weights_and_results() -> None:
    found = widths(project_of(small(), layers={"out": {"width": 7}}))
    assert found["out"] == (7, 7)
    assert found["conv"] == (16, 16)
    assert found["hidden_dense"][0] == 16


def test_the_most_specific_level_wins_for_each_role() -> None:
    layers = {"out": {"width": {"weight": 5}}, "hidden": {"width": {"result": 9}}}
    found = widths(
        project_of(
            small(),
            defaults={"width": {"weight": 11, "result": 12}},
            layer_types={"Dense": {"width": {"weight": 6, "result": 8}}},
            layers=layers,
        )
    )
    assert found["conv"] == (11, 12)
    assert found["out"] == (5, 8)
    assert found["hidden_dense"][0] == 6
    assert found["hidden_dense"][1] <= 9
    assert found["hidden"][1] <= 9


@pytest.mark.parametrize("calibrated", [False, True])
def test_the_default_of_all_is_default_width(calibrated: bool) -> None:
    """Said at the level of the model, it is the same design to the last type."""
    data = {"x": grid((4, 4, 2), 40)} if calibrated else None
    for bits in (5, 8, 12, 20):
        by_width, by_default = (project_of(small(), data, **{key: bits}) for key in ("width", "default_width"))
        assert str(by_width.design) == str(by_default.design)
        assert by_width.design.notes == by_default.design.notes
        assert "Wished for types" not in by_width.summary()


def test_the_input_takes_bits_where_data_place_it() -> None:
    data = {"x": grid((4, 4, 2), 40)}
    project = project_of(small(), data, layers={"x": {"width": 6}})
    assert project.design.inputs[0].type.width == 6
    assert project_of(small(), layers={"x": {"width": 6}}).design.inputs[0].type.width == 16


def test_a_fixed_type_counts_more() -> None:
    found = widths(project_of(small(), layers={"out": {"width": 7, "precision": {"result": "fixed<13,4>"}}}))
    assert found["out"] == (7, 13)


def test_max_width_caps_it() -> None:
    found = widths(project_of(small(), max_width=10, layers={"out": {"width": 14}, "hidden": {"width": 9}}))
    assert found["out"] == (10, 10)
    assert found["hidden_dense"][0] == 9


def test_what_has_nothing_to_place_is_said() -> None:
    notes = "\n".join(project_of(small(), layers={"flat": {"width": 7}, "relu": {"width": {"weight": 3}}}).design.notes)
    assert "warning: flat: its width has no effect: Reshape has no weight and no result to place" in notes
    assert "warning: relu: its width has no effect: Relu has no weight to place" in notes


@pytest.mark.parametrize(
    ("width", "message"),
    [
        (1, "layers.out.width: expected 2 to 64 bits, found 1"),
        (65, "layers.out.width: expected 2 to 64 bits, found 65"),
        (8.0, "layers.out.width: expected bits: a whole number, or a mapping with 'weight', 'result', found 8.0"),
        (True, "expected bits"),
        ("8", "expected bits"),
        ({"weight": 1}, "layers.out.width.weight"),
        ({"wieght": 8}, "did you mean 'weight'"),
        ({"bias": 8}, "unknown key 'layers.out.width.bias'"),
    ],
)
def test_what_is_no_width_is_refused(width: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({"layers": {"out": {"width": width}}})
    assert message in str(caught.value)


def test_it_survives_a_file_and_settings() -> None:
    config = make_config({"layers": {"out": {"width": {"result": 5}}}}, width=np.int64(9))
    assert make_config(config.model_dump(mode="json")) == config
    project = project_of(small(), layers={"out": {"width": 7}})
    assert widths(project.with_settings(clock_period=4))["out"] == (7, 7)
    changed = project.with_settings(layers={"out": {"width": {"weight": 6}}})
    assert widths(changed)["out"] == (6, 16)


# -- it pins nothing -------------------------------------------------------------------------------


def test_batchnorm_is_fused_all_the_same() -> None:
    """What is said of either layer counts: the more specific; of equals, the narrower."""

    def conv(**settings: Any) -> tuple[int, int]:
        project = project_of(small(), **settings)
        assert "bn" not in [op.name for op in project.design]
        return widths(project)["conv"]

    assert conv(layers={"bn": {"width": 9}}) == (9, 9)
    assert conv(layers={"conv": {"width": 9}}) == (9, 9)
    assert conv(layers={"conv": {"width": {"weight": 5}}, "bn": {"width": {"weight": 9, "result": 10}}}) == (5, 10)
    assert conv(layers={"conv": {"width": 11}}, layer_types={"BatchNormalization": {"width": 4}}) == (11, 11)
    assert conv(defaults={"width": 4}, layer_types={"Conv2D": {"width": 6}}) == (6, 6)


def test_factors_of_a_channel_keep_their_bits() -> None:
    """Of a BatchNormalization that stays, a width is for its results; the summary does not say otherwise."""
    net = Net(1)
    net.call("ReLU", "out", net.batchnorm("bn", net.call("Softmax", "soft", net.input((6,))), 6))
    project = project_of(net.source("out"), layers={"bn": {"width": {"weight": 6, "result": 9}}})
    assert widths(project)["bn"][0] > 16
    assert widths(project)["bn"][1] <= 9
    rows = project.summary().partition("Wished for types that were inferred\n")[2].partition("\n\n")[0].splitlines()
    assert [row.split() for row in rows[2:]] == [["bn", "9"]]


def test_batchnorm_in_front_brings_the_width_of_weights() -> None:
    net = Net(2)
    real(net, "Dense", "out", net.batchnorm("bn", net.input((6,)), 6), (6, 3), units=3)
    found = widths(project_of(net.source("out"), layers={"bn": {"width": 6}}))
    assert found["out"] == (6, 16)


@pytest.mark.parametrize("name", ["mlp", "normalised"])
def test_channels_are_equalised_all_the_same(name: str) -> None:
    source = unequal(name, 1)
    layers = {call.name: {"width": {"weight": 9, "result": 10}} for call in source.calls}
    plain, said = (project_of(source, default_width=16, **settings) for settings in ({}, {"layers": layers}))
    moved = [{t.name for t in p.design.tensors if t.exponents is not None} for p in (plain, said)]
    assert moved[0]
    assert moved[1] >= moved[0]


def test_each_channel_has_so_many_bits_in_a_grid_of_its_own() -> None:
    net = Net(0)
    gains = 2.0 ** -np.arange(6)
    weights = {"kernel": net.rng.normal(size=(12, 6)) * gains, "bias": np.zeros(6)}
    net.call("Dense", "out", net.input((12,)), weights, units=6)
    source = net.source("out")
    layers = {"out": {"width": {"weight": 4}, "weight_granularity": "channel"}}
    by_layer, by_model = (
        project_of(source, **settings).design.ops[-1].layer.constants()["weight"]
        for settings in ({"layers": layers}, {"default_width": 4, "weight_granularity": "channel"})
    )
    np.testing.assert_array_equal(by_layer.effective, by_model.effective)
    assert by_layer.known_type.width > 4


# -- the same function, and the same bits everywhere -----------------------------------------------


def drawn(source: SourceModel, rng: random.Random) -> dict[str, Any]:
    """Random widths at all levels."""

    def width() -> Any:
        bits = [rng.randint(3, 18) for _ in range(2)]
        return rng.choice((bits[0], {"weight": bits[0]}, {"result": bits[1]}, {"weight": bits[0], "result": bits[1]}))

    kinds = sorted({call.class_name for call in source.calls})
    settings: dict[str, Any] = {"layers": {c.name: {"width": width()} for c in source.calls if rng.random() < 0.6}}
    if rng.random() < 0.5:
        settings["layer_types"] = {rng.choice(kinds): {"width": width()}}
    if rng.random() < 0.5:
        settings["width"] = width()
    if rng.random() < 0.4:
        settings["weight_granularity"] = "channel"
    return settings


def project_or_none(source: SourceModel, settings: dict[str, Any]) -> Project | None:
    """None where a class names layers that compute nothing."""
    try:
        return project_of(source, **settings)
    except HlsgenError as error:
        assert "layer_types: the model has no layer" in str(error)
        return None


@pytest.mark.parametrize("seed", range(25))
def test_random_networks_are_the_same_function_with_the_same_bits(seed: int) -> None:
    source, rng = random_network(seed, quantized=False), random.Random(seed)
    settings = drawn(source, rng)
    project = project_or_none(source, settings)
    if project is None:
        return
    x = {value.name: grid(value.shape, 12, seed) for value in project.graph.inputs}
    np.testing.assert_allclose(*(meant(g, x) for g in (rewritten(graph_of(source), project.config), project.graph)))
    if seed < 5:
        executors_agree(project, x)


def meant(graph: Graph, x: dict[str, Any]) -> Any:
    """All outputs in real numbers, in one row; a millionth part of the largest counts for nothing."""
    known = evaluate_float(graph, x)
    found = np.concatenate([known[value].ravel() for value in graph.outputs])
    return np.round(found / np.abs(found).max(), 9)


SEVERAL: dict[str, Any] = {
    "layers": {"conv": {"width": {"weight": 4, "result": 7}}, "hidden": {"width": 6}, "bn": {"width": {"result": 9}}},
    "width": 10,
}


def test_every_executor_computes_the_same() -> None:
    ladder(small(), grid((4, 4, 2), 20), **SEVERAL)


def test_circuits_and_libraries_compute_the_same(tmp_path: Path) -> None:
    x = grid((4, 4, 2), 20)
    project = project_of(small(), **SEVERAL)
    compiler()
    check(job_of(project), {"x": project.design.inputs[0].type.quantize(x)}, tmp_path)
    circuit = project_of(small(), backend="verilog", **SEVERAL)
    np.testing.assert_array_equal(circuit.simulate(x).result, circuit.evaluate(x, raw=True)["out"])
    np.testing.assert_array_equal(circuit.evaluate(x)["out"], project.evaluate(x)["out"])


def test_other_weights_keep_the_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlsgen.project.read_model", lambda model, *_: graph_of(model))
    settings: dict[str, Any] = {"layers": {"conv": {"width": 6}, "out": {"width": {"weight": 5}}}, "width": 9}
    project = project_of(small(), **settings)
    again = project.with_weights(small())
    assert str(again.design) == str(project.design)
    assert all("Wished for types" in p.summary() for p in (project, again))


def test_the_summary_lists_them() -> None:
    text = project_of(small(), layers={"out": {"width": {"weight": 5}}, "bn": {"width": 9}}).summary()
    table = text.partition("Wished for types that were inferred\n")[2].partition("\n\n")[0]
    assert [line.split() for line in table.splitlines()[2:]] == [["conv", "9", "9"], ["out", "5"]]


def test_a_diagnosis_says_where_the_bits_come_from() -> None:
    """A layer whose width is narrow among others that are not is named, with its width."""
    x = np.random.default_rng(1).normal(size=(200, 4, 4, 2))
    project = project_of(small(), {"x": x}, layers={"out": {"width": {"weight": 2}}})
    found = project.diagnose(x, reference="graph")
    assert found is not None
    assert found.layer == "out"
    assert "The type was inferred for a width of 2 bits, which the configuration says." in str(found)
