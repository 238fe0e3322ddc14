"""From a design to its circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hlsgen.backends.base import Job
from hlsgen.backends.hls.naming import Identifiers
from hlsgen.backends.verilog.circuit import Chain, Circuit, Stage
from hlsgen.backends.verilog.core import Core, Place, build_core
from hlsgen.backends.verilog.logic import levels_within
from hlsgen.backends.verilog.outline import Part, outline
from hlsgen.backends.verilog.streams import STAGES
from hlsgen.ir.op import Op

_RESERVED = """
    alias always_comb always_ff always_latch assume before bind bins binsof bit byte chandle checker class
    clocking constraint context cover covergroup coverpoint cross dist do endchecker endclass endclocking
    endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect extends final
    first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies inside int interconnect
    interface intersect let local logic longint matches modport nettype nexttime null packed priority program
    property protected pure rand randc randcase randsequence restrict sequence shortint shortreal soft solve
    static string strong struct super tagged this throughout timeprecision timeunit typedef union unique unique0
    untyped uwire var virtual void wait_order weak wildcard with within
""".split()
"""Words of SystemVerilog that are none of Verilog: many tools read .v as that."""


def plan_circuit(job: Job) -> Circuit:
    """The circuit of a design, with all texts. Raises UnsupportedError and ConfigError as :func:`outline`."""
    parts, design = outline(job), job.design
    ports = Identifiers([*_RESERVED, "clk", "rst"])
    input_name, output_name = ports.make(design.inputs[0].name), ports.make(design.outputs[0].name)
    wires = [f"{port}_{end}" for port in (input_name, output_name) for end in ("data", "valid", "ready")]
    names = Identifiers([*_RESERVED, job.name, "axis", "bench", "clk", "rst", *wires])
    by_op = {op: names.make(op.name) for op in dict.fromkeys(part.op for part in parts)}
    blocks = _blocks(job, parts, by_op)
    return Circuit(job.name, input_name, output_name, blocks[0].x, blocks[-1].y, tuple(blocks))


def _blocks(job: Job, parts: Sequence[Part], names: Mapping[Op, str]) -> list[Chain | Stage]:
    """Chains and stages in order. Names of identifiers have single underscores: behind two, none is met again."""
    levels = levels_within(job.config.clock_period)
    blocks: list[Chain | Stage] = []
    cores: list[tuple[str, Core]] = []
    for part in parts:
        name = names[part.op]
        if part.kind == "core":
            cores.append((name, build_core(part.op, Place(f"{job.name}_{name}", part.x, part.y, levels))))
            continue
        blocks += _chain(cores)
        cores = []
        blocks.append(STAGES[part.kind](part, f"{name}__{part.kind}", f"{job.name}_{name}__{part.kind}"))
    return blocks + _chain(cores)


def _chain(cores: list[tuple[str, Core]]) -> list[Chain | Stage]:
    """Cores that follow each other, if there are some."""
    if not cores:
        return []
    names, made = zip(*cores, strict=True)
    return [Chain(names[0], made, names)]
