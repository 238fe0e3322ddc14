"""Types that may cure a cause, from the cheapest on: as many bits in the right place, then more bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil, log2

import numpy as np

from hlsgen.analysis.diagnosis.causes import Cause
from hlsgen.analysis.diagnosis.fragments import Fragment, merged, of_class, of_inputs, of_layer, of_width
from hlsgen.analysis.diagnosis.levels import Level, level_of, many_suffer, members, roles_at
from hlsgen.analysis.diagnosis.measurement import ACCUM, CONSTANT, INPUT, RANGE, RESULT, TABLE, Measurement, role_of
from hlsgen.analysis.diagnosis.names import layer_of
from hlsgen.analysis.subject import Subject
from hlsgen.ir.constant import Constant, Floats, placed_type
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Reason, Tensor

_MARGIN = 1.25
"""Values in use may be so much larger than those of the samples."""
_MORE_BITS = (0, 2, 4, 6, 8, 12, 16)
"""Widths are tried in this order."""
_SMALL = (8, 10, 12, 16)
_BUDGETS = (8, 10, 12, 14, 16, 18, 24, 32)
_WIDEST = 64


def candidates(
    project: Subject, work: Measurement, number: int, cause: Cause, costs: Sequence[float] = ()
) -> Iterator[Fragment]:
    """Settings that may cure a cause: of the one type first, then of those of the layer that cost much beside it, then
    of the budget or the level of the configuration that it comes from: first of that, if many layers suffer from it.

    ``costs``: what each unit costs.
    """
    work_on = _Candidates(project, work, number, cause)
    level = level_of(cause.op, cause.wished, project.config)
    many = level is not None and costs and many_suffer(work, level, cause.wished, project.config, costs)
    if level is not None and many:
        yield from work_on.wider(level)
    yield from _of_one(work_on, cause)
    if level is not None and not many:
        yield from work_on.wider(level)


def _of_one(work_on: _Candidates, cause: Cause) -> Iterator[Fragment]:
    if cause.role == INPUT:
        yield from (work_on.input(more) for more in _MORE_BITS)
        yield from (work_on.small_input(width) for width in _SMALL)
        return
    if work_on.capped:
        yield from work_on.caps()
    if cause.role == RESULT and not cause.op.source.final and ACCUM in cause.op.layer.casts:
        for more in _MORE_BITS:
            yield work_on.widths([cause.role], more)
            yield work_on.sum_inside(more)
    if cause.role != RESULT:  # inferred constants lie where they need to: all that there is to change are their bits
        yield from (widths for more in _MORE_BITS for widths in work_on.widths_beside(more))
    for more in _MORE_BITS:
        yield from work_on.widths_beside(more)
        yield work_on.types([cause.role], more)
        yield work_on.types([cause.role, *cause.others], more)
    if TABLE in (cause.role, *cause.others):
        yield from work_on.finer_arguments()
    if cause.tensor.typing.reason not in (Reason.CONFIGURATION, Reason.MODEL):
        yield from work_on.budgets()


class _Candidates:
    """Settings for one cause."""

    def __init__(self, project: Subject, work: Measurement, number: int, cause: Cause) -> None:
        self.config, self.graph = project.config, project.graph
        self.work, self.number, self.cause = work, number, cause

    def input(self, more: int) -> Fragment:
        """A type for an input; the other inputs keep theirs."""
        tensor = self.cause.tensor
        fixed = self.sized(self.work.ideal[tensor] * tensor.factors, tensor.type, self.cause.effect == RANGE, more)
        return self.inputs(fixed)

    def small_input(self, width: int) -> Fragment:
        """A type of few bits that just holds an input: results are placed for all that it holds."""
        tensor = self.cause.tensor
        return self.inputs(placed_type(self.work.ideal[tensor] * tensor.factors, width))

    def inputs(self, fixed: FixedType) -> Fragment:
        given = {op.source.name: self.config.input_type(op.source.name) for op in self.work.design if op.is_input}
        known: dict[str, FixedType | str] = {name: "auto" if one is None else one for name, one in given.items()}
        return of_inputs(known | {self.cause.op.source.name: fixed})

    @property
    def capped(self) -> bool:
        """Whether ``max_width`` takes bits away from what is inferred."""
        cap, op, role = self.config.max_width, self.cause.op, self.cause.role
        return cap is not None and op.wish.type(RESULT if role == TABLE else role) is None

    def caps(self) -> Iterator[Fragment]:
        """Wider caps for all that is inferred."""
        cap = self.config.max_width or 0
        yield from ({"max_width": width} for width in (*_BUDGETS, 40, 48, 64) if width > cap)

    def budgets(self) -> Iterator[Fragment]:
        """More bits for all that is inferred."""
        yield from ({"default_width": width} for width in _BUDGETS if width > self.config.default_width)

    def wider(self, level: Level) -> Iterator[Fragment]:
        """Types at a level of the configuration that hold what is there in all layers that have theirs from it: in the
        role of the cause, then in all roles that the level says; at last inferred ones."""
        wished, config = self.cause.wished, self.config
        every = roles_at(list(self.work.design), level, config)
        reach = {role: self.reach(level, role) for role in every if role == RESULT}
        for roles in dict.fromkeys(((wished,), (wished, *(role for role in every if role != wished)))):
            for more in _MORE_BITS:
                yield level.fragment({role: self.at_level(level, role, reach.get(role), more) for role in roles})
        yield level.fragment(dict.fromkeys(every, "auto"))

    def at_level(self, level: Level, role: str, reach: Floats | None, more: int) -> FixedType | str:
        ops = [op for _, op in members(self.work, level, role, self.config)]
        fixed = max((op.wish.types[role].type for op in ops), key=lambda one: one.width)
        if role == ACCUM:
            return _exact_sum(ops)
        if reach is not None:
            return self.sized(reach, fixed, False, more)
        every = [c for op in ops for name, c in op.layer.constants().items() if role_of(op, name) == role]
        return _placed(every, min(fixed.width + more, _WIDEST)) if every else fixed

    def reach(self, level: Level, role: str) -> Floats:
        """The ends of all that types of a level have to hold."""
        found = [np.zeros(1)]
        for number, op in members(self.work, level, role, self.config):
            real = self.work.real_unit(number)
            for values in (*(real[t] for t in op.outputs), *(self.work.ideal[t] for t in op.outputs)):
                found.append(np.asarray([values.min(initial=0.0), values.max(initial=0.0)]))
        return np.concatenate(found)

    def widths(self, roles: list[str], more: int) -> Fragment:
        """More bits for what is inferred of some roles of the operation's layer. They pin nothing: it stays where data
        put it, and what is fused stays fused.

        Empty where a role is not inferred, and where it is the ends of a result that are wrong: more bits would go to
        its steps.
        """
        of_range = self.cause.role == RESULT and self.cause.effect == RANGE
        if not more or of_range or not all(map(self._is_inferred, roles)):
            return {}
        found: Fragment = {}
        for role in roles:
            bits = min(self.cause.op.wish.bits(role, self.config.default_width) + more, _WIDEST)
            for name in self._names_of_width(role):
                found = merged(found, of_width(name, role, bits))
        return found

    def widths_beside(self, more: int) -> Iterator[Fragment]:
        """Of the role of the cause, then of those that are too narrow as well."""
        yield self.widths([self.cause.role], more)
        yield self.widths([self.cause.role, *self.cause.others], more)

    def _is_inferred(self, role: str) -> bool:
        """Whether neither user nor model fixed the type of a role, which then has the bits that are there for it."""
        op = self.cause.op
        if role not in op.layer.budgeted or op.wish.type(role) is not None:
            return False
        if role == RESULT:
            return self.cause.tensor.typing.reason in (Reason.BUDGET, Reason.FUNCTION)
        return any(not constant.given for constant in op.layer.constants_of(role).values())

    def _names_of_width(self, role: str) -> list[str]:
        """The layers that an operation has its bits from: those that have some by their name, of which the fewest
        count; else the one that its type would be said of."""
        op = self.cause.op
        own = {source.name: self.config.layers.get(source.name) for source in op.origins}
        said = [name for name, one in own.items() if one and one.width and getattr(one.width, role) is not None]
        return said or [layer_of(op, role, self.config, self.graph)]

    def types(self, roles: list[str], more: int) -> Fragment:
        """Types for some roles of the operation's layer."""
        found: Fragment = {}
        for role in roles:
            found = merged(found, self.type(role, more))
        return found

    def type(self, role: str, more: int) -> Fragment:
        op, tensor = self.cause.op, self.cause.tensor
        if role == CONSTANT:
            return {}
        name = layer_of(op, role, self.config, self.graph)
        if role == ACCUM:
            return self.sum(op, name)
        if role in (RESULT, TABLE):
            of_range = self.cause.effect == RANGE and role == self.cause.role
            return of_layer(name, {"result": self.sized(self.reached(tensor), tensor.type, of_range, more)})
        return self.constants(op, role, name, more)

    def sum(self, op: Op, name: str) -> Fragment:
        """A type that holds sums exactly: for a layer, or, as with constants, for a class where others are fused."""
        wished = self.config.layers.get(name)
        if not op.fused or (wished is not None and wished.precision.accum is not None):
            return of_layer(name, {"accum": self.cause.tensor.typing.sum_type})
        alike = [other for other in self.work.design if other.source.class_name == op.source.class_name]
        return of_class(op.source.class_name, {"accum": _exact_sum(alike)})

    def sum_inside(self, more: int) -> Fragment:
        """A sum inside of a layer has no result type that a configuration could fix: what it is held in first, which
        fits the budget, is then all there is of it."""
        tensor = self.cause.tensor
        fixed = self.sized(self.reached(tensor), tensor.type, False, more)
        return of_layer(layer_of(self.cause.op, ACCUM, self.config, self.graph), {"accum": fixed})

    def constants(self, op: Op, role: str, name: str, more: int) -> Fragment:
        """Of a layer by its name; where others are fused into it, for its class, as a type by name would undo that."""
        wished = self.config.layers.get(name)
        by_name = not op.fused or (wished is not None and getattr(wished.precision, role) is not None)
        source, design = op.source, self.work.design
        if by_name:
            alike = [other for other in design if source.name == other.source.name]
        else:
            alike = [other for other in design if source.class_name == other.source.class_name]
        every = [c for x in alike for n, c in x.layer.constants().items() if role_of(x, n) == role]
        free = [c for c in every if (c.effective != c.values).any()]
        if not free:
            return {}
        fixed = op.wish.type(role)
        width = max(c.known_type.width for c in free) if fixed is None else fixed.width
        types: dict[str, FixedType | str] = {role: _placed(every, min(width + more, _WIDEST))}
        return of_layer(name, types) if by_name else of_class(source.class_name, types)

    def finer_arguments(self) -> Iterator[Fragment]:
        """A finer type for what a table is read by, where a layer of its own yields that."""
        before = self.work.design.producer(self.cause.op.inputs[0])
        if not before.source.final or before.is_input:
            return
        fixed, name = before.outputs[0].type, layer_of(before, RESULT, self.config, self.graph)
        yield from (of_layer(name, {"result": replace(fixed, width=fixed.width + more)}) for more in _MORE_BITS[1:])

    def reached(self, tensor: Tensor) -> Floats:
        """What a result has to hold: on the chip's own inputs, and on those of real numbers."""
        both = self.work.real_unit(self.number)[tensor], self.work.ideal[tensor]
        return np.concatenate([values.ravel() for values in both])

    def sized(self, values: Floats, fixed: FixedType, of_range: bool, more: int) -> FixedType:
        """A type as wide as one, or wider, that holds values with a margin; the rest of its bits are for the steps.

        ``of_range``: only its ends were wrong, so that its steps stay.
        """
        low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
        signed = low < 0 or fixed.signed
        most = max(high, -low) * _MARGIN
        magnitude = ceil(log2(most)) if most > 0 else 1 - fixed.frac
        integer = magnitude + signed
        width = fixed.width + more
        if of_range:
            width += max(0, integer - fixed.integer)
        rounding = Rounding.RND if fixed.rounding is Rounding.TRN and not of_range else fixed.rounding
        overflow = fixed.overflow if fixed.saturates else Overflow.SAT
        return FixedType(min(max(width, 2), _WIDEST), integer, signed, rounding, overflow)


def _exact_sum(ops: Sequence[Op]) -> FixedType:
    """The type that holds the sums of all operations exactly."""
    sums = [tensor.typing.sum_type for op in ops for tensor in op.outputs if ACCUM in op.layer.casts]
    integer = max(fixed.integer + (not fixed.signed) for fixed in sums)
    return FixedType(integer + max(fixed.frac for fixed in sums), integer)


def _placed(constants: list[Constant], width: int) -> FixedType:
    """The type of a width that just holds all constants."""
    fixed = placed_type(np.concatenate([constant.values.ravel() for constant in constants]), max(width, 2))
    return replace(fixed, width=max(width, 2)) if fixed.width < width else fixed
