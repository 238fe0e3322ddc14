"""The C++ of designs for boards against the vendor's headers: words, packets and batches give what NumPy says."""

from __future__ import annotations

from typing import Any

import pytest

from hlsgen.backends.hls.texts import firmware_files
from hlsgen.linter.lint import lint_texts
from hlsgen.project import Project
from tests.ladder.test_ports import TWO, check_ports, data, two_branches
from tests.linter.native import the_clang
from tests.passes.builders import project_of

FORMS = {
    # The form of ports; elements, bits and words of each.
    "pynq-z1": ("PACKETS", {"image": (3, 64, 6), "side": (5, 64, 1), "conv": (3, 64, 6), "fc": (1, 32, 5)}),
    "u55c": ("MEMORY", {"image": (3, 64, 6), "side": (5, 64, 1), "conv": (3, 64, 6), "fc": (5, 128, 1)}),
}


def for_board(board: str, **settings: Any) -> Project:
    return project_of(two_branches().source("conv", "fc"), **{**TWO, "board": board, **settings})


@pytest.mark.parametrize("board", FORMS)
def test_the_design_of_a_board(board: str) -> None:
    project = for_board(board)
    form, expected = FORMS[board]
    assert {port.form.name for port in project.plan.ports} == {form}
    assert {port.wire.name: (port.elements, port.bits, port.words) for port in project.plan.ports} == expected
    check_ports(project, data(), samples=7)


@pytest.mark.parametrize("board", FORMS)
def test_lint_finds_nothing(board: str) -> None:
    report = lint_texts(firmware_files(for_board(board, strategy="resource").plan), the_clang())
    assert not report.findings
    assert {entry.step: entry.count for entry in report.multiplications if entry.count} == {"conv": 81, "fc": 25}
