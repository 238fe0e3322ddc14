"""Hand the configuration's wishes to the nodes they are for."""

from __future__ import annotations

from dataclasses import dataclass, field

from hlsgen.config import PRECISION_ROLES, Config, LayerSettings
from hlsgen.errors import ConfigError, nearest
from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.types import FixedType
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.shape_ops import Concatenate, Mover
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class ApplyConfig(Pass):
    """Set every node's settings by the lookup rule: layer name > model's quantiser > layer type > model."""

    exact = True
    optional = False
    config: Config = field(default_factory=Config, compare=False)

    def run(self, graph: Graph) -> bool:
        self._check_names(graph)
        for node in graph:
            if node.layer.kind == "Input":
                node.settings.result = self.config.input_type(node.source.name)
            else:
                self._set(graph, node)
        return True

    def _check_names(self, graph: Graph) -> None:
        names = {node.source.name for node in graph} | set(graph.aliases)
        classes = {node.source.class_name for node in graph}
        for name in self.config.layers:
            if name not in names:
                raise ConfigError(f"layers: the model has no layer '{name}'{nearest(name, names)}")
        for name in self.config.layer_types:
            if name not in classes:
                raise ConfigError(f"layer_types: the model has no layer of type '{name}'{nearest(name, classes)}")
        if isinstance(self.config.input_precision, dict):
            inputs = {value.producer.source.name for value in graph.inputs}
            for name in self.config.input_precision:
                if name not in inputs:
                    raise ConfigError(f"input_precision: the model has no input '{name}'{nearest(name, inputs)}")

    def _set(self, graph: Graph, node: Node) -> None:
        name, kind = node.source.name, node.source.class_name
        settings = node.settings
        settings.strategy = self.config.lookup(name, kind, "strategy", "latency")
        settings.reuse_factor = self.config.lookup(name, kind, "reuse_factor", 1)
        settings.weight_granularity = self.config.lookup(name, kind, "weight_granularity", "tensor")
        settings.widest = self.config.max_width
        for role in PRECISION_ROLES:
            fixed = self._type_for(graph, node, role)
            if fixed is not None:
                setattr(settings, role, fixed)

    def _type_for(self, graph: Graph, node: Node, role: str) -> FixedType | None:
        """What the configuration fixes for one role of a node; None where it says nothing or may not."""
        if not _has_role(node, role):
            return None
        name, kind = node.source.name, node.source.class_name
        own = self.config.layers.get(name)
        if own is not None and getattr(own.precision, role) is not None:
            fixed: FixedType = getattr(own.precision, role)
            if _fixed_by_model(node, role):
                graph.notes.append(
                    f"{node.name}: {role} {fixed} of the configuration overrides the model's own quantiser"
                )
            node.settings.named |= {role}
            if role == "result":
                node.settings.result_by_model = False
            return fixed
        if _fixed_by_model(node, role):
            return None
        levels: list[LayerSettings] = [s for s in (self.config.layer_types.get(kind), self.config.defaults) if s]
        found: list[FixedType] = [t for t in (getattr(s.precision, role) for s in levels) if t is not None]
        return found[0] if found else None


def _has_role(node: Node, role: str) -> bool:
    """Whether a wish for this role is meant for this node (of the several that one layer may become)."""
    if role == "result":
        return node.source.final and not isinstance(node.layer, Mover | Concatenate)
    return isinstance(node.layer, LinearLayer)


def _fixed_by_model(node: Node, role: str) -> bool:
    if role == "result":
        return node.settings.result_by_model
    constant = node.layer.constants().get(role)
    return constant is not None and constant.given


@dataclass(frozen=True)
class CheckReuseFactors(Pass):
    """Refuse a reuse factor that does not divide a layer's work; offer the nearest valid ones."""

    exact = True
    optional = False

    def run(self, graph: Graph) -> bool:
        for node in graph:
            wanted = node.settings.reuse_factor
            if not node.layer.has_multiplier:
                node.settings.reuse_factor, node.settings.strategy = 1, "latency"
            elif wanted not in (valid := node.layer.valid_reuse_factors(node)):
                raise ConfigError(invalid_reuse_factor(node.name, wanted, valid))
        return False


def invalid_reuse_factor(name: str, wanted: int, valid: list[int]) -> str:
    """The message for an invalid reuse factor."""
    below = [v for v in valid if v < wanted][-2:]
    above = [v for v in valid if v > wanted][:2]
    offer = ", ".join(map(str, below + above))
    return f"layer '{name}': reuse_factor {wanted} is not valid; the nearest valid ones are {offer}"
