"""The modes that a user writes are those that are used; those left out depend on what the type is for."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import yaml

from hlsgen.config import load_config, make_config
from hlsgen.errors import TypeSpecError
from hlsgen.ir.spelling import CAST_MODES, CONSTANT_MODES, INPUT_MODES, WrittenType
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.project import Project
from tests.passes.builders import Net, project_of
from tests.vendor import reference

TYPES = ["fixed<3,1", "fixed<6,2", "ufixed<5,1", "fixed<1,1", "fixed<4,7", "fixed<5,-2"]
MODES = [
    f",{rounding.value},{overflow.value}{bits}"
    for rounding, overflow, bits in itertools.product(Rounding, Overflow, ("", ",1", ",2"))
    if not bits or overflow in (Overflow.WRAP, Overflow.WRAP_SM)
]
WRITTEN = ["", *(f",{rounding.value}" for rounding in Rounding), *MODES]
"""What can stand behind width and integer bits."""
REALS = np.array([0.2, 0.25, 0.3, 0.375, -0.125, -0.1, 0.999, 1.0, -1.0, -1.01, 3.9, -4.0, 0.0, 100.3, -77.7, 1e-9])
"""float32 numbers in the end: ties, ends of ranges, far beyond and far below."""


def possible(written: str) -> bool:
    try:
        FixedType.parse(written)
    except TypeSpecError:  # WRAP_SM without a sign, more saturation bits than there are bits
        return False
    return True


SPELLED = [f"{start}{modes}>" for start in TYPES for modes in WRITTEN if possible(f"{start}{modes}>")]


def completed(written: str, modes: tuple[Rounding, Overflow]) -> FixedType:
    """What is meant, by the words of the documentation."""
    said = written.rstrip(">").split("<")[1].split(",")[2:]
    rounding = Rounding(said[0]) if said else modes[0]
    overflow = Overflow(said[1]) if len(said) > 1 else modes[1]
    return FixedType.parse(written).with_modes(rounding, overflow) if len(said) < 3 else FixedType.parse(written)


def right(written: str, values: Any) -> list[int]:
    """Mantissas of constants by the vendor's semantics, in rational numbers."""
    fixed = completed(written, (Rounding.RND_CONV, Overflow.SAT))
    return [reference.cast(fixed, Fraction(float(v))) for v in np.asarray(values, dtype=np.float32).ravel()]


def dense(**settings: Any) -> Project:
    net = Net()
    weights = {"kernel": REALS.reshape(4, 4), "bias": REALS[:4] * 1.7}
    net.call("Dense", "fc", net.input((4,)), weights, units=4)
    return project_of(net.source("fc"), **settings)


def constants(project: Project, kind: str = "Dense") -> Any:
    (op,) = [op for op in project.design if op.layer.kind == kind]
    return op.layer


# -- what was written ----------------------------------------------------------------------------


@pytest.mark.parametrize("modes", [CONSTANT_MODES, CAST_MODES, INPUT_MODES])
def test_what_is_left_out_is_completed(modes):
    for written in SPELLED:
        parsed = WrittenType.parse(written)
        assert parsed.completed(modes) == completed(written, modes)
        assert WrittenType.parse(str(parsed)) == parsed and str(parsed) == written


def test_an_object_has_all_its_modes():
    fixed = FixedType(8, 1)
    assert WrittenType.parse(fixed).completed(CONSTANT_MODES) == fixed
    assert str(WrittenType.parse(fixed)) == "fixed<8,1,TRN,WRAP>"
    assert WrittenType.parse("int<4>").completed(CONSTANT_MODES) == FixedType.parse("fixed<4,4,RND_CONV,SAT>")
    assert WrittenType.parse(" AP_UFIXED< 8 , 1 , ap_rnd > ") == WrittenType.parse("ufixed<8,1,RND>")


# -- constants -----------------------------------------------------------------------------------


def test_constants_are_rounded_as_written():
    """Every type with every mode, of weights and of biases."""
    for written in SPELLED:
        layer = constants(dense(layers={"fc": {"precision": {"weight": written, "bias": written}}}))
        for constant, values in ((layer.weight, REALS), (layer.bias, REALS[:4] * 1.7)):
            if not any(right(written, values)):
                continue  # zeros have a type of their own
            assert constant.mantissas.ravel().tolist() == right(written, values), written
            assert constant.type == FixedType.parse(written).plain()


