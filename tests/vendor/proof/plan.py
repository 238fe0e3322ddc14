"""What is proved: parts, each of which becomes one pair of shared objects."""

from __future__ import annotations

from dataclasses import dataclass

from tests.vendor.proof.families import FAMILIES, small_arithmetic_probes, small_targets
from tests.vendor.proof.probes import Probe


@dataclass(frozen=True)
class Part:
    """``count`` probes of a family from ``seed``, on ``samples`` values each (exhaustive ones on all)."""

    family: str
    seed: int
    count: int
    samples: int

    @property
    def name(self) -> str:
        return f"{self.family}-{self.seed}"

    def probes(self) -> list[Probe]:
        return FAMILIES[self.family](self.count, self.seed)


def _parts(family: str, parts: int, count: int, samples: int) -> tuple[Part, ...]:
    return tuple(Part(family, seed, count, samples) for seed in range(parts))


def _steps(total: int, step: int) -> int:
    return -(-total // step)


def whole() -> tuple[Part, ...]:
    """The proof: `make proof`."""
    return (
        *_parts("casts", 8, 200, 1 << 20),
        *_parts("wide_casts", 3, 100, 4000),
        *_parts("kernel_casts", 2, 200, 1 << 17),
        *_parts("operators", 4, 200, 1 << 18),
        *_parts("wide_operators", 2, 100, 4000),
        *_parts("comparisons", 3, 200, 1 << 18),
        *_parts("reals", 3, 150, 1 << 17),
        *_parts("words", 3, 150, 1 << 17),
        *_parts("small_arithmetic", _steps(len(small_arithmetic_probes()), 500), 500, 0),
        *_parts("small_casts", _steps(len(small_targets()), 20), 20, 0),
    )


def quick() -> tuple[Part, ...]:
    """The part of every test run; other seeds than the whole."""
    return (
        Part("some_small_casts", 1000, 10, 0),
        Part("casts", 1000, 120, 4096),
        Part("wide_casts", 1000, 24, 500),
        Part("kernel_casts", 1000, 40, 2000),
        Part("operators", 1000, 60, 4096),
        Part("wide_operators", 1000, 20, 500),
        Part("comparisons", 1000, 40, 4096),
        Part("reals", 1000, 60, 2000),
        Part("words", 1000, 48, 2000),
    )
