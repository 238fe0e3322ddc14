"""Overflow counters against an independent count, on random networks with random users' types."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.counting import Compared, compare
from tests.analysis.test_overflow import count
from tests.passes.builders import Net, project_of


def compared(seeds: range, *, compiled: int) -> Compared:
    """Of ``seeds``, the first so many are compiled."""
    found = Compared()
    for place, seed in enumerate(seeds):
        compare(seed, found, compiled=place < compiled)
    assert not found.differences, "\n".join(found.differences)
    return found


def test_counters_equal_an_independent_count():
    found = compared(range(60), compiled=6)
    assert min(found.casts["accum"], found.casts["result"]) >= 40 and found.overflows > 5000 and not found.refused


@pytest.mark.slow
def test_counters_equal_an_independent_count_on_many_networks():
    found = compared(range(1000, 2000), compiled=60)
    assert min(found.casts["accum"], found.casts["result"]) >= 600 and found.refused < 20


@pytest.mark.parametrize(
    ("accum", "result", "x", "overflows"),
    [
        ("fixed<8,6,RND,SAT>", "fixed<9,2,TRN,SAT>", [1.9, 1.7, -2.0, -2.2], 2),  # 1.9 rounds to 2, which does not fit
        ("fixed<8,6,TRN,SAT>", "fixed<9,2,TRN,SAT>", [1.9, 2.1, -1.9, -2.1], 2),  # and towards minus infinity to 1.75
        ("fixed<8,6,TRN_ZERO,WRAP>", "fixed<4,2,RND,WRAP>", [2.2, 1.99, -2.2, -2.3], 2),
    ],
)
def test_an_accumulator_that_only_rounds_is_rounded_to_before_counting(accum, result, x, overflows):
    """Its own cast is not counted, and what it leaves out is not counted behind it either."""
    net = Net()
    net.call("Dense", "fc", net.input((1,)), {"kernel": [[1.0]], "bias": [0.0]}, units=1)
    types = {"accum": accum, "result": result}
    project = project_of(net.source("fc"), input_precision="fixed<16,4>", layers={"fc": {"precision": types}})
    report = count(project, np.array(x)[:, None])
    assert report["fc"] == overflows
    assert [entry.role for entry in report.entries] == ["result"], "the accumulator holds every sum"
