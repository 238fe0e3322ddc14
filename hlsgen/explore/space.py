"""What a search may choose: axes, the values on each, and what each value sets in the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from hlsgen.config import WIDTH_ROLES

SettingPath = tuple[str, ...]
"""The keys of a setting from the top of a configuration: ``("layers", "fc1", "precision", "weight")``."""
Assigned = tuple[tuple[SettingPath, Any], ...]
"""Settings and their values, as YAML writes them."""
Steps = tuple[int, ...]
"""A point as numbers: the place on each dimension of each axis."""


@dataclass(frozen=True)
class Dimension:
    """A direction in which a search can go: so many places, in an order that means something or not."""

    size: int
    ordered: bool


@dataclass(frozen=True)
class Axis:
    """One choice: a name, its values, and the settings that each of them stands for.

    The values of a type with several ranges (``fixed<4..8,1..3>``) lie on a grid, with a dimension for each of them.
    """

    name: str
    values: tuple[Any, ...]
    """As YAML writes them: texts, numbers, booleans, lists."""
    settings: tuple[Assigned, ...]
    """What each value sets."""
    dimensions: tuple[Dimension, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_ordered(self) -> bool:
        """Whether its values go from one end to the other, as widths do; for what draws them."""
        return len(self.dimensions) == 1 and self.dimensions[0].ordered

    @property
    def paths(self) -> tuple[SettingPath, ...]:
        """All settings that it chooses."""
        return tuple(dict.fromkeys(path for assigned in self.settings for path, _ in assigned))

    def index(self, value: Any) -> int:
        """The place of a value. Raises ValueError for what is none."""
        return next(i for i, known in enumerate(self.values) if same(known, value))


@dataclass(frozen=True)
class Space:
    """All points that there are to choose from: every value of each axis with every value of the others."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> int:
        """How many points there are."""
        return prod(len(axis) for axis in self.axes)

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Those of all axes, one behind the other."""
        return tuple(dimension for axis in self.axes for dimension in axis.dimensions)

    def indices(self, steps: Steps) -> tuple[int, ...]:
        """The number of the value on each axis."""
        found, place = [], iter(steps)
        for axis in self.axes:
            index = 0
            for dimension in axis.dimensions:
                index = index * dimension.size + next(place)
            found.append(index)
        return tuple(found)

    def point(self, steps: Steps) -> dict[str, Any]:
        """The value on each axis by its name."""
        return {axis.name: axis.values[i] for axis, i in zip(self.axes, self.indices(steps), strict=True)}

    def steps(self, point: Mapping[str, Any]) -> Steps:
        """The reverse of :meth:`point`. Raises KeyError or StopIteration for what is no point of this space."""
        found: list[int] = []
        for axis in self.axes:
            index, places = axis.index(point[axis.name]), []
            for dimension in reversed(axis.dimensions):
                index, place = divmod(index, dimension.size)
                places.append(place)
            found += reversed(places)
        return tuple(found)

    def assigned(self, point: Mapping[str, Any]) -> Assigned:
        """The settings of a point."""
        return tuple(pair for axis in self.axes for pair in axis.settings[axis.index(point[axis.name])])

    def numbered(self, number: int) -> Steps:
        """The point of a number from 0 on: the last dimension goes fastest."""
        places = []
        for dimension in reversed(self.dimensions):
            number, place = divmod(number, dimension.size)
            places.append(place)
        return tuple(reversed(places))

    def number(self, steps: Steps) -> int:
        """The number of a point."""
        found = 0
        for place, dimension in zip(steps, self.dimensions, strict=True):
            found = found * dimension.size + place
        return found

    # -- as JSON ----------------------------------------------------------------------------------

    def as_json(self) -> list[dict[str, Any]]:
        """What files hold of it."""
        return [
            {
                "name": axis.name,
                "values": list(axis.values),
                "settings": [[[list(path), value] for path, value in assigned] for assigned in axis.settings],
                "dimensions": [[dimension.size, dimension.ordered] for dimension in axis.dimensions],
            }
            for axis in self.axes
        ]

    @classmethod
    def of_json(cls, entries: Sequence[Mapping[str, Any]]) -> Space:
        """The reverse of :meth:`as_json`. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(tuple(_axis_of_json(entry) for entry in entries))


def _axis_of_json(entry: Mapping[str, Any]) -> Axis:
    settings = tuple(_assigned_of_json(assigned) for assigned in entry["settings"])
    dimensions = tuple(Dimension(int(size), bool(ordered)) for size, ordered in entry["dimensions"])
    axis = Axis(str(entry["name"]), tuple(entry["values"]), settings, dimensions)
    if not len(axis.values) == len(settings) == prod(dimension.size for dimension in dimensions):
        raise ValueError(f"axis {axis.name}: {len(axis.values)} values, {len(settings)} settings, {dimensions}")
    return axis


def _assigned_of_json(entries: Sequence[Any]) -> Assigned:
    return tuple((tuple(map(str, path)), value) for path, value in entries)


def same(one: Any, other: Any) -> bool:
    """Whether two values of YAML are the same: ``true`` is not 1, ``1`` is not ``1.0``."""
    return type(one) is type(other) and bool(one == other)


def merged(base: Mapping[str, Any], assigned: Assigned, inputs: Sequence[str] = ()) -> dict[str, Any]:
    """A configuration with other settings in it; ``base`` stays as it is.

    What one word says for several settings is spelt out where one of them is set: a layer's ``precision: fixed<16,6>``,
    or one ``input_precision`` for all ``inputs``.
    """
    found = dict(base)
    for path, value in assigned:
        below = found
        for depth, key in enumerate(path[:-1]):
            below[key] = _opened(path[: depth + 1], below.get(key), inputs)
            below = below[key]
        below[path[-1]] = value
    return found


def _opened(path: SettingPath, value: Any, inputs: Sequence[str]) -> dict[str, Any]:
    """What stands at a path, as a mapping of its own."""
    if isinstance(value, Mapping):
        return dict(value)
    if value is None or value == "auto":
        return {}
    if path == ("input_precision",):
        return dict.fromkeys(inputs, value)
    return dict.fromkeys(WIDTH_ROLES if path[-1] == "width" else ("weight", "bias", "result"), value)
