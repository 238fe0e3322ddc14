"""What Vitis HLS, or the device, would refuse or take hours for: said before a file is written."""

from __future__ import annotations

from hlsgen.backends.hls.plan import Plan, Step
from hlsgen.backends.hls.ports import WIDEST_WORD
from hlsgen.errors import ConfigError
from hlsgen.ir.wish import Storage, WeightSource
from hlsgen.passes.choose_hardware import MOST_MULTIPLIERS, MOST_WEIGHT_BITS

_VERSAL = ("xcv", "xqv")


def check_limits(plan: Plan, part: str) -> None:
    """Raise ConfigError for a design beyond the limits, with the layer and what fits."""
    for step in plan.steps:
        _check_multipliers(step)
        _check_weights(step)
        _check_storage(step, part)
    if plan.stream:
        _check_words(plan)
    if not plan.dataflow:
        _check_pipeline(plan)


def _check_words(plan: Plan) -> None:
    """A stream of wider words is none to the tool."""
    for wire in plan.wires:
        bits = wire.pack * wire.type.width
        if bits > WIDEST_WORD:
            raise ConfigError(
                f"stream '{wire.name}': a word of {wire.pack} elements of {wire.type} has {bits:,} bits, and none has "
                f"more than {WIDEST_WORD:,}; give '{wire.tensor}' a narrower result, of up to "
                f"{WIDEST_WORD // wire.pack} bits, or compute in arrays (io_type: io_parallel, for small designs)"
            )


def _check_multipliers(step: Step) -> None:
    multipliers = step.kernel.multipliers
    if multipliers > MOST_MULTIPLIERS:
        kernel = step.kernel
        least = -(-multipliers * kernel.reuse_factor // MOST_MULTIPLIERS)
        raise ConfigError(
            f"{step.note}: strategy {kernel.strategy} with reuse_factor {kernel.reuse_factor} builds {multipliers:,} "
            f"multipliers side by side, at most {MOST_MULTIPLIERS:,} are; give it strategy 'auto', or 'resource' with "
            f"a reuse_factor of {least} or more"
        )


def _check_pipeline(plan: Plan) -> None:
    """A flat pipeline has all positions of a layer side by side."""
    for step in plan.steps:
        members = step.kernel.members
        built = members.get("all_multipliers", members.get("multipliers", 0))
        if isinstance(built, int) and built > MOST_MULTIPLIERS:
            least = -(-built * plan.interval // MOST_MULTIPLIERS)
            raise ConfigError(
                f"{step.note}: one pipeline of interval {plan.interval} builds {built:,} multipliers for all its "
                f"positions, at most {MOST_MULTIPLIERS:,} are; give an interval of {least} or more, or pipeline "
                "'dataflow'"
            )


def _check_weights(step: Step) -> None:
    """Weights that are read in turns are memories, a word a turn."""
    for constant in step.constants:
        if constant.array.row is not None and constant.word_bits > MOST_WEIGHT_BITS:
            least = -(-constant.word_bits * constant.array.row // MOST_WEIGHT_BITS)
            raise ConfigError(
                f"{step.note}: with reuse_factor {step.kernel.reuse_factor} a word of its weights has "
                f"{constant.word_bits:,} bits, and no memory has words of more than {MOST_WEIGHT_BITS:,}; give it a "
                f"reuse_factor of {least} or more, or narrower weights"
            )


def _check_storage(step: Step, part: str) -> None:
    read_by_turns = any(
        constant.array.row is not None and constant.array.source is not WeightSource.AXI for constant in step.constants
    )
    if step.kernel.storage is Storage.URAM and read_by_turns and not part.startswith(_VERSAL):
        raise ConfigError(
            f"{step.note}: storage 'uram' holds weights that are constants, and the UltraRAM of {part} cannot be "
            "initialised (that of Versal devices can); give it storage 'bram', 'lutram' or 'auto'"
        )
