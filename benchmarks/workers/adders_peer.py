"""One matrix through alkaid or da4ml, whichever is there, in a process of its own: JSON in, JSON out."""

from __future__ import annotations

import json
import sys
import time


def solved(matrix, slack, ranges):
    """The stages of its solution. Both count full adders by bits, as far as they can be told to."""
    try:
        from alkaid.cmvm import cmvm_solve
    except ImportError:
        from da4ml.cmvm import solve

        return solve(matrix, hard_dc=slack, qintervals=ranges, adder_size=1, carry_size=-1).solutions
    return cmvm_solve(matrix, hard_dc=slack, qintervals=ranges)


def operation(op):
    """Left, right, code (-1: input, 0: sum, 1: difference), shift of the right one: the same of both libraries."""
    if not hasattr(op, "addr"):
        return [int(op.id0), int(op.id1), int(op.opcode), int(op.data)]
    return [int(op.data[0]), -1, -1, 0] if op.opcode == -1 else [*map(int, op.addr), int(op.opcode), int(op.data[0])]


def main() -> None:
    import numpy as np

    asked = json.load(sys.stdin)
    matrix = np.array(asked["matrix"], dtype=np.float32)
    ranges = [(float(low), float(high), 1.0) for low, high in asked["ranges"]]
    solved(np.array([[3.0]], dtype=np.float32), -1, ranges[:1])  # imports are not counted
    wall, processor = time.perf_counter(), time.process_time()
    found = solved(matrix, -1 if asked["slack"] is None else asked["slack"], ranges)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    stages = [
        {
            "input_shifts": [int(n) for n in stage.inp_shifts],
            "operations": [operation(o) for o in stage.ops],
            "outputs": [
                [int(i), int(shift), bool(negative)]
                for i, shift, negative in zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True)
            ],
        }
        for stage in found
    ]
    json.dump({"wall": wall, "processor": processor, "stages": stages}, sys.stdout)


if __name__ == "__main__":
    main()
