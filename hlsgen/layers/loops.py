"""The borders of a loop: what goes into one of its steps, what passes from step to step, what comes out.

They move values and compute nothing; :mod:`hlsgen.ir.loop` says how they are executed. A state has one type: that of
what is carried on, to which what the loop starts with is cast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer, Packing
from hlsgen.ir.loop import Border, Loop, Role


@dataclass(frozen=True, eq=False)
class LoopBorder(Layer):
    """Base of the borders. What it computes of one step's values is those values."""

    packing = Packing.NONE
    pure = True
    casts = frozenset()
    structural = True
    local = False
    loop: Loop

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return inputs[0]

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        return inputs[0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]

    def describe(self) -> str:
        return f"{self.loop.name} x{self.loop.steps}"


@dataclass(frozen=True, eq=False)
class TakeStep(LoopBorder):
    """The part of a sequence (steps, *shape) that belongs to a step; ``backwards``: the last first."""

    kind = "TakeStep"
    picks = True
    backwards: bool = False

    @property
    def border(self) -> Border:
        return Border(Role.STEP, self.loop, backwards=self.backwards)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if len(shapes[0]) < 2 or shapes[0][0] != self.loop.steps:
            raise ValueError(f"a loop of {self.loop.steps} steps needs as many along the first axis, and another axis")
        return shapes[0][1:]


@dataclass(frozen=True, eq=False)
class State(LoopBorder):
    """What the last step carried on. At first it is the only input, if it has one, else zero."""

    kind = "State"
    pure = False  # but where the model itself casts what is carried on: then its wish says so
    structural = False
    casts = frozenset({"result"})
    slot: str
    shape: Shape
    starts: bool = False
    """Whether it reads what the loop starts with."""

    @property
    def arity(self) -> int:  # type: ignore[override]
        return int(self.starts)

    @property
    def border(self) -> Border:
        return Border(Role.STATE, self.loop, self.slot)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if shapes and shapes[0] != self.shape:
            raise ValueError(f"the state has shape {self.shape}")
        return self.shape

    def describe(self) -> str:
        return f"{self.slot} of {super().describe()}"


@dataclass(frozen=True, eq=False)
class Carry(LoopBorder):
    """What the state of that slot is in the next step."""

    kind = "Carry"
    structural = False
    casts = frozenset({"result"})
    slot: str

    @property
    def border(self) -> Border:
        return Border(Role.CARRY, self.loop, self.slot)

    def describe(self) -> str:
        return f"{self.slot} of {super().describe()}"


@dataclass(frozen=True, eq=False)
class KeepSteps(LoopBorder):
    """The values of all steps: (*shape) becomes (steps, *shape), in the order in which they were computed.

    ``backwards``: the last first.
    """

    kind = "KeepSteps"
    backwards: bool = False

    @property
    def border(self) -> Border:
        return Border(Role.STEPS, self.loop, backwards=self.backwards)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return (self.loop.steps, *shapes[0])


@dataclass(frozen=True, eq=False)
class KeepLast(LoopBorder):
    """The value of the last step."""

    kind = "KeepLast"

    @property
    def border(self) -> Border:
        return Border(Role.LAST, self.loop)
