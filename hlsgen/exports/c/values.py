"""Which values of a design need memory of their own, and for how long."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.design.design import Design
from hlsgen.exports.c.function import Function
from hlsgen.exports.c.memory import Block
from hlsgen.exports.c.numbers import storage_of
from hlsgen.ir.loop import Role, units
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor


class Values:
    """The tensors of a design, seen as memory.

    A tensor that is another one under a second name has its memory (its *root*). A moment is an operation, or the end
    of a step of a loop, when states are handed on.
    """

    def __init__(self, design: Design, functions: Mapping[Op, Function]) -> None:
        self._design, self._functions = design, functions
        self._producers = {tensor: op for op in design for tensor in op.outputs}
        self.moments: dict[Op, int] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        """The first moment of each loop, and its end."""
        self._count_moments()
        self._roots: dict[Tensor, Tensor] = {}
        for op in design:
            for tensor in op.outputs:
                self._roots[tensor] = self._roots[op.input] if self.is_alias(op) else tensor
        self._last = self._last_reads()
        self.blocks = self._blocks()
        """By root; of inputs there are none."""

    def _count_moments(self) -> None:
        moment = 0
        for unit in units(op for op in self._design if not op.is_input):
            first = moment
            for op in unit:
                self.moments[op] = moment
                moment += 1
            if unit[0].loop is not None:
                self._spans[unit[0].loop.name] = first, moment
                moment += 1
        self._end = moment

    def root(self, tensor: Tensor) -> Tensor:
        """Whose memory a tensor has."""
        return self._roots[tensor]

    def is_alias(self, op: Op) -> bool:
        """Whether its result is its input, in its input's memory."""
        if op.is_input or not op.inputs or not self._casts_nothing(op):
            return False
        border = op.layer.border
        if border is None:
            return op.layer.renames
        return border.role is Role.LAST and self._stays(op.input)

    def is_view(self, op: Op) -> bool:
        """Whether its result is a part of its input's memory, another one in each step."""
        border = op.layer.border
        return border is not None and border.role is Role.STEP and self._casts_nothing(op)

    def _casts_nothing(self, op: Op) -> bool:
        same = storage_of(op.input) == storage_of(op.outputs[0])
        return same and all(not cast.steps for cast in self._functions[op].results)

    def _stays(self, tensor: Tensor) -> bool:
        """Whether a value inside of a loop is still there behind the last step."""
        while self._producers[tensor].layer.renames:
            tensor = self._producers[tensor].input
        border = self._producers[tensor].layer.border
        return border is None or border.role is Role.CARRY

    def _last_reads(self) -> dict[Tensor, int]:
        """By root, when a value is read for the last time: what stands outside of a loop, at its end."""
        found: dict[Tensor, int] = {}
        for op, moment in self.moments.items():
            for tensor in op.inputs:
                outside = op.loop is not None and self._producers[self._roots[tensor]].loop != op.loop
                read = self._spans[op.loop.name][1] if outside and op.loop is not None else moment
                found[self._roots[tensor]] = max(read, found.get(self._roots[tensor], 0))
        return found | {self._roots[tensor]: self._end for tensor in self._design.outputs}

    def _blocks(self) -> dict[Tensor, Block]:
        found: dict[Tensor, Block] = {}
        kept = {self._roots[tensor] for tensor in self._design.outputs}
        for op, moment in self.moments.items():
            if self.is_alias(op) or self.is_view(op):
                continue
            first, last = self._life(op, moment)
            for tensor in op.outputs:
                end = max(last, self._last.get(tensor, last))
                before = None if tensor in kept else self._replaced(op, moment, found)
                if before is None:
                    found[tensor] = Block(storage_of(tensor), tensor.size, first, end)
                else:
                    found[tensor] = before
                    before.last = end
        return found

    def _life(self, op: Op, moment: int) -> tuple[int, int]:
        """From when till when a result is needed, whoever reads it."""
        border = op.layer.border
        if border is None or op.loop is None:
            return moment, moment
        first, end = self._spans[op.loop.name]
        return {
            Role.STATE: (first, end),
            Role.CARRY: (moment, end),
            Role.STEPS: (first, end),
        }.get(border.role, (moment, moment))

    def _replaced(self, op: Op, moment: int, blocks: Mapping[Tensor, Block]) -> Block | None:
        """The memory of an input that nobody reads any more, where the result may stand."""
        if op.layer.border is not None or not self._functions[op].in_place:
            return None
        root = self._roots[op.input]
        block = blocks.get(root)
        if block is None or self._last[root] != moment or self._lives_on(root):
            return None
        fits = block.storage.bits == storage_of(op.output).bits and root.size == op.output.size
        return block if fits else None

    def _lives_on(self, root: Tensor) -> bool:
        border = self._producers[root].layer.border
        return border is not None and border.role in (Role.STATE, Role.CARRY)
