"""Devices on which nextpnr places and routes a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlsgen.backends.verilog.fabric import size_of_ecp5
from hlsgen.errors import ConfigError, nearest


@dataclass(frozen=True)
class Device:
    """``family``: of yosys; ``options``: of nextpnr, with the slowest speed grade."""

    name: str
    family: str
    options: tuple[str, ...]


def _ecp5(size: str) -> Device:
    return Device(f"ecp5-{size}", "ecp5", (f"--{size}", "--package", "CABGA381", "--speed", "6"))


DEVICES: Mapping[str, Device] = {f"ecp5-{size}": _ecp5(size) for size in ("12k", "25k", "45k", "85k")}


def device_of_part(part: str) -> Device:
    """The ECP5 of that name; for any other device, the largest."""
    return DEVICES[f"ecp5-{size_of_ecp5(part) or '85k'}"]


def device_of(name: str) -> Device:
    """Raises ConfigError for a device that nextpnr is not asked for."""
    if not isinstance(name, str) or name not in DEVICES:
        raise ConfigError(f"timing(): there is no device {name!r}{nearest(name, DEVICES)}")
    return DEVICES[name]
