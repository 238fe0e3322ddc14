"""Constants are checked against the design when they are bound; a compiled design of other sizes is not loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hlsgen.backends.hls.kernel import BINDINGS, ConstantArray, Kernel, bind, kernel_of
from hlsgen.backends.hls.plan import make_plan
from hlsgen.backends.hls.program import Plan
from hlsgen.emulation import emulator
from hlsgen.emulation.emulator import Emulator
from hlsgen.errors import DesignError
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.layers.scale import Scale
from tests.layers.instances import Instance, dyadic, typed
from tests.passes.builders import Net, project_of

WORDS = np.array([3, -8, 7])


@pytest.fixture(scope="module")
def plan() -> Plan:
    net = Net()
    net.call("Dense", "fc", net.input((3,)), units=2, weights={"kernel": np.full((3, 2), 0.75), "bias": np.ones(2)})
    project = project_of(net.source("fc"), input_precision="fixed<8,4>")
    return make_plan(project.design, "io_parallel", "dut")


@pytest.fixture(scope="module")
def module(plan: Plan) -> Any:
    return Emulator(plan)._module


# -- words of a constant -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["fixed<4,4>", "fixed<5,4>", "fixed<64,0>", "fixed<90,40>"])
def test_words_that_fit(text: str) -> None:
    assert ConstantArray.of("w", WORDS, FixedType.parse(text), "channel").words.tolist() == WORDS.tolist()


@pytest.mark.parametrize("text", ["fixed<3,3>", "ufixed<4,4>", "ufixed<64,4>"])
def test_words_that_do_not_fit(text: str) -> None:
    with pytest.raises(DesignError, match=r"constant 'w' has words from -8 to 7; \d+ bits.* hold -?\d+ to \d+"):
        ConstantArray.of("w", WORDS, FixedType.parse(text), "channel")


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 3), ()])
def test_words_of_another_number_than_the_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(DesignError, match=r"constant 'w' has \(3,\) words, expected \d"):
        ConstantArray("w", WORDS, 4, True, shape, "channel")


def test_a_binding_with_words_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlsgen.backends.hls.kernel.BINDINGS", dict(BINDINGS))
    from hlsgen.backends.hls import kernel

    del kernel.BINDINGS[Scale]

    @kernel_of(Scale)
    def scale(layer: Scale, op: Op) -> Kernel:
        array = ConstantArray.of("s", layer.weight.fixed[0] + 2**20, layer.weight.known_type, "channel")
        return Kernel("scale", "scale.h", {}, (array,))

    with pytest.raises(DesignError, match=r"layer 'y' \(Scale\): constant 's' has words from"):
        bind(typed(Instance(Scale(dyadic(2), dyadic(2)))))


# -- a compiled design -------------------------------------------------------------------------------


def with_array(plan: Plan, **changes: Any) -> Plan:
    """The plan with its first constant changed."""
    step = next(step for step in plan.steps if step.constants)
    first = step.constants[0]
    changed = replace(step, constants=(replace(first, array=replace(first.array, **changes)), *step.constants[1:]))
    return replace(plan, steps=[changed if s is step else s for s in plan.steps])


def with_port(plan: Plan, ports: str, **changes: Any) -> Plan:
    return replace(plan, **{ports: [replace(wire, **changes) for wire in getattr(plan, ports)]})


def other_plans(plan: Plan) -> dict[str, Plan]:
    array = plan.constants[0].array
    fixed = plan.inputs[0].type
    longer = np.concatenate([array.words, array.words])
    return {
        r"constant 'fc_w': found 6 words of \d+ bits.*, expected 12 words": with_array(plan, words=longer, shape=(12,)),
        r"constant 'fc_w': found 6 words of \d+ bits.*, expected 6 words of 30 bits, unsigned": with_array(
            plan, width=30
        ),
        r"constant 'fc_w': found .* bits, unsigned, expected .* bits:": with_array(plan, signed=True, width=30),
        r"found 2 constants, expected 0": replace(plan, steps=[replace(s, constants=()) for s in plan.steps]),
        r"input 'x\w*': found 3 elements of fixed<8,4>, expected 2": with_port(plan, "inputs", size=2),
        r"input 'x\w*': found .* expected 3 elements of fixed<9,4>": with_port(
            plan, "inputs", type=replace(fixed, width=9)
        ),
        r"output 'fc': found 2 elements of .* expected 2 elements of fixed<8,4>": with_port(
            plan, "outputs", type=fixed
        ),
        r"found 1 outputs, expected 0": replace(plan, outputs=[]),
    }


def test_a_compiled_design_of_another_plan(plan: Plan, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the cache gave a wrong file."""
    monkeypatch.setattr(emulator, "build_extension", lambda files, flags: module)
    Emulator(plan)
    for message, other in other_plans(plan).items():
        with pytest.raises(DesignError, match=message) as caught:
            Emulator(other)
        assert "belongs to another design; remove it with `hlsgen cache clear`" in str(caught.value)


def test_words_that_the_compiled_design_refuses(plan: Plan, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line: what reaches the extension is checked there once more."""
    monkeypatch.setattr(emulator, "build_extension", lambda files, flags: module)
    given = emulator._words
    for change, message in ((lambda w: w[:-1], "has 5 words, expected 6"), (lambda w: w + 2**40, "does not fit its")):
        monkeypatch.setattr(emulator, "_words", lambda array, change=change: change(given(array)))
        with pytest.raises(DesignError, match=rf"design 'dut': constant 0.* {message}"):
            Emulator(plan)
