"""Jets that look like those of a collider, drawn from a seed: sixteen features of substructure, five classes.

Not a simulation of physics: each class has distributions of the kind that the literature shows (masses that peak or
fall, numbers of particles, ratios of energy correlations with long tails), joined by what a jet's parts have in common.
The features have different units and sizes, so that they have to be normalised, and classes overlap: about three jets
in four can be told. NumPy is all it needs.

    python example-models/jet_tagging/jets.py jets.csv --count 20000 --seed 1
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

CLASSES = ("gluon", "quark", "W", "Z", "top")
FEATURES = (
    "zlogz",
    "c1_b0",
    "c1_b1",
    "c1_b2",
    "c2_b1",
    "c2_b2",
    "d2_b1",
    "d2_b2",
    "d2_a1_b1",
    "d2_a1_b2",
    "m2_b1",
    "m2_b2",
    "n2_b1",
    "n2_b2",
    "mass",
    "multiplicity",
)
"""``mass`` is in GeV, ``multiplicity`` a number of particles; the others have no unit."""


@dataclass(frozen=True)
class Kind:
    """What tells a class of jets from others; numbers are medians and widths of logarithms."""

    peak: float
    """Mass of the particle in GeV; 0: none, the mass falls off."""
    scale: float
    """Of masses that fall off: their median in GeV."""
    particles: float
    prongs: float
    """How clearly a jet has two cores: small ratios of energy correlations."""


KINDS = (
    Kind(peak=0.0, scale=62.0, particles=66.0, prongs=-0.55),
    Kind(peak=0.0, scale=42.0, particles=39.0, prongs=-0.40),
    Kind(peak=80.4, scale=30.0, particles=44.0, prongs=0.75),
    Kind(peak=91.2, scale=32.0, particles=47.0, prongs=0.72),
    Kind(peak=172.8, scale=75.0, particles=66.0, prongs=0.15),
)
RESOLUTION = 0.055
"""Of masses that peak, relative."""
LOST = 0.11
"""Share of jets that miss a part of their particle: the mass falls off, and the cores are less clear."""


def make(count: int, seed: int) -> tuple[Array, Array]:
    """Features, float32 (count, 16), and classes, int64 (count,), in random order."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(len(CLASSES), size=count)
    peak, scale, particles, prongs = (
        np.array([getattr(kind, name) for kind in KINDS])[classes] for name in ("peak", "scale", "particles", "prongs")
    )
    whole = (peak > 0) & (rng.random(count) > LOST)
    momentum = 1000 * np.exp(rng.normal(0, 0.08, count))

    falling = scale * np.exp(rng.normal(0, 0.62, count)) * momentum / 1000
    mass = np.where(whole, peak * (1 + RESOLUTION * rng.standard_t(4, count)), falling)
    mass = np.clip(mass, 1.0, 400.0)
    activity = rng.normal(0, 1, count)
    """How much a jet radiates: more particles, more of a second core by chance."""
    number = particles * np.exp(0.22 * activity + rng.normal(0, 0.12, count)) * (mass / 90) ** 0.15
    multiplicity = rng.poisson(number) + 3.0
    cores = np.where(whole, prongs, -0.35) + rng.normal(0, 0.42, count) - 0.12 * activity
    width = (mass / momentum) ** 2
    return _features(rng, mass, momentum, multiplicity, cores, width).astype(np.float32), classes.astype(np.int64)


def _features(
    rng: np.random.Generator, mass: Array, momentum: Array, multiplicity: Array, cores: Array, width: Array
) -> Array:
    """(count, 16), in the order of FEATURES."""

    def about(median: Array | float, spread: float) -> Array:
        return median * np.exp(rng.normal(0, spread, len(mass)))

    angle = mass / momentum
    c1_b1 = about(0.55 * angle, 0.25)
    c2_b1 = about(0.11 * np.exp(-0.55 * cores), 0.20)
    c2_b2 = about(0.06 * np.exp(-0.95 * cores), 0.32)
    d2_b1 = about(1.35 * np.exp(-0.80 * cores), 0.22)
    d2_b2 = about(1.60 * np.exp(-1.45 * cores), 0.45)
    columns = {
        "zlogz": -np.log(multiplicity) + 0.75 + rng.normal(0, 0.25, len(mass)),
        "c1_b0": 0.5 * (1 - about(1.4, 0.2) / np.sqrt(multiplicity)),
        "c1_b1": c1_b1,
        "c1_b2": about(0.35 * width, 0.35),
        "c2_b1": c2_b1,
        "c2_b2": c2_b2,
        "d2_b1": d2_b1,
        "d2_b2": d2_b2,
        "d2_a1_b1": about(0.9 * d2_b1 * (angle / 0.1) ** 0.3, 0.18),
        "d2_a1_b2": about(1.1 * d2_b2 * (angle / 0.1) ** 0.6, 0.35),
        "m2_b1": about(0.09 * np.exp(-0.30 * cores), 0.20),
        "m2_b2": about(0.03 * np.exp(-0.45 * cores) * (angle / 0.1) ** 0.5, 0.40),
        "n2_b1": about(0.28 * np.exp(-0.35 * cores), 0.10),
        "n2_b2": about(0.25 * np.exp(-0.50 * cores), 0.16),
        "mass": mass,
        "multiplicity": multiplicity,
    }
    return np.stack([columns[name] for name in FEATURES], axis=1)


def write(file: Path, count: int, seed: int) -> None:
    """Write jets as CSV: the features, and the class by its name as ``label``."""
    x, y = make(count, seed)
    with file.open("w", encoding="utf-8") as stream:
        stream.write(",".join((*FEATURES, "label")) + "\n")
        for row, label in zip(x, y, strict=True):
            stream.write(",".join((*map(str, row), CLASSES[label])) + "\n")


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description="Write jets drawn from a seed.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write(given.file, given.count, given.seed)


if __name__ == "__main__":
    main()
