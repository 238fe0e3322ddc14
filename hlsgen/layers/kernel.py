"""What a node hands to the code generator: a kernel's name, its config struct, its constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hlsgen.ir.graph import Node
from hlsgen.ir.types import FixedType, Ints

Field = int | bool | str | FixedType


@dataclass(frozen=True, eq=False)
class ConstantArray:
    """Integer words of a weight array or table, flat, in the order the kernel reads them."""

    role: str
    words: Ints
    width: int
    signed: bool

    @classmethod
    def of(cls, role: str, mantissas: Ints, fixed: FixedType) -> ConstantArray:
        return cls(role, np.ascontiguousarray(mantissas).reshape(-1), fixed.width, fixed.signed)


@dataclass(frozen=True, eq=False)
class Kernel:
    """One call of a C++ kernel template.

    ``fields`` become members of the config struct: integers and booleans ``static const``,
    FixedTypes ``typedef``, a :class:`Word` the storage word of a type, strings verbatim
    enumerators of the kernel headers.
    """

    function: str
    header: str
    fields: Mapping[str, Field | Word]
    constants: tuple[ConstantArray, ...] = field(default=())


@dataclass(frozen=True)
class Word:
    """``hlsgen::mantissa`` of a type."""

    type: FixedType


def typed(node: Node) -> dict[str, Field | Word]:
    """The fields every kernel has."""
    assert node.output.type is not None
    fields: dict[str, Field | Word] = {}
    if node.inputs:
        assert node.input.type is not None
        fields["input_t"] = node.input.type
    fields["output_t"] = node.output.type
    fields["reuse_factor"] = node.settings.reuse_factor
    fields["strategy"] = f"hlsgen::strategy::{node.settings.strategy}"
    return fields


def summed(node: Node) -> dict[str, Field | Word]:
    """The exact sum and the accumulator it is cast to."""
    assert node.sum_type is not None and node.accum_type is not None
    return {"sum_t": node.sum_type, "accum_t": node.accum_type}
