"""Why a unit is off: each of its types alone, and its ends and steps apart, tried on the chip's own values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import log2

import numpy as np

from hlsgen.analysis.diagnosis.measurement import (
    ACCUM,
    INPUT,
    RANGE,
    RESULT,
    STEP,
    TABLE,
    Lift,
    Measurement,
    role_of,
)
from hlsgen.analysis.diagnosis.result import Kind, Number
from hlsgen.analysis.diagnosis.survey import Outside, channels_dead, outside
from hlsgen.analysis.sizes import LEAST
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.op import Op
from hlsgen.ir.text import percent
from hlsgen.ir.types import FixedType, Rounding
from hlsgen.ir.typing import Reason, Tensor

_MANY_UNUSED = 3
"""So many bits that no value uses are worth a word."""
_MOST_OF_IT = 0.5
"""Of the cost of a unit: with so much less without a few channels, these are what is wrong."""


@dataclass(frozen=True)
class Cause:
    """What of a unit costs most, and how that was seen."""

    kind: Kind
    op: Op
    tensor: Tensor
    role: str
    effect: str
    cost: float
    """Of the unit, on the outputs."""
    alone: float
    """Of this role, with all others of the unit in real numbers."""
    others: tuple[str, ...]
    """Roles that are too narrow as well."""
    text: str
    numbers: Mapping[str, Number]

    @property
    def wished(self) -> str:
        """The role by which a configuration names the type."""
        return RESULT if self.role in (INPUT, TABLE) else self.role


def cause_of(work: Measurement, number: int, cost: float, limit: float) -> Cause:
    """Find what of a unit costs most: by a role alone, by its ends or its steps."""
    roles = roles_of(work, number)
    if any(_rests_on_accum(op, tensor) for op in work.units[number] for tensor in op.outputs):
        roles.remove(RESULT)
    alone = {role: _alone(work, number, roles, role) for role in roles}
    role = max(alone, key=lambda name: alone[name])
    if role == TABLE and alone.get(RESULT, 0.0) >= _MOST_OF_IT * alone[TABLE]:
        role = RESULT  # which the entries of tables are rounded to
    role = _rests_on(work, number, role, alone)
    effects = {effect: _alone(work, number, roles, role, effect) for effect in (RANGE, STEP)}
    effect = RANGE if effects[RANGE] >= effects[STEP] else STEP
    enough = max(limit / 2, 0.1 * alone[role])
    others = tuple(name for name in roles if name != role and alone[name] > enough)
    op, tensor = _where(work, number, role)
    kind, text, numbers = _described(work, number, op, tensor, role, effect)
    dead = _dead(work, number, tensor, cost)
    numbers |= {"cost": cost, "cost of this alone": alone[role]}
    if dead:
        kind, numbers["dead channels"] = Kind.DEAD_CHANNEL, len(dead)
        named = ", ".join(map(str, dead[:8])) + (", ..." if len(dead) > 8 else "")
        what = f"channel{'s' * (len(dead) > 1)} {named} of {tensor.shape[-1]}"
        text = f"{what} always yield{'s' * (len(dead) == 1)} the same, though the model's change: {text}"
    return Cause(kind, op, tensor, role, effect, cost, alone[role], others, text, numbers)


def _rests_on(work: Measurement, number: int, role: str, alone: Mapping[str, float]) -> str:
    """The role that a result rests on whose type was inferred: one that is fixed, and costs about as much by itself.

    Of weights that all became 0, say, the results need no range, and their type has none.
    """

    def is_fixed(name: str) -> bool:
        return any(op.wish.type(name) is not None for op in work.units[number])

    if role != RESULT or is_fixed(RESULT):
        return role
    fixed = [name for name in alone if name not in (RESULT, TABLE, INPUT) and is_fixed(name)]
    first = max(fixed, key=lambda name: alone[name], default=RESULT)
    return first if alone[first] >= _MOST_OF_IT * alone[role] else role


def roles_of(work: Measurement, number: int) -> list[str]:
    """The roles whose types a unit may be off by."""
    found: dict[str, None] = {}
    for op in work.units[number]:
        if op.is_input:
            return [INPUT]
        constants = op.layer.constants().items()
        found.update({role_of(op, name): None for name, c in constants if (c.effective != c.values).any()})
        found.update({ACCUM: None} if any(t.typing.accum is not None for t in op.outputs) else {})
        found.update({} if op.layer.pure else {TABLE: None})
        found[RESULT] = None
    return list(found)


def _rests_on_accum(op: Op, tensor: Tensor) -> bool:
    """Whether a result has the type that it has because the sum is cut before."""
    chosen = (Reason.CONFIGURATION, Reason.MODEL)
    return tensor.typing.accum is not None and tensor.typing.reason not in chosen


def _alone(work: Measurement, number: int, roles: list[str], role: str, effect: str = "") -> float:
    """What a role (or one effect of it) costs, with all other roles of the unit in real numbers."""
    cast_too = role == ACCUM and RESULT not in roles and not effect  # of whose ends and steps it has none itself
    lift = Lift.of([other for other in (*roles, *([] if cast_too else [RESULT])) if other != role])
    if effect and role in (INPUT, ACCUM, RESULT):
        lift = lift.and_effect(role, STEP if effect == RANGE else RANGE)
    elif effect:
        return 0.0
    return work.cost(number, work.lifted_unit(number, lift))


def _where(work: Measurement, number: int, role: str) -> tuple[Op, Tensor]:
    """The operation of a unit that has the role, and of several the one whose type there costs most."""
    having = [(op, tensor) for op in work.units[number] for tensor in op.outputs if _has(op, tensor, role)]
    if len(having) == 1:
        return having[0]

    def left(ops: Collection[Op]) -> float:
        return work.cost(number, work.lifted_unit(number, Lift.of((role,)), ops))

    fixed = [item for item in having if item[0].wish.type(role) is not None]
    if fixed and left([op for op, _ in fixed]) < (1 - _MOST_OF_IT) * work.cost(number):
        return next((item for item in fixed if item[0].source.final), fixed[-1])  # one type, in several places
    return min(having, key=lambda item: left((item[0],)))


def _has(op: Op, tensor: Tensor, role: str) -> bool:
    if role == ACCUM:
        return tensor.typing.accum is not None
    if role == TABLE:
        return not op.layer.pure
    return role in (INPUT, RESULT) or any(role_of(op, name) == role for name in op.layer.constants())


def _described(
    work: Measurement, number: int, op: Op, tensor: Tensor, role: str, effect: str
) -> tuple[Kind, str, dict[str, Number]]:
    if role in (INPUT, ACCUM, RESULT):
        fixed = tensor.typing.accum if role == ACCUM and tensor.typing.accum is not None else tensor.typing.result
        if effect == RANGE:
            return _beyond(work, number, tensor, role, fixed)
        return _coarse(work, number, op, tensor, role, fixed)
    if role == TABLE:
        right = work.lifted_unit(number, Lift.of((TABLE, RESULT)))[tensor]
        off = work.off(work.known[tensor], right)
        text = f"its tables for {op.inputs[0].type} put it off by {percent(off, 3)} %"
        return Kind.TABLE, text, {"error": off, "input type": str(op.inputs[0].type)}
    return _constants(op, role)


def _beyond(
    work: Measurement, number: int, tensor: Tensor, role: str, fixed: FixedType
) -> tuple[Kind, str, dict[str, Number]]:
    every = [part for part in outside(work, number) if part.role == role and part.type == fixed]
    part = max(every, key=lambda item: item.share, default=Outside(role, fixed, 0.0, 0.0, 0.0, 0.0))
    needs, holds = part.needs, part.holds
    numbers: dict[str, Number] = {
        "type": str(fixed), "share outside": part.share, "needs": needs, "holds": holds
    }  # fmt: skip
    how = {"input": "clips", "accum": "cuts off"}.get(role, "saturates")
    kind = {"input": Kind.INPUT_CLIPPED, "accum": Kind.ACCUMULATOR}.get(role, Kind.SATURATION)
    if not fixed.saturates:
        how, kind = "wraps", Kind.WRAP if role == RESULT else kind
    what = {"input": "its type", "accum": "its accumulator"}.get(role, "its result")
    text = f"{what} {fixed} {how} {percent(part.share)} % of values: "
    if not fixed.signed and part.low < 0:
        negative = f"they are {part.low:.4g} to {part.high:.4g}, with negative values; the type is unsigned"
        return kind, f"{text}{negative}: it holds {_held(fixed)}", numbers
    return kind, f"{text}needs {_reached(fixed, needs)}, holds {_held(fixed)}", numbers


def _held(fixed: FixedType) -> str:
    return f"+-{float(fixed.max):.4g}" if fixed.signed else f"0 to {float(fixed.max):.4g}"


def _reached(fixed: FixedType, most: float) -> str:
    return f"+-{most:.4g}" if fixed.signed else f"up to {most:.4g}"


def _coarse(
    work: Measurement, number: int, op: Op, tensor: Tensor, role: str, fixed: FixedType
) -> tuple[Kind, str, dict[str, Number]]:
    values = work.real_unit(number)[tensor]
    size, largest = work.size(values), float(np.abs(values).max(initial=0.0))
    cut = fixed.rounding in (Rounding.TRN, Rounding.TRN_ZERO)
    error = float(fixed.step) / np.sqrt(3.0 if cut else 12.0)  # root mean square
    bits = max(0.0, log2(max(size, LEAST) / error))
    end = float(max(fixed.max, -fixed.min))
    unused = max(0, int(log2(end / largest))) if largest else fixed.width - 1
    numbers: dict[str, Number] = {
        "type": str(fixed), "step": float(fixed.step), "rms": size, "largest": largest,
        "bits of signal": bits, "bits unused": unused,
    }  # fmt: skip
    what = {"input": "its type", "accum": "its accumulator"}.get(role, "its result")
    truncates = ", and truncates" if cut else ""
    text = (
        f"{what} {fixed} has steps of {float(fixed.step):.4g}{truncates}, for values of {size:.4g} rms "
        f"(up to +-{largest:.4g}): {bits:.1f} bits of signal left"
    )
    if unused >= _MANY_UNUSED:
        text += f", while {unused} bits at its upper end are unused"
    if role == INPUT:
        return Kind.INPUT_STEP, text, numbers
    if role == ACCUM:
        return Kind.ACCUMULATOR, text, numbers
    return Kind.UNUSED if unused >= _MANY_UNUSED else Kind.STEP, text, numbers


def _constants(op: Op, role: str) -> tuple[Kind, str, dict[str, Number]]:
    """Of several constants in a role, the one that is farthest off."""
    every = [c for name, c in op.layer.constants().items() if role_of(op, name) == role]
    constant = max(every, key=_off)
    fixed, values = constant.known_type, constant.values
    low, high = float(fixed.min), float(fixed.max)
    half = float(fixed.step) / 2
    beyond = float(np.mean((values > high + half) | (values < low - half)))
    zeros = float(np.mean((constant.effective == 0) & (values != 0)))
    largest = float(np.abs(values).max(initial=0.0))
    called = {"weight": "weights", "bias": "biases"}.get(role, "constants")
    numbers: dict[str, Number] = {
        "type": str(fixed), "largest": largest, "holds": max(high, -low), "share outside": beyond,
        "step": float(fixed.step), "share rounded to zero": zeros, "error": _off(constant),
    }  # fmt: skip
    parts = [f"its {called} are off by {percent(_off(constant), 3)} % in {fixed}"]
    if beyond:
        parts.append(f"{percent(beyond)} % of them are cut off (they reach +-{largest:.4g}, it holds {_held(fixed)})")
    if zeros:
        parts.append(f"{percent(zeros)} % of them become 0 in steps of {float(fixed.step):.4g}")
    elif not beyond:
        parts.append(f"its steps are {float(fixed.step):.4g}, they reach +-{largest:.4g}")
    return Kind.CONSTANT, "; ".join(parts), numbers


def _off(constant: Constant) -> float:
    size = float(np.sqrt(np.mean(np.square(constant.values))))
    return float(np.sqrt(np.mean(np.square(constant.effective - constant.values)))) / max(size, LEAST)


def _are_channels(work: Measurement, number: int, tensor: Tensor) -> bool:
    """Whether the last axis of a tensor is that of what its layer yields: that of a sum for gates is not."""
    own = {op.source.name for op in work.units[number]}
    found = [t for op in work.design for t in op.outputs if op.source.final and own & {s.name for s in op.origins}]
    return work.units[number][0].loop is None and all(t.shape[-1] == tensor.shape[-1] for t in found)


def _dead(work: Measurement, number: int, tensor: Tensor, cost: float) -> list[int]:
    """The channels that a unit kills, if they are few and most of what it costs."""
    chip, real = work.known[tensor], work.real_unit(number)[tensor]
    dead = channels_dead(chip, real)
    if not dead or 2 * len(dead) > tensor.shape[-1] or not _are_channels(work, number, tensor):
        return []
    revived: Floats = chip.copy()
    revived[..., dead] = real[..., dead]
    return dead if work.cost(number, {tensor: revived}) < (1 - _MOST_OF_IT) * cost else []
