"""What a source model computes by its own framework: the values of its outputs and of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ModelError

Array = NDArray[Any]

GRAPH = "graph"
"""The reference that needs no framework: the graph in real numbers."""


@dataclass(frozen=True, eq=False)
class SourceValues:
    """What became of a batch: (samples, *shape) as the framework has its axes."""

    framework: str
    outputs: tuple[Array, ...]
    layers: Mapping[str, Array] = field(default_factory=dict)
    """By the names that layers have in graphs, as far as the framework lets one look."""


def cannot_run(what: str, why: str, advice: str) -> ModelError:
    """The error for a model that its framework cannot run here."""
    return ModelError(
        f"{what} cannot be run as the reference: {why}; {advice}, or compare with reference='{GRAPH}', its graph in "
        "real numbers, which needs no framework"
    )


def real_outputs(what: str, found: Sequence[Any], samples: int) -> tuple[Array, ...]:
    """Outputs as real numbers. Raises ModelError where a model gives something else for a batch."""
    outputs = tuple(np.asarray(value, dtype=np.float64) for value in found)
    for value in outputs:
        if value.ndim == 0 or len(value) != samples:
            raise cannot_run(
                what, f"for {samples} samples it gives an output of shape {value.shape}", "let it keep its batches"
            )
    return outputs
