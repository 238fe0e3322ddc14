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
from hlsgen.ir.loop import Role, units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor, Typing
from hlsgen.ir.wish import Wish
from hlsgen.layers.cast_each import CastEach
from hlsgen.layers.convert import Convert
from hlsgen.layers.depth_to_space import Cropping, DepthToSpace
from hlsgen.layers.functions import Unary
from hlsgen.layers.loops import KeepSteps
from hlsgen.layers.shape_ops import Mover, Reshape
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
    each: CastEach | None = None
    """What casts every element to a type of its own, all of which ``type`` holds."""
    kept: tuple[Mover, ...] = ()
    """What follows and cuts off some of the values, which the model has not."""


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
    work = _Exposing(_cut_off(design))
    for unit in units(design):
        for op in unit:
            work.add(op)
        work.hand_out(unit)
    given = tuple(dict.fromkeys(cast.given for cast in work.counted))
    names = tuple(tensor.name for tensor in given)
    counting = Design(design.name, _leading_to(given, work.ops), given, names, {})
    return ExposedCasts(counting, tuple(work.counted), tuple(work.ops), work.values)


class _Exposing:
    """One walk over the operations of a design."""

    def __init__(self, cut_off: Mapping[Tensor, tuple[Mover, ...]]) -> None:
        self.cut_off = cut_off
        self.values: dict[Tensor, Tensor] = {}
        self.ops: list[Op] = []
        self.counted: list[Cast] = []

    def add(self, op: Op) -> None:
        """The operation, and the casts of its results that can overflow behind it; of what passes to the next step of a
        loop, in front of it."""
        self.counted += _of_function(op, self.values)
        border = op.layer.border
        inputs = tuple(self.values[tensor] for tensor in op.inputs)
        if isinstance(op.layer, CastEach) and op.layer.can_overflow(op.input.interval):
            self.counted.append(Cast(inputs[0], op.source.name, "result", op.layer.common, each=op.layer))
        if border is not None and border.role in (Role.STATE, Role.CARRY):
            if border.role is Role.CARRY:
                inputs = (self._cast(inputs[0], op, op.output),)
            elif inputs and any(map(_overflows, _stages(op.output))):
                self.counted.append(Cast(inputs[0], op.source.name, "result", op.output.type))
            self._put(op, inputs, op.outputs)
            return
        whole = op.is_input or isinstance(op.layer, Table)
        exposed = [tensor for tensor in op.outputs if not whole and any(map(_overflows, _stages(tensor)))]
        self._put(op, inputs, tuple(_uncast(tensor) if tensor in exposed else tensor for tensor in op.outputs))
        for tensor in exposed:
            self.values[tensor] = self._cast(self.values[tensor], op, tensor)

    def _put(self, op: Op, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        self.ops.append(replace(op, inputs=inputs, outputs=outputs))
        self.values.update(zip(op.outputs, outputs, strict=True))

    def _cast(self, value: Tensor, op: Op, tensor: Tensor) -> Tensor:
        """Add the casts behind a value as operations, if one of them can overflow; return what they make of it."""
        stages = _stages(tensor)
        for stage in stages if any(map(_overflows, stages)) else ():
            if _overflows(stage):
                kept = self.cut_off.get(tensor, ())
                self.counted.append(Cast(value, op.source.name, stage.role, stage.type, stage.wanted, kept=kept))
            made = _converted(value, tensor, stage)
            self.ops.append(Op(made.name, Convert(), (value,), (made,), Wish(), op.source, loop=op.loop))
            value = made
        return value

    def hand_out(self, unit: list[Op]) -> None:
        """Let what is counted inside of a loop be seen outside, of all steps."""
        loop = unit[0].loop
        if loop is None:
            return
        made = {tensor for op in self.ops if op.loop == loop for tensor in op.outputs}
        outside: dict[Tensor, Tensor] = {}
        for place, cast in enumerate(self.counted):
            if cast.given in made and cast.given not in outside:
                inner = cast.given
                outside[inner] = replace(inner, name=f"{inner.name}_steps", shape=(loop.steps, *inner.shape))
                kept = Op(outside[inner].name, KeepSteps(loop), (inner,), (outside[inner],), Wish(), unit[0].source)
                self.ops.append(replace(kept, loop=loop))
            if cast.given in outside:
                self.counted[place] = replace(cast, given=outside[cast.given])


def _cut_off(design: Design) -> dict[Tensor, tuple[Mover, ...]]:
    """Values of which a layer of the model takes a part out as the only reader, and how it does."""
    readers: dict[Tensor, list[Op]] = {}
    for op in design:
        for tensor in op.inputs:
            readers.setdefault(tensor, []).append(op)
    found: dict[Tensor, tuple[Mover, ...]] = {}
    for op in reversed(list(design)):
        for tensor in op.outputs:
            behind = readers.get(tensor, [])
            if len(behind) == 1 and behind[0].source.name == op.source.name:
                found[tensor] = _part_taken(behind[0], found)
    return {tensor: movers for tensor, movers in found.items() if movers}


def _part_taken(op: Op, found: Mapping[Tensor, tuple[Mover, ...]]) -> tuple[Mover, ...]:
    """How an operation and what follows it in its layer take a part of its input; empty if they take all of it."""
    match op.layer:
        case DepthToSpace() | Cropping() as layer:
            return (layer, *found.get(op.output, ()))
        case Reshape() as layer:
            behind = found.get(op.output, ())
            return (layer, *behind) if behind else ()
    return ()


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
    return Tensor(f"{tensor.name}_{stage.role}", value.shape, typing, interval, held=tensor.held)


def _leading_to(tensors: Sequence[Tensor], ops: Sequence[Op]) -> tuple[Op, ...]:
    """The operations that ``tensors`` depend on, and all inputs; what is behind the last cast is not computed."""
    needed, kept = set(tensors), list[Op]()
    for unit in reversed(list(units(ops))):
        if unit[0].loop is not None and not needed.isdisjoint(tensor for op in unit for tensor in op.outputs):
            needed.update(tensor for op in unit for tensor in op.inputs)
            kept += reversed(unit)
            continue
        for op in unit:
            if op.is_input or not needed.isdisjoint(op.outputs):
                needed.update(op.inputs)
                kept.append(op)
    return tuple(reversed(kept))
