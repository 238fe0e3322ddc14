"""A fitted pipeline as plain facts: operations with their constants, and the input that the numbers go to."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.data.operations import Numbers, Operation
from hlsgen.data.ports import InputPort, input_port
from hlsgen.errors import InputError
from hlsgen.ir.text import is_storable, table

_SHOWN = 64


@dataclass(frozen=True)
class Recipe:
    """What becomes of each feature. Raises InputError where constants, names or the input are of another number."""

    operations: tuple[Operation, ...]
    features: int
    """Of the last axis."""
    names: tuple[str, ...] = ()
    """Of the features, where they are known."""
    classes: tuple[str, ...] = ()
    """Names of the classes by number, where they are known."""
    port: InputPort | None = None
    """The input that the numbers go to, once that is known."""
    notes: tuple[str, ...] = ()
    """What fitting had to say."""

    def __post_init__(self) -> None:
        lengths = {len(numbers) for o in self.operations for numbers in o.constants.values()} - {1, self.features}
        if self.features < 1 or lengths:
            raise InputError(f"a pipeline of {self.features} features has constants of {sorted(lengths)}")
        if self.names and len(self.names) != self.features:
            raise InputError(f"a pipeline of {self.features} features has {len(self.names)} names")
        wrong = [name for name in (*self.names, *self.classes) if not is_storable(name)]
        if wrong:
            raise InputError(f"the name {wrong[0]!r} holds what no file takes; give another")
        if self.port is not None:
            input_port(self.port, None, self.features)

    def name_of(self, place: int) -> str:
        """Of a feature: its name, or its number."""
        return self.names[place] if self.names else str(place)

    def __str__(self) -> str:
        header = ["feature", *(f"{o.name}.{name}" for o in self.operations for name in o.constants)]
        columns = [numbers for o in self.operations for numbers in o.constants.values()]
        shown = range(min(self.features, _SHOWN))
        rows = [[self.name_of(at), *(f"{one_of(numbers, at):.6g}" for numbers in columns)] for at in shown]
        more = [f"... and {self.features - len(shown)} more features"] if self.features > len(shown) else []
        steps = " -> ".join(map(str, self.operations)) or "as it is"
        lines = [f"{self.features} features: {steps}", table(header, rows), *more]
        lines += [] if self.port is None else [f"for input {self.port}"]
        return "\n".join([*lines, *self.notes])


def one_of(numbers: Numbers, place: int) -> float:
    """The number of a feature, where there may be a single one for all."""
    return numbers[place] if len(numbers) > 1 else numbers[0]
