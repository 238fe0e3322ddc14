"""The estimate of a whole program: its calls, what lies between them, and when samples come and go."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.design_schedule import schedule_of
from hlsgen.backends.hls.program import Plan, Step, Wire
from hlsgen.backends.hls.schedule import Schedule
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import InputError, brief, nearest
from hlsgen.estimation import memory
from hlsgen.estimation.coefficients import Coefficients, Spread, fitted
from hlsgen.estimation.cost import REPORTED_FAMILY, REPORTED_NS, UNCERTAINTY, Basis, Cost, Multipliers, Setting
from hlsgen.estimation.devices import FAMILIES, family_of, part_named
from hlsgen.estimation.estimate import Estimate, LayerEstimate
from hlsgen.estimation.figure import Figure, total
from hlsgen.estimation.layers import Call, call_cost
from hlsgen.estimation.live import live_shares
from hlsgen.estimation.spread import layer_estimate, spread, wider

_HANDED_ON = 1
"""Cycles of a process on streams beside what it computes: reading a FIFO and writing one do not fit into a cycle."""
_LOOPS, _MOVING = 3, 2
"""Loops of a position that is collected, multiplied and handed on; cycles of the pipeline of one that only moves."""

_STATES = 2
"""Registers of a pipeline of one state."""


def estimate_of(
    plan: Plan, design: Design, config: Config, part: str | None = None, multipliers: str = "auto"
) -> Estimate:
    """What Vitis HLS is expected to report of a planned design.

    ``part``: another device than the configuration's; ``multipliers``: ``dsp`` or ``lut`` where ``config_op mul`` says
    so, ``auto`` where the tool decides. Raises InputError for others.
    """
    named = config.part if part is None else part
    if not isinstance(named, str):
        raise InputError(f"estimate(): part is {brief(named)}, expected the name of a device, as Vitis spells it")
    setting = setting_of(named, config.clock_period, config.clock_uncertainty, multipliers)
    program = Program(bordered(plan), design, setting)
    rows = program.rows
    return Estimate(
        layers=rows,
        dsp=total(row.dsp for row in rows),
        lut=total(row.lut for row in rows),
        ff=total(row.ff for row in rows),
        bram=total(row.bram for row in rows),
        uram=total(row.uram for row in rows),
        latency=program.latency,
        interval=program.interval,
        part=named,
        device=part_named(named),
        clock_period=config.clock_period,
        calibrated=all(row.calibrated for row in rows),
        notes=(*outside(named, setting), *_told(rows)),
    )


def setting_of(
    part: str,
    clock_period: float,
    uncertainty: float | None,
    multipliers: str,
    coefficients: Coefficients | None = None,
) -> Setting:
    """The conditions of an estimate. Raises InputError for ``multipliers`` of another name."""
    if not isinstance(multipliers, str) or multipliers not in list(Multipliers):
        raise InputError(f"estimate(): multipliers is {brief(multipliers)}{nearest(multipliers, list(Multipliers))}")
    kept = UNCERTAINTY if uncertainty is None else uncertainty
    family = family_of(part)
    return Setting(
        family or FAMILIES[REPORTED_FAMILY],
        clock_period * (1 - kept / 100),
        Multipliers(multipliers),
        coefficients or fitted(),
        known=family is not None,
    )


def outside(part: str, setting: Setting) -> tuple[str, ...]:
    """In what the conditions are none of the reports."""
    found = []
    family = family_of(part)
    if family is None:
        found.append(f"{part} is of no family that is known: delays and DSPs are those of 7-series devices")
    elif family.name != REPORTED_FAMILY:
        found.append(f"every report is of a 7-series device: cycles of {family.name} follow from how much faster it is")
    if not REPORTED_NS[0] <= setting.period <= REPORTED_NS[1]:
        found.append(
            f"a cycle has {setting.period:.3g} ns less the clock's uncertainty, and those of the reports 2.9 to 4.4"
        )
    return tuple(found)


def _told(rows: tuple[LayerEstimate, ...]) -> list[str]:
    """What is to be said of layers, each once, with the layers that it is about."""
    about: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            about.setdefault(note, []).append(row.name)
    unsure = [row.name for row in rows if not row.calibrated]
    if unsure:
        about["not among the reports that the model was fitted on, so the intervals are wide"] = unsure
    return [f"{', '.join(dict.fromkeys(names))}: {note}" for note, names in about.items()]


@dataclass(frozen=True, eq=False)
class _Placed:
    """A call with its cost and its schedule."""

    step: Step
    cost: Cost
    schedule: Schedule
    stream: bool

    @property
    def latency(self) -> int:
        """From the first input to the last result: all steps but the last, and the pipelines that fill and drain.

        Those of several loops are of one that computes and of others that collect words or hand them on. A word that is
        read from a stream is written to the next one a cycle later at the earliest.
        """
        begun = len(self.schedule.fills)
        computing = 1 if begun <= _LOOPS else -(-begun // _LOOPS)
        filled = computing * self.cost.latency + (begun - computing) * _MOVING
        return self.schedule.cycles - self.schedule.interval + filled + (_HANDED_ON if self.stream else 0)

    @property
    def interval(self) -> int:
        """A single pipeline takes a sample every interval; loops are gone through to their end first."""
        single = self.schedule.steps == 1
        return min(self.cost.interval, self.latency + 1) if single else self.latency + 1


class Program:
    """A planned program with what its calls cost."""

    def __init__(self, plan: Plan, design: Design, setting: Setting) -> None:
        self._plan, self._setting = plan, setting
        self._ops, self._live = {op.name: op for op in design}, live_shares(design)
        self._calls = [self._placed(step) for step in plan.steps]

    @property
    def rows(self) -> tuple[LayerEstimate, ...]:
        """The figures of all calls, and of what lies between them."""
        return (*(self._row(call) for call in self._calls), self._between())

    @property
    def latency(self) -> Figure:
        """Cycles from the first input to the last output."""
        value = self._latency
        widest = max((call.cost.basis for call in self._calls), key=lambda basis: basis.rank, default=Basis.REPORTS)
        costs = [call.cost for call in self._calls]
        low = sum(c.latency - c.latency_low for c in costs if c.latency_low is not None)
        high = sum(c.latency_high - c.latency for c in costs if c.latency_high is not None)
        found = spread(value, self._spread(widest)["latency"])
        return Figure(value, max(min(found.low, value - low), 0), max(found.high, value + high))

    @property
    def interval(self) -> Figure:
        """Cycles from sample to sample: those of the slowest call; a flat pipeline has one of its own."""
        if not self._plan.dataflow:
            latency, wanted = self.latency, self._plan.interval
            low, value, high = (min(wanted, end + 1) for end in (latency.low, latency.value, latency.high))
            return Figure(value, min(low, self._slowest_kernel), high)
        slowest = max((self._interval(call) for call in self._calls), key=lambda figure: figure.value, default=None)
        return Figure(1, 1, 1) if slowest is None else slowest

    @property
    def _slowest_kernel(self) -> int:
        """The interval of a flat pipeline at best: kernels are pipelines of their own, and one that is done earlier
        than its interval asks for is ready for the next sample. In all reports the whole is as fast as the slowest."""
        return max((self._interval(call).low for call in self._calls), default=1)

    @property
    def _latency(self) -> int:
        if self._plan.stream:  # words are read while others are still computed: the schedule knows when
            scheduled = schedule_of(self._plan).latency
            others = [call.latency + 1 - call.schedule.last_result for call in self._calls]
            return max(scheduled + self._longest(others), *(call.latency for call in self._calls), 1)
        taken = [call.latency + self._begins(call) + self._registered(call) for call in self._calls]
        return max(self._longest(taken) - 1, 0)

    def _longest(self, weights: list[int]) -> int:
        """The weights of calls on the way from inputs to outputs on which they are most."""
        ready = dict.fromkeys((wire.name for wire in self._plan.inputs), 0)
        for call, weight in zip(self._calls, weights, strict=True):
            done = max((ready[wire.name] for wire in call.step.inputs), default=0) + weight
            ready |= {wire.name: done for wire in call.step.outputs}
        return max((ready[wire.name] for wire in self._plan.outputs), default=0)

    def _begins(self, call: _Placed) -> int:
        """Whether a call begins in a cycle of its own: what takes no cycle and little of one goes along with others."""
        if call.latency > 0:
            return 1
        return int(call.cost.lut > 0 and self._setting.cast_ns > self._setting.period / 2)

    def _registered(self, call: _Placed) -> int:
        """A pipeline that takes a sample every cycle has its products' results registered once more."""
        return int(call.interval == 1 and call.step.kernel.multipliers > 0 and call.latency > 1)

    def _placed(self, step: Step) -> _Placed:
        if self._plan.dataflow:
            schedule = step.schedule(self._plan.stream)
        else:
            schedule = Schedule(1, self._plan.interval, self._plan.interval, step.kernel.timing.depth)
        cost = self._cost(step, schedule, stream=self._plan.stream)
        return _Placed(step, cost, schedule, self._plan.stream)

    def _cost(self, step: Step, schedule: Schedule, *, stream: bool) -> Cost:
        if step.body is not None:
            inner = [self._cost(call, call.schedule(False), stream=False) for call in step.body.plan.calls]
            states = sum(state.now.size * state.now.type.width for state in step.body.states)
            copies = step.body.steps if step.body.unrolled else 1
            found = sum(inner, Cost(lut=60, ff=float(2 * states))).times(copies)
            return replace(found, latency=schedule.depth).less_sure(
                Basis.MODEL, "latency and interval are of a step's schedule, whose depth nobody measured"
            )
        if step.op is None:
            bits = sum(wire.type.width * wire.pack for wire in step.outputs)
            handed = Cost(lut=bits / 16 + 30, ff=bits + 15.0, basis=Basis.MODEL)
            return handed if stream else Cost()
        flat = not self._plan.dataflow
        interval = self._plan.interval if flat else max(schedule.interval, 1)
        op = self._ops[step.op]
        live = self._live[op.outputs[0].name]
        found = call_cost(Call(op, step, self._setting, stream, flat, interval, live))
        if not stream:
            return found
        held = sum(wire.type.width * wire.pack for wire in step.outputs)
        return found + Cost(lut=20, ff=4.0 + held)

    def _row(self, call: _Placed) -> LayerEstimate:
        cost, step = call.cost, call.step
        factors = self._spread(cost.basis)
        latency = spread(call.latency, factors["latency"], cost.latency_low, cost.latency_high)
        return layer_estimate(
            step.layer or step.name,
            step.kernel.function,
            cost,
            factors,
            self._interval(call),
            latency,
            calibrated=self._known(cost.basis),
        )

    def _interval(self, call: _Placed) -> Figure:
        factors = self._spread(call.cost.basis)["latency"]
        if self._plan.stream:  # begins anew when it is done; at best while its pipeline still drains
            done = max(call.latency + 1, call.schedule.cycles)
            least = min(max(call.schedule.cycles, call.cost.interval), done)
            return Figure(done, least, done) if call.schedule.steps == 1 else spread(done, factors, least)
        if call.schedule.steps == 1 and call.interval <= call.latency:
            return Figure(call.interval, call.interval, call.interval)
        return spread(call.interval, factors)

    def _between(self) -> LayerEstimate:
        """Registers between calls, or FIFOs."""
        plan = self._plan
        if plan.stream:
            sizes = {wire.name: wire.type.width * wire.pack for wire in plan.wires}
            fifos = [memory.fifo(fifo.depth, sizes[name]) for name, fifo in plan.fifos.items() if name in sizes]
            cost, kernel = sum(fifos, Cost(basis=Basis.MODEL)), "fifo"
        else:
            inner = {wire.name for wire in plan.wires}
            begun = [wire for call in self._calls if self._begins(call) for wire in call.step.outputs]
            held = sum(self._held_bits(wire) for wire in begun if wire.name in inner)
            stages = self._latency // max(plan.interval, 1)
            cost, kernel = Cost(ff=float(held + stages + self._ports_held)), "registers"
        nothing = Figure(0, 0, 0)
        factors, known = self._spread(cost.basis), self._known(cost.basis)
        return layer_estimate("(between layers)", kernel, cost, factors, nothing, nothing, calibrated=known)

    @property
    def _ports_held(self) -> int:
        """Bits of the inputs that a call without registers reads: the top function holds those, and its state."""
        read = {wire.name for call in self._calls if call.cost.latency == 0 for wire in call.step.inputs}
        bits = sum(wire.size * wire.type.width for wire in self._plan.inputs if wire.name in read)
        return bits + _STATES if bits else 0

    def _held_bits(self, wire: Wire) -> float:
        """Of the elements of an array that are built."""
        return wire.size * wire.type.width * self._live.get(wire.tensor, 1.0)

    def _spread(self, basis: Basis) -> Spread:
        spreads = self._setting.coefficients.spread
        found = spreads[basis]
        return found if self._setting.measured(basis) else wider(found, spreads["other_device"])

    def _known(self, basis: Basis) -> bool:
        return basis is Basis.REPORTS and self._setting.is_reported
