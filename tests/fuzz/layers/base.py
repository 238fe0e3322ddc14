"""Networks in the making: what the mixins of this folder, one for each family of layers, have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hlsgen.frontends.keras.source import SourceModel
from tests.fuzz.describe import outputs_of, spelled, tensor_of
from tests.passes.random_graphs import RandomNet

Shape = tuple[int, ...]
Step = Callable[[str, Shape], None]
Spelling = tuple[str, dict[str, Any]]
"""A function as a model names it, and its options; those with a number for a name are arguments by their place."""

LARGEST = 240
"""Elements of a tensor beyond which nothing enlarges it: the slow executors are to be quick, too."""


class Drawing(RandomNet):
    """A network of a ``flavour``; a tensor that is no layer's first output is named as in "lstm3:1"."""

    def __init__(self, seed: int, *, quantized: bool, flavour: str) -> None:
        super().__init__(seed, quantized=quantized)
        self.flavour = flavour

    @property
    def keras3(self) -> bool:
        return self.flavour == "keras3"

    @property
    def q(self) -> str:
        return "Q" if self.quantized else ""

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    # -- calls ------------------------------------------------------------------------------

    def call(
        self,
        class_name: str,
        name: str,
        inputs: str | Sequence[str],
        weights: Mapping[str, Any] | None = None,
        *,
        arguments: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> str:
        made = super().call(class_name, name, inputs, weights, **config)
        read = tuple(tensor_of(tensor.call) for tensor in self.calls[-1].inputs)
        self.calls[-1] = replace(self.calls[-1], inputs=read, arguments=dict(arguments or {}))
        return made

    def function(self, inputs: str | Sequence[str], keras3: Spelling, keras2: Spelling) -> str:
        """A function of ``keras.ops`` ("numpy.Sum"), in Keras 2 of TensorFlow ("math.reduce_sum")."""
        path, given = keras3 if self.keras3 else keras2
        arguments = {key: value for key, value in given.items() if key.isdecimal() or not self.keras3}
        options = {key: value for key, value in given.items() if key not in arguments}
        module, _, class_name = f"keras.src.ops.{path}".rpartition(".")
        if not self.keras3:
            options, module = {"function": path}, "tf_keras.src.layers.core.tf_op_layer"
            class_name = "SlicingOpLambda" if path.endswith("getitem") else "TFOpLambda"
        made = self.call(class_name, self.fresh("fun"), inputs, arguments=arguments, **options)
        self.calls[-1] = replace(self.calls[-1], is_operation=True, module=module)
        return made

    def inner(self, class_name: str, **options: Any) -> dict[str, Any]:
        """A layer as the option of one that wraps it."""
        module = {"module": "keras.layers", "registered_name": None}
        return {**module, "class_name": class_name, "config": {"name": "inner", **options}}

    def like(self, shape: Shape, *axes: int) -> list[tuple[str, Shape]]:
        """The tensors of as many axes, of which those at these places (all, if none is said) have the same extents."""
        places = axes or tuple(range(len(shape)))
        return [(n, s) for n, s in self.tensors if len(s) == len(shape) and all(s[a] == shape[a] for a in places)]

    # -- the network ------------------------------------------------------------------------

    def network(self, steps: int, shape: Shape = (4, 3, 2), *more: Shape) -> SourceModel:
        """A network of some ``steps`` layers with an input of each shape; those that no output depends on go."""
        for name, extents in zip("xyz", (shape, *more), strict=False):
            self.add(self.input(extents, name), extents)
        while len(self.calls) < steps:
            self.step()
        read = {spelled(tensor) for call in self.calls for tensor in call.inputs} | {spec.name for spec in self.inputs}
        ends = [tensor_of(name) for name, _ in self.tensors if name not in read][-2:]
        needed = {tensor.call for tensor in ends}
        for call in reversed(self.calls):
            if call.name in needed:
                needed |= {tensor.call for tensor in call.inputs}
        self.calls = [call for call in self.calls if call.name in needed]
        self.inputs = [spec for spec in self.inputs if spec.name in needed]
        source = replace(self.source(), flavour=self.flavour)
        return replace(source, outputs=tuple(ends), output_names=outputs_of(ends))

    def again(self, name: str, shape: Shape) -> None:
        """A layer of before, called once more."""
        shapes = dict(self.tensors)
        known = [
            call
            for call in self.calls
            if call.weights and len(call.inputs) == 1 and shapes.get(spelled(call.inputs[0])) == shape
        ]
        if not known:
            return
        first = self.pick(*known)
        count = sum(call.layer_name == first.layer_name for call in self.calls)
        made = f"{first.layer_name}_{count}"
        self.calls.append(replace(first, name=made, inputs=(tensor_of(name),)))
        for tensor, extents in list(self.tensors):
            if tensor_of(tensor).call == first.name:
                self.add(tensor.replace(first.name, made, 1), extents)
