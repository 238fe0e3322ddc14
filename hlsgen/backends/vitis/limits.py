"""What Vitis HLS, or the device, would refuse or take hours for: said before a file is written."""

from __future__ import annotations

from hlsgen.backends.hls.ports import WIDEST_WORD
from hlsgen.backends.hls.program import Plan, Step
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError
from hlsgen.ir.op import Op
from hlsgen.ir.wish import Storage, Strategy, WeightSource
from hlsgen.passes.choose_hardware import MOST_MULTIPLIERS, MOST_WEIGHT_BITS

_VERSAL = ("xcv", "xqv")


def check_limits(plan: Plan, design: Design, part: str) -> None:
    """Raise ConfigError for a design beyond the limits, with the layer and what fits; ``design`` is what is planned."""
    ops = {op.name: op for op in design}
    copies = {call: step.body.steps for step in plan.steps if step.body for call in step.body.plan.calls}
    for step in plan.calls:
        if plan.dataflow and step.op is not None:
            _check_multipliers(step, ops[step.op])
        elif not plan.dataflow:
            _check_pipeline(step, plan, copies.get(step, 1))
        _check_weights(step)
        _check_storage(step, part)
    if plan.stream:
        _check_words(plan)


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


def _check_multipliers(step: Step, op: Op) -> None:
    kernel = step.kernel
    if kernel.multipliers > MOST_MULTIPLIERS:
        raise ConfigError(
            f"{step.note}: strategy {kernel.strategy} with reuse_factor {kernel.reuse_factor} builds "
            f"{kernel.multipliers:,} multipliers side by side, at most {MOST_MULTIPLIERS:,} are; {_sharing(op)}"
        )


def _sharing(op: Op) -> str:
    """What makes the multipliers of an operation fewer: more turns, or fewer pixels at once."""
    strategy = Strategy.RESOURCE if op.strategy is Strategy.LATENCY else op.strategy
    least = -(-op.layer.products * op.parallelization // MOST_MULTIPLIERS)
    fitting = [factor for factor in op.layer.valid_reuse_factors(strategy) if factor >= least]
    if not fitting:
        return "give it a smaller parallelization_factor, or less to compute"
    return f"give it strategy '{strategy}' with a reuse_factor of {fitting[0]} or a larger one"


def _check_pipeline(step: Step, plan: Plan, copies: int) -> None:
    """One pipeline computes all positions at once, of each copy for a step, and shares multipliers in its interval."""
    kernel, interval = step.kernel, plan.interval
    positions = kernel.positions * copies
    products = kernel.multipliers * kernel.reuse_factor * positions
    undo = "leave pipeline 'flat' out" if plan.pipeline.form == "flat" else "leave recurrence 'unrolled' out"
    if products > MOST_MULTIPLIERS * interval:
        raise ConfigError(
            f"{step.note}: one pipeline computes all positions ({positions:,}) at once, with "
            f"{-(-products // interval):,} multipliers in an interval of {interval:,}, and at most "
            f"{MOST_MULTIPLIERS:,} are built; {undo}, or give an interval of "
            f"{-(-products // MOST_MULTIPLIERS):,} or more"
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
