"""Profiles: every number counted by hand, and what is refused."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from hlsgen.analysis.meaning import evaluate_meaning
from hlsgen.errors import HlsgenError, InputError, OutputDirError
from hlsgen.ir.types import FixedType
from tests.analysis.shown import as_rich
from tests.passes.builders import Net, evaluate_float, graph_of, grid, project_of


def mlp(seed: int = 0) -> Net:
    net = Net(seed)
    hidden = net.call("ReLU", "relu", net.dense("fc1", net.input((6,)), 6, 5))
    net.dense("fc2", hidden, 5, 3)
    return net


def counted(values, text):
    """How many numbers lie outside of a type by more than half a step, and are below half a step; by fractions."""
    fixed = FixedType.parse(text)
    half = fixed.step / 2
    exact = [Fraction(float(v)) for v in np.asarray(values).reshape(-1)]
    outside = sum(v > fixed.max + half or v < fixed.min - half for v in exact)
    return outside, sum(v != 0 and abs(v) < half for v in exact)


@pytest.mark.filterwarnings("ignore:input 'x'")
@pytest.mark.parametrize("result", ["fixed<6,3,RND,SAT>", "fixed<5,2>", "ufixed<4,1,RND,SAT>", "fixed<12,8,RND,SAT>"])
def test_what_does_not_fit_is_counted(result):
    net = mlp()
    layers = {"fc2": {"precision": {"result": result, "weight": "fixed<3,1,RND,SAT>"}}}
    project = project_of(net.source("fc2"), layers=layers, input_precision="fixed<5,2,RND,SAT>")
    x = grid((6,), 50, frac=4, bound=40)
    found = project.profile(x)
    real = evaluate_float(graph_of(net.source("fc2")), {"x": x})
    real = {value.name: values for value, values in real.items()}
    assert (found["fc2"].outside, found["fc2"].vanishing) == counted(real["fc2"], result)
    assert (found["x"].outside, found["x"].vanishing) == counted(x, "fixed<5,2>")
    weights = next(node.layer.weight.values for node in graph_of(net.source("fc2")) if node.name == "fc2")
    weight = found["fc2.weight"]
    assert (weight.outside, weight.vanishing) == counted(weights, "fixed<3,1>")
    assert (weight.layer, weight.kind, weight.type) == ("fc2", "weight", "fixed<3,1>")
    assert found["fc2"].held.low == project.predict(x).min() and found["fc2"].held.high == project.predict(x).max()
    assert found["fc2"].overflow == FixedType.parse(result).overflow.effect.present


def test_unused_bits_signal_and_error():
    net = Net()
    net.dense("fc", net.input((2,)), 2, 2)
    project = project_of(net.source("fc"), input_precision="fixed<10,6,RND,SAT>")
    x = np.array([[0.5, -0.5], [0.25, 0.03125]])  # the last is half a step
    entry = project.profile(x)["x"]
    assert entry.unused_bits == 5  # 0.5 is 8 steps: of 9 bits beside the sign 4 are used
    assert entry.signal_bits == np.log2(np.sqrt(np.square(x).mean()) * 16)
    assert entry.error == np.sqrt(0.03125**2 / 4) / np.sqrt(np.square(x).mean())
    assert (entry.vanishing, entry.outside, entry.sparsity) == (0, 0, 0.0)


def test_accumulators_that_the_user_narrows_are_looked_at():
    net = mlp()
    layers = {"fc2": {"precision": {"accum": "fixed<8,2>"}}}
    project = project_of(net.source("fc2"), layers=layers, input_precision="fixed<7,3,RND,SAT>")
    x = grid((6,), 40, frac=4, bound=60)
    entries = [entry for entry in project.profile(x) if entry.kind == "accumulator"]
    assert [(e.name, e.type, e.held, e.overflow) for e in entries] == [("fc2", "fixed<8,2>", None, "wraps")]
    real = evaluate_float(graph_of(net.source("fc2")), {"x": x})
    fc2 = next(values for value, values in real.items() if value.name == "fc2")
    assert entries[0].outside == counted(fc2, "fixed<8,2>")[0] > 0


def test_what_readers_do_not_see_is_not_outside():
    """A sum inside of a layer, in front of its own ReLU, is stored without a sign."""
    net = Net()
    net.dense("fc", net.input((6,)), 6, 5, activation="relu")
    project = project_of(net.source("fc"), input_precision="fixed<8,3,RND,SAT>")
    entry = project.profile(grid((6,), 40))["fc_dense"]
    assert entry.type.startswith("ufixed") and (entry.outside, entry.real.low) == (0, 0.0)


def test_the_meaning_is_that_of_the_source_whatever_the_types():
    net = mlp(3)
    narrow = project_of(net.source("fc2"), precision="fixed<6,3>", input_precision="fixed<5,2>")
    x = grid((6,), 20)
    known = evaluate_meaning(narrow.design, {"x": x})
    real = evaluate_float(graph_of(net.source("fc2")), {"x": x})
    expected = next(values for value, values in real.items() if value.name == "fc2")
    assert (known[narrow.design.outputs[0]] == expected).all()


def test_the_models_own_quantisers_round_in_its_meaning():
    net = Net()
    net.quantize("q", net.dense("fc", net.quantize("qx", net.input((4,)), 4, 1), 4, 3), 3, 1)
    project = project_of(net.source("q"))
    x = grid((4,), 20)
    known = evaluate_meaning(project.design, {"x": x})
    assert (known[project.design.outputs[0]] == project.predict(x)).all()


def test_large_data_are_looked_at_evenly():
    net = Net()
    net.dense("fc", net.input((2,)), 2, 2)
    x = np.linspace(-1, 1, 20002).reshape(10001, 2)
    found = project_of(net.source("fc")).profile(x)
    assert (found.samples, found.given) == (4096, 10001)
    assert (found["x"].real.low, found["x"].real.high) == (-1.0, 1.0)
    assert "4096 of 10001 samples" in str(found)


def test_a_profile_is_read_by_name_as_a_table_and_as_plain_numbers(tmp_path):
    pandas = pytest.importorskip("pandas")
    net = mlp()
    found = project_of(net.source("fc2")).profile(grid((6,)))
    names = [entry.name for entry in found]
    assert names == ["x", "fc1.weight", "fc1.bias", "fc1", "relu", "fc2.weight", "fc2.bias", "fc2"] and len(found) == 8
    assert "fc1" in found and found["fc1"] in found and "nope" not in found
    assert [e.kind for e in found.of_layer("fc1")] == ["weight", "bias", "result"]
    assert all(name in str(found) for name in names)
    assert all(name in as_rich(found) for name in names)
    assert json.loads(json.dumps(found.to_dict()))["entries"][1]["name"] == "fc1.weight"
    frame = found.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame["name"]) == names
    with pytest.raises(KeyError, match="profile: there is no 'fc3'; did you mean"):
        found["fc3"]
    with pytest.raises(HlsgenError, match="profile: there is no layer 'fc1.weight'"):
        found.of_layer("fc1.weight")


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros((0, 2)), "x has no samples"),
        (np.array([[np.nan, 0.0]]), "NaN at index"),
        (np.zeros((3, 5)), "shape"),
        (np.array([["a", "b"]]), "holds no real numbers"),
    ],
)
def test_data_that_do_not_fit_are_refused(x, message):
    net = Net()
    net.dense("fc", net.input((2,)), 2, 2)
    with pytest.raises(InputError, match=message):
        project_of(net.source("fc")).profile(x)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_infinities_count_as_very_large():
    net = Net()
    net.call(
        "Softmax",
        "soft",
        net.call("Activation", "exp", net.dense("fc", net.input((2,)), 2, 2), activation="exponential"),
    )
    found = project_of(net.source("soft")).profile(np.array([[np.inf, 0.0], [-np.inf, 1.0], [np.inf, -np.inf]]))
    assert found["x"].outside == 4
    assert all(np.isfinite([entry.real.low, entry.real.high, entry.real.rms]).all() for entry in found)


def test_a_nan_is_refused_wherever_it_is():
    net = Net()
    net.dense("fc", net.input((2,)), 2, 2)
    x = np.zeros((10001, 2))
    x[1, 1] = np.nan  # not among those that are looked at
    with pytest.raises(InputError, match=r"NaN at index \[1, 1\]"):
        project_of(net.source("fc")).profile(x)


def test_figures(tmp_path):
    pytest.importorskip("matplotlib")
    net = Net(name="net")
    net.dense("a$b$_{x}<b>", net.input((2,)), 2, 2)  # to matplotlib, that would be a formula
    found = project_of(net.source("a$b$_{x}<b>")).profile(grid((2,)))
    for name in ("p.png", "p.svg", "p.pdf"):
        path = found.plot(tmp_path / name)
        first = path.read_bytes()
        assert found.plot(path).read_bytes() == first  # the same every time
    assert "a$b$_{x}&lt;b&gt;" in (tmp_path / "p.svg").read_text()
    assert all(first not in found._repr_html_() for first in ("<b>", "<script"))
    with pytest.raises(InputError, match=r"ends in .bmp, expected .png, .svg, .pdf"):
        found.plot(tmp_path / "p.bmp")
    with pytest.raises(OutputDirError, match="cannot be written"):
        found.plot(tmp_path / "nope" / "p.png")
