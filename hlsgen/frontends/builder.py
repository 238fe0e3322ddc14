"""The neutral builder: how a layer of any source model becomes nodes of the graph.

A frontend makes one :class:`Builder` for each call of a source layer, adds the nodes that compute it, and hands the
value that carries the layer's output to :meth:`Builder.finish`, which names the nodes. What belongs to one framework
(its options, weights and spellings) stands in that frontend's own class on top of this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import GraphError, ModelError, UnsupportedError
from hlsgen.frontends.constants import float32_constant
from hlsgen.frontends.limits import MAX_NODES, MAX_RANK, MAX_TENSOR
from hlsgen.ir.constant import Constant, Floats, no_bias
from hlsgen.ir.graph import Graph, Node, Source, Value
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import Loop
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import By, Wished
from hlsgen.layers.input import Input
from hlsgen.layers.quantized import QuantizedFunction, layer_before, layer_of, needs_clamp
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Mover
from hlsgen.quantizers import Activation

_LEAST_EXPONENT = -126
"""Of what float32 holds; frameworks take smaller powers for 0, too."""


def add_input(
    graph: Graph,
    name: str,
    shape: Sequence[int],
    class_name: str = "InputLayer",
    order: tuple[int, ...] | None = None,
) -> Value:
    """Add an input of the model; ``shape`` is without the batch, ``order`` as for :class:`Input`."""
    value = graph.add(Input(tuple(shape), order), (), name, Source(name, class_name))
    graph.aliases[name] = value
    return value


class Builder:
    """The nodes of one call of a source layer, being added.

    ``name`` is the call's name in the source model, ``class_name`` its class there, ``inputs`` are what it reads.
    """

    def __init__(self, graph: Graph, name: str, class_name: str, inputs: Sequence[Value]) -> None:
        self.graph, self.name, self.class_name, self.inputs = graph, name, class_name, list(inputs)
        self._added: list[tuple[Node, str]] = []

    @property
    def where(self) -> str:
        """How messages begin."""
        return f"layer '{self.name}' ({self.class_name})"

    # -- nodes ------------------------------------------------------------------------------

    def new_loop(self, steps: int) -> Loop:
        """A loop of so many steps. Raises UnsupportedError where the layer itself is in one."""
        outer = next((value.loop for value in self.inputs if value.loop is not None), None)
        if outer is not None:
            raise UnsupportedError(
                f"{self.where} is not supported here: it goes through a sequence, and is itself in what '{outer.name}' "
                f"computes for each of {outer.steps} positions; a loop in a loop is not there: put it in front of that "
                "or behind it"
            )
        return self.graph.new_loop(self.name, steps)

    def add(self, layer: Layer, inputs: Sequence[Value] | None = None, step: str | None = None) -> Value:
        """Add a node that reads ``inputs`` (default: the call's own); ``step`` names an inner one."""
        (value,) = self.add_several(layer, inputs, step)
        return value

    def add_several(
        self, layer: Layer, inputs: Sequence[Value] | None = None, step: str | None = None
    ) -> Sequence[Value]:
        """Add a node of several outputs and return those. Raises ModelError if it does not fit its inputs."""
        if len(self.graph) >= MAX_NODES:
            raise ModelError(f"{self.where}: the model takes more than {MAX_NODES} operations")
        read = self.inputs if inputs is None else inputs
        try:
            node = self.graph.add_node(layer, read, f"{self.name}#", Source(self.name, self.class_name, False))
        except GraphError as error:
            raise ModelError(str(error)) from error
        self._check_sizes(node.outputs)
        self._added.append((node, step or layer.kind.lower()))
        return node.outputs

    def _check_sizes(self, values: Sequence[Value]) -> None:
        """Raise ModelError for a tensor beyond the limit, before anything of its size is made."""
        for value in values:
            if len(value.shape) > MAX_RANK:
                raise ModelError(
                    f"{self.where}: its result has {len(value.shape)} axes, more than the {MAX_RANK} supported"
                )
            if value.size > MAX_TENSOR:
                raise ModelError(
                    f"{self.where}: its result of shape {value.shape} has {value.size} elements, more than the "
                    f"{MAX_TENSOR} that a tensor may have"
                )

    def add_typed(self, layer: Layer, value: Value, fixed: FixedType, step: str | None = None) -> Value:
        """Add a node whose result type is the model's own quantiser's."""
        added = self.add(layer, [value], step)
        added.producer.wish = added.producer.wish.with_type("result", Wished(fixed, By.MODEL))
        return added

    def add_scaled(
        self,
        make: Callable[[Constant], Layer],
        scale: Floats | None,
        bias: Constant,
        inputs: Sequence[Value] | None = None,
        step: str | None = None,
    ) -> Value:
        """Add ``make(bias)``, a linear layer; a ``scale`` (outputs,) of its weights becomes a Scale node behind it."""
        if scale is None:
            return self.add(make(bias), inputs, step)
        raw = self.add(make(no_bias(len(scale))), inputs, f"{step or 'unscaled'}")
        factor = self.held_exactly("the scale of its weights", scale)
        return self.add(Scale(factor, bias), [raw], step)

    def quantize(self, value: Value, function: Activation) -> Value:
        """Add the nodes that compute a quantiser exactly; a scale that is no power of two follows as a Scale."""
        powers = function.powers
        if powers is not None and powers.tiny_is_zero and powers.min_exponent >= _LEAST_EXPONENT:
            self.graph.notes.append(f"{self.name}: values below 1e-7 become 0, not 2^{powers.min_exponent}")
        before = layer_before(function)
        if before is not None:
            value = self.add(before, [value])
        result = self.add_typed(layer_of(function, value.shape[-1]), value, function.type, "quantizer")
        if needs_clamp(function):
            result = self.add_typed(QuantizedFunction(replace(function, kind="cast")), result, function.type, "clamp")
        if function.scale is not None:
            channels = value.shape[-1]
            scale = self.held_exactly("alpha", np.full(channels, float(function.scale)))
            result = self.add(Scale(scale, no_bias(channels)), [result], "scale")
        return result

    # -- constants --------------------------------------------------------------------------

    def held_exactly(self, what: str, values: NDArray[Any]) -> Constant:
        """float32 numbers as exact constants; where they are too wide for that, the summary says how they are off."""
        constant, deviation = float32_constant(values)
        if deviation is not None:
            self.graph.notes.append(
                f"{self.name}: {what} is rounded to {constant.type}, largest deviation {deviation:.2g}"
            )
        return constant

    # -- the end ----------------------------------------------------------------------------

    def finish(self, *results: Value) -> None:
        """Give the nodes their names: ``results`` carry the layer's outputs, the others are its inner steps.

        Traces call the output by the name of the layer, several outputs ``name:0``, ``name:1``... Inside of a loop they
        are called by their nodes.
        """
        own = {node for result in results for node in self._carriers(result)}
        producers = {result.producer for result in results}
        last = producers.pop() if len(producers) == 1 else None
        for node, step in self._added:
            node.source = Source(self.name, self.class_name, node in own)
            self.graph.rename(node, self.name if node is last else f"{self.name}_{step}")
        for index, result in enumerate(results):
            alias = self.name if len(results) == 1 else f"{self.name}:{index}"
            while len(results) > 1 and alias in self.graph.aliases:  # a layer has that very name
                alias += "_"
            if result.loop is None:
                self.graph.aliases[alias] = result

    def _carriers(self, result: Value) -> list[Node]:
        """The nodes that yield the layer's own output: the last one, and those it is merely moved from."""
        found, added = [result.producer], {node for node, _ in self._added}
        while found[-1] in added and (isinstance(found[-1].layer, Mover) or found[-1].layer.border is not None):
            found.append(found[-1].input.producer)
        return found
