"""Overflows counted once more: exact results of the reference, cast and counted in rational numbers by the tests alone.

Nothing of the program's casts, counters or counting design is used: only what each layer computes exactly
(``Layer.exacts``), the types of the design as they are before anything is narrowed, and the cast of ``tests/vendor/reference.py``, which is written from the
vendor's manual. The definition is that of docs/numerics.md, rule 2.

    python -m tests.analysis.counting 1000 [first seed [every]]

compares that many random networks (:func:`compare`) and compiles every tenth (or whichever is asked for) of them.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import zip_longest
from math import ceil, floor
from typing import Any

import numpy as np

from hlsgen.analysis.exposed_casts import Cast, expose_casts
from hlsgen.analysis.overflow import Overflow as CountedCast
from hlsgen.analysis.overflow import entry_of, seen
from hlsgen.backends.hls.plan import make_plan
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate
from hlsgen.emulation.emulator import Emulator
from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.layer import Exact
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Tensor
from hlsgen.layers.depth_to_space import DepthToSpace
from hlsgen.layers.table import Table
from hlsgen.pipeline import counting_design_of, rewrite, stages
from hlsgen.project import Project
from tests.passes.builders import project_of
from tests.passes.random_graphs import RandomNet
from tests.vendor import reference

# -- the independent count -------------------------------------------------------------------------


@dataclass
class Expected:
    """What a design computes and where it overflows: mantissas by tensor, counts by (layer, role)."""

    values: dict[Tensor, Any] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)


def expected(design: Design, inputs: Mapping[str, Any]) -> Expected:
    """Run a design on real inputs (samples, *shape) by name."""
    found = Expected()
    cut = _cut_off(design)
    for op in design:
        if op.is_input:
            found.values[op.output] = _each(lambda v, t=op.output.type: reference.cast(t, v), inputs[op.output.name])
            continue
        if isinstance(op.layer, Table):
            found.counts[op.source.name, "result"] += _beyond(op, found.values[op.input])
        results = op.layer.exacts([Exact(_as_integers(found.values[t]), t.type.frac) for t in op.inputs])
        for tensor, (mantissas, frac) in zip(op.outputs, results, strict=True):
            typing = tensor.typing
            for role, fixed, wanted in (("accum", typing.accum, EVERYTHING), ("result", typing.result, typing.demand)):
                if fixed is not None:
                    met = mantissas.reshape(len(mantissas), -1)[:, cut[tensor]] if tensor in cut else mantissas
                    if not isinstance(op.layer, Table):
                        found.counts[op.source.name, role] += _overflows(met, frac, fixed, wanted)
                    mantissas = _each(lambda m, t=fixed, f=frac: reference.cast(t, m * Fraction(2) ** -f), mantissas)
                    frac = fixed.frac
            found.values[tensor] = mantissas
    return found


def _cut_off(design: Design) -> dict[Tensor, Any]:
    """Of values of which only a part goes into an image of a transposed convolution: the places of that part."""
    readers = [(tensor, op) for op in design for tensor in op.inputs]
    single = {t: op for t, op in readers if sum(other is t for other, _ in readers) == 1}
    return {
        tensor: op.layer.move(np.arange(tensor.size).reshape(1, *tensor.shape)).reshape(-1)
        for tensor, op in single.items()
        if isinstance(op.layer, DepthToSpace)
    }


def _beyond(op: Op, mantissas: Any) -> int:
    """How many arguments of a function give a real result more than a step beyond the type."""
    fixed, count = op.output.type, 0
    for mantissa in np.asarray(mantissas).ravel().tolist():
        y = float(op.layer.unary(np.float64(mantissa * 2.0**-op.input.type.frac)))  # type: ignore[attr-defined]
        count += y < float(fixed.min - fixed.step) or y > float(fixed.max + fixed.step)
    return count


def _overflows(mantissas: Any, frac: int, fixed: FixedType, wanted: Demand) -> int:
    """How many values lie, rounded, outside of a type; beyond what readers can tell apart, a value counts as the limit."""
    highest = 2 ** (fixed.width - fixed.signed) - 1
    lowest = -(2 ** (fixed.width - 1)) if fixed.signed else 0
    if fixed.overflow is Overflow.SAT_SYM and fixed.signed and fixed.width > 1:
        lowest += 1

    def outside(mantissa: int) -> bool:
        if wanted.low is not None:
            mantissa = max(mantissa, floor(wanted.low * 2**frac if frac >= 0 else wanted.low / 2**-frac))
        if wanted.high is not None:
            mantissa = min(mantissa, ceil(wanted.high * 2**frac if frac >= 0 else wanted.high / 2**-frac))
        steps = mantissa * Fraction(2) ** (fixed.frac - frac)
        return not lowest <= reference.rounded(steps, fixed.rounding) <= highest

    return int(_each(outside, mantissas).sum())


def _each(function: Any, values: Any) -> Any:
    """Apply to every element, once for each different one, as Python's integers or fractions."""
    different, places = np.unique(np.asarray(values), return_inverse=True)
    exact = [int(v) if isinstance(v, int | np.integer) else Fraction(float(v)) for v in different]
    results = np.array([function(v) for v in exact], dtype=object)
    return results[places].reshape(np.shape(values))


