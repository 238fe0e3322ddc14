"""The program that a configuration asks for."""

from __future__ import annotations

from hlsgen.backends.hls.depths import wished_depths
from hlsgen.backends.hls.plan import Pipeline, Plan, make_plan
from hlsgen.backends.hls.ports import Interface
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.ir.wish import WeightSource


def planned(design: Design, config: Config, top: str) -> Plan:
    """Plan the C++ program of a design as configured; see :func:`hlsgen.backends.hls.plan.make_plan`."""
    return make_plan(
        design,
        config.io_type,
        top,
        interface=interface_of(design, config),
        depths=wished_depths(config, design),
        pipeline=Pipeline(config.pipeline, config.interval),
    )


def interface_of(design: Design, config: Config) -> Interface:
    """The ports of a design as configured. Raises ConfigError for settings that do not go together."""
    loading = (op.source.where for op in design if op.weight_source is WeightSource.AXI)
    interface, layer = Interface.of(config), next(loading, None)
    return interface if layer is None else interface.that_loads(config, layer)
