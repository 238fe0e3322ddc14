"""How a layer becomes a call of a C++ kernel: the kernel's name, its config struct, its constants.

A binding is a function ``(layer, op) -> Kernel`` registered by :func:`kernel_of`; those of all layers are in the
folder ``kernels``. Layers know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeVar

import numpy as np

from hlsgen.backends.hls.adders import Adders
from hlsgen.backends.hls.headers import header_names
from hlsgen.backends.hls.lanes import Lanes
from hlsgen.backends.hls.timing import Passing, Timing
from hlsgen.errors import DesignError, UnsupportedError, nearest
from hlsgen.ir.constant import Shape
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op
from hlsgen.ir.types import WIDEST_WORD, FixedType, Ints
from hlsgen.ir.wish import Storage, Strategy, WeightSource
from hlsgen.passes.choose_hardware import MOST_MULTIPLIERS

_PASSING = Passing()


@dataclass(frozen=True)
class Word:
    """A member of the config struct: ``hlsgen::mantissa`` of a type, the word that its constants are stored in."""

    type: FixedType


@dataclass(frozen=True)
class Enumerator:
    """A member of the config struct: a value of an enumeration of the kernel headers."""

    enumeration: str
    value: str


@dataclass(frozen=True)
class TypeOf:
    """A member of the config struct: the type under which a constant is declared, by its role."""

    role: str


Member = int | bool | FixedType | Word | Enumerator | TypeOf
Members = Mapping[str, Member]


@dataclass(frozen=True, eq=False)
class ConstantArray:
    """Integer words of a weight array or table, flat, in the order the kernel reads them.

    Raises DesignError for words of another number than ``shape`` has, or that ``width`` bits do not hold.
    """

    role: str
    words: Ints
    width: int
    signed: bool
    shape: Shape
    axes: str
    """What the axes of ``shape`` are, the last one running fastest: "output, input"."""
    row: int | None = None
    """If given, the words are declared as rows of so many, which divide them."""
    source: WeightSource = WeightSource.CONSTANT
    """Whether it is part of the design's text, or comes from outside."""
    lanes: Lanes | None = None
    """If given, it is declared as these (in the emulator, where nothing is spread over turns, as the words)."""
    adders: Adders | None = None
    """The same of shared adders."""

    def __post_init__(self) -> None:
        if self.words.shape != (prod(self.shape),) or not self.words.size:
            raise DesignError(f"constant '{self.role}' has {self.words.shape} words, expected {prod(self.shape)}")
        held = FixedType(self.width, self.width, self.signed)
        low, high = int(self.words.min()), int(self.words.max())
        if not held.min_mantissa <= low <= high <= held.max_mantissa:
            raise DesignError(
                f"constant '{self.role}' has words from {low} to {high}; {self.width} bits"
                f"{'' if self.signed else ', unsigned,'} hold {held.min_mantissa} to {held.max_mantissa}"
            )
        if self.row is not None and self.words.size % self.row:
            raise DesignError(f"constant '{self.role}' has {self.words.size} words, which are no rows of {self.row}")

    @property
    def extents(self) -> tuple[int, ...]:
        """Of the array in C++."""
        size = int(self.words.size)
        return (size,) if self.row is None else (size // self.row, self.row)

    @classmethod
    def of(cls, role: str, mantissas: Ints, fixed: FixedType, axes: str) -> ConstantArray:
        words = np.ascontiguousarray(mantissas).reshape(-1)
        return cls(role, words, fixed.width, fixed.signed, mantissas.shape, axes)


@dataclass(frozen=True, eq=False)
class Kernel:
    """One call of a C++ kernel template.

    ``members`` become the config struct: integers and booleans ``static const``, FixedTypes ``typedef``. All of them
    are read by the kernel (a test looks). Raises DesignError for an integer that no C++ literal of 64 bits is.
    """

    function: str
    header: str
    members: Members
    constants: tuple[ConstantArray, ...] = ()
    strategy: Strategy = Strategy.LATENCY
    reuse_factor: int = 1
    small: bool = True
    """Whether it is small enough to be unrolled into one pipeline with its neighbours."""
    storage: Storage = Storage.AUTO
    """The memory of constants that are declared as rows, and read a word a step."""
    timing: Timing = _PASSING
    """When it reads and writes; a word of every stream a step, if its binding says nothing else."""
    multipliers: int = 0
    """How many it needs for a position."""
    positions: int = 1
    """How often it needs them."""

    def __post_init__(self) -> None:
        for name, member in self.members.items():
            if isinstance(member, int) and not -_LITERALS <= member < _LITERALS:
                raise DesignError(f"'{name}' of kernel {self.function} is {member}, which 64 bits do not hold")

    @property
    def groups(self) -> dict[str, Members]:
        """The members as they are printed: types, shape (with what is chosen by it), schedule."""
        found: dict[str, dict[str, Member]] = {"types": {}, "shape": {}, "schedule": {}}
        for name, member in self.members.items():
            typed = isinstance(member, FixedType | Word | TypeOf)
            found["types" if typed else "schedule" if name in _SCHEDULE else "shape"][name] = member
        return {title: members for title, members in found.items() if members}

    @property
    def unrolls(self) -> bool:
        """Whether it can be part of one flat pipeline: all its positions at once are still few products."""
        return self.small and self.strategy.is_one_turn and self.multipliers * self.positions <= MOST_MULTIPLIERS

    def pipelined(self, interval: int) -> Kernel:
        """The same in a flat pipeline of ``interval`` cycles: all positions at once, which share multipliers so long.

        Its functions become pipelines of that interval, and as many multipliers their limit.
        """
        of_pixel = self.members.get("multipliers")
        pixels = max(self.multipliers // of_pixel, 1) if isinstance(of_pixel, int) else 1
        multipliers = max(-(-self.multipliers * self.positions * self.reuse_factor // (interval * pixels)), 1)
        said = {
            "reuse_factor": interval,
            "interval": interval,
            "multipliers": multipliers,
            "all_multipliers": multipliers * pixels,
        }
        return replace(self, members={name: said.get(name, member) for name, member in self.members.items()})


_LITERALS = 1 << 63
_SCHEDULE = frozenset(
    """
    reuse_factor strategy turns tap_turns output_turns depth_turns column_turns multipliers interval
    parallel_rows parallel_columns all_multipliers lanes adders
    """.split()
)
Binding = Callable[[Any, Op], Kernel]
L = TypeVar("L", bound=Layer)
BINDINGS: dict[type[Layer], Binding] = {}


def kernel_of(kind: type[L]) -> Callable[[Callable[[L, Op], Kernel]], Callable[[L, Op], Kernel]]:
    """Register the binding of a layer."""

    def register(binding: Callable[[L, Op], Kernel]) -> Callable[[L, Op], Kernel]:
        if kind in BINDINGS:
            raise TypeError(f"{kind.__name__} is bound twice: {BINDINGS[kind].__module__} has it")
        BINDINGS[kind] = binding
        return binding

    return register


def bind(op: Op) -> Kernel:
    """The kernel call of an operation.

    Raises UnsupportedError for a layer that has no kernel, or one without text, and for types wider than any executor
    computes in; DesignError for constants whose words do not fit their type.
    """
    binding = BINDINGS.get(type(op.layer))
    if binding is None:
        raise UnsupportedError(
            f"{op.source.where}: there is no C++ kernel for {op.layer.kind}; use "
            "another backend, or bind one with hlsgen.backends.hls.kernel.kernel_of"
        )
    try:
        kernel = binding(op.layer, op)
    except DesignError as error:
        raise DesignError(f"{op.source.where}: {error}") from error
    if kernel.header not in header_names():
        raise UnsupportedError(
            f"{op.source.where}: the kernel of {op.layer.kind} is to be in "
            f"hls_templates/firmware/hlsgen/{kernel.header}, or registered with it; there is none"
            f"{nearest(kernel.header, header_names())}"
        )
    for name, member in kernel.members.items():
        if isinstance(member, FixedType) and member.width > WIDEST_WORD:
            raise UnsupportedError(
                f"{op.source.where}: '{name}' of {op.layer.kind} has {member.width} bits, at most {WIDEST_WORD} are "
                "supported; give its inputs, weights or result narrower types"
            )
    return kernel


def call(
    op: Op,
    function: str,
    header: str,
    members: Members,
    *constants: ConstantArray,
    small: bool = True,
    schedule: Members | None = None,
    timing: Timing | None = None,
    multipliers: int | None = None,
) -> Kernel:
    """The kernel call of an operation with one input: ``members`` behind those that every kernel has.

    ``schedule`` stands for the reuse factor where a kernel wants to know more of it; ``multipliers`` are those built,
    if they are not the layer's products over its reuse factor.
    """
    common: dict[str, Member] = {"input_t": op.input.type, "output_t": op.output.type}
    common |= _schedule(op) if schedule is None else schedule
    kernel = _kernel(op, function, header, common | dict(members), constants, small=small, timing=timing)
    return kernel if multipliers is None else replace(kernel, multipliers=multipliers)


def call_of_two(
    op: Op,
    function: str,
    header: str,
    members: Members,
    *,
    small: bool = True,
    schedule: Members | None = None,
    timing: Timing | None = None,
) -> Kernel:
    """The same for an operation with two inputs."""
    a, b = op.inputs
    common: dict[str, Member] = {"output_t": op.output.type}
    common |= _schedule(op) if schedule is None else schedule
    common |= {"input0_t": a.type, "input1_t": b.type}
    return _kernel(op, function, header, common | dict(members), small=small, timing=timing)


def call_into_two(op: Op, function: str, header: str, members: Members, *, timing: Timing | None = None) -> Kernel:
    """The same for an operation with one input and two outputs."""
    a, b = op.outputs
    common: dict[str, Member] = {"input_t": op.input.type, "output0_t": a.type, "output1_t": b.type}
    return _kernel(op, function, header, common | _schedule(op) | dict(members), timing=timing)


def _kernel(
    op: Op,
    function: str,
    header: str,
    members: Members,
    constants: tuple[ConstantArray, ...] = (),
    *,
    small: bool = True,
    timing: Timing | None,
) -> Kernel:
    return Kernel(
        function,
        header,
        members,
        constants,
        op.strategy,
        op.reuse_factor,
        small,
        op.storage,
        Passing(interval=op.reuse_factor) if timing is None else timing,
        -(-op.layer.products // op.reuse_factor) * op.parallelization,
        prod(op.outputs[0].shape[:-1]) // op.parallelization,
    )


def _schedule(op: Op) -> dict[str, Member]:
    return {"reuse_factor": op.reuse_factor}


def summed(op: Op) -> Members:
    """The exact sum and the accumulator it is cast to."""
    typing = op.output.typing
    return {"sum_t": typing.sum_type, "accum_t": typing.accum_type}
