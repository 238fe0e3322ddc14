"""A kernel takes constants of exactly the sizes that its config says: an array of any other does not compile.

All kernels that have constants, in arrays and in streams, in the emulator's world and in that of synthesis (with the
stubs, whose types only declare). One text a world asks the compiler what it would take, so that a refusal is no error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hlsgen.backends.hls.kernel import ConstantArray
from hlsgen.backends.hls.plan import make_plan
from hlsgen.backends.hls.program import Plan, Step
from hlsgen.backends.hls.render import bound_type, word_type
from hlsgen.backends.hls.texts import design_files
from hlsgen.config import make_config
from hlsgen.ir.graph import Graph, Source
from hlsgen.layers.functions import FUNCTIONS
from hlsgen.layers.input import Input
from hlsgen.layers.table import Table
from hlsgen.pipeline import infer, steps
from hlsgen.tools import find_compiler, run, templates_dir
from tests.compiled import write_files
from tests.ladder.harness import WARNINGS
from tests.layers.instances import EVERY

STUBS = Path(__file__).parent / "stubs"
WORLDS = {
    "emulation": ["-std=c++17", f"-I{templates_dir() / 'emulation'}", f"-I{templates_dir() / 'firmware'}"],
    "synthesis": ["-std=c++14", f"-isystem{STUBS}", f"-I{templates_dir() / 'firmware'}"],
}
HERE = Source("here", "Keras")
BY_TABLE = Table(FUNCTIONS["tanh"], index_bits=16), [(4,)]
"""With the results for every value of its argument."""


def plan_of_everything(io_type: str) -> Plan:
    """An instance of every layer, side by side on narrow inputs."""
    graph = Graph("all")
    for number, (layer, shapes) in enumerate([*EVERY, BY_TABLE]):
        if not layer.is_input and layer.border is None:
            inputs = [graph.add(Input(shape), (), f"x{number}_{i}", HERE) for i, shape in enumerate(shapes)]
            graph.add_node(layer, inputs, f"y{number}", HERE)
    graph.set_outputs(values := [v for v in graph.values if not v.producer.is_input], [v.name for v in values])
    return make_plan(infer(graph, steps(make_config(default_width=8))), io_type, "dut")


def kernels_with_constants() -> set[str]:
    """The functions of the firmware's headers that take one."""
    texts = [path.read_text() for path in (templates_dir() / "firmware" / "hlsgen").glob("*.h")]
    return {name for text in texts for name in re.findall(r"^void (\w+)\([^{]*\b(?:rom|biases)<", text, re.MULTILINE)}


def question(plan: Plan, step: Step, number: int) -> str:
    """A template that is ``std::true_type`` for the types of constants that the step's kernel takes."""
    wires = [f"hls::stream<{w.name}_word>&" if plan.stream else f"const {w.name}_t*" for w in step.inputs]
    wires += [f"hls::stream<{w.name}_word>&" if plan.stream else f"{w.name}_t*" for w in step.outputs]
    arguments = ", ".join([f"std::declval<{wire}>()" for wire in wires] + ["std::declval<const K&>()..."])
    call = f"hlsgen::{step.kernel.function}<{step.name}_config>({arguments})"
    return (
        f"template <class... K> auto takes_{number}(int) -> decltype({call}, std::true_type());\n"
        f"template <class...> std::false_type takes_{number}(long);\n"
    )


def assertions(step: Step, number: int, bound: bool) -> Iterator[str]:
    """What has to hold: the right sizes are taken, and with any one of them wrong nothing is."""
    arrays = [constant.array for constant in step.constants]
    right = [array.words.size for array in arrays]
    choices = [(True, right)]
    for i, size in enumerate(right):
        choices += [(False, [*right[:i], n, *right[i + 1 :]]) for n in {1, size - 1, size + 1, 2 * size} - {size, 0}]
    for expected, sizes in choices:
        types = ", ".join(spelled(array, size, bound) for array, size in zip(arrays, sizes, strict=True))
        yield f'static_assert({"" if expected else "!"}decltype(takes_{number}<{types}>(0))::value, "{sizes}");\n'


def spelled(array: ConstantArray, size: int, bound: bool) -> str:
    """The type of a constant of ``size`` words: an array, or what stands for one in the emulator."""
    if bound:
        return bound_type(array).replace(f", {array.words.size}>", f", {size}>")
    return f"{word_type(array)}[{size}]"


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_only_the_right_sizes_compile(io_type: str, world: str, tmp_path: Path) -> None:
    plan = plan_of_everything(io_type)
    asked = [(number, step) for number, step in enumerate(plan.steps) if step.constants]
    assert {step.kernel.function for _, step in asked} == kernels_with_constants(), "each is asked"
    texts = [
        "#include <utility>\n",
        "#include <hlsgen/constants.h>\n" * (world == "emulation"),
        '#include "parameters.h"\n',
    ]
    for number, step in asked:
        texts.append(question(plan, step, number))
        texts += assertions(step, number, bound=False)
        texts += assertions(step, number, bound=True) if world == "emulation" else ()
    write_files(tmp_path, {**design_files(plan), "weights.h": "", "ask.cpp": "".join(texts)})
    run([*find_compiler().command, *WORLDS[world], *WARNINGS, "-I.", "-fsyntax-only", "ask.cpp"], cwd=tmp_path)
