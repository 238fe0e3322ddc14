"""A design: operations in order, every type known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod

import numpy as np

from hlsgen.ir.constant import Constant
from hlsgen.ir.op import Op
from hlsgen.ir.text import table
from hlsgen.ir.typing import Tensor
from hlsgen.precision.draft import Estimate


@dataclass(frozen=True, eq=False)
class Design:
    """What is built, by whatever backend: frozen, printable, complete.

    ``ops`` are in topological order and hold one op for each input of the model. ``aliases`` are the source model's
    layers by name, and the tensors that carry their outputs. ``notes`` are what conversion wants the user to know;
    ``estimates`` are behind those of them that say what inferred types are estimated to cost: data may tell better.
    """

    name: str
    ops: tuple[Op, ...]
    outputs: tuple[Tensor, ...]
    output_names: tuple[str, ...]
    aliases: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()
    estimates: tuple[Estimate, ...] = ()

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops)

    def __len__(self) -> int:
        return len(self.ops)

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(op.output for op in self.ops if op.is_input)

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor, in the order in which they are computed."""
        return tuple(tensor for op in self.ops for tensor in op.outputs)

    @cached_property
    def cells(self) -> int:
        """The values that one sample has in all tensors together."""
        return sum(tensor.size for tensor in self.tensors)

    @cached_property
    def products(self) -> int:
        """The multiplications that one sample takes."""
        return sum(op.layer.products * prod(tensor.shape[:-1]) for op in self for tensor in op.outputs)

    def samples_within(self, most: int, cells: int, products: int | None = None) -> int:
        """At most so many samples, fewer where they would have more values or multiplications; one at least."""
        by_products = most if products is None else products // max(1, self.products)
        return max(1, min(most, cells // self.cells, by_products))

    def producer(self, tensor: Tensor) -> Op:
        """The operation that computes a tensor."""
        return self._producers[tensor]

    @cached_property
    def trace_keys(self) -> dict[str, Tensor]:
        """Names of traces and the tensors they stand for: the source model's layers, then inner steps."""
        keys = dict(self.aliases)
        for tensor in self.tensors:
            if not self.is_inside(tensor):
                keys.setdefault(tensor.name, tensor)
        return keys

    def is_inside(self, tensor: Tensor) -> bool:
        """Whether each step of a loop has one."""
        op = self._producers[tensor]
        return op.loop is not None and not (op.layer.border is not None and op.layer.border.role.leaves)

    @cached_property
    def carriers(self) -> dict[Tensor, Tensor]:
        """For every tensor the one whose values it has under another name, as reshapes do; others carry their own."""
        found: dict[Tensor, Tensor] = {}
        for op in self:
            for tensor in op.outputs:
                found[tensor] = found[op.input] if op.layer.renames else tensor
        return found

    @cached_property
    def _producers(self) -> dict[Tensor, Op]:
        return {tensor: op for op in self.ops for tensor in op.outputs}

    # -- text -------------------------------------------------------------------------------

    def __str__(self) -> str:
        """One line an operation: what it is, what it reads, its shape and every type."""
        header = ["name", "operation", "reads", "shape", "constants", "accum", "result"]
        return table(header, [_row(op) for op in self.ops])

    @cached_property
    def digest(self) -> str:
        """A digest of everything that is computed: operations, options, tables, constants, types and outputs."""
        outputs = ", ".join(tensor.name for tensor in self.outputs)
        outputs += "".join(f"\n{tensor}: {tensor.held!r}" for tensor in self.tensors if tensor.held)
        state = hashlib.sha256(f"{self}\n{outputs}".encode())
        for op in self.ops:
            for field in fields(op.layer):
                if not field.compare:  # it changes nothing that is computed
                    continue
                state.update(f"\n{op.name}.{field.name}:".encode())
                state.update(_bits(getattr(op.layer, field.name)))
        return state.hexdigest()[:32]


def _bits(value: object) -> bytes:
    """An option, a constant or a table of a layer, to the last bit."""
    if isinstance(value, Constant):
        return f"{value.type} ".encode() + _bits(value.fixed[0])
    if not isinstance(value, np.ndarray):
        return str(value).encode()
    shape = f"{value.dtype} {value.shape} ".encode()
    return shape + (str(value.tolist()).encode() if value.dtype == object else np.ascontiguousarray(value).tobytes())


def _row(op: Op) -> list[str]:
    constants = op.layer.constants()
    return [
        op.name,
        f"{op.layer.kind} {op.layer.describe()}".strip(),
        ", ".join(tensor.name for tensor in op.inputs),
        " ".join("x".join(map(str, tensor.shape)) for tensor in op.outputs),
        " ".join(f"{name}:{constant.type}" for name, constant in constants.items()),
        " ".join(str(tensor.typing.accum_type) for tensor in op.outputs) if constants and not op.is_input else "",
        " ".join(str(tensor.type) for tensor in op.outputs),
    ]
