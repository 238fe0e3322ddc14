"""The driver for PYNQ against a model of the board: what it packs, sends, unpacks and says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.ir.types import FixedType
from hlsgen.project import Project
from tests.boards.model import Board, load
from tests.passes.builders import Net, project_of
from tests.passes.test_input_features import SIZES, first_layer

pytestmark = pytest.mark.filterwarnings(
    "ignore::hlsgen.project.UnexpectedInputWarning",
    "ignore::hlsgen.project.ClippedInputWarning",
    "ignore::hlsgen.project.InaccurateWarning",
)


def two_ports(folder: Path, **settings: Any) -> Project:
    net = Net(3, "ports")
    net.call("Add", "sum", [net.input((3, 5), "first"), net.input((3, 5), "in")])
    net.call("ReLU", "positive", "sum")
    return project_of(net.source("sum", "positive"), output_dir=folder, board="pynq-z2", **settings)


def driver_of(project: Project, flip: tuple[int, int] | None = None) -> Any:
    """The driver of a written project on a model of its board."""
    module = load(project.write())
    return module, module.Design(Board(project, flip), allocate=lambda shape, dtype: np.zeros(shape, dtype))


def data(seed: int, *shape: int) -> Any:
    """Values of every size, ties and what lies outside."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) * 2.0 ** rng.integers(-12, 6, shape)
    x[0] = np.round(x[0] * 32) / 32
    x[1].flat[:4] = [np.inf, -np.inf, 1e30, -1e-300]
    return x


TYPES = ["fixed<7,3>", "ufixed<5,1>", "fixed<17,6>", "ufixed<1,0>", "fixed<24,4,TRN,WRAP>", "fixed<9,4,TRN_ZERO,SAT_SYM>",
         "fixed<33,9,RND_CONV,SAT>", "fixed<9,5,RND_INF,SAT_ZERO>", "ufixed<8,4,RND_ZERO,WRAP>", "fixed<6,3,RND_MIN_INF>"]  # fmt: skip


@pytest.mark.parametrize("fixed", TYPES)
def test_equals_predict(fixed: str, tmp_path: Path) -> None:
    project = two_ports(tmp_path, input_precision=fixed)
    _, design = driver_of(project)
    x = [data(1, 6, 3, 5), data(2, 6, 3, 5)]
    for found, right in zip(design.predict(x, raw=True), project.predict(x, raw=True), strict=True):
        assert np.array_equal(found, right)
    for found, right in zip(design.predict(x), project.predict(x), strict=True):
        assert found.dtype == right.dtype and np.array_equal(found, right)
    assert design.self_test() == 10


@pytest.mark.parametrize("kind", ["dense", "sequence"])
def test_exponents(kind: str, tmp_path: Path) -> None:
    source = first_layer(kind)
    shape = source.inputs[0].shape
    x = np.random.default_rng(1).normal(size=(200, *shape)) * SIZES
    project = project_of(source, {source.inputs[0].name: x}, output_dir=tmp_path, board="zcu104", default_width=12)
    assert project.design.inputs[0].exponents is not None
    _, design = driver_of(project)
    assert np.array_equal(design.predict(x[:20], raw=True), project.predict(x[:20], raw=True))
    assert design.self_test() > 0


def test_inputs_by_name_and_what_does_not_fit(tmp_path: Path) -> None:
    project = two_ports(tmp_path, input_precision="fixed<7,3>")
    module, design = driver_of(project)
    x = [data(1, 2, 3, 5), data(2, 2, 3, 5)]
    names = [port.name for port in module.INPUTS]
    by_name = design.predict(dict(zip(names, x, strict=True)))
    assert all(np.array_equal(a, b) for a, b in zip(by_name, design.predict(x), strict=True))
    nan = np.full((2, 3, 5), np.nan)
    for wrong, said in [
        (x[0], "2 inputs"), ({"first": x[0]}, "expected first"), ([x[0], x[1][:1]], "number of samples"),
        ([x[0], x[1].transpose(0, 2, 1)], "shape"), ([x[0], nan], "NaN"), ([x[0], np.full((2, 3, 5), 2**60)], "2\\*\\*53"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=said):
            design.predict(wrong)


def test_self_test_finds_one_wrong_bit(tmp_path: Path) -> None:
    project = two_ports(tmp_path, input_precision="fixed<7,3>")
    width = project.plan.ports[2].wire.type.width
    module, design = driver_of(project, flip=(0, 2 * width))
    with pytest.raises(module.SelfTestError, match="10 elements of .* the first is element 2 of sample 0: found"):
        design.self_test()
    _, design = driver_of(project, flip=(0, project.plan.ports[2].bits - 1))
    with pytest.raises(ValueError, match="bits above the elements"):
        design.self_test()


@pytest.mark.parametrize("rounding", ["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"])
@pytest.mark.parametrize("overflow", ["WRAP", "SAT", "SAT_ZERO", "SAT_SYM"])
def test_rounds_and_limits_as_the_types_do(rounding: str, overflow: str, tmp_path: Path) -> None:
    packing = load(two_ports(tmp_path, input_precision="fixed<7,3>").write(), "packing")
    rng = np.random.default_rng(7)
    half = 0.5 - 2.0**-54
    hard = np.array([0.5, -0.5, 1.5, -1.5, half, -half, 1e-320, -1e-320, 0, np.inf, -np.inf, 1e300, -3e18, 2.0**62])
    x = np.concatenate([hard, rng.normal(size=200) * 2.0 ** rng.integers(-20, 70, 200), rng.integers(-99, 99, 99) / 4])
    for width, integer, signed in [
        (8, 8, True),
        (8, 3, False),
        (64, 40, True),
        (64, 64, False),
        (1, 1, True),
        (5, 9, True),
        (90, 20, True),
    ]:
        text = f"{'' if signed else 'u'}fixed<{width},{integer},{rounding},{overflow}>"
        fixed = FixedType.parse(text)
        port = packing.Port("x", (len(x),), width, fixed.frac, signed, fixed.min_mantissa, fixed.max_mantissa, rounding,
                            overflow, "float64", len(x), -(-width * len(x) // 8) * 8, 1)  # fmt: skip
        found = packing.quantize(port, x[None])
        assert found[0].tolist() == fixed.quantize(x).tolist(), text
        assert packing.unpack(port, packing.pack(port, found))[0].tolist() == found[0].tolist()
