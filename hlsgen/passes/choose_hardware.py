"""Settle strategy and reuse factor of every layer with multipliers. No bit depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hlsgen.errors import ConfigError
from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.wish import Hardware, Storage, Strategy
from hlsgen.passes.base import Pass

MOST_MULTIPLIERS = 4096
"""So many products of a layer ``strategy: auto`` builds side by side: with more, compilation takes hours, and a device
has at most some thousands of DSPs."""


@dataclass(frozen=True)
class ChooseHardware(Pass):
    """Make ``auto`` a strategy, and every reuse factor one that divides the work.

    A factor for a layer by its name is kept or refused, with those that are valid; one for a type of layers or for all
    is a wish, for which each takes the nearest (the smaller of two as near).
    """

    exact = True
    optional = False

    def run(self, graph: Graph) -> bool:
        layers: dict[str, list[Node]] = {}
        for node in graph:
            if node.layer.has_multiplier:
                layers.setdefault(node.source.name, []).append(node)
        taken: dict[str, list[str]] = {}
        for name, nodes in layers.items():
            _refuse_invalid(name, nodes)
            for node in nodes:
                wanted, node.wish = node.wish.hardware, replace(node.wish, hardware=_settled(node))
                why = _difference(node, wanted, node.wish.hardware)
                if why:
                    taken.setdefault(why, []).append(f"{node.name} takes {node.wish.hardware.reuse_factor}")
        graph.notes += [f"{why}: {', '.join(takers)}" for why, takers in taken.items()]
        graph.notes += _unstored(graph)
        return bool(layers)


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
    if settled.reuse_factor == wanted.reuse_factor:
        return None
    if nearest_factor(wanted.reuse_factor, node.layer.valid_reuse_factors()) == settled.reuse_factor:
        return f"reuse_factor {wanted.reuse_factor} does not divide every layer's work; the nearest that does"
    return (
        f"more than {MOST_MULTIPLIERS} multipliers, so strategy resource and the least reuse_factor that leaves fewer"
    )


def _refuse_invalid(name: str, nodes: Sequence[Node]) -> None:
    """A factor by a layer's name holds for every product that the layer became."""
    hardware = nodes[0].wish.hardware
    if not hardware.named_reuse:
        return
    valid = sorted(set.intersection(*(set(node.layer.valid_reuse_factors()) for node in nodes)))
    if hardware.reuse_factor not in valid:
        raise ConfigError(invalid_reuse_factor(name, hardware.reuse_factor, valid))


def _settled(node: Node) -> Hardware:
    hardware, valid = node.wish.hardware, node.layer.valid_reuse_factors()
    products = node.layer.products
    wanted, strategy = hardware.reuse_factor, hardware.strategy
    if strategy is Strategy.AUTO:
        strategy = Strategy.LATENCY if products <= MOST_MULTIPLIERS else Strategy.RESOURCE
        least = -(-products // MOST_MULTIPLIERS)
        if not hardware.named_reuse:
            valid = [factor for factor in valid if factor >= least]
    return replace(hardware, strategy=strategy, reuse_factor=nearest_factor(wanted, valid))


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
