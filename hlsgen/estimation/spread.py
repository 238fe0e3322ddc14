"""From a cost to figures with intervals."""

from __future__ import annotations

from math import ceil, floor

from hlsgen.estimation.coefficients import Spread
from hlsgen.estimation.cost import Cost
from hlsgen.estimation.estimate import LayerEstimate
from hlsgen.estimation.figure import Figure


def spread(value: float, factors: tuple[float, float], low: float | None = None, high: float | None = None) -> Figure:
    """A figure between the factors of its value; ``low``, ``high``: ends that are known to be further off."""
    found = round(value)
    least, most = floor(value * factors[0]), ceil(value * factors[1])
    if low is not None:
        least = min(least, floor(low))
    if high is not None:
        most = max(most, ceil(high))
    return Figure(found, min(least, found), max(most, found))


def wider(first: Spread, second: Spread) -> Spread:
    """The ends of either that are further off."""
    return {name: (min(low, second[name][0]), max(high, second[name][1])) for name, (low, high) in first.items()}


def layer_estimate(
    name: str,
    kernel: str,
    cost: Cost,
    factors: Spread,
    interval: Figure,
    latency: Figure,
    *,
    calibrated: bool,
) -> LayerEstimate:
    """The figures of a call."""
    return LayerEstimate(
        name=name,
        kernel=kernel,
        dsp=spread(cost.dsp, factors["dsp"], cost.dsp_low),
        lut=spread(cost.lut, factors["lut"]),
        ff=spread(cost.ff, factors["ff"]),
        bram=spread(cost.bram, factors["bram"]),
        uram=spread(cost.uram, factors["bram"]),
        latency=latency,
        interval=interval,
        calibrated=calibrated,
        notes=cost.notes,
    )
