"""What one step of a loop waits for of the step before it is an adder: else a step cannot begin every cycle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.texts import firmware_files
from hlsgen.linter.ir import Function, Instruction
from hlsgen.linter.lint import _Project
from tests.ladder.harness import Variant, convert
from tests.ladder.test_settings import every_kind
from tests.linter.native import the_clang

VALUE = re.compile(r'%"[^"]+"|%[\w.$-]+')
FAR = -1000
"""Less than any number of adders: no way leads there."""


def with_turns(strategy: str) -> Callable[[str], Plan]:
    """Products in several turns, each of several products a sum."""

    def plan(io_type: str) -> Plan:
        layers = {name: {"strategy": strategy, "reuse_factor": 2} for name in ("conv", "dw", "fc")}
        layers["dw"]["strategy"] = "resource"  # the one it has
        return convert(every_kind(), Variant("latency", io_type), layers=layers, input_precision="fixed<9,4>").plan

    return plan


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("strategy", ["resource", "unrolled"])
def test_a_sum_is_carried_through_one_adder(strategy: str, io_type: str) -> None:
    project = _Project.of(firmware_files(with_turns(strategy)(io_type)))
    circuit, _ = project.circuit(the_clang())
    carried = [adders for function in circuit.module.functions.values() for adders in carried_adders(function)]
    assert max(carried) == 1, "a sum is carried from step to step, and by nothing longer than itself"


def test_a_chain_is_seen() -> None:
    """Two adders between what a step takes over and what it hands on."""
    steps = [("phi", "%sum", "i8 [ 0, %entry ], [ %next, %loop ]"), ("add", "%half", "i8 %sum, %a")]
    steps += [("add", "%next", "i8 %half, %b")]
    function = Function("f", [], None, [Instruction(opcode, result, text, None) for opcode, result, text in steps])
    assert list(carried_adders(function)) == [2]


def carried_adders(function: Function) -> Iterator[int]:
    """Of each value that a loop hands from step to step, the adders on the longest way from it to its next one."""
    known = {i.result: i for i in function.instructions if i.result}
    for phi in (i for i in function.instructions if i.opcode == "phi"):
        ways: dict[str, int] = {phi.result: 0}
        longest = max((_adders(value, known, ways) for value in VALUE.findall(phi.text)), default=FAR)
        if longest >= 0:
            yield longest


def _adders(value: str, known: dict[str, Any], ways: dict[str, int]) -> int:
    """The adders from what ``ways`` begins with to ``value``, FAR if it is not made of it in one step."""
    if value in ways:
        return ways[value]
    ways[value] = FAR  # what leads back to itself by another way belongs to that
    made = known.get(value)
    if made is not None and made.opcode != "phi":
        longest = max((_adders(v, known, ways) for v in VALUE.findall(made.text)), default=FAR)
        ways[value] = longest + (made.opcode in ("add", "sub", "mul"))
    return ways[value]
