"""The program that a configuration asks for."""

from __future__ import annotations

from hlsgen.backends.hls.depths import wished_depths
from hlsgen.backends.hls.naming import C_FUNCTIONS
from hlsgen.backends.hls.plan import make_plan
from hlsgen.backends.hls.ports import Bus, Interface
from hlsgen.backends.hls.program import Pipeline, Plan
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError
from hlsgen.ir.wish import WeightSource


def planned(design: Design, config: Config, top: str) -> Plan:
    """Plan the C++ program of a design as configured; see :func:`hlsgen.backends.hls.plan.make_plan`.

    Raises ConfigError also for what the caller of a design cannot do: connect weights, on a board or in a call of
    several samples, or call a function that is the C library's.
    """
    _refuse_weights_at_ports(design, config)
    plan = make_plan(
        design,
        config.io_type,
        top,
        interface=interface_of(design, config),
        depths=wished_depths(config, design),
        pipeline=Pipeline(config.pipeline, config.interval),
    )
    if plan.interface.batch and top in C_FUNCTIONS:
        raise ConfigError(
            f"project_name: found '{top}', and with batch the top function has C linkage, where '{top}' is a function "
            "of the C library; give another name"
        )
    return plan


def _refuse_weights_at_ports(design: Design, config: Config) -> None:
    """Raise ConfigError for weights that come from outside, where what calls the design moves tensors alone."""
    caller = f"board '{config.board}'" if config.board is not None else "batch" if config.batch else ""
    loaded = next((op for op in design if op.loads_weights), None)
    if caller and loaded is not None:
        raise ConfigError(
            f"{loaded.source.where}: weights '{loaded.weight_source}' come in at ports, and with {caller} only inputs "
            "and outputs are connected; give it weights 'constant'"
        )


def check_ports(design: Design, config: Config) -> None:
    """Raise ConfigError where the words of ports are too short for an input or an output."""
    interface = interface_of(design, config)
    if interface.bus is not Bus.AP_VLD:
        for tensor in (*design.inputs, *design.outputs):
            interface.elements(tensor.name, 1, tensor.type.width)


def interface_of(design: Design, config: Config) -> Interface:
    """The ports of a design as configured. Raises ConfigError for settings that do not go together."""
    loading = (op.source.where for op in design if op.weight_source is WeightSource.AXI)
    interface, layer = Interface.of(config), next(loading, None)
    return interface if layer is None else interface.that_loads(config, layer)
