"""Networks behind a line, and boards for them."""

from __future__ import annotations

from functools import cache

from hlsgen.board.design import BoardDesign
from hlsgen.project import Project
from tests.passes.builders import Net, project_of
from tests.rtl.test_networks import xor

__all__ = ["BAUD", "board_of", "pixels", "wide", "xor_project"]

BAUD = 1_000_000


@cache
def xor_project() -> Project:
    """A byte in and a byte out for each sample."""
    return xor()


def pixels() -> Project:
    """Samples of several words, in and out."""
    net = Net(seed=4, name="pixels")
    x = net.input((4, 4, 2), "image")
    net.conv("conv", x, 2, 3, size=2, activation="relu")
    return project_of(net.source("conv"), backend="verilog", input_precision="fixed<6,3>")


def wide() -> Project:
    """Words that are no whole bytes, and results of more bytes than the samples."""
    net = Net(seed=5, name="wide")
    x = net.dense("more", net.input((3,), "x"), 3, 21, activation="relu")
    net.dense("out", x, 21, 13)
    return project_of(net.source("out"), backend="verilog", input_precision="fixed<5,2>", clock_period=10)


def board_of(project: Project, board: str = "ulx3s", baud: int = BAUD) -> BoardDesign:
    return project.board_design(board, baud=baud, allow_slow=True)
