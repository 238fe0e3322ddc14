"""What the configuration wishes of the depths of streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError
from hlsgen.ir.typing import Tensor

LEAST = 2
"""The depth of a stream that nobody waits for: with one place less, no word could come in while one goes out."""


@dataclass(frozen=True)
class Wished:
    """The depth of all streams that carry a tensor."""

    depth: int
    layer: str | None
    """The layer for which it is wished, if by name."""


@dataclass(frozen=True)
class Depths:
    """The least depth of every stream, and the wished ones by the names of the tensors that are carried."""

    least: int = LEAST
    by_tensor: Mapping[str, Wished] = field(default_factory=dict)

    def refuse_arrays(self) -> None:
        """Raise ConfigError where something is wished, as of a design on arrays it cannot be."""
        depths = [self.least] * (self.least > LEAST) + [wished.depth for wished in self.by_tensor.values()]
        if depths:
            raise ConfigError(
                f"fifo_depth {depths[0]} is the depth of a stream, and this design of io_parallel computes on arrays; "
                "leave it out, or choose io_type: io_stream"
            )


def wished_depths(config: Config, design: Design) -> Depths:
    """The wishes for a design: of layers by their names or else their classes for what they yield, of all as a minimum.

    Raises ConfigError for two layers with the same output and different wishes.
    """
    found: dict[str, Wished] = {}
    named = {name: own.fifo_depth for name, own in config.layers.items() if own.fifo_depth is not None}
    for layer, depth in named.items():
        for tensor in _outputs(design, layer):
            name = design.carriers[tensor].name
            former = found.get(name)
            if former is not None and former.layer is not None and former.depth != depth:
                raise ConfigError(
                    f"layers: fifo_depth is {former.depth} for '{former.layer}' and {depth} for '{layer}', whose "
                    "output is on the same stream; give it for one of them"
                )
            found[name] = Wished(depth, layer)
    for op in design:
        of_class = (config.layer_types[s.class_name] for s in op.origins if s.class_name in config.layer_types)
        depths = [settings.fifo_depth for settings in of_class if settings.fifo_depth is not None]
        for tensor in op.outputs if depths else ():
            found.setdefault(design.carriers[tensor].name, Wished(max(depths), None))
    return Depths(config.defaults.fifo_depth or LEAST, found)


def _outputs(design: Design, layer: str) -> list[Tensor]:
    """The tensors that a layer of the model yields; several for one of several outputs, or one that is called often."""
    named = [tensor for op in design for tensor in op.outputs if op.source.name == layer and op.source.final]
    known = design.trace_keys.get(layer)
    return named or ([] if known is None else [known])
