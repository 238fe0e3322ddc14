"""The program that a configuration asks for."""

from __future__ import annotations

from hlsgen.backends.hls.depths import wished_depths
from hlsgen.backends.hls.plan import Pipeline, Plan, make_plan
from hlsgen.backends.hls.ports import Interface
from hlsgen.config import Config
from hlsgen.design.design import Design


def planned(design: Design, config: Config, top: str) -> Plan:
    """Plan the C++ program of a design as configured; see :func:`hlsgen.backends.hls.plan.make_plan`."""
    return make_plan(
        design,
        config.io_type,
        top,
        interface=Interface.of(config),
        depths=wished_depths(config, design),
        pipeline=Pipeline(config.pipeline, config.interval),
    )
