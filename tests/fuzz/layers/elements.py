"""Normalisation over any axes, gates, and functions along an axis."""

from __future__ import annotations

from typing import Any

from tests.fuzz.layers.base import Drawing, Shape, Step


class Elements(Drawing):
    def element_steps(self, shape: Shape) -> list[Step]:
        return [self.standardised, self.normalised_by, self.gated, self.shared_out]

    def some_axes(self, shape: Shape) -> list[int]:
        """Some axes (from 1 on), in order."""
        return sorted(self.rng.permutation(len(shape))[: self.rng.integers(1, len(shape) + 1)].tolist())

    def scale_and_centre(self, *shape: int) -> dict[str, Any]:
        return {"gamma": self.rng.uniform(0.5, 1.5, shape), "beta": self.dyadic(*shape)}

    def standardised(self, name: str, shape: Shape) -> None:
        channels = shape[-1]
        match self.pick("layer", "layer", "group", "rms"):
            case "layer":
                axes = self.some_axes(shape)
                weights = self.scale_and_centre(*(shape[axis] for axis in axes))
                numbers = [axis + 1 for axis in axes]
                made = self.call("LayerNormalization", self.fresh("ln"), name, weights, axis=numbers, epsilon=1e-3)
            case "group":
                groups = self.pick(*(n for n in range(1, channels + 1) if channels % n == 0))
                weights = self.scale_and_centre(channels)
                made = self.call("GroupNormalization", self.fresh("gn"), name, weights, groups=groups, axis=-1)
            case _ if self.keras3:
                weights = {"scale": self.rng.uniform(0.5, 1.5, channels)}
                made = self.call("RMSNormalization", self.fresh("rms"), name, weights, axis=-1)
            case _:
                made = self.call("UnitNormalization", self.fresh("unit"), name, axis=self.pick(-1, 1))
        self.add(made, shape)

    def normalised_by(self, name: str, shape: Shape) -> None:
        """A BatchNormalization of another axis."""
        axis = int(self.rng.integers(len(shape)))
        weights = self.scale_and_centre(shape[axis])
        weights["moving_mean"] = self.dyadic(shape[axis])
        weights["moving_variance"] = self.rng.choice([0.25, 1.0, 4.0], shape[axis])
        self.add(self.call("BatchNormalization", self.fresh("bn"), name, weights, axis=axis + 1, epsilon=1e-3), shape)

    def gated(self, name: str, shape: Shape) -> None:
        """What lets through one part of its input: above a threshold, or by the other half of the channels."""
        if self.keras3 and shape[-1] % 2 == 0 and self.chance(0.5):
            made = self.function(name, ("nn.Glu", {"axis": -1}), ("", {}))  # a layer of Keras would say another shape
            self.add(made, (*shape[:-1], shape[-1] // 2))
        elif self.keras3 or self.chance(0.5):
            options = {"max_value": self.pick(None, 2.0), "negative_slope": self.pick(0.0, 0.25), "threshold": 0.5}
            self.add(self.call("ReLU", self.fresh("gate"), name, **options), shape)
        else:
            self.add(self.call("ThresholdedReLU", self.fresh("gate"), name, theta=0.5), shape)

    def shared_out(self, name: str, shape: Shape) -> None:
        """A softmax along any axes, or what is like it."""
        axes = [axis + 1 for axis in self.some_axes(shape)]
        if self.keras3 and self.chance(0.4):
            made = self.call("Activation", self.fresh("sparse"), name, activation=self.pick("sparsemax", "log_softmax"))
        else:
            made = self.call("Softmax", self.fresh("soft"), name, axis=axes if len(axes) > 1 else axes[0])
        self.add(made, shape)
