"""Families of probes: seeded lists, or slices of an exhaustive enumeration."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

from hlsgen.ir.types import FixedType, Rounding
from tests.vendor.proof.probes import (
    COMPARISONS,
    INTEGERS,
    WIDEST,
    Probe,
    accumulation,
    all_pairs,
    arithmetic,
    cast,
    comparison,
    from_integer,
    from_real,
    integer_comparison,
    lookup,
    negation,
    product_type,
    random_type,
    raw_bits,
    shift,
    smaller,
    sum_type,
    to_real,
    variants,
    vendor_casts,
    with_random_modes,
)

SMALL = 5  # bits up to which casts and unary minus are exhaustive
SMALL_PAIR = 3  # bits up to which operators and comparisons are exhaustive
OPERATORS = ("add", "subtract", "multiply")


# -- exhaustive -----------------------------------------------------------------------------------------------------


@cache
def small_targets() -> tuple[FixedType, ...]:
    """Every width up to SMALL, both signs, every rounding and overflow mode, every number of saturation bits."""
    return tuple(
        FixedType(width, width, signed, rounding, overflow, bits)
        for width in range(1, SMALL + 1)
        for signed in (False, True)
        for overflow, bits in variants(signed, width)
        for rounding in Rounding
    )


def small_sources(target: FixedType) -> list[FixedType]:
    """Every small source at every position of the point that can matter.

    A cast depends on the difference of the points only, so the target's stays where it is; beyond these differences
    nothing of the source is left. Without bits to drop, two of the seven roundings are taken.
    """
    finest = -target.width - 1 if target.rounding in (Rounding.TRN, Rounding.RND) else 1
    return [
        source
        for width in range(1, SMALL + 1)
        for signed in (False, True)
        for shift in range(finest, width + 2)
        if vendor_casts(source := FixedType(width, width - shift, signed), target)
    ]


def small_casts(count: int, seed: int) -> list[Probe]:
    """All sources of ``count`` targets: those of part ``seed``."""
    targets = small_targets()[seed * count : (seed + 1) * count]
    return [cast("cast, exhaustive", "convert", s, t, exhaustive=True) for t in targets for s in small_sources(t)]


def some_small_casts(count: int, seed: int) -> list[Probe]:
    """For every pair of modes and both signs one target; ``count`` of its sources, half with its range or half of it."""
    rng = random.Random(seed)
    groups: dict[tuple[object, ...], list[FixedType]] = {}
    for target in small_targets():
        groups.setdefault((target.signed, target.rounding, target.overflow), []).append(target)
    found = []
    for targets in groups.values():
        target = rng.choices(targets, [t.width for t in targets])[0]
        sources = small_sources(target)
        rng.shuffle(sources)
        alike = [s for s in sources if s.signed == target.signed and s.integer - target.integer in (0, -1)]
        chosen = {*alike[: count // 2], *sources[:count]}
        found += [cast("cast, exhaustive", "convert", s, target, exhaustive=True) for s in sources if s in chosen]
    return found


def small_types(widest: int) -> list[FixedType]:
    return [FixedType(w, w, signed) for w in range(1, widest + 1) for signed in (False, True)]


@cache
def small_arithmetic_probes() -> tuple[Callable[[], Probe], ...]:
    """Makers of all exhaustive probes of operators and comparisons."""

    def pairs(widest: int) -> Iterator[tuple[FixedType, FixedType]]:
        for a in small_types(widest):
            for b in small_types(widest):
                for offset in range(-widest - 1, widest + 2):
                    yield a, FixedType(b.width, b.width + offset, b.signed)

    found: list[Callable[[], Probe]] = [lambda a=a: negation(a, exhaustive=True) for a in small_types(SMALL)]
    for a, b in pairs(SMALL_PAIR):
        found += [lambda n=n, a=a, b=b: arithmetic(n, a, b, all_pairs(a, b)) for n in OPERATORS]
        found += [lambda n=n, a=a, b=b: comparison(n, a, b, all_pairs(a, b)) for n in COMPARISONS]
    return tuple(found)


def small_arithmetic(count: int, seed: int) -> list[Probe]:
    """Every pair of values of every pair of types of up to SMALL_PAIR bits; part ``seed`` in steps of ``count``."""
    return [make() for make in small_arithmetic_probes()[seed * count : (seed + 1) * count]]


# -- seeded ---------------------------------------------------------------------------------------------------------


def _cast_pair(rng: random.Random, widest: int, target: FixedType, least: int = 1) -> FixedType:
    """A source whose point lies where something happens."""
    while True:
        source = random_type(rng, widest)
        frac = target.frac + rng.randint(-rng.choice([4, 8, 40]), source.width)
        source = FixedType(source.width, source.width - frac, source.signed)
        if source.width >= least and vendor_casts(source, target):
            return source


def casts(count: int, seed: int) -> list[Probe]:
    """Types of up to 64 bits; two sources a target, which compile faster than new types."""
    rng = random.Random(seed)
    found = []
    for i in range(count // 2):
        width = random_type(rng, 64).width
        target = with_random_modes(rng, width, rng.randint(-5, width + 5))
        for operation in ("convert", "assign" if i % 4 == 0 else "convert"):
            found.append(cast("cast", operation, _cast_pair(rng, 64, target), target))
    return found


def wide_casts(count: int, seed: int) -> list[Probe]:
    """The source, the target or both wider than 64 bits."""
    rng = random.Random(seed)
    found = []
    for i in range(count // 2):
        width = rng.randint(65, WIDEST) if i % 2 else random_type(rng, 64).width
        target = with_random_modes(rng, width, rng.randint(-5, width + 5))
        for _ in range(2):
            source = _cast_pair(rng, WIDEST, target, 1 if i % 2 else 65)
            found.append(cast("cast", "convert", source, target))
    return found


def kernel_casts(count: int, seed: int) -> list[Probe]:
    """hlsgen::cast, also where rounding drops more bits than there are and the vendor's own cast stops."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        width = random_type(rng, 48).width
        target = with_random_modes(rng, width, rng.randint(-5, width + 5))
        source = random_type(rng, 48)
        frac = target.frac + rng.randint(-4, source.width + 12)
        found.append(
            cast("hlsgen::cast", "kernel_cast", FixedType(source.width, source.width - frac, source.signed), target)
        )
    return found


