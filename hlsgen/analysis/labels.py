"""What labels mean for an output: classes or numbers; and how an output decides for a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, get_args

import numpy as np

from hlsgen.design.arrays import Array, real_array
from hlsgen.errors import InputError, brief, nearest
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor

Task = Literal["classification", "regression"]
_SUM = 1e-3
"""By how much probabilities may miss one in sum: those of a design are rounded."""


@dataclass(frozen=True)
class Judged:
    """How an output is judged: the rows of its last axis, what they mean, and what is right."""

    task: Task
    classes: int
    """2 for a single value."""
    threshold: float
    """A single value above it is class 1."""
    labels: Ints | None = None
    """(rows,): the right classes, where they are given."""
    targets: Array | None = None
    """(rows, values): the right numbers, where they are given."""


def rows_of(outputs: Array, shape: Sequence[int]) -> Array:
    """Outputs (samples, *shape) as (rows, values): each place of an image or a series is a row."""
    return np.asarray(outputs, dtype=np.float64).reshape(-1, shape[-1])


def check_task(caller: str, task: object) -> None:
    """Raise InputError for what is neither a task nor None."""
    if task is not None and (not isinstance(task, str) or task not in get_args(Task)):
        raise InputError(f"{caller}: task is {brief(task)}{nearest(str(task), get_args(Task))}")


def judged(
    caller: str, port: Tensor, y: Any, reference: Array, task: Task | None, threshold: float | None, samples: int
) -> Judged:
    """How to judge an output of ``samples``, from labels (None: none) and the outputs of what it is held against.

    Whole numbers, one for each row, are classes; so are rows of zeros with a single one. Of an output of one value,
    zeros and ones are. Other labels are numbers, in the shape of the output. Without labels, outputs that are
    probabilities are decisions: single values from 0 to 1, or rows of such whose sum is one. ``task`` overrules that.
    A single value decides at ``threshold``: by default one half where the reference is from 0 to 1, else zero.

    Raises InputError for labels that are neither, and for a task or a threshold that cannot be.
    """
    check_task(caller, task)
    values = port.shape[-1]
    rows = rows_of(reference, port.shape)
    edge = _threshold(caller, threshold, rows)
    classes = max(values, 2)
    if y is None:
        chosen: Task = task or ("classification" if are_probabilities(rows) else "regression")
        return Judged(chosen, classes, edge)
    given = checked_labels(caller, port.name, y, samples)
    labels = None if task == "regression" else _class_numbers(given, port.shape, samples)
    if labels is not None:
        return Judged("classification", classes, edge, labels=labels)
    if task == "classification":
        raise InputError(
            f"{caller}: y for '{port.name}' holds no classes, but numbers {_extent(given)}; {_expected(port, samples)}"
        )
    if given.size != samples * port.size:
        raise InputError(
            f"{caller}: y for '{port.name}' has shape {given.shape} and numbers {_extent(given)}; "
            f"{_expected(port, samples)}, "
            f"or numbers of shape ({samples}, {', '.join(map(str, port.shape))})"
        )
    return Judged("regression", classes, edge, targets=rows_of(given, port.shape))


def judged_output(caller: str, names: Sequence[str], name: str | None) -> int:
    """The number of the output that is judged: that of this name, or the only one.

    Raises InputError if there is none of this name, or no name where there are several.
    """
    if name is None and len(names) == 1:
        return 0
    if name is None:
        known = ", ".join(names)
        raise InputError(f"{caller}: the model has {len(names)} outputs; output= says which one is judged: {known}")
    if name not in names:
        raise InputError(f"{caller}: output is {brief(name)}{nearest(name, names)}")
    return names.index(name)


def labels_by_output(caller: str, outputs: Sequence[Tensor], names: Sequence[str], y: Any) -> list[Any]:
    """Labels for each output, in their order; None for those without. Raises InputError for other names or numbers."""
    if y is None:
        return [None] * len(outputs)
    if len(outputs) == 1 and not isinstance(y, dict):
        return [y]
    if isinstance(y, dict):
        unknown = [name for name in y if name not in names]
        if unknown:
            raise InputError(f"{caller}: y has no output '{unknown[0]}'{nearest(str(unknown[0]), names)}")
        return [y.get(name) for name in names]
    if isinstance(y, np.ndarray) or not isinstance(y, Sequence) or len(y) != len(outputs):
        raise InputError(
            f"{caller}: the model has {len(outputs)} outputs ({', '.join(names)}); give y as a list of as many, or by "
            "their names"
        )
    return list(y)


def checked_labels(caller: str, output: str, y: Any, samples: int) -> Array:
    """Labels of an output as finite numbers (samples, ...). Raises InputError for others."""
    given = real_array(f"{caller}: y for '{output}'", y)
    if given.ndim == 0 or len(given) != samples:
        found = "one number" if given.ndim == 0 else f"{len(given)} rows"
        raise InputError(f"{caller}: y for '{output}' has {found}, x has {samples} samples; they belong together")
    if not np.isfinite(given).all():
        raise InputError(f"{caller}: y for '{output}' holds NaN or infinities; leave these samples out")
    return given


def _class_numbers(given: Array, shape: Sequence[int], samples: int) -> Ints | None:
    """The classes that labels name; None where they are no classes."""
    values, rows = shape[-1], samples * prod(shape[:-1])
    if values > 1 and given.shape == (samples, *shape):
        table = given.reshape(rows, values)
        one_hot = ((table == 0) | (table == 1)).all() and (table.sum(axis=1) == 1).all()
        return np.asarray(table.argmax(axis=1), dtype=np.int64) if one_hot else None
    if given.size != rows or not (given == np.floor(given)).all():
        return None
    least, most = given.min(initial=0), given.max(initial=0)
    if least < 0 or most >= max(values, 2):
        return None
    return np.asarray(given.reshape(-1), dtype=np.int64)


def _extent(given: Array) -> str:
    """From which number to which; and whether some are no whole ones."""
    extent = f"from {given.min():g} to {given.max():g}" if given.size else "of none"
    return extent if (given == np.floor(given)).all() else f"{extent} that are not whole"


def _expected(port: Tensor, samples: int) -> str:
    places = ", ".join(map(str, (samples, *port.shape[:-1])))
    most = max(port.shape[-1], 2) - 1
    one_hot = f", or one-hot rows ({places}, {port.shape[-1]})" if port.shape[-1] > 1 else ""
    return f"expected class numbers from 0 to {most} of shape ({places}){one_hot}"


def are_probabilities(rows: Array) -> bool:
    """Whether rows (rows, values) are chances of classes: from 0 to 1, and of several values with a sum of one."""
    if rows.size == 0 or rows.min() < 0 or rows.max() > 1 + _SUM:
        return False
    return rows.shape[1] == 1 or bool((np.abs(rows.sum(axis=1) - 1) <= _SUM).all())


def _threshold(caller: str, wanted: float | None, rows: Array) -> float:
    if wanted is None:
        return 0.5 if rows.size and rows.min() >= 0 and rows.max() <= 1 + _SUM else 0.0
    if isinstance(wanted, bool) or not isinstance(wanted, int | float) or not np.isfinite(wanted):
        raise InputError(f"{caller}: threshold is {brief(wanted)}, expected a number")
    return float(wanted)
