"""Small networks without any framework: source models by hand, and projects from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hlsgen.config import Config, make_config
from hlsgen.design.design import Design
from hlsgen.frontends.keras.build import build_graph
from hlsgen.frontends.keras.source import InputSpec, LayerCall, SourceModel, Tensor
from hlsgen.ir.graph import Graph
from hlsgen.ir.loop import compute_unit, units
from hlsgen.passes.base import run_passes
from hlsgen.pipeline import passes
from hlsgen.project import Project


class Net:
    """A source model in the making; every method adds one layer call and returns its name."""

    def __init__(self, seed: int = 0, name: str = "net") -> None:
        self.rng = np.random.default_rng(seed)
        self.name = name
        self.inputs: list[InputSpec] = []
        self.calls: list[LayerCall] = []

    def input(self, shape: Sequence[int], name: str = "x") -> str:
        self.inputs.append(InputSpec(name, tuple(shape), "float32"))
        return name

    def call(
        self,
        class_name: str,
        name: str,
        inputs: str | Sequence[str],
        weights: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> str:
        sources = [inputs] if isinstance(inputs, str) else list(inputs)
        arrays = {role: np.asarray(w, dtype=np.float32) for role, w in (weights or {}).items()}
        self.calls.append(LayerCall(name, name, class_name, "", config, arrays, tuple(map(self._tensor, sources))))
        return name

    def dyadic(self, *shape: int, frac: int = 2, bound: int = 4) -> Any:
        """Random multiples of ``2**-frac`` up to ``bound`` steps from zero."""
        return self.rng.integers(-bound, bound + 1, shape) / 2.0**frac

    def dense(self, name: str, x: str, n_in: int, n_out: int, **config: Any) -> str:
        weights = {"kernel": self.dyadic(n_in, n_out), "bias": self.dyadic(n_out)}
        return self.call("Dense", name, x, weights, units=n_out, **config)

    def conv(self, name: str, x: str, channels: int, filters: int, size: int = 3, **config: Any) -> str:
        weights = {"kernel": self.dyadic(size, size, channels, filters), "bias": self.dyadic(filters)}
        return self.call("Conv2D", name, x, weights, filters=filters, kernel_size=[size, size], **config)

    def batchnorm(self, name: str, x: str, channels: int) -> str:
        weights = {
            "gamma": self.rng.uniform(0.5, 1.5, channels),
            "beta": self.rng.normal(size=channels),
            "moving_mean": self.rng.normal(size=channels),
            "moving_variance": self.rng.uniform(0.5, 2.0, channels),
        }
        return self.call("BatchNormalization", name, x, weights, axis=-1, epsilon=1e-3)

    def quantized_bits(self, bits: int, integer: int = 0) -> dict[str, Any]:
        config = {"bits": bits, "integer": integer, "symmetric": 0, "keep_negative": True, "alpha": 1.0}
        return {"class_name": "quantized_bits", "config": config}

    def quantize(self, name: str, x: str, bits: int, integer: int = 0) -> str:
        return self.call("QActivation", name, x, activation=f"quantized_bits({bits},{integer},alpha=1)")

    def source(self, *outputs: str) -> SourceModel:
        return SourceModel(
            self.name, "keras2", tuple(self.inputs), tuple(self.calls), tuple(map(self._tensor, outputs)), outputs
        )

    def _tensor(self, text: str) -> Tensor:
        """A result of a layer by name; ``name:1``: the second one (of a layer there is: names may hold colons)."""
        names = {call.name for call in self.calls}
        name, _, index = text.rpartition(":")
        return Tensor(name, int(index)) if text not in names and name in names else Tensor(text)


def graph_of(source: SourceModel) -> Graph:
    return build_graph(source)


def project_of(
    source: SourceModel, calibration: Mapping[str, Any] | None = None, config: Config | None = None, **settings: Any
) -> Project:
    """What convert() does behind the frontend."""
    return Project(build_graph(source), make_config(config, **settings), calibration)


def rewritten(graph: Graph, config: Config | None = None, skip: Sequence[str] = ()) -> Graph:
    """The graph after all passes that rewrite it, in place."""
    run_passes(graph, passes(config or Config()), skip)
    return graph


def evaluate_float(graph: Graph | Design, inputs: Mapping[str, Any]) -> dict[Any, Any]:
    """The real-number meaning of every value, with the constants that the chip will have where those are known."""
    known: dict[Any, Any] = {}
    for unit in units(graph):
        if unit[0].is_input:
            known[unit[0].output] = np.asarray(inputs[unit[0].output.name], dtype=np.float64)
        else:
            compute_unit(unit, known, lambda node, values: node.layer.evaluate_floats(values))
    return known


def outline(graph: Graph | Design) -> str:
    """The shape of a graph as text, a node a line: ``name = Kind(readers of what)``; outputs last."""
    lines = [f"{n.name} = {n.layer.kind}({', '.join(v.name for v in n.inputs)})" for n in graph]
    return "\n".join([*lines, "-> " + ", ".join(v.name for v in graph.outputs)])


def typed_outline(graph: Graph | Design) -> str:
    """As :func:`outline`, with what is fixed of each result."""
    lines = [
        f"{n.name} = {n.layer.kind}({', '.join(v.name for v in n.inputs)})"
        + (f" : {n.wish.result}" if n.wish.result else "")
        for n in graph
    ]
    return "\n".join([*lines, "-> " + ", ".join(v.name for v in graph.outputs)])


def expected_text(text: str) -> str:
    """A triple-quoted text without its margin."""
    return "\n".join(line.strip() for line in text.strip().splitlines())


def grid(shape: Sequence[int], samples: int = 30, seed: int = 1, frac: int = 4, bound: int = 32) -> Any:
    """Random multiples of ``2**-frac``; the first samples are the extremes."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-bound, bound + 1, (samples, *shape)) / 2.0**frac
    x[0], x[1] = -bound / 2.0**frac, bound / 2.0**frac
    return x.astype(np.float32)
