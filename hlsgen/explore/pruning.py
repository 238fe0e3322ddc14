"""When a design is left after a part of the data: the rule, and which part.

A trial is pruned if, for one of its rivals (trials that are done and that none beats), every share of samples that is
an objective (accuracy, agreement) lies below the rival's on all data by more than three standard errors of the part,
and no other objective is better than the rival's. Those others do not depend on data and are known exactly.

The bound is Wilson's with the correction for a part of a finite whole: what it says of a part of all samples is that
share itself. Drawn at random, a part that is as bad by chance occurs about once in a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from hlsgen.explore.goals import Goal
from hlsgen.ir.types import Ints

ERRORS = 3.0
"""Standard errors."""


@dataclass(frozen=True)
class Part:
    """Some of the samples, drawn at random."""

    numbers: Ints
    of: int
    """How many there are in all."""

    @classmethod
    def drawn(cls, count: int, of: int, seed: int) -> Part:
        """So many of all samples; the same for the same seed."""
        return cls(np.sort(np.random.default_rng(seed).permutation(of)[:count]), of)

    def __len__(self) -> int:
        return len(self.numbers)


def upper_bound(share: float, count: int, of: int) -> float:
    """Where a share of all ``of`` samples lies at most, by what it is of ``count`` of them."""
    if count >= of:
        return share
    effective = count * (of - 1) / (of - count)
    squared = ERRORS**2 / effective
    spread = ERRORS * sqrt(share * (1 - share) / effective + squared / (4 * effective))
    return min(1.0, (share + squared / 2 + spread) / (1 + squared))


def beaten(
    shares: Mapping[str, float],
    others: Mapping[str, float],
    goals: Sequence[Goal],
    rivals: Sequence[Mapping[str, float]],
    part: Part,
) -> str:
    """Why a design is left that has these ``shares`` on a part of the data; nothing, if it is not."""
    most = {name: upper_bound(share, len(part), part.of) for name, share in shares.items()}
    by_name = {goal.name: goal for goal in goals}
    for rival in rivals:
        no_better = all(by_name[name].cost(rival[name]) <= by_name[name].cost(value) for name, value in others.items())
        if no_better and all(bound < rival[name] for name, bound in most.items()):
            said = " and ".join(
                f"{name} {share:.4f}, at most {most[name]:.4f} of all: a trial that costs no more has {rival[name]:.4f}"
                for name, share in shares.items()
            )
            return f"on {len(part):,} of {part.of:,} samples {said}"
    return ""
