"""Values divided by a statistic of themselves."""

from __future__ import annotations

from math import prod

from hlsgen.backends.hls.kernel import Kernel, Members, Word, call, kernel_of
from hlsgen.backends.hls.kernels.pieces import members_of_pieces
from hlsgen.backends.hls.schedule import pipeline_depth
from hlsgen.backends.hls.timing import Following
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure, Plan

_MOST_POSITIONS = 16
_MOST_VALUES = 1024
"""Of all positions together, up to which they are unrolled into one flat pipeline with their neighbours."""
_MEASURES = {Measure.DEVIATION: 0, Measure.ROOT_MEAN_SQUARE: 1, Measure.LENGTH: 2}


@kernel_of(Standardise)
def standardise(layer: Standardise, op: Op) -> Kernel:
    plan, positions = layer.known_plan, prod(op.output.shape[:-1])
    members, table = members_of_pieces(*plan.root)
    bits = plan.epsilon.bit_length()
    epsilon = FixedType(bits, bits - plan.power.frac, False)
    own: Members = {
        "positions": positions,
        "n": plan.n,
        "count_t": _unsigned(plan.n),
        "total_t": plan.total,
        "squares_t": plan.squares,
        "spread_t": plan.spread,
        "deviation_t": plan.deviation,
        "power_t": plan.power,
        "epsilon_t": epsilon,
        "epsilon_word": Word(epsilon),
        "epsilon_mantissa": plan.epsilon,
        "places_t": _unsigned(max(plan.most_places, 1 << plan.stages)),
        "stages": plan.stages,
        "aligned_t": plan.aligned,
        "scaled_t": plan.scaled,
        "inverse_t": plan.inverse,
        "measure": _MEASURES[plan.measure],
    }
    timing = Following(positions=positions, interval=op.reuse_factor, depth=_depth(plan, op), array_steps=positions)
    small = positions <= _MOST_POSITIONS and op.output.size <= _MOST_VALUES
    return call(op, "standardise", "standardise.h", {**own, **members}, table, small=small, timing=timing)


def _unsigned(most: int) -> FixedType:
    """The whole numbers from 0 to ``most``."""
    return FixedType.covering(0, most, 0)


def _depth(plan: Plan, op: Op) -> int:
    """Squares and their sum, two products, the shifts, the pieces of the root, and a shift and two products more."""
    degree = plan.root[0].degree
    sums = pipeline_depth(terms=op.input.shape[-1]) + pipeline_depth(terms=2, compared=1 << plan.stages)
    return sums + pipeline_depth(terms=1, tables=1 + 2 * degree) + pipeline_depth(terms=2, compared=1 << plan.stages)
