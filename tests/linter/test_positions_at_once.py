"""The products of kernels that compute several positions at once are those of all of them."""

from __future__ import annotations

from typing import Any

import pytest

from hlsgen.backends.hls.texts import firmware_files
from hlsgen.linter.lint import lint_texts
from hlsgen.linter.products import stated_products
from hlsgen.linter.source import Source
from hlsgen.project import Project
from tests.linter.native import the_clang
from tests.passes.builders import Net, project_of

ALL = 6 * 4 * (2 * 2 * 2 * 3)
"""Products of every pixel of the convolution below."""


def convolution(padding: str = "valid") -> Any:
    net = Net()
    net.input((7, 5, 2))
    net.conv("conv", "x", 2, 3, size=2, padding=padding)
    return net.source("conv")


def stated(project: Project) -> dict[str, int]:
    files = firmware_files(project.plan)
    return stated_products({name: Source(name, text) for name, text in files.items()}, project.plan.top)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"parallelization_factor": 2}, 2 * 24),
        ({"parallelization_factor": 8}, 8 * 24),
        ({"parallelization_factor": 4, "strategy": "resource", "reuse_factor": 2}, 4 * 12),
        ({"pipeline": "flat"}, ALL),
        ({"pipeline": "flat", "interval": 5}, ALL),
    ],
    ids=str,
)
def test_all_are_counted(settings: dict[str, Any], count: int) -> None:
    project = project_of(convolution(), input_precision="fixed<8,3>", **settings)
    assert stated(project) == {"conv": count}
    report = lint_texts(firmware_files(project.plan), the_clang())
    assert not report.errors
    assert [entry.count for entry in report.multiplications if entry.step == "conv"] == [count]


@pytest.mark.parametrize("settings", [{"parallelization_factor": 5}, {"pipeline": "flat"}], ids=str)
def test_padding_is_no_factor(settings: dict[str, Any]) -> None:
    project = project_of(convolution("same"), input_precision="fixed<8,3>", **settings)
    assert stated(project) == {}
    assert not lint_texts(firmware_files(project.plan), the_clang()).errors


def test_the_text_says_how_many_positions() -> None:
    project = project_of(convolution(), input_precision="fixed<8,3>", parallelization_factor=2)
    assert "//   24 multipliers a position, 2 positions at a time\n" in firmware_files(project.plan)["net.cpp"]
