"""Layers with steps: recurrent ones, those in both directions, those of images, and any layer step by step."""

from __future__ import annotations

from math import prod
from typing import Any

from tests.fuzz.layers.base import Drawing, Shape, Step

_GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
_STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}


class Recurrent(Drawing):
    def recurrent_steps(self, shape: Shape) -> list[Step]:
        match len(shape):
            case 2:
                return [self.recurrent, self.recurrent, self.both_ways, self.each_vector]
            case 3:
                return [self.convolutional, self.each_line]
            case 4:
                return [self.convolutional]
        return []

    def cell(self, kind: str, channels: int, units: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Options and weights of a layer of this kind."""
        gates = _GATES[kind] * units
        options = {"units": units, "use_bias": self.chance(0.8), "activation": self.bent()}
        biases = (gates,)
        if kind != "SimpleRNN":
            options["recurrent_activation"] = self.pick("sigmoid", "sigmoid", "hard_sigmoid")
        if kind == "GRU":
            options["reset_after"] = self.chance(0.5)
            biases = (2, gates) if options["reset_after"] else biases
        weights = {"kernel": self.values(channels, gates), "recurrent_kernel": self.values(units, gates)}
        return options, weights | ({"bias": self.values(*biases)} if options["use_bias"] else {})

    def quantizers_of_cell(self) -> dict[str, Any]:
        bits = self.quantized_bits(6, 2)
        parts = ("kernel", "recurrent", "bias", "state")
        return {f"{part}_quantizer": bits for part in parts} if self.quantized else {}

    def bent(self) -> str:
        return str(self.pick("tanh", "tanh", "tanh", "softsign", "sigmoid", "relu"))

    def recurrent(self, name: str, shape: Shape) -> None:
        """Any recurrent layer; where there are vectors, they may be its states at first."""
        kind, vectors = self.pick(*_GATES), [(n, s) for n, s in self.tensors if len(s) == 1 and s[0] <= 5]
        units, starts = int(self.rng.integers(1, 4)), []
        if vectors and self.chance(0.5):
            units = self.pick(*vectors)[1][0]
            starts = [self.pick(*self.like((units,)))[0] for _ in range(_STATES[kind])]
        options, weights = self.cell(kind, shape[-1], units)
        every, states = self.chance(0.6), self.chance(0.2)
        made = self.call(
            f"{self.q}{kind}", self.fresh(kind.lower()), [name, *starts], weights, return_sequences=every,
            return_state=states, go_backwards=self.chance(0.3), **options, **self.quantizers_of_cell(),
        )  # fmt: skip
        for place in range(_STATES[kind] * states):
            self.add(f"{made}:{place + 1}", (units,))
        self.add(made, (shape[0], units) if every else (units,))

    def both_ways(self, name: str, shape: Shape) -> None:
        kind, units, every = self.pick(*_GATES), int(self.rng.integers(1, 3)), self.chance(0.6)
        options, _ = self.cell(kind, shape[-1], units)
        gates, biases = _GATES[kind] * units, (2,) * bool(options.get("reset_after"))
        weights = {}
        for way in ("forward_layer", "backward_layer"):
            weights |= {f"{way}/kernel": self.values(shape[-1], gates)}
            weights |= {f"{way}/recurrent_kernel": self.values(units, gates)}
            weights |= {f"{way}/bias": self.values(*biases, gates)} if options["use_bias"] else {}
        mode = self.pick("concat", "concat", "sum", "mul", "ave", None)
        layer = self.inner(kind, return_sequences=every, go_backwards=False, **options)
        made = self.call("Bidirectional", self.fresh("both"), name, weights, layer=layer, merge_mode=mode)
        extents = (shape[0],) * every + (units * (2 if mode == "concat" else 1),)
        if mode is None:
            self.add(f"{made}:1", extents)
        self.add(made, extents)

    def convolutional(self, name: str, shape: Shape) -> None:
        """A ConvLSTM of lines or images."""
        steps, *extents, channels = shape
        filters, every, axes = int(self.rng.integers(1, 3)), self.chance(0.5), len(extents)
        if steps * prod(extents) * filters > 60:
            return
        size = [min(2, extent) for extent in extents]
        weights = {
            "kernel": self.values(*size, channels, 4 * filters),
            "recurrent_kernel": self.values(*size, filters, 4 * filters),
            "bias": self.values(4 * filters),
        }
        made = self.call(
            f"ConvLSTM{axes}D", self.fresh("images"), name, weights, filters=filters, kernel_size=size, padding="same",
            return_sequences=every, go_backwards=self.chance(0.3), activation=self.bent(),
        )  # fmt: skip
        self.add(made, (*(steps,) * every, *extents, filters))

    # -- step by step -----------------------------------------------------------------------

    def each_vector(self, name: str, shape: Shape) -> None:
        channels = shape[-1]
        kind = self.pick("LayerNormalization", "Softmax", "UnitNormalization")
        weights = {}
        if kind == "LayerNormalization":
            weights = {"layer/gamma": self.rng.uniform(0.5, 1.5, channels), "layer/beta": self.dyadic(channels)}
        made = self.call("TimeDistributed", self.fresh("each"), name, weights, layer=self.inner(kind, axis=-1))
        self.add(made, shape)

    def each_line(self, name: str, shape: Shape) -> None:
        steps, length, channels = shape
        if self.chance(0.5):
            layer = self.inner("GlobalMaxPooling1D")
            self.add(self.call("TimeDistributed", self.fresh("each"), name, layer=layer), (steps, channels))
            return
        size, filters = min(2, length), int(self.rng.integers(1, 4))
        layer = self.inner("Conv1D", filters=filters, kernel_size=[size], padding="causal", activation="relu")
        weights = {"layer/kernel": self.values(size, channels, filters), "layer/bias": self.values(filters)}
        self.add(self.call("TimeDistributed", self.fresh("each"), name, weights, layer=layer), (steps, length, filters))