@pytest.mark.parametrize(
    "written", ["fixed<6,2>", "fixed<6,2,TRN>", "fixed<6,2,TRN,WRAP>", "fixed<6,2,RND_ZERO,SAT_ZERO>"]
)
@pytest.mark.parametrize(
    "place",
    [
        lambda t: {"layers": {"fc": {"precision": {"weight": t, "bias": t}}}},
        lambda t: {"layers": {"fc": {"precision": t}}},
        lambda t: {"layer_types": {"Dense": {"precision": {"weight": t, "bias": t}}}},
        lambda t: {"layer_types": {"Dense": {"precision": t}}},
        lambda t: {"defaults": {"precision": {"weight": t, "bias": t}}},
        lambda t: {"precision": {"weight": t, "bias": t}},
        lambda t: {"precision": t},
    ],
)
def test_wherever_it_is_written(tmp_path, written, place):
    """At each level, as roles and as a bare string, in keywords, in a file and in a copy of its configuration."""
    keywords = place(written)
    file = tmp_path / "c.yml"
    data = {"defaults": keywords} if "precision" in keywords else keywords
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    loaded = load_config(file)
    for settings in (keywords, dict(loaded), dict(make_config(loaded.model_dump(mode="json")))):
        layer = constants(dense(**settings))
        assert layer.weight.mantissas.ravel().tolist() == right(written, REALS)
        assert layer.bias.mantissas.ravel().tolist() == right(written, REALS[:4] * 1.7)


@pytest.mark.parametrize("written", ["fixed<6,2>", "fixed<6,2,RND,WRAP>"])
def test_a_bare_string_stands_for_itself_in_every_role(written):
    wish = next(op.wish for op in dense(precision=written).design if not op.is_input)
    assert wish.type("weight") == wish.type("bias") == completed(written, CONSTANT_MODES)
    assert wish.type("result") == FixedType.parse(written) and wish.type("accum") is None


@pytest.mark.parametrize(
    "written", ["fixed<6,2>", "fixed<6,2,TRN>", "fixed<6,2,TRN_ZERO,WRAP>", "fixed<6,2,RND,SAT_SYM>"]
)
def test_every_layer_with_weights(written):
    net = Net(3)
    x = net.input((6, 6, 2))
    kernels = {
        "conv": ("Conv2D", net.rng.normal(size=(2, 2, 2, 3)) * 2, {"filters": 3, "kernel_size": [2, 2]}),
        "dw": ("DepthwiseConv2D", net.rng.normal(size=(2, 2, 3, 1)) * 2, {"kernel_size": [2, 2]}),
        "fc": ("Dense", net.rng.normal(size=(3, 2)) * 2, {"units": 2}),
    }
    for name, (kind, kernel, options) in kernels.items():
        role = "depthwise_kernel" if name == "dw" else "kernel"
        x = net.call(
            kind, name, x, {role: kernel, "bias": np.zeros(kernel.shape[-1 if name != "dw" else 2])}, **options
        )
    gamma = np.array([0.3, -1.7])
    statistics = {"gamma": gamma, "beta": np.zeros(2), "moving_mean": np.zeros(2), "moving_variance": np.ones(2)}
    net.call("BatchNormalization", "bn", net.call("ReLU", "relu", x), statistics, axis=-1, epsilon=0.0)
    types = {name: {"precision": {"weight": written}} for name in (*kernels, "bn")}
    project = project_of(net.source("bn"), layers=types)
    found = {
        op.source.name: op.layer.weight.mantissas.ravel().tolist() for op in project.design if op.layer.constant_roles
    }
    assert found == {name: right(written, kernel) for name, (_, kernel, _) in kernels.items()} | {
        "bn": right(written, gamma)
    }


def test_a_separable_convolution_has_two_kernels_of_one_type():
    net = Net(4)
    weights = {
        "depthwise_kernel": net.rng.normal(size=(2, 2, 2, 1)),
        "pointwise_kernel": net.rng.normal(size=(1, 1, 2, 3)),
    }
    net.call(
        "SeparableConv2D", "sep", net.input((4, 4, 2)), weights | {"bias": np.zeros(3)}, filters=3, kernel_size=[2, 2]
    )
    written = "fixed<5,2,TRN,SAT>"
    project = project_of(net.source("sep"), layers={"sep": {"precision": {"weight": written}}})
    found = [op.layer.weight.mantissas.ravel().tolist() for op in project.design if op.layer.constant_roles]
    assert found == [right(written, weights[role]) for role in ("depthwise_kernel", "pointwise_kernel")]


