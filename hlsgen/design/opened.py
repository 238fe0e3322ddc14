"""What stands inside of loops, seen from outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hlsgen.design.design import Design
from hlsgen.ir.loop import Loop, units
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Wish
from hlsgen.layers.loops import KeepSteps


def opened(design: Design) -> tuple[Design, dict[str, Tensor]]:
    """The design with the values inside of its loops handed out, and those by the names they have inside.

    Each is (steps, *shape), in the order in which the steps are computed. The outputs stay as they are.
    """
    ops: list[Op] = []
    found: dict[str, Tensor] = {}
    for unit in units(design):
        ops += unit
        loop = unit[0].loop
        for tensor in _inside(design, unit) if loop is not None else ():
            assert loop is not None
            found[tensor.name] = every = _of_all_steps(tensor, loop)
            kept = Op(every.name, KeepSteps(loop), (tensor,), (every,), Wish(), unit[0].source, loop=loop)
            ops.append(kept)
    return replace(design, ops=tuple(ops)), found


def _inside(design: Design, unit: list[Op]) -> Iterator[Tensor]:
    return (tensor for op in unit for tensor in op.outputs if design.is_inside(tensor))


def _of_all_steps(tensor: Tensor, loop: Loop) -> Tensor:
    return replace(tensor, name=f"{tensor.name}_steps", shape=(loop.steps, *tensor.shape))
