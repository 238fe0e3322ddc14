"""The samplers by their names."""

from __future__ import annotations

from typing import Any, Literal, get_args

from hlsgen.errors import ConfigError, brief, nearest
from hlsgen.explore.origin import Origin
from hlsgen.explore.sampling.base import Sampler
from hlsgen.explore.sampling.fronts import FrontSampler
from hlsgen.explore.sampling.grid import Grid
from hlsgen.explore.sampling.optuna import nsga2, tpe
from hlsgen.explore.sampling.random import RandomSampler
from hlsgen.explore.space import Space

SamplerName = Literal["auto", "grid", "random", "tpe", "nsga2"]
MOST_TRIALS = 1_000_000


def check_sampler(name: Any, origin: Origin) -> SamplerName:
    """Raise ConfigError for a sampler that there is not."""
    names = get_args(SamplerName)
    if not isinstance(name, str) or name not in names:
        raise origin.refused(f"sampler: there is no {brief(name)}{nearest(name, names)}", "sampler")
    return name  # type: ignore[return-value]


def make_sampler(name: SamplerName, space: Space, objectives: int, trials: int, seed: int) -> Sampler:
    """The sampler of that name. Raises ConfigError for a grid that is too large, and for one of Optuna's without it."""
    if name == "grid" and space.size > trials:
        raise ConfigError(
            f"sampler 'grid': the space has {space.size:,} points, trials are {trials:,}; set trials: {space.size}, "
            "narrow the space, or take another sampler"
        )
    if name == "grid" or (name == "auto" and space.size <= trials):
        return Grid(space)
    if name == "random":
        return RandomSampler(space, seed)
    if name == "auto":
        return FrontSampler(space, seed)
    return (tpe if name == "tpe" else nsga2)(space, objectives, seed)
