"""Products of two computed matrices."""

from __future__ import annotations

from math import gcd, prod

from hlsgen.backends.hls.kernel import Kernel, Members, call_of_two, kernel_of, summed
from hlsgen.backends.hls.kernels.linear import Turns
from hlsgen.backends.hls.timing import HoldingMatrices
from hlsgen.ir.op import Op
from hlsgen.layers.matmul import MatMul


@kernel_of(MatMul)
def matmul(layer: MatMul, op: Op) -> Kernel:
    turns = Turns.of(op, layer.products)
    depth_turns = gcd(turns.turns, layer.depth)
    column_turns = turns.turns // depth_turns
    lines, line = op.inputs[1].shape[-2:]
    line_turns = depth_turns if layer.transposed else column_turns
    matrices, rows = prod(op.output.shape[:-2]), op.output.shape[-2]
    members: Members = {
        **summed(op),
        "matrices": matrices,
        "rows": rows,
        "n_in": layer.depth,
        "n_out": layer.columns,
        "transposed": layer.transposed,
        "lines": lines,
        "line": line,
        "line_turns": line_turns,
    }
    schedule: Members = {
        "depth_turns": depth_turns,
        "column_turns": column_turns,
        "multipliers": turns.multipliers,
        "interval": turns.interval,
    }
    timing = HoldingMatrices(
        matrices=matrices,
        rows=rows,
        lines=lines,
        line_turns=line_turns,
        turns=turns.turns,
        interval=turns.interval,
        depth=turns.depth(layer.depth),
    )
    return call_of_two(op, "matmul", "matmul.h", members, small=False, schedule=schedule, timing=timing)
