"""``hlsgen bitstream`` and ``hlsgen run``: a network on a board, and whether it computes there what it should."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Annotated

import numpy as np
import typer

import hlsgen
from hlsgen.board.build import load
from hlsgen.board.design import DEFAULT_BAUD
from hlsgen.board.simulated import SimulatedBoard
from hlsgen.cli.samples import samples_for
from hlsgen.cli.show import working
from hlsgen.design.arrays import Array
from hlsgen.errors import ConfigError
from hlsgen.project import Project

_SHOWN = 10
"""Differences that are printed."""

Configuration = Annotated[Path, typer.Argument(help="YAML configuration with backend: verilog.", show_default=False)]
Baud = Annotated[int, typer.Option("--baud", help="Bits a second of the serial line.")]


def bitstream(
    config: Configuration,
    board: Annotated[str, typer.Option("--board", help="Such as ulx3s, ecpix5-85, icebreaker.", show_default=False)],
    baud: Baud = DEFAULT_BAUD,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", "-o", help="Where all files go (<output_dir>_<board>).", show_default=False),
    ] = None,
    allow_slow: Annotated[
        bool, typer.Option("--allow-slow", help="Take a slower clock where the wished one is not met.")
    ] = False,
    program: Annotated[bool, typer.Option("--program", help="Then load it with openFPGALoader.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that were changed.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print what the tools print.")] = False,
) -> None:
    """Build the bitstream of a network behind a serial line, with yosys and nextpnr."""
    with working("converting"):
        project = hlsgen.convert(None, hlsgen.load_config(config))
    with working("building the bitstream"):
        built = project.bitstream(
            board,
            baud=baud,
            folder=folder,
            allow_slow=allow_slow,
            overwrite=overwrite,
            log=print if verbose else None,
        )
    print(built)
    if program:
        with working("loading"):
            load(built, print if verbose else None)


def run(
    config: Configuration,
    x: Annotated[
        Path | None, typer.Argument(help="Samples, .npy; else the configuration's test_vectors.", show_default=False)
    ] = None,
    port: Annotated[
        str | None, typer.Option("--port", help="The board's serial port, such as /dev/ttyUSB0.", show_default=False)
    ] = None,
    simulated: Annotated[
        str | None, typer.Option("--simulated", help="A board's name: simulate it instead.", show_default=False)
    ] = None,
    baud: Baud = DEFAULT_BAUD,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds in which an answer has to come.")] = 2.0,
) -> None:
    """Send samples to a board and compare its results with the emulator, integer for integer.

    Exit status 1 if one differs.
    """
    if (port is None) == (simulated is None):
        raise ConfigError("run: give either --port, of a board, or --simulated, its name")
    settings = hlsgen.load_config(config)
    with working("converting"):
        project = hlsgen.convert(None, settings)
    data, _ = samples_for(project, "run", "behind the configuration", x)
    with working("computing what is expected"):
        expected = project.predict(data, raw=True)
    line = port if port is not None else _simulated(project, str(simulated), baud)
    with project.connect(line, baud=baud, timeout=timeout) as board, working("computing on the board"):
        began = _seconds(line)
        found = board.predict(data, raw=True)
        seconds = _seconds(line) - began
    wrong = _differences(found, expected)
    again = f", {board.chip.repeated} frames were sent again" if board.chip.repeated else ""
    rate = f"{len(found) / seconds:,.0f} samples/s"
    print(f"{project.name} on {board.chip.name}: {len(found)} samples, {wrong} differ, {rate}{again}")
    if wrong:
        raise typer.Exit(1)


def _simulated(project: Project, board: str, baud: int) -> SimulatedBoard:
    with working("compiling the simulated board"):
        return SimulatedBoard(project.board_design(board, baud=baud, allow_slow=True))


def _seconds(line: str | SimulatedBoard) -> float:
    """The time of the board: of a simulated one, that of its clock."""
    return monotonic() if isinstance(line, str) else line.seconds


def _differences(found: Array, expected: Array) -> int:
    """Print the first elements that differ; returns how many samples do."""
    places = np.argwhere(found != expected)
    for place in places[:_SHOWN]:
        sample, *element = (int(k) for k in place)
        at = tuple(place)
        print(f"sample {sample}, element {element}: found {found[at]}, expected {expected[at]}")
    return len(np.unique(places[:, 0]))
