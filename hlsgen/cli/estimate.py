"""``hlsgen estimate``: what Vitis HLS is expected to report, before it has run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import hlsgen
from hlsgen.cli.show import working
from hlsgen.config import IoType, Strategy
from hlsgen.errors import ConfigError
from hlsgen.estimation.cost import Multipliers


def _option(*names: str, text: str) -> Any:
    return typer.Option(*names, help=text, show_default=False)


def estimate(
    model: Annotated[Path, typer.Argument(help="A model, or a .yml configuration that names one.", show_default=False)],
    config: Annotated[Path | None, _option("--config", "-c", text="YAML configuration (see 'hlsgen config').")] = None,
    weights: Annotated[Path | None, _option("--weights", text="The .h5 weights that go with a .json model.")] = None,
    part: Annotated[str | None, _option("--part", text="Device, as Vitis names it.")] = None,
    clock_period: Annotated[float | None, _option("--clock-period", text="In ns.")] = None,
    precision: Annotated[str | None, _option("--precision", text="Type of weights, biases, results.")] = None,
    strategy: Annotated[Strategy | None, _option("--strategy", text="Optimise products for this.")] = None,
    reuse_factor: Annotated[int | None, _option("--reuse-factor", text="Cycles that share one multiplier.")] = None,
    io_type: Annotated[IoType | None, _option("--io-type", text="Arrays or streams between layers.")] = None,
    multipliers: Annotated[
        Multipliers, typer.Option("--multipliers", help="Where products go that no addition replaces.")
    ] = Multipliers.AUTO,
) -> None:
    """Estimate DSP, LUT, FF, BRAM, interval and latency by layer, and whether the design fits its device.

    Without any HLS tool, in a second or so. What the figures rest on is in docs/estimate.md.
    """
    wished: dict[str, Any] = {
        "weights": weights,
        "part": part,
        "clock_period": clock_period,
        "precision": precision,
        "strategy": strategy,
        "reuse_factor": reuse_factor,
        "io_type": io_type,
    }
    said = {name: value for name, value in wished.items() if value is not None}
    source: Path | None = model
    if model.suffix in (".yml", ".yaml"):
        if config is not None:
            raise ConfigError(f"two configurations given: {model} and --config {config}; give one")
        source, config = None, model
    with working("converting"):
        project = hlsgen.convert(source, config, **said)
    print(project.estimate(multipliers=multipliers))
