"""Steps and cycles of every kernel: the model, the formula in the kernel's head, and the text itself say the same."""

from __future__ import annotations

import functools
import re
from math import gcd
from typing import Any

import numpy as np
import pytest

from hlsgen.backends.hls.kernel import BINDINGS
from hlsgen.backends.hls.plan import make_plan
from hlsgen.backends.hls.program import Plan, Step
from hlsgen.backends.hls.timing import Passing
from hlsgen.config import make_config
from hlsgen.errors import DesignError
from hlsgen.ir.graph import Graph, Source
from hlsgen.layers.input import Input
from hlsgen.layers.merge import Merge
from hlsgen.layers.pooling2d import MaxPooling2D
from hlsgen.layers.shape_ops import Concatenate, Permute, UpSampling, ZeroPadding
from hlsgen.layers.window import Window
from hlsgen.pipeline import infer, steps
from hlsgen.tools import templates_dir
from tests.backends.counting import Counted, count
from tests.layers.instances import EVERY
from tests.passes.builders import Net, project_of

HERE = Source("here", "Keras")
_FORMULA = re.compile(r"^// Cycles(?: of ([\w, ]+))?:((?: .+|\n//     .+)+)(?:\n//   arrays: (.+))?$", re.MULTILINE)
"""The functions it is for, streams, arrays."""
MORE = [
    (Concatenate(1), [(3, 2, 4), (3, 5, 4)]),
    (Merge("add"), [(3, 2, 4), (1, 1, 4)]),
    (MaxPooling2D(Window((3, 2), (1, 3), padding=(1, 2, 0, 1))), [(5, 7, 2)]),
    (Permute((2, 0, 1)), [(3, 4, 6)]),
    (UpSampling((3, 2)), [(2, 3, 2)]),
    (ZeroPadding((1, 2, 3, 0)), [(2, 3, 2)]),
]


def everything(io_type: str) -> Plan:
    """An instance of every layer and some more, side by side; those at the border of a loop mean nothing alone."""
    graph = Graph("all")
    for number, (layer, shapes) in enumerate([*EVERY, *MORE]):
        if not layer.is_input and layer.border is None:
            inputs = [graph.add(Input(shape), (), f"x{number}_{i}", HERE) for i, shape in enumerate(shapes)]
            graph.add_node(layer, inputs, f"y{number}", HERE)
    graph.set_outputs(values := [v for v in graph.values if not v.producer.is_input], [v.name for v in values])
    return make_plan(infer(graph, steps(make_config(default_width=8))), io_type, "dut")


def shared_multipliers(io_type: str, strategy: str) -> Plan:
    """Products with reuse factors, windows of every kind, copies, and streams that are regrouped."""
    net = Net(name="dut")
    x = net.input((7, 6, 3), "image")
    a = net.conv("conv", x, 3, 4, padding="same")
    b = net.conv("strided", a, 4, 6, strides=[2, 2], padding="valid")
    net.conv("dilated", a, 4, 2, dilation_rate=[2, 2], padding="same")
    c = net.dense("pointwise", b, 6, 4)
    d = net.call("Flatten", "flat", c)
    e = net.dense("gathered", d, 24, 5)
    net.call("Softmax", "softmax", e)
    weights = {"depthwise_kernel": net.dyadic(3, 3, 4, 2), "bias": net.dyadic(8)}
    net.call("DepthwiseConv2D", "depthwise", a, weights, kernel_size=[3, 3], depth_multiplier=2, padding="same")
    turned = net.call("Permute", "turned", net.call("Reshape", "rows", x, target_shape=[42, 3]), dims=[2, 1])
    net.call("Dot", "scores", ["rows", "rows"], axes=[2, 2])  # held as it comes
    net.call("Dot", "held_by_rows", ["rows", turned], axes=[1, 2])
    factors = {
        "scores": 3 * 14,
        "held_by_rows": 6,
        "conv": 9,
        "strided": 72,
        "dilated": 4,
        "pointwise": 3,
        "gathered": 24,
        "depthwise": 3,
    }
    layers = {name: {"strategy": strategy, "reuse_factor": factor} for name, factor in factors.items()}
    net.call("Softmax", "of_packs", net.call("Flatten", "flat_image", x))
    if strategy == "unrolled":  # as many turns as there are inputs, at most; depthwise convolutions have no such form
        layers["strided"]["reuse_factor"], layers["depthwise"]["strategy"] = 5, "latency"
        layers["scores"]["strategy"] = layers["held_by_rows"]["strategy"] = "latency"
    if strategy == "distributed_arithmetic":  # in one turn, and of constants alone
        layers = {name: {"strategy": strategy} for name in factors if name not in ("scores", "held_by_rows")}
    source = net.source("softmax", "dilated", "depthwise", "of_packs", "scores", "held_by_rows")
    return project_of(source, input_precision="fixed<6,3>", io_type=io_type, layers=layers).plan


