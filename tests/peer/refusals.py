"""What the other tool's tests convert and hlsgen refuses, with the words that have to be in the message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.peer.scenario import KERAS2, KERAS3, QKERAS, Kit, Shape


@dataclass(frozen=True, eq=False)
class Refused:
    source: str
    name: str
    build: Callable[[Kit], Any]
    words: tuple[str, ...]
    libraries: tuple[str, ...] = (KERAS2, KERAS3)

    def __str__(self) -> str:
        return f"{self.source}: {self.name}"


def _foreign(class_name: str, *shapes: Shape) -> Callable[[Kit], Any]:
    """A layer that is no part of Keras: its class and name are all that a conversion may look at."""

    def build(kit: Kit) -> Any:
        call = {"call": lambda self, inputs: inputs[0] if len(shapes) > 1 else inputs}
        layer = type(class_name, (kit.layers.Layer,), call)(name="own")
        inputs = [kit.keras.Input(shape) for shape in shapes]
        return kit.keras.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))

    return build


def _sign(kit: Kit) -> Any:
    def binary_tanh(x: Any) -> Any:
        return x * 2 - 1

    return kit.stack((8,), kit.layers.Activation(binary_tanh, name="act"))


def _cosine(kit: Kit) -> Any:
    inputs = [kit.keras.Input((8,)) for _ in range(2)]
    return kit.keras.Model(inputs, kit.layers.Dot(1, normalize=True, name="cosine")(inputs))


def _text_for_a_flag(kit: Kit) -> Any:
    """QKeras takes any text that is not empty for true."""
    quantizers = {f"{n}_quantizer": "quantized_bits(8, 0, alpha=1)" for n in ("kernel", "recurrent", "bias", "state")}
    gates = {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": "False"}
    return kit.stack((5, 2), kit.qkeras.QGRU(4, name="gru", **quantizers, **gates))


OWN = ("hlsgen.register_layer",)
REFUSED = [
    Refused("garnet", "GarNet", _foreign("GarNet", (16, 3), (1,)), ("GarNet", *OWN)),
    Refused("garnet", "GarNetStack", _foreign("GarNetStack", (16, 3), (1,)), ("GarNetStack", *OWN)),
    Refused("extensions", "KReverse", _foreign("KReverse", (8,)), ("KReverse", *OWN)),
    Refused("instancenorm", "InstanceNormalization", _foreign("InstanceNormalization", (16, 8)), OWN),
    Refused("dense_fused", "an activation of one's own", _sign, ("layer 'act'", "of your own")),
    Refused("keras_converter", "Dot(normalize)", _cosine, ("layer 'cosine'", "normalize=True")),
    Refused("qkeras", "QGRU(reset_after='False')", _text_for_a_flag, ("layer 'gru'", "reset_after='False'"), (QKERAS,)),
]
