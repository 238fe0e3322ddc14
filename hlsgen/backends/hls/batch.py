"""A call that computes several samples: which processes see all of them, and which one after the other.

Words of all samples lie in memory one behind the other, so that a process of its own reads them in long bursts, and
another writes. Between the two stands a loop over samples whose body is a dataflow: its processes pass on to the next
sample as soon as they have done theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.backends.hls.program import Plan, Step, Wire

SAMPLES = "samples"
"""The argument that says how many there are; no tensor is called so (``hlsgen.backends.hls.naming.WIRE_NAMES``)."""


@dataclass(frozen=True)
class Batch:
    """The processes of the hardware: ``first`` and ``last`` see all samples of a call, ``body`` one at a time."""

    first: tuple[Step, ...]
    body: tuple[Step, ...]
    last: tuple[Step, ...]

    @property
    def given(self) -> tuple[Wire, ...]:
        """The streams that the loop reads."""
        return tuple(wire for step in self.first for wire in step.outputs)

    @property
    def made(self) -> tuple[Wire, ...]:
        """The streams that the loop writes."""
        return tuple(wire for step in self.last for wire in step.inputs)


def batch_of(plan: Plan) -> Batch:
    """Divide the processes of a bordered plan."""
    of_call = [step for step in plan.steps if SAMPLES in step.scalars]
    reading = tuple(step for step in of_call if step.inputs[0] in plan.inputs)
    writing = tuple(step for step in of_call if step not in reading)
    return Batch(reading, tuple(step for step in plan.steps if step not in of_call), writing)
