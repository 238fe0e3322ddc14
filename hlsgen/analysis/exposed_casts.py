"""The counting design: a design in which casts that can overflow are operations of their own.

In front of such a cast stands the exact value, as an output. Every other value is what it is in the design, to the
bit: a result has either all of its casts as operations or all of them where they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hlsgen.design.design import Design
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor, Typing
from hlsgen.ir.wish import Wish
from hlsgen.layers.convert import Convert
from hlsgen.layers.depth_to_space import DepthToSpace
from hlsgen.layers.functions import Unary
from hlsgen.layers.table import Table


@dataclass(frozen=True, eq=False)
class Cast:
    """One cast of a result: from what to what, and whose it is."""

    given: Tensor
    """The value in front of it, in the counting design."""
    layer: str
    """The layer of the source model that it is counted under."""
    role: str
    """accum or result."""
    type: FixedType
    wanted: Demand = EVERYTHING
    """What readers can tell apart of the value."""
    function: Unary | None = None
    """What is cast is this function of the value, which no operation computes: its results are read from tables."""
    kept: DepthToSpace | None = None
    """What cuts off some of the values, which the model has not."""


@dataclass(frozen=True, eq=False)
class ExposedCasts:
    """The counting design of a design."""

    design: Design
    """Its outputs are the values in front of the casts; it ends with the last of them."""
    casts: tuple[Cast, ...]
    """Those that can overflow, in the order of the design."""
    ops: tuple[Op, ...]
    """The whole of it, what is behind the last cast too."""
    values: Mapping[Tensor, Tensor]
    """Every value of the design, and where the counting design has it."""


def expose_casts(design: Design) -> ExposedCasts:
    """Make the counting design.

    before: ``x -> Dense, cast to accum, cast to result -> Relu``
    after:  ``x -> Dense -> Convert to accum -> Convert to result -> Relu``, with what the Dense yields as an output
    """
    values: dict[Tensor, Tensor] = {}
    ops: list[Op] = []
    counted: list[Cast] = []
    shuffles = _shuffles(design)
    for op in design:
        counted += _of_function(op, values)
        whole = op.is_input or isinstance(op.layer, Table)
        exposed = [tensor for tensor in op.outputs if not whole and any(map(_overflows, _stages(tensor)))]
        made = replace(
            op,
            inputs=tuple(values[tensor] for tensor in op.inputs),
            outputs=tuple(_uncast(tensor) if tensor in exposed else tensor for tensor in op.outputs),
        )
        ops.append(made)
        values.update(zip(op.outputs, made.outputs, strict=True))
        for tensor in exposed:
            for stage in _stages(tensor):
                value = values[tensor]
                if _overflows(stage):
                    kept = shuffles.get(tensor)
                    counted.append(Cast(value, op.source.name, stage.role, stage.type, stage.wanted, kept=kept))
                values[tensor] = _converted(value, tensor, stage)
                ops.append(Op(values[tensor].name, Convert(), (value,), (values[tensor],), Wish(), op.source))
    given = tuple(dict.fromkeys(cast.given for cast in counted))
    names = tuple(tensor.name for tensor in given)
    counting = Design(design.name, _leading_to(given, ops), given, names, {})
    return ExposedCasts(counting, tuple(counted), tuple(ops), values)


def _shuffles(design: Design) -> dict[Tensor, DepthToSpace]:
    """Values that are read once, by what takes an image out of them."""
    readers: dict[Tensor, list[Layer]] = {}
    for op in design:
        for tensor in op.inputs:
            readers.setdefault(tensor, []).append(op.layer)
    single = {tensor: layers[0] for tensor, layers in readers.items() if len(layers) == 1}
    return {tensor: layer for tensor, layer in single.items() if isinstance(layer, DepthToSpace)}


def _of_function(op: Op, values: Mapping[Tensor, Tensor]) -> list[Cast]:
    """The cast of what the real function gives to its result, if that can lie more than a step beyond it.

    However the function is computed: words of a table are cast before anything runs.
    """
    if not isinstance(op.layer, Table):
        return []
    fixed = op.output.type
    low, high = op.layer.reached(op.input.interval)
    if float(fixed.min - fixed.step) <= low and high <= float(fixed.max + fixed.step):
        return []
    return [Cast(values[op.input], op.source.name, "result", fixed, function=op.layer.unary)]


@dataclass(frozen=True)
class _Stage:
    """One of the casts behind an exact result; ``reach`` is the proved range of what it is given."""

    role: str
    type: FixedType
    reach: Interval
    wanted: Demand = EVERYTHING


def _stages(tensor: Tensor) -> list[_Stage]:
    """The casts of a result in their order."""
    typing = tensor.typing
    result = _Stage("result", typing.result, typing.summed, typing.demand)
    return [result] if typing.accum is None else [_Stage("accum", typing.accum, typing.exact), result]


def _overflows(stage: _Stage) -> bool:
    """Whether a value within reach can lie outside of the type, as far as readers can tell."""
    return not stage.reach.clipped(stage.wanted.low, stage.wanted.high).fits(stage.type)


def _uncast(tensor: Tensor) -> Tensor:
    """The exact result of a layer, in front of its casts."""
    exact = tensor.typing.exact
    return replace(tensor, typing=Typing(exact, None, tensor.typing.sum_type, Reason.EXACT), interval=exact)


def _converted(value: Tensor, tensor: Tensor, stage: _Stage) -> Tensor:
    """What one of the casts of ``tensor`` makes of ``value``."""
    typing = Typing(stage.reach, None, stage.type, Reason.EXACT)
    interval = stage.reach.cast(stage.type)
    return Tensor(f"{tensor.name}_{stage.role}", value.shape, typing, interval, exponents=tensor.exponents)


def _leading_to(tensors: Sequence[Tensor], ops: Sequence[Op]) -> tuple[Op, ...]:
    """The operations that ``tensors`` depend on, and all inputs; what is behind the last cast is not computed."""
    needed, kept = set(tensors), []
    for op in reversed(ops):
        if op.is_input or not needed.isdisjoint(op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return tuple(reversed(kept))
