"""Yosys and nextpnr for tests, which are left out where there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hlsgen import tools
from hlsgen.errors import ToolError
from hlsgen.synthesis.yosys import prepare


def found(find: Callable[[], tools.Synthesizer]) -> tools.Synthesizer:
    """The tool that a test needs, ready to be started by several at once. It skips the test if there is none."""
    try:
        tool = find()
    except ToolError as error:
        pytest.skip(str(error))
    prepare(tool, None)
    return tool
