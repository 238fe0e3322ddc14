"""Types that the configuration gives many layers at once (``defaults``, ``layer_types``), to be made wider there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hlsgen.analysis.diagnosis.fragments import Fragment, of_class, of_defaults
from hlsgen.analysis.diagnosis.measurement import Measurement
from hlsgen.analysis.diagnosis.survey import limit_for
from hlsgen.config import Config
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import By

_SUFFERS = 0.25
"""A layer suffers from a type if it costs so much of what one may."""
_MANY = 3


@dataclass(frozen=True)
class Level:
    """Where the configuration says a type: for layers of a class, or, without one, for all."""

    class_name: str | None

    def fragment(self, types: dict[str, FixedType | str]) -> Fragment:
        return of_defaults(types) if self.class_name is None else of_class(self.class_name, types)


def level_of(op: Op, role: str, config: Config) -> Level | None:
    """The level that an operation's type in a role comes from; None if it is of its layer by name, or inferred."""
    wished = op.wish.types.get(role)
    if wished is None or wished.by is not By.CONFIGURATION or op.is_input:
        return None
    for source in op.origins:
        settings = config.layer_types.get(source.class_name)
        if settings is not None and getattr(settings.precision, role) is not None:
            return Level(source.class_name)
    return Level(None)


def roles_at(ops: Sequence[Op], level: Level, config: Config) -> tuple[str, ...]:
    """The roles whose types operations have from a level."""
    return tuple(dict.fromkeys(role for op in ops for role in op.wish.types if level_of(op, role, config) == level))


def members(work: Measurement, level: Level, role: str, config: Config) -> Iterator[tuple[int, Op]]:
    """The operations that have their type in a role from a level, and the units they are in."""
    for number, unit in enumerate(work.units):
        yield from ((number, op) for op in unit if level_of(op, role, config) == level)


def many_suffer(work: Measurement, level: Level, role: str, config: Config, costs: Sequence[float]) -> bool:
    """Whether the types of a level cost much in many layers; ``costs``: of each unit."""
    numbers = {number for number, _ in members(work, level, role, config)}
    width = config.default_width
    limits = {number: max(limit_for(op, width) for op in work.units[number]) for number in numbers}
    return sum(costs[number] > _SUFFERS * limits[number] for number in numbers) >= _MANY
