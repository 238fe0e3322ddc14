"""Settle strategy and reuse factor of every layer with multipliers. No bit depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hlsgen.errors import ConfigError
from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.wish import Hardware, Storage, Strategy, WeightSource
from hlsgen.passes.base import Pass

MOST_MULTIPLIERS = 4096
"""So many products of a layer ``strategy: auto`` builds side by side: with more, compilation takes hours, and a device
has at most some thousands of DSPs."""
MOST_WEIGHT_BITS = 65536
"""So many bits of weights a turn reads: the widest word that ARRAY_RESHAPE makes (XFORM 203-133 of the tool beyond)."""


@dataclass(frozen=True)
class ChooseHardware(Pass):
    """Make ``auto`` a strategy, and every reuse factor one that divides the work.

    A factor for a layer by its name is kept or refused, with those that are valid; one for a type of layers or for all
    is a wish, for which each takes the nearest (the smaller of two as near).
    """

    exact = True
    optional = False
    streams: bool = False
    """Whether layers read and write a pixel a step, so that none is computed beside another."""
    width: int = 16
    """Bits of weights whose type nobody wished."""

    def run(self, graph: Graph) -> bool:
        layers: dict[str, list[Node]] = {}
        for node in graph:
            if node.layer.has_multiplier:
                layers.setdefault(node.source.name, []).append(node)
        taken: dict[str, list[str]] = {}
        for name, nodes in layers.items():
            _refuse_invalid(name, nodes)
            _refuse_parallel(name, nodes, self.streams)
            _refuse_ports(name, nodes)
            for node in nodes:
                wanted, node.wish = node.wish.hardware, replace(node.wish, hardware=self._settled(node))
                load_weights(graph, node)
                why = _difference(node, wanted, node.wish.hardware)
                if why:
                    taken.setdefault(why, []).append(f"{node.name} takes {node.wish.hardware.reuse_factor}")
        graph.notes += [f"{why}: {', '.join(takers)}" for why, takers in taken.items()]
        graph.notes += _unstored(graph)
        return bool(layers)

    def _settled(self, node: Node) -> Hardware:
        hardware, strategy = node.wish.hardware, _strategy(node)
        valid = node.layer.valid_reuse_factors(strategy)
        if hardware.strategy is Strategy.AUTO and "reuse_factor" not in hardware.named:
            least = -(-node.layer.products // self._most(node, strategy))
            valid = [factor for factor in valid if factor >= least]
        return replace(
            hardware,
            strategy=strategy,
            weights=hardware.weights if _loads(node) else WeightSource.CONSTANT,
            reuse_factor=nearest_factor(hardware.reuse_factor, valid),
            parallelization=nearest_factor(hardware.parallelization, _parallel(node, self.streams)),
        )

    def _most(self, node: Node, strategy: Strategy) -> int:
        """The multipliers that a layer may have side by side; with resource their weights are a word of a memory."""
        if strategy is not Strategy.RESOURCE:
            return MOST_MULTIPLIERS
        wished = node.wish.type("weight")
        return min(
            MOST_MULTIPLIERS,
            MOST_WEIGHT_BITS // (node.wish.bits("weight", self.width) if wished is None else wished.width),
        )


def _unstored(graph: Graph) -> list[str]:
    """Layers for whose weights a memory is wished, and which keep them in logic."""
    found: dict[str, list[str]] = {}
    for node in graph:
        hardware = node.wish.hardware
        wished = node.layer.has_multiplier and hardware.storage is not Storage.AUTO
        if wished and hardware.strategy is not Strategy.RESOURCE:
            found.setdefault(hardware.storage, []).append(node.name)
    return [
        f"storage '{storage}' has no effect on {', '.join(names)}: only strategy resource reads weights from a memory"
        for storage, names in found.items()
    ]


def _difference(node: Node, wanted: Hardware, settled: Hardware) -> str | None:
    """Why a layer has another reuse factor than was wished, if it has."""
    if settled.reuse_factor == wanted.reuse_factor or wanted.balanced:
        return None
    valid = node.layer.valid_reuse_factors(settled.strategy)
    if nearest_factor(wanted.reuse_factor, valid) == settled.reuse_factor:
        return f"reuse_factor {wanted.reuse_factor} does not divide every layer's work; the nearest that does"
    return (
        f"more than {MOST_MULTIPLIERS} multipliers, or {MOST_WEIGHT_BITS} bits of weights a turn, so strategy resource "
        "and the least reuse_factor that leaves fewer"
    )


def _refuse_invalid(name: str, nodes: Sequence[Node]) -> None:
    """What is said by a layer's name holds for every product that the layer became."""
    hardware = nodes[0].wish.hardware
    strategies = [_strategy(node) for node in nodes]
    kept = "strategy" in hardware.named and hardware.strategy is not Strategy.AUTO
    for node, strategy in zip(nodes, strategies, strict=True):
        if kept and strategy is not hardware.strategy:
            raise ConfigError(
                f"layer '{name}': strategy '{hardware.strategy}' is not there for {node.layer.kind}; give it 'latency' "
                "or 'resource'"
            )
    if "reuse_factor" not in hardware.named or hardware.balanced:
        return
    if Strategy.DISTRIBUTED_ARITHMETIC in strategies and hardware.reuse_factor > 1:
        raise ConfigError(
            f"layer '{name}': strategy '{Strategy.DISTRIBUTED_ARITHMETIC}' computes every sum by its own adders, and "
            f"reuse_factor {hardware.reuse_factor} would share them over time; leave reuse_factor out, or give it "
            "strategy 'resource'"
        )
    valid = set.intersection(*(set(n.layer.valid_reuse_factors(s)) for n, s in zip(nodes, strategies, strict=True)))
    if hardware.reuse_factor not in valid:
        raise ConfigError(invalid_reuse_factor(name, hardware.reuse_factor, sorted(valid)))


