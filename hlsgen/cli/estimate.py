"""``hlsgen estimate``: what Vitis HLS is expected to report, before it has run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlsgen.cli.options import ModelOrConfig, converted, given, option
from hlsgen.config import IoType, Strategy
from hlsgen.estimation.cost import Multipliers


def estimate(
    model: ModelOrConfig,
    config: Annotated[Path | None, option("--config", "-c", text="YAML configuration (see 'hlsgen config').")] = None,
    weights: Annotated[Path | None, option("--weights", text="The .h5 weights that go with a .json model.")] = None,
    part: Annotated[str | None, option("--part", text="Device, as Vitis names it.")] = None,
    clock_period: Annotated[float | None, option("--clock-period", text="In ns.")] = None,
    precision: Annotated[str | None, option("--precision", text="Type of weights, biases, results.")] = None,
    strategy: Annotated[Strategy | None, option("--strategy", text="Optimise products for this.")] = None,
    reuse_factor: Annotated[int | None, option("--reuse-factor", text="Cycles that share one multiplier.")] = None,
    io_type: Annotated[IoType | None, option("--io-type", text="Arrays or streams between layers.")] = None,
    multipliers: Annotated[
        Multipliers, typer.Option("--multipliers", help="Where products go that no addition replaces.")
    ] = Multipliers.AUTO,
) -> None:
    """Estimate DSP, LUT, FF, BRAM, interval and latency by layer, and whether the design fits its device.

    Without any HLS tool, in a second or so. What the figures rest on is in docs/estimate.md.
    """
    settings = given(
        weights=weights,
        part=part,
        clock_period=clock_period,
        precision=precision,
        strategy=strategy,
        reuse_factor=reuse_factor,
        io_type=io_type,
    )
    print(converted(model, config, **settings).estimate(multipliers=multipliers))