PLANS = {
    f"{name}, {io_type}": (make, io_type)
    for io_type in ("io_stream", "io_parallel")
    for name, make in {
        "everything": everything,
        "latency": functools.partial(shared_multipliers, strategy="latency"),
        "resource": functools.partial(shared_multipliers, strategy="resource"),
        "unrolled": functools.partial(shared_multipliers, strategy="unrolled"),
        "shared adders": functools.partial(shared_multipliers, strategy="distributed_arithmetic"),
    }.items()
}


@functools.cache
def plan_of(name: str) -> Plan:
    make, io_type = PLANS[name]
    return make(io_type)


@pytest.mark.parametrize("name", PLANS)
def test_the_model_counts_what_the_text_does(name: str) -> None:
    plan = plan_of(name)
    counted = count(plan)
    wrong = [
        f"{step.kernel.function} ({step.name}):\n  model {modelled(plan, step)}\n  text  {counted[step.name]}"
        for step in plan.steps
        if modelled(plan, step) != counted[step.name]
    ]
    assert not wrong, "\n".join(wrong)


def modelled(plan: Plan, step: Step) -> Counted:
    schedule = step.schedule(plan.stream)
    words = [[list(map(int, cycles)) for cycles in side] for side in (schedule.reads, schedule.writes)]
    return Counted(schedule.steps, schedule.cycles, *words)


@pytest.mark.parametrize("name", PLANS)
def test_the_heads_of_the_kernels_say_the_same(name: str) -> None:
    plan = plan_of(name)
    for step in plan.steps:
        schedule = step.schedule(plan.stream)
        assert formula(step, plan.stream) == schedule.cycles, (step.kernel.function, step.kernel.members)


def formula(step: Step, stream: bool) -> int:
    """Evaluate ``// Cycles:`` of the kernel, or of its function, for the members of a call."""
    text = (templates_dir() / "firmware" / "hlsgen" / step.kernel.header).read_text()
    found = {}
    for names, streams, arrays in _FORMULA.findall(text):
        for name in names.split(", ") if names else [step.kernel.function]:
            found[name] = streams if stream else arrays
    assert step.kernel.function in found, f"{step.kernel.header} says no cycles"
    return int(eval(_python(found[step.kernel.function]), {"__builtins__": {}}, _names(step)))


def _python(expression: str) -> str:
    """A formula of integers: a/b divides exactly, and ``a ? b : c`` chooses."""
    expression = expression.replace("&&", "and")
    expression = re.sub(r"(.*) \? (.*) : (.*)", r"(\2) if (\1) else (\3)", expression.replace("\n//", ""))
    return expression.replace("::", "_").replace("/", "//").strip()


def _names(step: Step) -> dict[str, Any]:
    names: dict[str, Any] = {name: value for name, value in step.kernel.members.items() if isinstance(value, int)}
    names |= {"greatest_common_divisor": gcd, "min": min, "max": max}
    turned = getattr(step.kernel.timing, "turns", 1)
    names |= {"interval": step.kernel.timing.interval, "turns": turned}
    for letter, wires in (("X", step.inputs), ("Y", step.outputs)):
        names |= {f"{letter}_size": wires[0].pack for _ in wires[:1]}
        names |= {f"{letter}{i}_size": wire.pack for i, wire in enumerate(wires)}
    return names


def test_every_binding_is_counted() -> None:
    graph_kinds = {type(layer) for layer, _ in [*EVERY, *MORE]}
    assert set(BINDINGS) <= graph_kinds


def test_a_kernel_without_a_word_of_each_stream_a_step_has_to_say_so() -> None:
    with pytest.raises(DesignError, match=r"streams of \[4\] words and writes \[2\].*timing="):
        Passing().on_streams([4], [2])


def test_a_million_pixels_are_counted_at_once() -> None:
    layer, shape = Window((3, 3), padding=(1, 1, 1, 1)), (1024, 1024, 3)
    graph = Graph("large")
    x = graph.add(Input(shape), (), "x", HERE)
    graph.set_outputs([graph.add(MaxPooling2D(layer), (x,), "y", HERE)], ["y"])
    plan = make_plan(infer(graph, steps(make_config(default_width=8))), "io_stream", "dut")
    schedule = plan.steps[0].schedule(True)
    assert schedule.cycles == 1026 * 1026
    assert schedule.reads[0][0] == 1026 + 1 and schedule.writes[0][-1] == schedule.cycles - 1
    assert np.all(np.diff(schedule.writes[0]) > 0)
