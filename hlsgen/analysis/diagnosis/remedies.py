"""Settings that cure a cause: types that hold what is there, tried from the cheapest on.

None is proposed that was not tried: the design is made anew with it, and measured as the first one was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np

from hlsgen.analysis.diagnosis.causes import Cause
from hlsgen.analysis.diagnosis.fragments import Fragment, merged, of_class, of_inputs, of_layer, overrides
from hlsgen.analysis.diagnosis.measurement import ACCUM, CONSTANT, INPUT, RANGE, RESULT, TABLE, Measurement, role_of
from hlsgen.analysis.diagnosis.survey import MOST_INSIDE, inside_of, limit_for
from hlsgen.analysis.subject import Subject
from hlsgen.config import Config
from hlsgen.errors import HlsgenError
from hlsgen.ir.constant import Constant, Floats, placed_type
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Rounding
from hlsgen.ir.types import Overflow as Mode
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import By

_MARGIN = 1.25
"""Values in use may be so much larger than those of the samples."""
_MORE_BITS = (0, 2, 4, 6, 8, 12, 16)
"""Widths are tried in this order."""
_WIDEST = 64
_LEFT = 0.5
"""A cure leaves at most so much of what a layer may cost."""
_HELPS = 0.4
"""Where nothing leaves so little: so much of what it cost."""
_NO_WORSE = 1.02

Measure = Callable[[Subject], Measurement]


@dataclass(frozen=True, eq=False)
class Remedy:
    """A fragment that was tried, and what came of it."""

    fragment: Fragment
    project: Subject
    work: Measurement
    cost: float
    """Of the unit, with it."""


def remedy_for(project: Subject, work: Measurement, number: int, cause: Cause, measure: Measure) -> Remedy | None:
    """The cheapest settings that cure a cause; the best of those that help, where none cures; None where none helps.

    ``measure`` measures a project on the same data.
    """
    limit = max(limit_for(op, project.config.default_width) for op in work.units[number])
    before, total = cause.cost, work.error(work.known)
    best: Remedy | None = None
    for fragment in _unique(_candidates(project.config, work, number, cause)):
        found = _tried(project, fragment, cause, measure)
        if found is None or found.work.error(found.work.known) > max(total, MOST_INSIDE) * _NO_WORSE:
            continue
        inside = inside_of(found.work).get(_unit_of(found.work, cause), 0.0)
        if found.cost <= min(_LEFT * limit, max(before / 2, limit / 16)) and inside <= MOST_INSIDE / 2:
            return found
        if found.cost < _HELPS * before and inside <= MOST_INSIDE and (best is None or found.cost < best.cost):
            best = found
    return best


def _tried(project: Subject, fragment: Fragment, cause: Cause, measure: Measure) -> Remedy | None:
    """Make the design anew with a fragment and measure; None where that is no configuration of the model."""
    try:
        other = project.with_settings(**overrides(project.config, fragment))
        work = measure(other)
    except HlsgenError:
        return None
    number = _unit_of(work, cause)
    origins = {source.name for source in cause.op.origins}
    apart = [n for n, unit in enumerate(work.units) if any(op.source.name in origins for op in unit)]
    return Remedy(fragment, other, work, max((work.cost(n) for n in {number, *apart} if n >= 0), default=0.0))


def _unit_of(work: Measurement, cause: Cause) -> int:
    """The unit that computes what the cause was found in; -1 if there is none any more."""
    named = [n for n, unit in enumerate(work.units) if any(op.name == cause.op.name for op in unit)]
    alike = [n for n, unit in enumerate(work.units) if any(op.source.name == cause.op.source.name for op in unit)]
    return (named or alike or [-1])[-1]


def _unique(fragments: Iterable[Fragment]) -> Iterator[Fragment]:
    seen: list[Fragment] = []
    for fragment in fragments:
        if fragment and fragment not in seen:
            seen.append(fragment)
            yield fragment


# -- candidates -----------------------------------------------------------------------------------


def _candidates(config: Config, work: Measurement, number: int, cause: Cause) -> Iterator[Fragment]:
    """Settings for the role that costs most and for those that cost much beside it, narrow ones first."""
    if cause.role == INPUT:
        for more in _MORE_BITS:
            yield _for_input(config, work, number, cause, more)
        return
    roles = [cause.role, *cause.others]
    for more in _MORE_BITS:
        yield _together(work, number, cause, roles, more)
    if TABLE in roles:  # a finer argument is all that helps a table beside a finer result
        yield from _finer_arguments(work, cause)


def _for_input(config: Config, work: Measurement, number: int, cause: Cause, more: int) -> Fragment:
    tensor = cause.tensor
    fixed = _sized(work.ideal[tensor] / _factors(tensor), tensor.type, cause, more)
    every = {op.source.name: config.input_type(op.source.name) for op in work.design if op.is_input}
    known: dict[str, FixedType | str] = {name: "auto" if given is None else given for name, given in every.items()}
    return of_inputs(known | {cause.op.source.name: fixed})


def _factors(tensor: Tensor) -> Floats:
    """What values of a tensor are held times."""
    return 1.0 / tensor.factors


def _together(work: Measurement, number: int, cause: Cause, roles: list[str], more: int) -> Fragment:
    found: Fragment = {}
    for role in roles:
        for fragment in _for_role(work, number, cause, role, more):
            found = merged(found, fragment)
    return found


def _for_role(work: Measurement, number: int, cause: Cause, role: str, more: int) -> Iterator[Fragment]:
    op, tensor = cause.op, cause.tensor
    if role == CONSTANT:
        return
    if role in (RESULT, TABLE):
        fixed = _sized(_reached(work, number, tensor), tensor.type, cause if role == cause.role else None, more)
        yield of_layer(_yielded_by(op), {"result": fixed})
    elif role == ACCUM:
        exact = tensor.typing.sum_type
        yield of_layer(_named_for(op, "accum") or _yielded_by(op), {"accum": exact.plain()})
    else:
        yield _for_constants(work, op, role, more)


def _for_constants(work: Measurement, op: Op, role: str, more: int) -> Fragment:
    """Of a layer by its name; where others are fused into it, for its class, since a type by name would undo that."""
    by_name = not op.fused or op.wish.named(role)
    alike = [
        other
        for other in work.design
        if (other.source.name == op.source.name if by_name else other.source.class_name == op.source.class_name)
    ]
    constants = [c for x in alike for n, c in x.layer.constants().items() if role_of(x, n) == role and not c.given]
    if not constants:
        return {}
    width = min(max(constant.known_type.width for constant in constants) + more, _WIDEST)
    width = max(width, _written_width(op, role) + more)
    fixed = _placed(constants, width)
    if by_name:
        return of_layer(_named_for(op, role) or op.source.name, {role: fixed})
    return of_class(op.source.class_name, {role: fixed})


def _written_width(op: Op, role: str) -> int:
    wished = op.wish.type(role)
    return 0 if wished is None else wished.width


def _placed(constants: list[Constant], width: int) -> FixedType:
    """The type of a width that holds all constants, with bits that all of them leave at zero."""
    fixed = placed_type(np.concatenate([constant.values.ravel() for constant in constants]), width)
    return replace(fixed, width=width) if fixed.width < width else fixed


def _finer_arguments(work: Measurement, cause: Cause) -> Iterator[Fragment]:
    """A finer type for what a table is read by, where a layer of its own yields that."""
    (given, *_) = cause.op.inputs
    before = work.design.producer(given)
    for more in _MORE_BITS[1:] if before.source.final and not before.is_input else ():
        finer = replace(given.type, width=given.type.width + more)
        yield of_layer(_yielded_by(before), {"result": finer})


def _reached(work: Measurement, number: int, tensor: Tensor) -> Floats:
    """What a result has to hold: on the chip's own inputs, and on those of real numbers."""
    both = work.real_unit(number)[tensor], work.ideal[tensor]
    return np.concatenate([values.ravel() for values in both])


