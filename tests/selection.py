"""How much of what tests could compare they compare: a part in every run, all of it with ``--slow``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

slow = False
"""Whether the tests marked slow run too; conftest sets it."""


def in_turn(rows: Sequence[Any], others: Sequence[Any] = ("io_parallel", "io_stream")) -> list[Any]:
    """Parameters for every row with every one of ``others``: with one of them, in turn, where slow tests are left out.

    A row is a tuple of parameters or a single one; its place in the table says which of ``others`` it keeps.
    """
    made = []
    for i, row in enumerate(rows):
        values = row if isinstance(row, tuple) else (row,)
        for k, other in enumerate(others):
            marks = () if k == i % len(others) else (pytest.mark.slow,)
            made.append(pytest.param(*values, other, marks=marks, id="-".join(map(str, (*values, other)))))
    return made


def first_of(values: Sequence[Any], count: int = 1) -> list[Any]:
    """Parameters of which the first ``count`` run where slow tests are left out."""
    return [pytest.param(v, marks=() if i < count else (pytest.mark.slow,), id=str(v)) for i, v in enumerate(values)]