def _as_integers(values: Any) -> Any:
    """int64 where possible: what layers compute fast with."""
    small = all(abs(v) < 2**62 for v in (values.max(initial=0), values.min(initial=0)))
    return values.astype(np.int64) if small else values


# -- random networks with random users ---------------------------------------------------------------


class CountedNet(RandomNet):
    """Random networks with functions, more merges, quantisers, shared layers, several inputs and outputs."""

    def activated(self, name: str, shape: tuple[int, ...]) -> None:
        function = self.pick("tanh", "sigmoid", "softplus", "relu6", "elu", "hard_sigmoid", "softmax")
        self.add(self.call("Activation", self.fresh("act"), name, activation=function), shape)

    def sloped(self, name: str, shape: tuple[int, ...]) -> None:
        weights = {"alpha": self.values(*shape)}
        self.add(self.call("PReLU", self.fresh("prelu"), name, weights, shared_axes=None), shape)

    def merged(self, name: str, shape: tuple[int, ...]) -> None:
        others = [n for n, s in self.tensors if s == shape and n != name]
        if others:
            kind = self.pick("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
            self.add(self.call(kind, self.fresh("merge"), [name, self.pick(*others)]), shape)

    def shared(self, name: str, shape: tuple[int, ...]) -> None:
        """The same Dense called twice."""
        self.linear(name, shape)
        call = self.calls[-1]
        again = replace(call, name=f"{call.name}_1")
        self.calls.append(again)
        self.add(again.name, self.tensors[-1][1])

    def split(self, name: str, shape: tuple[int, ...]) -> None:
        """Two parts, of which one goes on."""
        if shape[-1] < 2:
            return
        config = {"indices_or_sections": [1], "axis": -1}
        made = self.call("Split", self.fresh("split"), name, **config)
        self.calls[-1] = replace(self.calls[-1], is_operation=True)
        self.add(made, (*shape[:-1], 1))

    def step(self) -> None:
        if self.rng.random() < 0.6:
            super().step()
            return
        name, shape = self.pick(*self.tensors[-3:])
        self.pick(self.activated, self.sloped, self.merged, self.merged, self.shared, self.split)(name, shape)


def network(seed: int) -> SourceModel:
    """A network; half of them have quantisers of their own."""
    return CountedNet(seed, quantized=seed % 2 == 0).network(4 + seed % 9)


def random_type(rng: np.random.Generator, *, constant: bool = False) -> FixedType:
    """Any modes; widths and places at which rounding and overflow happen, together or one alone."""
    signed = constant or bool(rng.random() < 0.85)
    width = int(rng.integers(2, 16))
    overflow = Overflow(rng.choice([mode.value for mode in Overflow]))
    if overflow is Overflow.WRAP_SM and not signed:
        overflow = Overflow.WRAP
    guarded = overflow in (Overflow.WRAP, Overflow.WRAP_SM) and rng.random() < 0.2
    integer = int(rng.integers(-1, width + 3)) if rng.random() < 0.5 else int(rng.integers(1, 6))
    rounding = Rounding(rng.choice([mode.value for mode in Rounding]))
    bits = int(rng.integers(1, width + 1)) if guarded else 0
    return FixedType(width, integer, signed, rounding, overflow, bits)


_OPTIONAL = [stage.pass_name() for stage in stages(Config()) if stage.optional]


def settings(seed: int, source: SourceModel) -> dict[str, Any]:
    """What a user says: types for some layers, some passes off, some schedules."""
    rng = np.random.default_rng(seed + 10**6)
    layers = {}
    for call in source.calls:
        roles = [role for role, p in _ROLES.items() if rng.random() < p]
        if roles:
            layers[call.name] = {
                "precision": {role: spelled(random_type(rng, constant=role in ("weight", "bias"))) for role in roles}
            }
    chosen: dict[str, Any] = {"layers": layers, "input_precision": spelled(random_type(rng))}
    if rng.random() < 0.4:
        chosen["input_precision"] = "fixed<7,3>"
    if rng.random() < 0.4:
        chosen["skip_passes"] = [name for name in _OPTIONAL if rng.random() < 0.5]
    if rng.random() < 0.2:
        chosen["fuse_quantized"] = True
    if rng.random() < 0.2:
        chosen["default_width"] = int(rng.integers(4, 12))
    if rng.random() < 0.2:
        chosen["max_width"] = int(rng.integers(8, 24))
    if rng.random() < 0.3:
        chosen["io_type"] = "io_stream"
    if rng.random() < 0.3:
        chosen["defaults"] = {"precision": {"result": spelled(random_type(rng))}}
    return chosen


_ROLES = {"accum": 0.45, "result": 0.45, "weight": 0.15, "bias": 0.1}


def spelled(fixed: FixedType) -> str:
    """With every mode written out."""
    inside = f"{fixed.width},{fixed.integer},{fixed.rounding.value},{fixed.overflow.value},{fixed.saturation_bits}"
    return f"{'' if fixed.signed else 'u'}fixed<{inside}>"


def samples(seed: int, shape: tuple[int, ...], count: int = 12) -> Any:
    """Real values of any size, and multiples of a coarse grid, which make ties."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, *shape)) * 2.0 ** rng.integers(-2, 4)
    x[: count // 2] = np.round(x[: count // 2] * 8) / 8
    return x


# -- the comparison --------------------------------------------------------------------------------


@dataclass
class Compared:
    """What a comparison found: differences in words, and how much there was to compare."""

    differences: list[str] = field(default_factory=list)
    overflows: int = 0
    casts: Counter[str] = field(default_factory=Counter)
    """The casts that could overflow, by role."""
    refused: int = 0
    compiled: int = 0
    layers: Counter[str] = field(default_factory=Counter)

    def expect(self, same: bool, what: str) -> None:
        if not same:
            self.differences.append(what)


def compare(seed: int, found: Compared, *, compiled: bool) -> None:
    """Compare counts, and every value of the counting design, of a random network with the independent count.

    By the reference; ``compiled``: by the emulators of the design and of the counting design too.
    """
    source = network(seed)
    try:
        project = project_of(source, **settings(seed, source))
    except UnsupportedError:
        found.refused += 1
        return
    x = {tensor.name: samples(seed, tensor.shape) for tensor in project.design.inputs}
    design = counting_design_of(rewrite(project.graph, project.config), project.config)
    right = expected(design, x)
    whole, values, casts = _counting_design(design)
    known = evaluate(whole, {tensor.name: right.values[tensor] for tensor in design.inputs})
    for tensor, same in values.items():
        found.expect(_equal(known[same], right.values[tensor]), f"{seed}: value {tensor!r} of the counting design")
    entries = tuple(entry_of(c).counted(seen(c, known[c.given]), c.given.type.frac) for c in casts)
    _compare_counts(f"{seed}", entries, right.counts, found)
    if compiled:
        _compare_compiled(seed, project, x, [right.values[tensor] for tensor in design.outputs], right, entries, found)
        for tensor, result in zip(whole.outputs, _emulated(whole, x), strict=True):
            found.expect(_equal(result, known[tensor]), f"{seed}: value {tensor!r} of the counting design, compiled")
    found.overflows += right.counts.total()
    found.casts += Counter(entry.role for entry in entries)
    found.compiled += compiled
    found.layers += Counter(op.layer.kind for op in project.design)


def _counting_design(design: Design) -> tuple[Design, Mapping[Tensor, Tensor], Sequence[Cast]]:
    """The whole counting design with every value as an output, where it has those of the design, and its casts."""
    exposed = expose_casts(design)
    every = tuple(dict.fromkeys([*exposed.values.values(), *(cast.given for cast in exposed.casts)]))
    names = tuple(tensor.name for tensor in every)
    return replace(exposed.design, ops=exposed.ops, outputs=every, output_names=names), exposed.values, exposed.casts


def _emulated(design: Design, x: Mapping[str, Any]) -> list[Any]:
    plan = make_plan(design, "io_parallel", "counting", design.outputs)
    return Emulator(plan).run([x[tensor.name] for tensor in design.inputs], raw=True)


def _equal(a: Any, b: Any) -> bool:
    return bool((np.asarray(a, dtype=object).ravel() == np.asarray(b, dtype=object).ravel()).all())


def _compare_counts(
    where: str, entries: Sequence[CountedCast], counts: Counter[tuple[str, str]], found: Compared
) -> None:
    got: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        got[entry.layer, entry.role] += entry.count
    found.expect(+got == +counts, f"{where}: counted {got - counts} too many, {counts - got} not")


def _compare_compiled(
    seed: int, project: Project, x: Any, outputs: Sequence[Any], right: Expected, entries: Any, found: Compared
) -> None:
    """What a user gets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        results = project.predict(x, raw=True, count_overflows=True)
    results = results if isinstance(results, list) else [results]
    for tensor, result, output in zip(project.design.outputs, results, outputs, strict=True):
        found.expect(_equal(result, output), f"{seed}: output {tensor!r}")
    report = project.overflows
    assert report is not None
    found.expect(report.entries == entries, f"{seed}: the report {report!r}")
    found.expect(report.total == right.counts.total(), f"{seed}: {report.total} in all")
    for layer in {layer for layer, _ in right.counts}:
        total = right.counts[layer, "accum"] + right.counts[layer, "result"]
        found.expect(report[layer] == total, f"{seed}: {report[layer]} of layer {layer}")


def main(arguments: list[str]) -> int:
    count, first, every = (int(given or usual) for given, usual in zip_longest(arguments, ("1000", "0", "10")))
    found = Compared()
    for done, seed in enumerate(range(first, first + count), start=1):
        before = len(found.differences)
        compare(seed, found, compiled=done % every == 0)
        for difference in found.differences[before:]:
            print(difference, flush=True)
        if done % 100 == 0:
            print(f"{done} networks, {len(found.differences)} differences", flush=True)
    print(f"{count} networks ({found.refused} refused, {found.compiled} compiled)")
    print(f"{found.overflows} overflows in {dict(found.casts)} casts of {dict(found.layers.most_common())}")
    print(f"{len(found.differences)} differences")
    return bool(found.differences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