def _sized(values: Floats, fixed: FixedType, cause: Cause | None, more: int) -> FixedType:
    """A type as wide as one, or wider, that holds values with a margin; the rest of its bits are for the steps.

    Where only its ends were wrong, its steps stay.
    """
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    signed = low < 0
    most = max(high, -low) * _MARGIN
    integer = (ceil(log2(most)) if most > 0 else -fixed.frac) + signed
    if float(np.ldexp(1.0, integer - signed)) <= most:
        integer += 1
    of_range = cause is not None and cause.effect == RANGE
    width = fixed.width + more
    if of_range and integer > fixed.integer:
        width += integer - fixed.integer
    width = min(max(width, 2), _WIDEST)
    rounding = Rounding.RND if fixed.rounding is Rounding.TRN and not of_range else fixed.rounding
    overflow = fixed.overflow if fixed.saturates else Mode.SAT
    return FixedType(width, integer, signed, rounding, overflow)


def _yielded_by(op: Op) -> str:
    """The layer whose result type an operation's is: the one that the user named for it, else the last it computes."""
    return _named_for(op, "result") or (op.origins[-1].name if op.fused else op.source.name)


def _named_for(op: Op, role: str) -> str | None:
    """The layer of those computed together that the user fixed a role for by its name, as far as that is known."""
    wished = op.wish.types.get(role)
    return op.source.name if wished is not None and wished.by is By.LAYER and not op.fused else None
