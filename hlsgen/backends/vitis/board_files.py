"""What a board needs beside the HLS project: how to build what runs on it, and drivers that test themselves."""

from __future__ import annotations

from hlsgen.backends.base import Job
from hlsgen.backends.boards import Zynq, board_named
from hlsgen.backends.hls.program import Plan, Port
from hlsgen.backends.hls.render import render, verbatim
from hlsgen.backends.vitis.alveo_files import alveo_files
from hlsgen.backends.vitis.zynq_files import zynq_files
from hlsgen.errors import ConfigError
from hlsgen.ir.constant import Shape
from hlsgen.ir.types import FixedType, Overflow

FOLDER = "board"
_OF_EVERY = ("__init__.py", "packing.py", "samples.py")
"""Texts that depend on no model and on no kind of board."""


def board_files(job: Job, plan: Plan) -> dict[str, str]:
    """The texts by path, none without a board. Raises ConfigError for what the board or the drivers cannot do."""
    if job.config.board is None:
        return {}
    for port in plan.ports:
        _check(port)
    board = board_named(job.config.board)
    of_kind = zynq_files(board, job, plan) if isinstance(board, Zynq) else alveo_files(board, job, plan)
    shapes = [tensor.shape for tensor in (*job.design.inputs, *job.design.outputs)]
    numbers = render("board/ports.py.j2", plan, described=_described(plan.ports, shapes))
    texts = {**{name: verbatim(f"board/{name}") for name in _OF_EVERY}, "ports.py": numbers, **of_kind}
    return {f"{FOLDER}/{name}": text for name, text in texts.items()}


def _check(port: Port) -> None:
    name, fixed = port.wire.name, port.wire.type
    if port.is_input and (fixed.overflow is Overflow.WRAP_SM or fixed.saturation_bits):
        raise ConfigError(
            f"board: the driver makes numbers of the type of port '{name}', and knows no {fixed}; give "
            "input_precision another overflow mode, such as SAT"
        )


def _described(ports: list[Port], shapes: list[Shape]) -> list[tuple[Port, Shape, str]]:
    """Each port with its tensor's shape and the NumPy type of its real values."""
    return [(port, shape, _real_type(port.wire.type)) for port, shape in zip(ports, shapes, strict=True)]


def _real_type(fixed: FixedType) -> str:
    return "float32" if fixed.width - fixed.signed <= 24 and fixed.frac <= 126 and fixed.integer <= 127 else "float64"