def load_weights(graph: Graph, node: Node) -> None:
    """Let ranges hold for any weights where these come in at ports."""
    layer = node.layer.loading()
    if layer is not None and _loads(node):
        graph.set_layer(node, layer)


def _refuse_ports(name: str, nodes: Sequence[Node]) -> None:
    """Weights at a port are read a word a turn, by kernels that have turns."""
    hardware = nodes[0].wish.hardware
    if hardware.weights is WeightSource.CONSTANT:
        return
    able = [node for node in nodes if node.layer.loading() is not None]
    if "weights" in hardware.named and not able:
        kinds = " and ".join(dict.fromkeys(node.layer.kind for node in nodes))
        raise ConfigError(
            f"layer '{name}': weights '{hardware.weights}' is for dense layers and convolutions, and this is {kinds}; "
            "leave it out, or give 'constant'"
        )
    if able and hardware.strategy not in (Strategy.AUTO, Strategy.RESOURCE):
        raise ConfigError(
            f"layer '{name}': weights '{hardware.weights}' are read a word a turn, and strategy '{hardware.strategy}' "
            "has none; give it strategy 'resource' and a reuse_factor"
        )


def _strategy(node: Node) -> Strategy:
    """The strategy wished for; for one that its kernel does not have, one that all have: resource, or latency where all
    products were to be there at once."""
    wanted = node.wish.hardware.strategy
    if wanted is Strategy.AUTO and _loads(node):
        return Strategy.RESOURCE
    if wanted is Strategy.AUTO:
        return Strategy.LATENCY if node.layer.products <= MOST_MULTIPLIERS else Strategy.RESOURCE
    if node.layer.valid_reuse_factors(wanted):
        return wanted
    return Strategy.LATENCY if wanted is Strategy.DISTRIBUTED_ARITHMETIC else Strategy.RESOURCE


def _loads(node: Node) -> bool:
    return node.wish.hardware.weights is not WeightSource.CONSTANT and node.layer.loading() is not None


def _refuse_parallel(name: str, nodes: Sequence[Node], streams: bool) -> None:
    hardware = nodes[0].wish.hardware
    factor = hardware.parallelization
    if factor == 1 or "parallelization_factor" not in hardware.named:
        return
    if streams:
        raise ConfigError(
            f"layer '{name}': parallelization_factor {factor} computes pixels of arrays at once, and io_stream moves "
            "one a step; leave it out, or take io_type 'io_parallel'"
        )
    valid = sorted(set.union(*(set(_parallel(node, streams)) for node in nodes)))
    if factor not in valid:
        offer = ", ".join(map(str, valid))
        raise ConfigError(
            f"layer '{name}': parallelization_factor {factor} is not valid; a row of pixels is divided evenly, or "
            f"several rows are taken: {offer}"
        )


def _parallel(node: Node, streams: bool) -> list[int]:
    shapes = [value.shape for value in node.inputs]
    return [1] if streams else node.layer.valid_parallelization(shapes)


def nearest_factor(wanted: int, valid: Sequence[int]) -> int:
    """The valid factor that is nearest, of two the smaller: it is the faster design."""
    return min(valid, key=lambda factor: (abs(factor - wanted), factor))


def invalid_reuse_factor(name: str, wanted: int, valid: Sequence[int]) -> str:
    """The message for an invalid reuse factor."""
    below = [v for v in valid if v < wanted][-2:]
    above = [v for v in valid if v > wanted][:2]
    offer = ", ".join(map(str, below + above))
    return (
        f"layer '{name}': reuse_factor {wanted} is not valid; the nearest valid ones are {offer} (for a type of layers "
        "or for all, each layer takes the nearest)"
    )
