"""Graphs of shared adders: full adders, depth and seconds, beside alkaid or da4ml where one is installed.

``python benchmarks/adders.py [--peer PYTHON ...] [--large]``. A peer runs in a process of its own, in the Python given
(of an environment of your own: ``python -m venv v; v/bin/pip install alkaid``), and is left out where it is missing. Its
graphs are rebuilt as ours, so that one function counts the full adders of all. Seconds are of the processor, on one core:
other work disturbs them little. ``--large`` adds 256×256 matrices, without the peer.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hlsgen.adders import Adder, AdderGraph, Options, Output, Source, optimise

WORKER = Path(__file__).resolve().parent / "workers" / "adders_peer.py"
BYTE = Source(-128, 127)


@dataclass(frozen=True)
class Case:
    """A random matrix: inputs × outputs, bits of its entries, share of entries that are not zero."""

    inputs: int
    outputs: int
    bits: int
    density: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.inputs}×{self.outputs}, {self.bits} bits" + (f", {self.density:.0%}" if self.density < 1 else "")

    def matrix(self) -> np.ndarray:
        drawn = np.random.default_rng([self.inputs, self.outputs, self.bits, int(100 * self.density)])
        numbers = drawn.integers(-(2 ** (self.bits - 1)), 2 ** (self.bits - 1), size=(self.inputs, self.outputs))
        return np.where(drawn.random(numbers.shape) < self.density, numbers, 0)


CASES = (
    Case(16, 64, 6),
    Case(16, 64, 8),
    Case(64, 64, 6),
    Case(64, 64, 8),
    Case(64, 64, 6, 0.5),
    Case(64, 64, 8, 0.2),
    Case(64, 32, 8),
)
LARGE = (Case(128, 128, 8), Case(256, 256, 8))


@dataclass(frozen=True)
class Result:
    """What one search found, and how long it worked."""

    graph: AdderGraph
    seconds: float


def ours(case: Case, slack: int | None, tries: int) -> Result:
    matrix = case.matrix()
    start = time.process_time()
    graph = optimise(matrix, [BYTE] * case.inputs, Options(slack=slack, tries=tries))
    return Result(graph, time.process_time() - start)


def peers(python: str, case: Case, slack: int | None) -> Result:
    asked = {"matrix": case.matrix().tolist(), "ranges": [[BYTE.low, BYTE.high]] * case.inputs, "slack": slack}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, str(WORKER)], input=json.dumps(asked), capture_output=True, text=True, check=True, env=environment
    )
    answer = json.loads(done.stdout)
    graph = rebuilt(answer["stages"], case.inputs)
    assert np.array_equal(graph.matrix(), case.matrix()), "the peer's graph is of another matrix"
    return Result(graph, answer["processor"])


def rebuilt(stages: list[dict], inputs: int) -> AdderGraph:
    """A cascade of graphs whose nodes may be fractions, as one of ours: a value is (node, shift, sign)."""
    adders: list[Adder] = []
    values: list[tuple[int, int, bool] | None] = [(i, 0, False) for i in range(inputs)]
    for stage in stages:
        nodes: list[tuple[int, int, bool] | None] = []
        for left, right, code, shift in stage["operations"]:
            if code == -1:
                nodes.append(moved(values[left], stage["input_shifts"][left], False))
            else:
                nodes.append(added(adders, inputs, nodes[left], moved(nodes[right], shift, code == 1)))
        values = [None if i < 0 else moved(nodes[i], shift, negative) for i, shift, negative in stage["outputs"]]
    outputs = tuple(Output(None) if value is None else Output(*value) for value in values)
    return AdderGraph((BYTE,) * inputs, tuple(adders), outputs)


def moved(value, shift, negate):
    return None if value is None else (value[0], value[1] + shift, value[2] != negate)


def added(adders, inputs, left, right):
    if left is None or right is None:
        return left or right
    if left[2] and not right[2]:
        left, right = right, left
    lowest = min(left[1], right[1])
    adders.append(Adder(left[0], left[1] - lowest, right[0], right[1] - lowest, left[2] != right[2]))
    return inputs + len(adders) - 1, lowest, left[2]


def library(python: str) -> str | None:
    """The peer that a Python has, with its version."""
    for name in ("alkaid", "da4ml"):
        program = f"import {name}.cmvm, importlib.metadata as m; print(m.version('{name}'))"
        found = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return f"{name} {found.stdout.strip()}"
    print(f"{python} has neither alkaid nor da4ml: left out (--peer names a Python that has one)")
    return None


def row(case: Case, slack: int | None, who: str, result: Result) -> None:
    graph = result.graph
    words = [case.name, "any" if slack is None else f"+{slack}", who, f"{len(graph.adders):,}", f"{graph.cost():,}"]
    print("| " + " | ".join([*words, str(graph.depth), f"{result.seconds:.3f}"]) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", action="append", help="a Python that has alkaid or da4ml; may come again")
    parser.add_argument("--large", action="store_true", help="128×128 and 256×256 too, without peers")
    options = parser.parse_args()
    known = {python: name for python in options.peer or [sys.executable] if (name := library(python))}
    optimise(np.array([[3]]), [BYTE])  # compiles the search, once on a machine
    print("| matrix | depth | search | adders | full adders | deepest | seconds |\n|---|---|---|---|---|---|---|")
    for case in CASES:
        for slack in (None, 2):
            for tries in (1, 4):
                row(case, slack, f"hlsgen, {tries} {'try' if tries == 1 else 'tries'}", ours(case, slack, tries))
            for python, name in known.items():
                row(case, slack, name, peers(python, case, slack))
    for case in LARGE if options.large else ():
        row(case, None, "hlsgen, 1 try", ours(case, None, 1))


if __name__ == "__main__":
    main()
