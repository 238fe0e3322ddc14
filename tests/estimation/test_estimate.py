"""Estimates of projects: what is exact, what cannot get less, what is said where nothing is known."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.backends.hls.kernel import BINDINGS
from hlsgen.cli import main
from hlsgen.errors import ConfigError, InputError
from hlsgen.estimation.cost import Multipliers
from hlsgen.estimation.layers import RULES
from hlsgen.estimation.live import live_shares
from hlsgen.ir.wish import Storage
from tests.passes.builders import Net, project_of

MODELS = Path(__file__).parents[2] / "example-models"
PART = "xc7z020clg400-1"


def dense(weights, **settings):
    """A project of one layer of 8-bit weights (inputs, outputs), for an 8-bit input."""
    net = Net(0)
    n_in, n_out = np.shape(weights)
    x = net.input((n_in,))
    y = net.call("Dense", "y", x, {"kernel": np.asarray(weights) / 128, "bias": np.zeros(n_out)}, units=n_out)
    types = {"weight": "fixed<8,1>", "bias": "fixed<8,1>", "result": "fixed<16,6>"}
    given = {"input_precision": "fixed<8,1>", "part": PART, "layers": {"y": {"precision": types}}} | settings
    return project_of(net.source(y), **given)


def layer(estimate, name):
    return next(found for found in estimate.layers if found.name == name)


def random(n_in, n_out, seed=0):
    return np.random.default_rng(seed).integers(-127, 128, (n_in, n_out))


def test_products_that_take_a_dsp():
    """Of one input: 11 twice and 11 of another; 64, 5 and -4 are additions or wires."""
    found = dense([[11, 11, 64, 5], [11, -4, 0, 64]]).estimate(multipliers="dsp")
    assert layer(found, "y").dsp.value == found.dsp.value == 2
    assert dense([[11, 11, 64, 5], [11, -4, 0, 64]]).estimate(multipliers="lut").dsp == found.bram


def test_what_is_zero_costs_nothing():
    weights = random(8, 6)
    weights[:, 3] = 0
    with_zeros = layer(dense(weights).estimate(), "y")
    without = layer(dense(np.delete(weights, 3, axis=1)).estimate(), "y")
    assert with_zeros.resources == without.resources


def test_what_nobody_reads_costs_nothing():
    """Of eight outputs of `a` one is a constant, and two others are not read by `b`: five rectifiers are built."""
    net = Net(0)
    first, second = random(6, 8), random(8, 3, seed=1)
    first[:, 2] = 0
    second[[4, 7]] = 0
    a = net.call("Dense", "a", net.input((6,)), {"kernel": first / 128, "bias": np.ones(8)}, units=8)
    relu = net.call("ReLU", "relu", a)
    b = net.call("Dense", "b", relu, {"kernel": second / 128, "bias": np.zeros(3)}, units=3)
    project = project_of(net.source(b), part=PART, precision="fixed<8,1>")
    assert live_shares(project.design) == {"x": 1.0, "a": 5 / 8, "relu": 5 / 8, "b": 1.0}
    whole = project.estimate().layers[1].lut.value
    others = project.with_settings(strategy="resource", pipeline="dataflow").estimate()
    assert whole == round(layer(others, "relu").lut.value * 5 / 8), "in turns zeros are words like others"


def test_the_tool_decides_where_it_is_not_told():
    project = dense(random(8, 6))
    auto, dsp, lut = (project.estimate(multipliers=choice) for choice in Multipliers)
    assert (auto.dsp.value, auto.lut.value) == (dsp.dsp.value, dsp.lut.value)
    assert auto.dsp.low == 0 < dsp.dsp.low, "a product of 16 bits may go into LUTs"
    assert lut.lut.value > dsp.lut.value
    assert lut.dsp.high == 0


def test_more_reuse_takes_no_more_multipliers():
    project = dense(random(16, 12), strategy="latency")
    found = [project.with_settings(reuse_factor=factor).estimate(multipliers="dsp") for factor in (1, 2, 4, 16, 96)]
    multipliers = [estimate.dsp.value for estimate in found]
    assert multipliers == sorted(multipliers, reverse=True)
    assert multipliers[-1] == 2
    cycles = [estimate.latency.value for estimate in found[1:]]
    assert cycles == sorted(cycles)
    assert [estimate.interval.value for estimate in found[:3]] == [1, 2, 4]
    assert found[-1].interval.value == found[-1].latency.value + 1, "a pipeline of 96 cycles that is done before"


def test_streams_with_more_reuse_are_no_faster():
    """Layers read while others still compute, but none is done before its own last result."""
    net = Net(9)
    x = net.call("ReLU", "r", net.dense("a", net.input((8,)), 8, 16))
    source = net.source(net.call("Softmax", "sm", net.dense("b", x, 16, 4)))
    project = project_of(source, part=PART, strategy="latency", io_type="io_stream", precision="fixed<8,3>")
    found = {factor: project.with_settings(reuse_factor=factor).estimate() for factor in (1, 2, 4, 8, 16, 64)}
    cycles = [estimate.latency.value for estimate in found.values()]
    assert cycles == sorted(cycles) and all(
        c >= max(row.latency.value for row in e.layers) for c, e in zip(cycles, found.values(), strict=True)
    )
    assert all(estimate.interval.value >= factor for factor, estimate in found.items())


def test_turns_take_multipliers_and_words():
    project = dense(random(64, 16), strategy="resource")
    found = {factor: project.with_settings(reuse_factor=factor).estimate(multipliers="dsp") for factor in (4, 16, 64)}
    assert [found[factor].dsp.value for factor in found] == [256, 64, 16]
    words = {factor: -(-1024 // factor * 8 // 36) for factor in found}
    assert {factor: of.bram.value for factor, of in found.items()} == words
    in_logic = project.with_settings(
        reuse_factor=64, defaults={"strategy": "resource", "storage": Storage.LUTRAM.value}
    )
    assert in_logic.estimate().bram.value == 0


def test_wider_words_take_more():
    weights = random(16, 8)
    narrow, wide = dense(weights), dense(weights, input_precision="fixed<16,1>")
    for name in ("LUT", "FF"):
        assert wide.estimate("xc7z020").resources[name].value > narrow.estimate("xc7z020").resources[name].value


def test_a_shorter_clock_period_takes_more_cycles():
    project = dense(random(64, 8))
    cycles = [project.with_settings(clock_period=ns).estimate().latency.value for ns in (10.0, 5.0, 3.0, 2.0)]
    assert cycles == sorted(cycles)
    assert cycles[0] < cycles[-1]


def test_figures_lie_in_their_intervals_and_add_up():
    found = dense(random(32, 8)).estimate()
    for figure in (*found.resources.values(), found.latency, found.interval):
        assert 0 <= figure.low <= figure.value <= figure.high
    for name, total in found.resources.items():
        for end in ("value", "low", "high"):
            assert getattr(total, end) == sum(getattr(of.resources[name], end) for of in found.layers)
    assert found == dense(random(32, 8)).estimate(), "twice the same"


def test_what_a_part_has():
    found = dense(random(64, 64)).estimate(multipliers="dsp")
    assert found.device.name == "xc7z020"
    assert found.shares["DSP"] == found.dsp.value / 220
    assert found.fits is False
    assert "does not fit, for want of DSP" in str(found)
    assert found.dominant["DSP"].name == "y"
    larger = dense(random(64, 64)).estimate(part="xcvu13p-flga2577-2-e", multipliers="dsp")
    assert larger.fits is True
    assert larger.dsp.value == found.dsp.value
    assert larger.latency.value < found.latency.value


def test_an_unknown_part_gets_figures_without_shares():
    found = dense(random(8, 8)).estimate(part="xczu29dr-ffvf1760-2-e")
    assert (found.device, found.fits, found.shares) == (None, None, {})
    assert "not in the table of parts" in str(found)
    nothing_known = dense(random(8, 8)).estimate(part="a device")
    assert "no family that is known" in str(nothing_known)
    assert not nothing_known.calibrated


def test_outside_of_the_reports_is_said():
    inside = dense(random(8, 8), clock_uncertainty=12.5).estimate(PART)
    assert inside.calibrated
    assert not inside.notes
    assert "~" not in str(inside)
    for outside in (inside.part.replace(PART, "xcvu9p-flga2104-2L-e"), "xcku115-flvb2104-2-i"):
        found = dense(random(8, 8)).estimate(outside)
        assert not found.calibrated
        assert "every report is of a 7-series device" in str(found)
        assert found.lut.high - found.lut.low > inside.lut.high - inside.lut.low
    slow = dense(random(8, 8), clock_period=20.0).estimate()
    assert "a cycle has 14.6 ns" in str(slow)


def test_wrong_options_are_refused():
    project = dense(random(4, 4))
    with pytest.raises(InputError, match=r"multipliers is 'dps'; did you mean 'dsp'\?"):
        project.estimate(multipliers="dps")
    with pytest.raises(InputError, match="multipliers is 3"):
        project.estimate(multipliers=3)
    with pytest.raises(InputError, match="part is 7, expected the name"):
        project.estimate(part=7)
    with pytest.raises(ConfigError, match=r"area\(\) and timing\(\)"):
        project.with_settings(backend="verilog").estimate()


def test_a_page_shows_names_as_they_are():
    net = Net(0)
    y = net.dense("<b>&y", net.input((4,)), 4, 3)
    text = project_of(net.source(y)).estimate()._repr_html_()
    assert "<td>&lt;b&gt;&amp;y" in text
    assert "<b>" not in text


def test_every_kind_of_layer_has_a_rule_or_says_so():
    without = {kind.__name__ for kind in BINDINGS if not any(base in RULES for base in kind.__mro__)}
    assert without == {
        "LargestAlongAxis",
        "Sparsemax",
        "Standardise",
        "SumsAlongAxis",
        "TopIndices",
        "TopValues",
    }


SETTINGS = {
    "arrays": {},
    "streams": {"io_type": "io_stream"},
    "turns": {"strategy": "resource", "reuse_factor": 4},
    "lanes": {"strategy": "unrolled", "reuse_factor": 4, "io_type": "io_stream"},
    "memory": {"interface": "axi_master"},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize(
    "name", ["xor_mlp", "digits_mlp", "mnist_cnn_bn", "mnist_gru", "residual_cnn", "mnist_transformer"]
)
def test_example_models(name, settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        project = hlsgen.convert(MODELS / name / "model.keras", **settings)
    found = project.estimate()
    named = {op.source.name for op in project.design if not op.is_input}
    assert {of.name for of in found.layers} & named
    assert found.lut.value > 0 < found.ff.value
    assert found.latency.value >= found.layers[-2].latency.value
    assert str(found).count("\n") >= len(found.layers)
    kernels = {of.kernel for of in found.layers}
    if not kernels <= {"dense", "relu", "registers"}:
        assert not found.calibrated
        assert "intervals are wide" in str(found)


def test_shared_adders_are_counted_as_they_are_written():
    project = dense(random(8, 8), strategy="distributed_arithmetic")
    found = layer(project.estimate(), "y")
    assert found.dsp.value == 0
    (adders,) = (c.array.adders for c in project.plan.constants if c.array.adders is not None)
    assert found.lut.value > len(adders.graph.adders) * 8


def test_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["estimate", str(MODELS / "xor_mlp" / "model.keras"), "--part", PART, "--multipliers", "lut"])
    assert not ended.value.code
    text = capsys.readouterr().out
    assert text.splitlines()[0].split() == [
        "layer",
        "kernel",
        "DSP",
        "LUT",
        "FF",
        "BRAM_18K",
        "URAM",
        "interval",
        "latency",
    ]
    assert f"part {PART}, clock 5 ns" in text
    assert "of LUT" in text


def test_command_takes_a_configuration(capsys, tmp_path):
    config = tmp_path / "net.yml"
    config.write_text(f"model: {MODELS / 'xor_mlp' / 'model.keras'}\npart: {PART}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["estimate", str(config)])
    assert not ended.value.code
    assert PART in capsys.readouterr().out
    with pytest.raises(SystemExit) as refused:
        main(["estimate", str(config), "--config", str(config)])
    assert refused.value.code == 2
    assert "two configurations given" in capsys.readouterr().err


def test_a_single_turn_has_no_memory():
    in_turns = dense(random(16, 8), strategy="resource", reuse_factor=1)
    at_once = in_turns.with_settings(strategy="latency")
    found, known = (layer(project.estimate(multipliers="dsp"), "y") for project in (in_turns, at_once))
    assert found.bram.value == 0
    assert found.dsp.value == known.dsp.value
    assert not found.calibrated


def test_multipliers_are_as_wide_as_constants():
    """11 in words of 32 bits is a factor of five: a product of 25 by 5 bits is one DSP's, of 25 by 22 two's."""
    types = {"weight": "fixed<32,8>", "bias": "fixed<32,8>", "result": "fixed<32,8>"}
    narrow = dense([[11 / 2**17, 13 / 2**17]], layers={"y": {"precision": types}}, input_precision="fixed<25,8>")
    assert narrow.estimate(multipliers="dsp").dsp.value == 2
    fine = dense([[11 + 2**-17, 13 + 2**-17]], layers={"y": {"precision": types}}, input_precision="fixed<25,8>")
    assert fine.estimate(multipliers="dsp").dsp.value == 4


def pooled(class_name, shape, **config):
    """A flat pipeline of one layer, for a device of which there are baselines."""
    net = Net(0)
    kind = f"{class_name}2D"
    y = net.call(kind, "y", net.input(shape), strides=config["pool_size"], **config)
    types = {"precision": "fixed<16,6>", "input_precision": "fixed<16,6>"}
    return project_of(net.source(y), pipeline="flat", part="xcvu13p-flga2577-2-e", **types)


def test_windows_at_a_border_have_fewer_cells():
    """5 x 4 in windows of 2 x 2: 2 x 2 whole ones and two of one row."""
    found = layer(pooled("MaxPooling", (5, 4, 1), pool_size=[2, 2], padding="same").estimate(), "y")
    assert found.lut.value == (4 * 3 + 2 * 1) * (2 * 16 + 7)
    assert found.dsp.value == found.ff.value == found.latency.value == 0


def test_means_of_nine_take_products_and_those_of_four_do_not():
    ninth = layer(pooled("AveragePooling", (6, 6, 2), pool_size=[3, 3], padding="valid").estimate(), "y")
    fourth = layer(pooled("AveragePooling", (6, 6, 2), pool_size=[2, 2], padding="valid").estimate(), "y")
    assert fourth.dsp.value == 0
    assert ninth.dsp.value >= 2 * 2 * 2
    assert ninth.dsp.high > ninth.dsp.value, "baselines have no such products"
    assert ninth.latency.value > fourth.latency.value == 0


def test_a_slope_of_one_is_nothing():
    net = Net(0)
    y = net.call("LeakyReLU", "y", net.input((8,)), negative_slope=1.0)
    types = {"precision": "fixed<16,6>", "input_precision": "fixed<16,6>"}
    found = layer(project_of(net.source(y), part=PART, **types).estimate(), "y")
    assert found.lut.value == found.dsp.value == 0


def test_an_interval_may_be_that_of_the_slowest_kernel():
    """What is asked for is longer than the pipeline of any kernel: the tool may let samples in as soon as these are done."""
    net = Net(0)
    x = net.dense("a", net.input((16,)), 16, 12)
    project = project_of(
        net.source(net.dense("b", x, 12, 8)), part=PART, strategy="latency", reuse_factor=96, precision="fixed<8,3>"
    )
    found = project.estimate(multipliers="dsp")
    slowest = max(of.interval.low for of in found.layers)
    assert found.interval.value > slowest >= 1
    assert found.interval.low == slowest


def test_pooling_in_a_loop_selects_its_cells():
    flat = pooled("MaxPooling", (8, 8, 2), pool_size=[2, 2], padding="valid")
    looped = layer(flat.with_settings(pipeline="dataflow").estimate(), "y")
    assert looped.interval.value > layer(flat.estimate(), "y").interval.value == 1
    assert looped.lut.value < layer(flat.estimate(), "y").lut.value
