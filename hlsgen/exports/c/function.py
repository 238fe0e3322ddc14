"""What the C function of an operation is made of, and who makes it for each layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from hlsgen.errors import UnsupportedError
from hlsgen.exports.c.numbers import (
    Cast,
    Range,
    Storage,
    TooWideError,
    cast_to,
    casts_of,
    of_type,
    of_values,
    proved,
    storage,
    storage_of,
    word_of,
)
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints


@dataclass(frozen=True, eq=False)
class Table:
    """Constants of a function, as an array of C."""

    role: str
    values: Ints
    about: str

    @property
    def storage(self) -> Storage:
        return storage(of_values(self.values))

    @property
    def bytes(self) -> int:
        return self.values.size * self.storage.bytes

    @cached_property
    def content(self) -> tuple[object, str]:
        """What equal tables have in common."""
        return self.values.shape, str(self.values.reshape(-1).tolist())


@dataclass(frozen=True)
class Scratch:
    """Memory that a function needs while it runs: a parameter of that name."""

    name: str
    storage: Storage
    size: int


@dataclass(frozen=True, eq=False)
class Function:
    """The C function of an operation: a template of ``hls_templates/c/functions`` and what it is told."""

    template: str
    word: int
    """Bits of the words in which it computes."""
    results: tuple[Cast, ...]
    """What becomes of each output's exact result."""
    values: Mapping[str, object] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    in_place: bool = False
    """Whether an element of the result may take the place of that of the (first) input: it is read before."""
    products: int = 0
    """Multiplications of values (not shifts) in one call."""


Builder = Callable[[Any, Op], Function]
B = TypeVar("B", bound=Builder)
BUILDERS: dict[type[Layer], Builder] = {}


def function_of(*kinds: type[Layer]) -> Callable[[B], B]:
    """Register the builder of the function of some layers."""

    def register(builder: B) -> B:
        for kind in kinds:
            assert kind not in BUILDERS, f"{kind.__name__} has two functions"
            BUILDERS[kind] = builder
        return builder

    return register


def build_function(op: Op) -> Function:
    """The function of an operation. Raises UnsupportedError, naming its layer, for what cannot be computed in C."""
    builder = BUILDERS.get(type(op.layer))
    if builder is None:
        raise UnsupportedError(f"{op.source.where}: {op.layer.kind} cannot be exported as C yet")
    try:
        for tensor in (*op.inputs, *op.outputs):
            storage_of(tensor)
        return builder(op.layer, op)
    except TooWideError as error:
        raise UnsupportedError(
            f"{op.source.where}: {op.layer.kind} needs {error}, the C library computes with up to 64; give the layer "
            "or its input a narrower type"
        ) from None


def made(
    template: str,
    op: Op,
    frac: int,
    values: Mapping[str, object],
    *,
    ranges: Iterable[Range] = (),
    tables: Iterable[Table] = (),
    scratch: Iterable[Scratch] = (),
    in_place: bool = False,
    products: int = 0,
) -> Function:
    """The function of an operation whose exact results are on one grid.

    ``values``: what the template is told; ``ranges``: what is computed on the way, besides inputs, constants and the
    casts of the results. Raises TooWideError.
    """
    results = tuple(cast_to(proved(t.typing, frac), frac, *casts_of(t.typing)) for t in op.outputs)
    held = tuple(tables)
    every = [*ranges, *(r for cast in results for r in cast.ranges), *(of_type(t.type) for t in op.inputs)]
    word = word_of([*every, *(of_values(t.values) for t in held)])
    return Function(template, word, results, values, held, tuple(scratch), in_place, products)
