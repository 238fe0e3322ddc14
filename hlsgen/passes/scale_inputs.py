"""Take raw data at the inputs, and scale them as the model's own inputs were scaled for its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hlsgen.config import Config
from hlsgen.config import InputScaling as Said
from hlsgen.errors import ConfigError, nearest
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.graph import Graph, Source, Value
from hlsgen.layers.input import Input, InputScaling
from hlsgen.layers.scale import Scale
from hlsgen.passes.base import Pass

SCALING = "InputScaling"
"""The class of layer that raw data are scaled by, as no model has it."""


@dataclass(frozen=True)
class ScaleInputs(Pass):
    """Put ``(x - offset) * scale`` behind inputs with ``input_scaling``.

    before: ``x (as the model has it) -> Dense``
    after:  ``x (raw) -> Scale -> Dense``

    Later passes fold it into the layers that read it, where they would fold a BatchNormalization. The input remembers
    the numbers, for whoever runs the source model on the same data. Option ``calibrated``: whether there are data that
    tell how large raw ones get. Raises ConfigError for inputs that are not there, or cannot be scaled.
    """

    exact = False
    optional = False
    config: Config = field(default_factory=Config, compare=False)
    calibrated: bool = False

    def run(self, graph: Graph) -> bool:
        known = {value.name: value for value in graph.inputs}
        wished = _by_name(self.config.input_scaling, known)
        for name, said in wished.items():
            self._scale(graph, known[name], said)
        graph.sort()
        return bool(wished)

    def _scale(self, graph: Graph, value: Value, said: Said) -> None:
        node, where = value.producer, f"input_scaling of '{value.name}'"
        if _is_number(graph, value):
            raise ConfigError(f"{where}: it is read as whole numbers, which stand for themselves")
        if not self.calibrated and self.config.input_type(value.name) is None:
            raise ConfigError(
                f"{where}: nobody says how large raw data get; give calibration= or input_precision= as well"
            )
        offset, scale = (_each(f"{where}: {key}", getattr(said, key), value) for key in ("offset", "scale"))
        assert isinstance(node.layer, Input)
        graph.set_layer(node, replace(node.layer, scaling=InputScaling(offset, scale)))
        layer = Scale(Constant.of(scale), Constant.of(-offset * scale))
        scaled = graph.add(layer, (value,), f"{value.name}_scaled", node.source)
        scaled.producer.source = Source(scaled.name, SCALING)
        for user in dict.fromkeys(graph.uses(value)):
            if user is not scaled.producer:
                graph.set_inputs(user, [scaled if v is value else v for v in user.inputs])
        graph.set_outputs([scaled if v is value else v for v in graph.outputs], graph.output_names)
        graph.notes.append(f"{value.name}: takes raw data, of which (x - offset) * scale is what the model reads")


def _is_number(graph: Graph, value: Value) -> bool:
    """Whether somebody reads it as a whole number."""
    return any(
        user.layer.numbers_read is not None
        or (user.layer.structural and any(_is_number(graph, v) for v in user.outputs))
        for user in graph.uses(value)
    )


def _by_name(said: Said | Mapping[str, Said] | None, known: Mapping[str, Value]) -> dict[str, Said]:
    if said is None:
        return {}
    if isinstance(said, Said):
        if len(known) != 1:
            raise ConfigError(f"input_scaling: the model has {len(known)} inputs ({', '.join(known)}); give it by name")
        return dict.fromkeys(known, said)
    for name in said:
        if name not in known:
            raise ConfigError(f"input_scaling: the model has no input '{name}'{nearest(name, known)}")
    return dict(said)


def _each(where: str, numbers: float | tuple[float, ...], value: Value) -> Floats:
    """A number for each channel (last axis)."""
    found, channels = np.asarray(numbers, dtype=np.float64), value.shape[-1]
    if found.shape not in ((), (1,), (channels,)):
        raise ConfigError(
            f"{where}: {found.size} numbers, expected {channels} (one for each channel, the last axis) or one"
        )
    return np.broadcast_to(found, (channels,)).copy()
