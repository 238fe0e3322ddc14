"""Merges of n inputs, products of vectors, averages: one exact operation and one cast (docs/numerics.md, rule 11)."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

import numpy as np
import pytest

from hlsgen.design.reference import evaluate
from hlsgen.ir.types import FixedType
from hlsgen.project import Project
from tests.passes.builders import Net, project_of

CHANNELS = 3
SETTINGS = {
    "default": {},
    "wide": {"input_precision": "fixed<24,12>", "precision": "fixed<32,16,RND,SAT>"},
    "coarse": {"layers": {"merged": {"precision": {"result": "fixed<7,5,TRN,SAT_SYM>"}}}},
    "narrow": {"default_width": 8},
}
FUNCTIONS = {
    "Add": lambda a, b: a + b,
    "Multiply": lambda a, b: a * b,
    "Maximum": max,
    "Minimum": min,
}


def merge_of_results(kind: str, n: int, **config) -> Net:
    """A merge of ``n`` results of dense layers, which are not exact themselves."""
    net = Net(n)
    x = net.input([4])
    operands = []
    for i in range(n):
        weights = {"kernel": net.rng.normal(size=(4, CHANNELS)), "bias": net.rng.normal(size=CHANNELS)}
        operands.append(net.call("Dense", f"d{i}", x, weights, units=CHANNELS))
    net.call(kind, "merged", operands, **config)
    return net


def run(project: Project, samples: int = 60) -> tuple[list[np.ndarray], np.ndarray, FixedType]:
    """The operands of the merge as fractions (samples, channels), its mantissas, its type; extremes of the input too."""
    design = project.design
    port = design.ops[0].output.type
    rng = np.random.default_rng(5)
    x = port.cast(np.round(rng.normal(size=(samples, 4)) * 2.0**port.frac).astype(np.int64), port.frac)
    x[:2] = [[port.min_mantissa] * 4, [port.max_mantissa] * 4]
    known = {tensor.name: (m, tensor.type) for tensor, m in evaluate(design, {"x": x}).items()}
    merged, result = known.pop("merged")
    operands = [as_fractions(*known[name]) for name in sorted(known) if name.startswith("d")]
    return operands, merged, result


def as_fractions(mantissas: np.ndarray, fixed: FixedType) -> np.ndarray:
    return mantissas.astype(object) * Fraction(fixed.step)


def cast(values: np.ndarray, result: FixedType) -> np.ndarray:
    """Fractions in one cast; they are multiples of 2**-200."""
    return result.cast(np.vectorize(lambda v: int(v * 2**200), otypes=[object])(values), 200)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_element_by_element(kind: str, n: int, setting: str):
    project = project_of(merge_of_results(kind, n).source("merged"), **SETTINGS[setting])
    operands, merged, result = run(project)
    assert len(operands) == n
    assert merged.any()
    expected = cast(reduce(np.vectorize(FUNCTIONS[kind], otypes=[object]), operands), result)
    assert (merged.astype(object) == expected.astype(object)).all()


@pytest.mark.parametrize("setting", SETTINGS)
def test_product_of_vectors(setting: str):
    project = project_of(merge_of_results("Dot", 2, axes=1).source("merged"), **SETTINGS[setting])
    (a, b), merged, result = run(project)
    assert merged.any()
    assert (merged.astype(object) == cast((a * b).sum(axis=1, keepdims=True), result).astype(object)).all()


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("n", [2, 3, 4])
def test_average(n: int, setting: str):
    """1 / n is a constant and so may be rounded (rule 3); the sum is not."""
    project = project_of(merge_of_results("Average", n).source("merged"), **SETTINGS[setting])
    operands, merged, result = run(project)
    constant = project.design.ops[-1].layer.constants()["weight"]
    share = Fraction(int(constant.fixed[0][0])) / 2 ** constant.fixed[1]
    assert abs(share * n - 1) < Fraction(1, 2**14)  # "wide" gives constants 16 fraction bits, too
    assert merged.any()
    assert (merged.astype(object) == cast(reduce(np.add, operands) * share, result).astype(object)).all()


def test_what_is_too_wide_for_the_emulator_is_cut_and_said():
    """Six factors of 32 bits: the product of five keeps its leading bits, of which the sixth can lose more."""
    project = project_of(merge_of_results("Multiply", 6).source("merged"), **SETTINGS["wide"])
    steps = [op for op in project.design if op.name.startswith("merged_")]
    cut = [op for op in steps if op.output.type.width < op.output.typing.sum_type.width]
    assert cut
    assert all(op.output.type.width + 32 <= 120 for op in steps)
    for op in cut:
        assert any(note.startswith(f"warning: {op.name}: the exact product needs") for note in project.design.notes)


def test_a_cap_holds_inside_too():
    """``max_width`` narrows the partial sum, and says so."""
    project = project_of(merge_of_results("Add", 3).source("merged"), max_width=16)
    partial = next(op for op in project.design if op.name == "merged_add")
    assert partial.output.type.width == 16
    assert any("merged_add" in note and "max_width" in note for note in project.design.notes)
