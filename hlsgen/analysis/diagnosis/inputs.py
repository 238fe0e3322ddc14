"""Data that are not what a model was trained on: their axes in another order, or on another scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from hlsgen.analysis.diagnosis.fragments import Fragment
from hlsgen.analysis.diagnosis.result import Kind, Number
from hlsgen.analysis.subject import Subject
from hlsgen.design.arrays import Array, Port, given_shape
from hlsgen.errors import InputError
from hlsgen.ir.text import percent

FAR = 16.0
"""Data so many times larger than an input's type holds are on another scale."""
_BETTER = 0.2
"""Other data are what was meant if so many more samples are right with them."""

Accuracy = Callable[[Mapping[str, Array]], float]


@dataclass(frozen=True)
class OtherData:
    """What is wrong with the data of an input, and what they should be."""

    input: str
    kind: Kind
    cause: str
    advice: str
    numbers: Mapping[str, Number]
    fragment: Fragment | None = None
    """The setting by which they are taken as they are."""


def other_axes(project: Subject, x: Any) -> OtherData | None:
    """Data whose shape is that of the model once their axes are moved; None for data that fit, or never do."""
    ports: Sequence[Port] = project.design.inputs
    if len(ports) != 1:
        return None
    (port,) = ports
    data, wanted = np.asarray(x[port.name] if isinstance(x, Mapping) and port.name in x else x), given_shape(port)
    if data.dtype.kind not in "fiub" or data.shape[1:] == wanted or data.ndim != len(wanted) + 1:
        return None
    ways = [order for order in permutations(range(1, data.ndim)) if tuple(data.shape[i] for i in order) == wanted]
    if not ways:
        return None
    return _moved(port.name, data.shape, wanted, _likeliest(ways, data.ndim))


def _likeliest(ways: Sequence[tuple[int, ...]], rank: int) -> tuple[int, ...]:
    """Of several orders that fit: channels first as channels last, or the reverse, if that is one of them."""
    usual = [(*range(2, rank), 1), (rank - 1, *range(1, rank - 1))]
    return next((order for order in usual if order in ways), ways[0])


def _moved(name: str, found: tuple[int, ...], wanted: tuple[int, ...], order: tuple[int, ...]) -> OtherData:
    rank = len(found)
    layouts = {(*range(2, rank), 1): "channels_first", (rank - 1, *range(1, rank - 1)): "channels_last"}
    layout = layouts.get(order)
    said = "their channels come " + layout.removeprefix("channels_") if layout else "their axes are in another order"
    given, taken = (f"(samples, {', '.join(map(str, shape))})" for shape in (found[1:], wanted))
    numbers: dict[str, Number] = {"shape": given, "expected": taken}
    cause = f"the data have shape {given}, the model takes {taken}: {said}"
    fragment: Fragment | None = {"input_layout": layout} if layout else None
    return OtherData(name, Kind.LAYOUT, cause, f"Give x.transpose({(0, *order)}).", numbers, fragment)


def by_labels(inputs: Mapping[str, Array], accuracy: Accuracy) -> OtherData | None:
    """Data with which the reference itself is wrong, though it is right with others made of them; None otherwise."""
    if len(inputs) != 1:
        return None
    ((name, data),) = inputs.items()
    before = accuracy(inputs)
    best, reached = None, before + _BETTER
    for other, finding in _others(name, np.asarray(data, dtype=np.float64)):
        found = accuracy({name: other})
        if found > reached:
            best, reached = finding, found
    if best is None:
        return None
    cause = f"{best.cause}: the model is right for {percent(before, 3)} % of the samples as they are, for "
    numbers = {**best.numbers, "accuracy": before, "accuracy of the others": reached}
    return OtherData(name, best.kind, f"{cause}{percent(reached, 3)} % so", best.advice, numbers, best.fragment)


def _others(name: str, data: Array) -> Iterator[tuple[Array, OtherData]]:
    """Data that may have been meant."""
    rank, largest = data.ndim, float(np.abs(data).max(initial=0.0))
    for order in permutations(range(1, rank)) if 3 <= rank <= 4 else ():
        moved = data.transpose(0, *order)
        if order != tuple(range(1, rank)) and moved.shape == data.shape:
            yield moved, _moved(name, data.shape, data.shape[1:], order)
    scales = {"x / 255": data / 255, "x / 127.5 - 1": data / 127.5 - 1, "255 * x": data * 255}
    mean, deviation = data.mean(), data.std()
    if deviation > 0:
        scales["(x - x.mean()) / x.std()"] = (data - mean) / deviation
    for said, other in scales.items():
        if np.isfinite(other).all():
            cause = f"the data reach +-{largest:.4g}, the model was trained on {said}"
            numbers: dict[str, Number] = {"largest": largest, "instead": said}
            yield other, OtherData(name, Kind.NOT_NORMALISED, cause, f"Give {said}.", numbers)


def checked_labels(y: Any, samples: int, values: int) -> Array:
    """Labels (samples,): given so, or as one of each class, of an output of so many ``values`` (of one: 0 and 1).

    Raises InputError for what is no class of the model.
    """
    classes = max(values, 2)
    labels = np.asarray(y)
    if labels.dtype.kind not in "iubf":
        raise InputError(f"diagnose(): y holds {labels.dtype}; give class numbers from 0 to {classes - 1}, or no y")
    if labels.ndim == 2 and labels.shape == (samples, values) and values > 1:
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise InputError("diagnose(): the rows of y are not one of each class; give class numbers, or no y")
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1)
    if len(labels) != samples:
        raise InputError(f"diagnose(): y has shape {np.shape(y)}, expected one label for each of {samples} samples")
    wrong = ~np.isin(labels, np.arange(classes))
    if wrong.any():
        raise InputError(
            f"diagnose(): y holds {labels[wrong][0]}, which is no class of the model; give class numbers from 0 to "
            f"{classes - 1}, or no y, as for regression"
        )
    return labels
