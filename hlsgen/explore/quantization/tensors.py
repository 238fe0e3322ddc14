"""What of a design can be given bits: the weights of each layer, and every value that is cast to a type of its own.

A value is *held* where nothing else says which bits it has: sums of layers, functions, products of values, inputs. What
only moves, picks or clips held values has their bits, and is said to follow. Merges that are exact with few bits more
than what they read are neither.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from hlsgen.analysis.narrowing import layer_of, result_operations
from hlsgen.design.bits import Bits
from hlsgen.design.design import Design
from hlsgen.ir.demand import EVERYTHING, Demand, union
from hlsgen.ir.layer import Casts
from hlsgen.ir.loop import Role as BorderRole
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Reason, Tensor

Role = Literal["input", "result", "inner"]
_OPEN = (Reason.BUDGET, Reason.DEFAULT, Reason.FUNCTION)
"""Types that neither the user nor the model fixed, and that are not just exact."""
_FEW = 12
"""Bits of exact values, in a design of :data:`NARROW` bits, that are left as they are."""
NARROW = 8
"""The budget of designs in which it is seen what needs a type."""


@dataclass(frozen=True)
class Weights:
    """The weights of a layer, which have one width."""

    layer: str
    """As the source model names it."""
    operations: tuple[str, ...]
    """By their names in the design: a layer may have several, as a recurrent one has."""
    elements: int


@dataclass(frozen=True)
class Held:
    """A value whose type can be chosen."""

    layer: str
    """As the source model names it; of an input, the input."""
    role: Role
    tensors: tuple[str, ...]
    """Which have the type: of a layer that joins parts, those parts; of one that is called twice, both."""
    elements: int
    """Of these tensors, for one sample."""
    followers: tuple[str, ...]
    """The tensors that get their bits from these."""
    following: int
    """The elements of the followers."""
    above_zero: bool
    """Whether only what is above zero is read, as a ReLU does."""

    @property
    def name(self) -> str:
        return self.tensors[0]


def weights_of(design: Design) -> list[Weights]:
    """The layers whose weights nobody fixed, in the order of the design."""
    found: dict[str, list[Op]] = {}
    for op in design:
        if _open_weights(op):
            found.setdefault(op.source.name, []).append(op)
    return [Weights(layer, tuple(op.name for op in ops), Bits.of(ops).weights.elements) for layer, ops in found.items()]


def _open_weights(op: Op) -> bool:
    """Whether nobody fixed them; factors of a channel keep what float32 has, and are not meant."""
    if op.layer.constant_width:
        return False
    is_open = any(not constant.given for constant in op.layer.constants_of("weight").values())
    return is_open and "weight" not in op.wish.configured()


def held_in(design: Design, ranged: Container[str] = ()) -> list[Held]:
    """The values whose types nobody fixed, in the order in which they are computed.

    ``ranged``: inputs of whose types only the width is left to be found. Inputs that are read as whole numbers, as
    places in a table are, keep the type for those.
    """
    numbers = _read_as_numbers(design)
    results = _result_layers(design)
    groups: dict[tuple[Role, str], list[Tensor]] = {}
    for op in design:
        border = op.layer.border
        if border is not None and border.role is not BorderRole.CARRY:
            continue
        if not op.is_input and "result" not in op.layer.casts:
            continue
        for tensor in op.outputs:
            open_input = op.is_input and tensor.name in ranged
            if tensor not in numbers and (open_input or tensor.typing.reason in _OPEN or _is_wide(op, tensor)):
                groups.setdefault(_address(op, tensor, results), []).append(tensor)
    followers = _followers(design, {tensor for tensors in groups.values() for tensor in tensors})
    above_zero = _read_above_zero(design)
    return [_held(design, role, name, tensors, followers, above_zero) for (role, name), tensors in groups.items()]


def _read_as_numbers(design: Design) -> set[Tensor]:
    """The inputs of which somebody reads whole numbers, through whatever moves them."""
    found: set[Tensor] = set()
    for op in reversed(design.ops):
        if op.layer.numbers_read is not None or (op.layer.structural and not found.isdisjoint(op.outputs)):
            found.update(op.inputs)
    return found.intersection(design.inputs)


def _is_wide(op: Op, tensor: Tensor) -> bool:
    """Whether it is exact at the price of many bits, as products of two values are."""
    return _is_exact(tensor) and not op.layer.structural and tensor.type.width > _FEW


def _address(op: Op, tensor: Tensor, results: dict[Op, str]) -> tuple[Role, str]:
    """Where the configuration says its type: of results, by the layer; of inner steps, by their own name."""
    if op.is_input:
        return "input", op.source.name
    return ("result", results[op]) if op in results else ("inner", tensor.name)


def _held(
    design: Design,
    role: Role,
    name: str,
    tensors: list[Tensor],
    followers: dict[Tensor, list[Tensor]],
    above_zero: set[Tensor],
) -> Held:
    layer = name if role != "inner" else design.producer(tensors[0]).source.name
    behind = [follower for tensor in tensors for follower in followers[tensor]]
    return Held(
        layer,
        role,
        tuple(tensor.name for tensor in tensors),
        sum(tensor.size for tensor in tensors),
        tuple(tensor.name for tensor in behind),
        sum(tensor.size for tensor in behind),
        role != "input" and above_zero.issuperset(tensors),
    )


def _result_layers(design: Design) -> dict[Op, str]:
    """The operations that a type for the result of a layer is for, and that layer."""
    found: dict[Op, str] = {}
    for op in design:
        if op.source.final and not op.is_input:
            for given in result_operations(design, op):
                found.setdefault(given, layer_of(design, op))
    return found


def _followers(design: Design, held: set[Tensor]) -> dict[Tensor, list[Tensor]]:
    """The tensors whose bits follow from those of held ones alone, by the first of those."""
    root: dict[Tensor, Tensor] = {tensor: tensor for tensor in held}
    found: dict[Tensor, list[Tensor]] = {tensor: [] for tensor in held}
    for op in design:
        for tensor in op.outputs:
            before = root.get(op.inputs[0]) if op.inputs else None
            if before is not None and tensor not in root and op.layer.structural and _is_exact(tensor):
                root[tensor] = before
                found[before].append(tensor)
    return found


def _is_exact(tensor: Tensor) -> bool:
    return tensor.typing.reason is Reason.EXACT


def _read_above_zero(design: Design) -> set[Tensor]:
    """The tensors of which nobody can tell what is below zero: what ReLUs read, through whatever moves or picks."""
    wanted: dict[Tensor, list[Demand]] = {tensor: [] for tensor in design.tensors}
    for tensor in design.outputs:
        wanted[tensor].append(EVERYTHING)
    found: set[Tensor] = set()
    for op in reversed(design.ops):
        demands = {tensor: union(wanted[tensor]) for tensor in op.outputs}
        found.update(tensor for tensor, demand in demands.items() if demand.low is not None and demand.low >= 0)
        plain = len(op.outputs) == 1 and op.layer.border is None
        for tensor in op.inputs:
            casts = Casts(None, None, input=op.input.type)
            wanted[tensor].append(op.layer.told_apart(casts, demands[op.output]) if plain else EVERYTHING)
    return found
