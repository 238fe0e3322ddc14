"""What a source model computes by its own framework: the values of its outputs and of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ModelError, said_by
from hlsgen.ir.constant import Shape

Array = NDArray[Any]

GRAPH = "graph"
"""The reference that needs no framework: the graph in real numbers."""


class NotRunError(ModelError):
    """A model is not run by its framework. ``reason`` says why, without its name and without advice."""

    def __init__(self, what: str, reason: str, advice: str) -> None:
        super().__init__(f"{what} is not run: {reason}; {advice}")
        self.reason = reason


class MayHoldCodeError(NotRunError):
    """A file is not run since it may hold code: it names something that is in no list."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason, "if you trust it, load it yourself and give the live model")


@dataclass(frozen=True, eq=False)
class Batch:
    """What a framework is asked for."""

    inputs: Mapping[str, Array]
    """By the names that the graph has for them, in its order: the samples first, other axes as the model has them."""
    outputs: tuple[Shape, ...]
    """The shapes of what it has to give, without the samples."""
    weights: Path | None = None
    """The weights of a ``.json``."""
    layers: bool = False
    """Whether values of layers are wanted, too."""

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True, eq=False)
class SourceValues:
    """What became of a batch: (samples, *shape), otherwise as the framework has its axes."""

    framework: str
    """Its name in a sentence."""
    library: str
    """The library that ran it, with its version."""
    outputs: tuple[Array, ...]
    layers: Mapping[str, Array] = field(default_factory=dict)
    """By the names that layers have in graphs, as far as the framework lets one look."""


def failure(what: str, error: Exception, advice: str = "see that it takes the data by itself") -> NotRunError:
    """The error for whatever a framework raised: in a line."""
    return NotRunError(what, f"its framework fails ({said_by(error).splitlines()[0][:240]})", advice)


def flat_outputs(what: str, found: Any) -> list[Any]:
    """What a model returns, nested or not, in its order. Raises NotRunError for a dict."""
    if isinstance(found, Mapping):
        raise NotRunError(what, "it returns a dict, whose order says nothing", "let it return its outputs as a list")
    if isinstance(found, list | tuple):
        return [value for part in found for value in flat_outputs(what, part)]
    return [found]


def in_order_of(what: str, found: Sequence[Any], batch: Batch) -> tuple[Array, ...]:
    """Outputs with the axes of those that are wanted: channels may come first, axes of one element be left out.

    Raises NotRunError for others.
    """
    values = [np.asarray(value) for value in found]
    ordered = [_ordered(value, batch.samples, shape) for value, shape in zip(values, batch.outputs, strict=False)]
    if len(values) != len(batch.outputs) or any(value is None for value in ordered):
        shapes, expected = [value.shape for value in values], [(batch.samples, *shape) for shape in batch.outputs]
        raise NotRunError(
            what, f"its framework gives outputs of shapes {shapes}, expected {expected}", "give the model itself"
        )
    return tuple(value for value in ordered if value is not None)


def _ordered(value: Array, samples: int, shape: Shape) -> Array | None:
    if value.shape[:1] != (samples,):
        return None
    if value.shape[1:] == shape:
        return value
    if value.ndim > 2 and np.moveaxis(value, 1, -1).shape[1:] == shape:
        return np.moveaxis(value, 1, -1)
    same = [extent for extent in value.shape[1:] if extent != 1] == [extent for extent in shape if extent != 1]
    return value.reshape(samples, *shape) if same else None
