"""The numbers that reports of Vitis HLS gave the model; ``benchmarks/estimate/fit.py`` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FITTED = Path(__file__).with_name("coefficients.json")

Spread = Mapping[str, tuple[float, float]]
"""Of each figure, by which factors a report may be below and above it."""


@dataclass(frozen=True)
class Coefficients:
    """LUTs and FFs for a bit of what is computed, cycles, and how far off all of it was on networks left out."""

    lut: Mapping[str, float]
    """Of constant products: ``adder``, ``shifted``, ``delayed``, ``shared``, ``output``."""
    ff: Mapping[str, float]
    """Of constant products: ``adder``, ``hard``, ``delayed``."""
    multiplier: Mapping[str, float]
    """LUTs of a product without a DSP: ``scale`` times the product of its factors' bits, to the power of ``power``."""
    element: Mapping[str, float]
    """Of a rectifier or another cast that rounds or saturates: ``lut`` for a bit of what comes in; ``ff``
    where it is registered."""
    softmax: Mapping[str, float]
    """``lut``, ``ff`` for a bit of each place but one, ``lut_rest``, ``ff_rest`` once; ``cycles`` once, ``level`` for
    each level of its trees, at 5 ns."""
    spread: Mapping[str, Spread]
    """By :class:`hlsgen.estimation.cost.Basis`."""


@cache
def fitted() -> Coefficients:
    """Those that the package has."""
    return read(FITTED.read_text(encoding="utf-8"))


def read(text: str) -> Coefficients:
    """The coefficients of a file."""
    found = json.loads(text)
    spread = {basis: {name: (low, high) for name, (low, high) in of.items()} for basis, of in found["spread"].items()}
    return Coefficients(found["lut"], found["ff"], found["multiplier"], found["element"], found["softmax"], spread)