@pytest.mark.parametrize(
    ("written", "used"), [("fixed<3,1>", "fixed<3,1,RND_CONV,SAT>"), ("fixed<3,1,TRN,WRAP>", "fixed<3,1,TRN,WRAP>")]
)
def test_a_models_quantiser_is_overridden_with_modes_too(written, used):
    """By the layer's name only; then the summary names the type with its modes, and what it loses."""
    net = Net()
    weights = {"kernel": [[0.75, -0.375], [1.5, 0.125]], "bias": [0.0, 0.0]}
    options = {"kernel_quantizer": net.quantized_bits(6, 1), "bias_quantizer": net.quantized_bits(6, 1)}
    net.call("QDense", "fc", net.input((2,)), weights, units=2, **options)
    source = net.source("fc")
    by_type = project_of(source, layer_types={"QDense": {"precision": {"weight": written}}})
    assert constants(by_type).weight.given
    project = project_of(source, layers={"fc": {"precision": {"weight": written}}})
    assert constants(project).weight.mantissas.ravel().tolist() == right(written, weights["kernel"])
    assert not constants(project).weight.given
    assert f"weight {completed(written, CONSTANT_MODES)} of the configuration overrides" in project.summary()
    assert [entry.spelled for entry in project.precision.losses if entry.role == "weight"] == [used]
    assert used in project.summary().partition("Constants rounded")[2].partition("Ports")[0]


@pytest.mark.parametrize("kind", ["QDense", "Dense"])
@pytest.mark.parametrize("written", ["fixed<6,6,TRN_ZERO,SAT>", "ufixed<4,2>", "fixed<3,-4,RND,SAT_ZERO>"])
def test_a_bias_keeps_the_written_type_where_it_holds_nothing_but_zeros(written, kind):
    net = Net()
    quantised = (
        {f"{name}_quantizer": net.quantized_bits(6, 1) for name in ("kernel", "bias")} if kind == "QDense" else {}
    )
    weights = {"kernel": [[1.0, -0.5]], "bias": [-0.125, -0.0625 if written.startswith("ufixed") else 0.125]}
    net.call(kind, "fc", net.input((1,)), weights, units=2, **quantised)
    project = project_of(net.source("fc"), layers={"fc": {"precision": {"bias": written}}})
    bias = project.design.ops[-1].layer.constants()["bias"]
    assert not bias.mantissas.any() and bias.type == FixedType.parse(written).plain()


# -- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["tanh", "exponential"])
def test_tables_are_rounded_as_written(function):
    """The words of a table are constants of the result type."""
    net = Net()
    net.call("Activation", "act", net.input((1,)), activation=function)
    points = (np.arange(64) - 32) / 8
    reals = np.tanh(points) if function == "tanh" else np.exp(points)
    for written in [f"fixed<5,2{modes}>" for modes in WRITTEN]:
        project = project_of(
            net.source("act"), input_precision="fixed<6,3>", layers={"act": {"precision": {"result": written}}}
        )
        found = project.evaluate(points[:, None], raw=True)["act"].ravel().tolist()
        fixed = completed(written, CONSTANT_MODES)
        assert found == [reference.cast(fixed, Fraction(float(v))) for v in reals], written
        assert project.design.outputs[0].type == fixed


# -- casts and inputs ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["accum", "result"])
def test_casts_are_made_as_written(role):
    """Without modes they truncate and wrap, as in C++."""
    net = Net()
    net.call("Dense", "fc", net.input((1,)), {"kernel": [[1.0]], "bias": [0.0]}, units=1)
    x = np.arange(-512, 512, 3)[:, None] / 64
    for written in [f"fixed<5,2{modes}>" for modes in WRITTEN]:
        project = project_of(
            net.source("fc"), input_precision="fixed<10,4>", layers={"fc": {"precision": {role: written}}},
        )  # fmt: skip
        fixed = completed(written, CAST_MODES)
        found = project.evaluate(x)["fc"].ravel()
        right = [reference.cast(fixed, Fraction(float(v))) * float(fixed.step) for v in x.ravel()]
        assert found.tolist() == right, written


def test_inputs_are_converted_as_written():
    """Without modes they round to nearest and saturate."""
    net = Net()
    net.call("ReLU", "relu", net.input((1,)))
    x = np.arange(-512, 512, 3)[:, None] / 64
    for written in [f"fixed<5,2{modes}>" for modes in WRITTEN]:
        for setting in (written, {"x": written}):
            project = project_of(net.source("relu"), input_precision=setting)
            fixed = completed(written, INPUT_MODES)
            right = [reference.cast(fixed, Fraction(float(v))) for v in x.ravel()]
            assert project.evaluate(x, raw=True)["x"].ravel().tolist() == right, written
