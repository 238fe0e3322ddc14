"""The report on precision, by the names of values."""

from __future__ import annotations

import pytest

from hlsgen.errors import HlsgenError
from tests.passes.builders import Net, project_of


@pytest.fixture(scope="module")
def report():
    net = Net()
    net.call("ReLU", "relu", net.dense("fc", net.input((2,)), 2, 2))
    return project_of(net.source("relu")).precision


def test_choices_are_found_by_name_and_listed_in_order(report):
    assert [choice.name for choice in report] == ["x", "fc", "relu"] and len(report) == 3
    assert all(report[choice.name] is choice and choice.name in report and choice in report for choice in report)
    assert "nope" not in report and 3 not in report


def test_an_unknown_name_is_refused(report):
    with pytest.raises(HlsgenError, match="precision: no value is called 'rleu'; did you mean 'relu'") as caught:
        report["rleu"]
    assert isinstance(caught.value, KeyError)