def _bits(probe: Probe) -> int:
    return max(t.width for t in probe.every_type)


def _pair(rng: random.Random, widest: int) -> tuple[FixedType, FixedType]:
    return random_type(rng, widest), random_type(rng, widest)


def operators(count: int, seed: int, least: int = 1, most: int = 64) -> list[Probe]:
    """+ - * with operands and results from ``least`` to ``most`` bits, unary minus and compound assignments."""
    rng = random.Random(seed)
    found: list[Probe] = []
    while len(found) < count:
        name = rng.choice([*OPERATORS, *OPERATORS, *OPERATORS, "negate", *(f"{o}_assign" for o in OPERATORS)])
        a, b = _pair(rng, min(most, 2 * least + 40))
        if max(product_type(a, b).width, sum_type(a, b).width) > most:
            continue
        if name.endswith("_assign"):
            a = with_random_modes(rng, a.width, a.integer)
            if sum_type(a, b, difference=True).width > most:
                continue
        probe = negation(a) if name == "negate" else arithmetic(name, a, b)
        if least <= _bits(probe) <= most and probe.vendor:
            found.append(probe)
    return found


def wide_operators(count: int, seed: int) -> list[Probe]:
    return operators(count, seed, 65, WIDEST)


def comparisons(count: int, seed: int) -> list[Probe]:
    rng = random.Random(seed)
    found: list[Probe] = []
    while len(found) < count:
        name = rng.choice(list(COMPARISONS))
        a, b = _pair(rng, 60)
        if rng.random() < 0.8:
            b = FixedType(b.width, b.integer, a.signed)
        if rng.random() < 0.2:
            b = a
        if rng.random() < 0.15:
            found.append(integer_comparison(name, a))
        elif sum_type(a, b).width <= WIDEST:
            found.append(comparison(name, a, b))
    return found


def reals(count: int, seed: int) -> list[Probe]:
    """From double and float, every mode; to double and float."""
    rng = random.Random(seed)
    found = []
    for i in range(count):
        width = random_type(rng, 64 if i % 8 else 100).width
        target = with_random_modes(rng, width, rng.randint(-5, width + 5))
        if i % 5 < 4:
            found.append(from_real(target, "float" if i % 5 == 3 else "double"))
        else:
            kind = "float" if i % 10 == 9 and width <= 53 else "double"
            found.append(to_real(FixedType(width, target.integer, target.signed), kind))
    return found


def words(count: int, seed: int) -> list[Probe]:
    """What kernels say in other ways: native integers, shifts, raw bits, tables, select, accumulate."""
    rng = random.Random(seed)
    found: list[Probe] = []
    while len(found) < count:
        a, b = _pair(rng, 40)
        kind = len(found) % 6
        if kind == 0:
            name = rng.choice(list(INTEGERS))
            width = random_type(rng, 64).width
            target = with_random_modes(rng, width, rng.randint(-2, width + 5))
            probe = from_integer(target, name)
        elif kind == 1:
            probe = shift(rng.choice(["shift_left", "shift_right"]), random_type(rng, 64, modes=True))
        elif kind == 2:
            probe = raw_bits(random_type(rng, 64))
        elif kind == 3:
            probe = lookup(random_type(rng, 8), random_type(rng, 40))
        elif kind == 4:
            probe = smaller(random_type(rng, 64))
        else:
            probe = accumulation(a, b)
        if probe.vendor and _bits(probe) <= 64:
            found.append(probe)
    return found


FAMILIES: dict[str, Callable[[int, int], list[Probe]]] = {
    **{"small_casts": small_casts, "some_small_casts": some_small_casts, "small_arithmetic": small_arithmetic},
    **{"casts": casts, "wide_casts": wide_casts, "kernel_casts": kernel_casts, "operators": operators},
    **{"wide_operators": wide_operators, "comparisons": comparisons, "reals": reals, "words": words},
}
