"""What a design is expected to cost: the result of an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from hlsgen.estimation.devices import Part
from hlsgen.estimation.figure import Figure
from hlsgen.ir.text import table
from hlsgen.tables import html_table

RESOURCES = ("DSP", "LUT", "FF", "BRAM_18K", "URAM")
_FULL = 0.7
"""Of LUTs: above, a device is hard to place and route, whatever is left."""


@dataclass(frozen=True)
class LayerEstimate:
    """One kernel call, or what lies between calls."""

    name: str
    """Of the layer in the source model, or of the call."""
    kernel: str
    dsp: Figure
    lut: Figure
    ff: Figure
    bram: Figure
    """Blocks of 18 Kbit."""
    uram: Figure
    latency: Figure
    """Cycles from its first input to its last result."""
    interval: Figure
    """Cycles from sample to sample."""
    calibrated: bool
    """Whether kernels like it, of such widths, are among the reports that the model was fitted on."""
    notes: tuple[str, ...] = ()
    """What the figures do not know."""

    @property
    def resources(self) -> dict[str, Figure]:
        """By the names that Vitis gives them."""
        return dict(zip(RESOURCES, (self.dsp, self.lut, self.ff, self.bram, self.uram), strict=True))


@dataclass(frozen=True)
class Estimate:
    """What C synthesis of Vitis HLS is expected to report; print it, or read its figures."""

    layers: tuple[LayerEstimate, ...]
    """In the order of the program; the last is what lies between layers: registers or FIFOs."""
    dsp: Figure
    lut: Figure
    ff: Figure
    bram: Figure
    uram: Figure
    latency: Figure
    interval: Figure
    part: str
    """As the configuration names it."""
    device: Part | None
    """What it has; None of one that is not in the table."""
    clock_period: float
    """ns"""
    calibrated: bool
    """Whether all layers are of the kinds, and within the range, that the model was fitted on."""
    notes: tuple[str, ...] = ()
    """What the figures do not know, each with the layers that it concerns."""

    @property
    def resources(self) -> dict[str, Figure]:
        """By the names that Vitis gives them."""
        return dict(zip(RESOURCES, (self.dsp, self.lut, self.ff, self.bram, self.uram), strict=True))

    @property
    def shares(self) -> dict[str, float]:
        """The part of the device that is taken of each resource that it has, 1 being all; empty for an unknown one."""
        has = self._has
        return {name: figure.value / has[name] for name, figure in self.resources.items() if has.get(name)}

    @property
    def fits(self) -> bool | None:
        """Whether it fits by the estimate's values; None where its device is not in the table.

        All LUTs of a device cannot be used: from 70 % on, placing and routing get hard, which :meth:`__str__` says.
        """
        has = self._has
        return all(f.value <= has[name] for name, f in self.resources.items()) if has else None

    @property
    def dominant(self) -> Mapping[str, LayerEstimate]:
        """The layer that takes most of each resource that is taken at all."""
        taken = [name for name, figure in self.resources.items() if figure.value]
        return {name: max(self.layers, key=lambda layer: layer.resources[name].value) for name in taken}

    @property
    def _has(self) -> dict[str, int]:
        device = self.device
        return (
            {}
            if device is None
            else dict(zip(RESOURCES, (device.dsp, device.lut, device.ff, device.bram, device.uram), strict=True))
        )

    @property
    def _table(self) -> list[list[str]]:
        """A row a layer, and one of totals."""
        rows = [_row(layer.name, layer.kernel, layer, layer.calibrated) for layer in self.layers]
        return [*rows, _row("total", "", self, self.calibrated)]

    def __str__(self) -> str:
        return "\n".join([table(_HEADER, self._table), *self._said])

    @property
    def _said(self) -> list[str]:
        """What is to be said of the table."""
        said = [f"part {self.part}, clock {self.clock_period:g} ns; in brackets: where four of five reports should lie"]
        if self.device is None:
            said.append("its totals are not in the table of parts: no shares, and nothing on whether it fits")
        else:
            shares = ", ".join(f"{share:.0%} of {name}" for name, share in self.shares.items())
            said.append(f"takes {shares}: {self._verdict}")
        most = ", ".join(f"{name}: {layer.name}" for name, layer in self.dominant.items())
        said += [f"most of it is in {most}"] if most else []
        return said + [f"~ {note}" for note in self.notes]

    @property
    def _verdict(self) -> str:
        over = [name for name, share in self.shares.items() if share > 1]
        if over:
            return f"does not fit, for want of {', '.join(over)}"
        return "fits, but more than 70 % of the LUTs are hard to route" if self.shares["LUT"] > _FULL else "fits"

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return f"{html_table('', _HEADER, self._table)}<p>{'<br>'.join(map(escape, self._said))}</p>"


_HEADER = ["layer", "kernel", "DSP", "LUT", "FF", "BRAM_18K", "URAM", "interval", "latency"]


def _row(name: str, kernel: str, found: LayerEstimate | Estimate, calibrated: bool) -> list[str]:
    figures = (*found.resources.values(), found.interval, found.latency)
    return [name if calibrated else f"{name} ~", kernel, *map(str, figures)]
