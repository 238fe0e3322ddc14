"""Equations of labels against NumPy's: every order of axes, of two computed tensors and of one and a constant."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder, add_input
from hlsgen.frontends.contraction import Equation, contract, contract_with_constant
from hlsgen.ir.graph import Graph
from tests.ladder.harness import project_of

EXTENTS = dict(zip("abcdef", (2, 3, 4, 5, 1, 2), strict=True))


def random_equation(rng, constant=False):
    """Some labels of both tensors and of the result, and some of each other kind, in any order."""
    labels = rng.permutation(list(EXTENTS))[: rng.integers(3, 7)]
    kinds = rng.integers(0, 4, len(labels))  # of both and the result, of one and the result (twice), of both alone
    kinds[0] = 0 if (kinds == 3).all() else kinds[0]
    first, second, result = (
        "".join(rng.permutation([label for label, kind in zip(labels, kinds, strict=True) if kind in chosen]))
        for chosen in ((0, 1, 3), (0, 2, 3), (0, 1, 2))
    )
    if not first or (not second and not constant):
        return random_equation(rng, constant)
    return Equation(first, second, result)


def whole_numbers(rng, labels, samples=()):
    return rng.integers(-4, 4, (*samples, *(EXTENTS[label] for label in labels))).astype(float)


def einsum(equation, first, second, of_second="z"):
    return np.einsum(f"z{equation.first},{of_second}{equation.second}->z{equation.result}", first, second)


def computed(build, *inputs):
    """What the NumPy reference makes of a graph; inputs are whole numbers, weights too."""
    graph = Graph("contracted")
    values = [add_input(graph, f"x{place}", x.shape[1:]) for place, x in enumerate(inputs)]
    builder = Builder(graph, "y", "Einsum", values)
    result = build(builder, *values)
    builder.finish(result)
    graph.set_outputs([result], ["y"])
    project = project_of(graph, input_precision="fixed<8,8>", default_width=40)
    kinds = [op.layer.kind for op in project.design]
    return project.evaluate(list(inputs) if len(inputs) > 1 else inputs[0])["y"], kinds


@pytest.mark.parametrize("seed", range(30))
def test_two_computed_tensors(seed):
    rng = np.random.default_rng(seed)
    equation = random_equation(rng)
    a, b = whole_numbers(rng, equation.first, (3,)), whole_numbers(rng, equation.second, (3,))
    found, kinds = computed(lambda builder, x, y: contract(builder, equation, x, y), a, b)
    np.testing.assert_array_equal(found, einsum(equation, a, b))
    assert kinds.count("MatMul") + kinds.count("Merge") == 1


@pytest.mark.parametrize("seed", range(30))
def test_a_constant(seed):
    rng = np.random.default_rng(100 + seed)
    equation = random_equation(rng, constant=True)
    x, weight = whole_numbers(rng, equation.first, (3,)), whole_numbers(rng, equation.second)
    chosen = rng.integers(0, 2, len(equation.result))
    shape = [EXTENTS[label] if kept else 1 for label, kept in zip(equation.result, chosen, strict=True)]
    bias = rng.integers(-4, 4, shape).astype(float)
    found, _ = computed(lambda builder, value: contract_with_constant(builder, equation, value, weight, bias), x)
    np.testing.assert_array_equal(found, einsum(equation, x, weight, "") + bias)


@pytest.mark.parametrize(
    ("equation", "permutes"),
    [
        (("qd", "kd", "qk"), 0),
        (("qd", "dk", "qk"), 0),
        (("hqd", "hkd", "hqk"), 0),
        (("dq", "dk", "qk"), 1),  # the one that passes has to be turned, the held one never
        (("qk", "dk", "dq"), 0),  # the second one passes
    ],
)
def test_no_axis_moves_without_need(equation, permutes):
    rng = np.random.default_rng(0)
    extents = dict(zip("hqkd", (2, 3, 4, 5), strict=True))
    a, b = (rng.integers(-4, 4, (2, *(extents[label] for label in labels))).astype(float) for labels in equation[:2])
    found, kinds = computed(lambda builder, x, y: contract(builder, Equation(*equation), x, y), a, b)
    np.testing.assert_array_equal(found, einsum(Equation(*equation), a, b))
    assert kinds.count("Permute") == permutes


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        (("aa", "ab", "ab"), "takes a diagonal"),
        (("ab", "bc", "a"), "adds up axis 'c' of one tensor alone"),
        (("ab", "cd", ""), "nothing but the samples is left"),
        (("ab", "cd", "abcde"), "labels that no tensor has"),
        (("abc", "cb", "a"), "'abc' names 3 axes of a tensor of shape"),
        (("ab", "ca", "bc"), "axis 'a' has 2 elements in one tensor and 3 in the other"),
    ],
)
def test_what_is_no_contraction(equation, words):
    graph = Graph("refused")
    inputs = [add_input(graph, "x", (2, 2)), add_input(graph, "y", (2, 3))]
    with pytest.raises(UnsupportedError, match=words):
        contract(Builder(graph, "e", "Einsum", inputs), Equation(*equation), *inputs)
