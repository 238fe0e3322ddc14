"""Graphs by hand, layer by layer, for the ladder: no model, no framework."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from hlsgen.config import Config
from hlsgen.ir.constant import Constant, Shape
from hlsgen.ir.graph import Graph, Source, Value
from hlsgen.ir.layer import Layer
from hlsgen.ir.types import FixedType, Ints
from hlsgen.ir.wish import By, Wished
from hlsgen.layers.input import Input
from hlsgen.passes.base import Pass
from hlsgen.pipeline import stages
from hlsgen.project import Project
from tests.ladder.harness import DIAGONAL, ladder, project_of

LEFT_AS_IT_IS = [stage.pass_name() for stage in stages(Config()) if stage.optional and isinstance(stage, Pass)]
"""Every rewrite that can be left off: what is in the graph is what is built."""


class Hand:
    """A graph in the making. Every node is an output of the model, unless it was added with ``inner``."""

    def __init__(self, seed: int = 0) -> None:
        self.graph = Graph("by hand")
        self.rng = np.random.default_rng(seed)
        self.types: dict[str, str] = {}
        self.outputs: list[Value] = []

    def input(self, shape: Shape, fixed: str) -> Value:
        name = f"x{len(self.types)}"
        value = self.graph.add(Input(shape), (), name, Source(name, "InputLayer"))
        self.types[name] = fixed
        self.graph.aliases[name] = value
        return value

    def add(
        self, layer: Layer, *inputs: Value, result: str | None = None, accum: str | None = None, inner: bool = False
    ) -> Value:
        """Append a layer of one output; ``result`` and ``accum`` fix its casts."""
        name = f"{layer.kind}{len(self.graph)}"
        value = self.graph.add(layer, inputs, name, Source(name, layer.kind))
        node = value.producer
        for role, text in (("result", result), ("accum", accum)):
            if text is not None:
                node.wish = node.wish.with_type(role, Wished(FixedType.parse(text), By.MODEL))
        self.graph.aliases[name] = value
        if not inner:
            self.outputs.append(value)
        self.graph.set_outputs(self.outputs, [v.name for v in self.outputs])
        return value

    def add_several(self, layer: Layer, value: Value) -> tuple[Value, ...]:
        """Append a layer of several outputs, which are read or not."""
        name = f"{layer.kind}{len(self.graph)}"
        return self.graph.add_node(layer, [value], name, Source(name, layer.kind)).outputs

    def constant(self, fixed: str, *shape: int) -> Constant:
        """Random words of a type, its ends among them."""
        t = FixedType.parse(fixed)
        return Constant.exactly(self.words(t, prod(shape)).reshape(shape), t)

    def words(self, t: FixedType, count: int) -> Ints:
        ends = [t.max_mantissa, t.min_mantissa]
        drawn = [int(v) for v in self.rng.integers(t.min_mantissa, t.max_mantissa, count, endpoint=True)]
        return np.array([*ends, *drawn][:count] if count > 2 else drawn)

    # -- what is done with it ---------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        return {"input_precision": self.types, "skip_passes": LEFT_AS_IT_IS}

    def project(self, **settings: Any) -> Project:
        return project_of(self.graph, **{**self.settings, "project_name": "dut", **settings})

    def data(self, samples: int = 24) -> Any:
        """Every input: its least and its largest number, zero, a step beside it, and random ones of all sizes."""
        types = [FixedType.parse(text) for text in self.types.values()]
        arrays = [self._numbers(t, v.shape, samples) for t, v in zip(types, self.graph.inputs, strict=True)]
        return arrays if len(arrays) > 1 else arrays[0]

    def _numbers(self, t: FixedType, shape: Shape, samples: int) -> Any:
        size = prod(shape)
        drawn = self.rng.integers(t.min_mantissa, t.max_mantissa, (samples, size), endpoint=True)
        drawn >>= self.rng.integers(0, t.width, drawn.shape)
        for place, value in enumerate(
            (t.min_mantissa, t.max_mantissa, 0, max(-1, t.min_mantissa), min(1, t.max_mantissa))
        ):
            drawn[place] = value
        drawn[5, ::2], drawn[5, 1::2] = t.min_mantissa, t.max_mantissa
        drawn[6, ::2], drawn[6, 1::2] = t.max_mantissa, t.min_mantissa
        assert t.width <= 53, "a float64 cannot hold it"
        return np.ldexp(drawn.astype(np.float64), -t.frac).reshape(samples, *shape)

    def check(self) -> Project:
        """Climb the ladder, with the vendor's headers on arrays and on streams."""
        return ladder(self.graph, self.data(), **{"vendor": DIAGONAL, **self.settings})
