"""Hand the configuration's wishes to the nodes they are for."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

from hlsgen.config import PRECISION_ROLES, WIDTH_ROLES, Config
from hlsgen.errors import ConfigError, nearest
from hlsgen.ir.graph import Graph, Node, Source
from hlsgen.ir.loop import Loop
from hlsgen.ir.placing import Method, Placing
from hlsgen.ir.results import yielding
from hlsgen.ir.spelling import WrittenType
from hlsgen.ir.wish import (
    Budget,
    By,
    Dsp,
    Granularity,
    Hardware,
    Level,
    Recurrence,
    Storage,
    Strategy,
    WeightSource,
    Wish,
    Wished,
)
from hlsgen.passes.base import Pass

_OF_MULTIPLIERS = {
    "strategy": ("auto", "latency"),
    "reuse_factor": (1, "auto"),
    "parallelization_factor": (1,),
    "storage": ("auto",),
    "weights": ("constant",),
}
"""What means something for layers with multipliers alone, but for these values."""


@dataclass(frozen=True)
class ApplyConfig(Pass):
    """Complete every node's wish by the lookup rule: layer name > model's quantiser > layer type > model."""

    exact = True
    optional = False
    config: Config = field(default_factory=Config, compare=False)

    def run(self, graph: Graph) -> bool:
        self._check_names(graph)
        results, owners = _result_nodes(graph), _owners(graph)
        self._check_inner(graph, results)
        for node in graph:
            if node.is_input:
                fixed = self.config.input_type(node.source.name)
                if fixed is not None:
                    node.wish = node.wish.with_type("result", Wished(fixed, By.CONFIGURATION))
                node.wish = replace(node.wish, budgets=self._budgets(node), octaves=self._octaves(node))
            else:
                node.wish = self._wish(graph, node, node in results, owners.get(node.loop, node.source))
        graph.notes += self._without_effect(graph, results, owners)
        return True

    def _without_effect(
        self, graph: Graph, results: Container[Node], owners: Mapping[Loop | None, Source]
    ) -> list[str]:
        """Layers that the configuration names with types, or ways to multiply, of which they have none."""
        notes = []
        for name, own in self.config.layers.items():
            nodes = [node for node in graph if node.source.name == name]
            said = [role for role in PRECISION_ROLES if getattr(own.precision, role) is not None]
            kinds = " and ".join(dict.fromkeys(node.layer.kind for node in nodes))
            if said and nodes and not any(_has_role(node, role, node in results) for node in nodes for role in said):
                notes.append(
                    f"warning: {name}: its {' and '.join(said)} type has no effect: {kinds} has none of its own"
                )
            bits = [] if own.width is None else [role for role in WIDTH_ROLES if getattr(own.width, role) is not None]
            if bits and nodes and not any(_has_bits(node, role) for node in nodes for role in bits):
                notes.append(
                    f"warning: {name}: its width has no effect: {kinds} has no {' and no '.join(bits)} to place"
                )
            shared = [key for key, plain in _OF_MULTIPLIERS.items() if getattr(own, key) not in (None, *plain)]
            if shared and nodes and not any(node.layer.has_multiplier for node in nodes):
                notes.append(
                    f"warning: {name}: its {' and '.join(shared)} has no effect: {kinds} has no multipliers to share"
                )
            loops = [owners[node.loop] for node in nodes if node.loop in owners]
            if own.recurrence is not None and nodes and all(owner.name != name for owner in loops):
                notes.append(f"warning: {name}: its recurrence has no effect: {kinds} goes through no sequence")
        return notes

    def _check_names(self, graph: Graph) -> None:
        names = {node.source.name for node in graph} | set(graph.aliases)
        classes = {node.source.class_name for node in graph}
        for name in self.config.layers:
            if name not in names:
                raise ConfigError(f"layers: the model has no layer '{name}'{nearest(name, names)}")
        for name in self.config.layer_types:
            if name not in classes:
                raise ConfigError(
                    f"layer_types: the model has no layer of type '{name}' that computes{nearest(name, classes)}"
                )
        inputs = {value.producer.source.name for value in graph.inputs}
        for key in ("input_precision", "input_clipping"):
            said = getattr(self.config, key)
            for name in said if isinstance(said, dict) else ():
                if name not in inputs:
                    raise ConfigError(f"{key}: the model has no input '{name}'{nearest(name, inputs)}")

    def _check_inner(self, graph: Graph, results: Container[Node]) -> None:
        """Raise ConfigError for inner steps that no layer has, or that are meant for layers without a name."""
        for level, settings in {"defaults": self.config.defaults, **self.config.layer_types}.items():
            if settings.inner is not None:
                raise ConfigError(f"{level}: inner steps have names in a layer; put 'inner' below layers: and its name")
        for layer, own in self.config.layers.items():
            steps = {node.name for node in graph if node.source.name == layer and _is_inner(node, results)}
            for name in own.inner or ():
                if name not in steps:
                    told = f"layer '{layer}' has no inner step '{name}' with a type of its own"
                    raise ConfigError(f"layers.{layer}.inner: {told}{nearest(name, steps)}")

    def _wish(self, graph: Graph, node: Node, gives_result: bool, owner: Source) -> Wish:
        name, kind = node.source.name, node.source.class_name
        wish = replace(
            node.wish,
            hardware=self._hardware(node, owner),
            granularity=Granularity(self.config.lookup(name, kind, "weight_granularity", "auto")),
            placing=self._placing(name, kind),
            budgets=self._budgets(node),
        )
        for role in PRECISION_ROLES:
            wished = self._type_for(graph, node, role) if _has_role(node, role, gives_result) else None
            if wished is not None:
                wish = wish.with_type(role, wished)
        inner = self._inner_type(node)
        return wish if inner is None else wish.with_type("result", inner)

    def _inner_type(self, node: Node) -> Wished | None:
        """What the configuration fixes for an inner step of a layer; None where it says nothing."""
        own = self.config.layers.get(node.source.name)
        written = None if own is None or own.inner is None else own.inner.get(node.name)
        return None if written is None else Wished(written.completed(node.layer.default_modes("result")), By.LAYER)

    def _octaves(self, node: Node) -> tuple[int, ...] | None:
        """Raises ConfigError for types of other features than an input has."""
        octaves, features = self.config.input_octaves(node.source.name), node.output.shape[-1]
        if octaves is not None and len(octaves) != features:
            raise ConfigError(
                f"input_precision of '{node.source.name}': {len(octaves)} types, expected {features} (one for each "
                "feature, the last axis) or one"
            )
        return octaves

    def _placing(self, name: str, kind: str) -> Placing:
        method = Method(self.config.lookup(name, kind, "weight_calibration", "max"))
        return Placing(method, self.config.percentile) if method is Method.PERCENTILE else Placing(method)

    def _budgets(self, node: Node) -> dict[str, Budget]:
        """The bits that the configuration gives inferred weights and results of a node, of each the most specific."""
        levels = (
            (Level.NAME, self.config.layers.get(node.source.name)),
            (Level.TYPE, self.config.layer_types.get(node.source.class_name)),
            (Level.MODEL, self.config.defaults),
        )
        found: dict[str, Budget] = {}
        for level, settings in levels:
            width = None if settings is None else settings.width
            for role in WIDTH_ROLES if width is not None else ():
                bits = getattr(width, role)
                if bits is not None:
                    found.setdefault(role, Budget(bits, level))
        return found

    def _hardware(self, node: Node, owner: Source) -> Hardware:
        """How a node is computed; how often it is there, the layer says whose loop it is in (``owner``)."""
        name, kind = node.source.name, node.source.class_name
        own = self.config.layers.get(name)
        reuse = self.config.lookup(name, kind, "reuse_factor", 1)
        return Hardware(
            Strategy(self.config.lookup(name, kind, "strategy", "auto")),
            1 if reuse == "auto" else reuse,
            Storage(self.config.lookup(name, kind, "storage", "auto")),
            self.config.lookup(name, kind, "parallelization_factor", 1),
            WeightSource(self.config.lookup(name, kind, "weights", "constant")),
            Recurrence(self.config.lookup(owner.name, owner.class_name, "recurrence", "loop")),
            reuse == "auto",
            frozenset(key for key in _OF_MULTIPLIERS if own is not None and getattr(own, key) is not None),
            Dsp(self.config.lookup(name, kind, "dsp", "auto")),
        )

    def _type_for(self, graph: Graph, node: Node, role: str) -> Wished | None:
        """What the configuration fixes for one role that a node has; None where it says nothing or may not."""
        modes = node.layer.default_modes(role)
        own = self.config.layers.get(node.source.name)
        named: WrittenType | None = None if own is None else getattr(own.precision, role)
        if named is not None:
            fixed = named.completed(modes)
            if _fixed_by_model(node, role):
                graph.notes.append(
                    f"{node.name}: {role} {fixed} of the configuration overrides the model's own quantiser"
                )
            return Wished(fixed, By.LAYER)
        if _fixed_by_model(node, role):
            return None
        levels = (self.config.layer_types.get(node.source.class_name), self.config.defaults)
        found: list[WrittenType | None] = [getattr(level.precision, role) for level in levels if level is not None]
        return next((Wished(w.completed(modes), By.CONFIGURATION) for w in found if w is not None), None)


def _owners(graph: Graph) -> dict[Loop | None, Source]:
    """The layer whose loop it is, of each loop: that which hands its results out. Others may stand in it."""
    borders = ((node, node.layer.border) for node in graph)
    return {node.loop: node.source for node, border in borders if border is not None and border.role.leaves}


def _result_nodes(graph: Graph) -> set[Node]:
    """The nodes that a type for their layer's result is for: those that yield it, or that it is only moved from."""
    final = (node for node in graph if node.source.final and not node.is_input)
    return {step for node in final for step in yielding(node, lambda one: [value.producer for value in one.inputs])}


def _is_inner(node: Node, results: Container[Node]) -> bool:
    """Whether a node computes a step of a layer, whose type a type for the layer's result does not fix."""
    return not node.is_input and node not in results and "result" in node.layer.casts


def _has_role(node: Node, role: str, gives_result: bool) -> bool:
    """Whether a wish for this role is meant for this node (of the several that one layer may become)."""
    if role == "result" and not gives_result:
        return False
    return role in node.layer.casts or role in node.layer.constant_roles.values()


def _has_bits(node: Node, role: str) -> bool:
    """Whether a width means something for a node: also for a scale, which may become weights of another layer."""
    return role in node.layer.budgeted or role in node.layer.constant_roles.values()


def _fixed_by_model(node: Node, role: str) -> bool:
    if role == "result":
        return node.wish.result_by_model
    constants = node.layer.constants()
    return any(constants[name].given for name, r in node.layer.constant_roles.items() if r == role)
