"""Random networks of layers that are one exact operation each, of which :mod:`tests.fuzz.exact` says what is right."""

from __future__ import annotations

from math import prod
from typing import Any

from hlsgen.frontends.keras.source import LayerCall
from tests.fuzz.describe import spelled
from tests.fuzz.layers.base import Shape, Step
from tests.fuzz.networks import EveryNet


class ExactNet(EveryNet):
    """Networks of the layers that :mod:`tests.fuzz.exact` knows."""

    def values(self, *shape: int) -> Any:
        return self.dyadic(*shape) if self.rng.random() < 0.5 else self.rng.normal(0, 0.6, shape)

    def choices(self, shape: Shape) -> list[Step]:
        left_out = (
            self.separable, self.transposed, self.sloped, self.dotted, self.rescaled, self.activated, self.with_number,
        )  # fmt: skip
        return [step for step in super().choices(shape) if step not in left_out]

    def families(self, shape: Shape) -> list[list[Step]]:
        return []

    def step(self) -> None:
        """A layer, unless it turns out to be one that is not known there."""
        calls, tensors = len(self.calls), len(self.tensors)
        super().step()
        shapes = dict(self.tensors)
        if any(
            self.is_unknown(call, [shapes[spelled(tensor)] for tensor in call.inputs]) for call in self.calls[calls:]
        ):
            del self.calls[calls:], self.tensors[tensors:]

    def is_unknown(self, call: LayerCall, shapes: list[Shape]) -> bool:
        """Means are known where they divide by a power of two."""
        if call.class_name.startswith("GlobalAverage"):
            return prod(shapes[0][:-1]).bit_count() != 1
        return call.class_name.startswith(("Separable", "Conv1DTranspose")) or (
            call.class_name == "Average" and len(shapes) != 2
        )
