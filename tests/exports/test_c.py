"""The network as a library of C99: the integers of the reference, for every layer, cast and example."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.backends.base import Job
from hlsgen.design.arrays import given_shape, mantissas
from hlsgen.errors import UnsupportedError
from hlsgen.exports.base import exported_files
from hlsgen.exports.c.function import BUILDERS
from hlsgen.exports.c.memory import Block, arranged
from hlsgen.exports.c.numbers import Range, Storage, cast_to, literal, storage
from hlsgen.exports.c.program import make_program
from hlsgen.exports.c.texts import helpers, indented
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Source
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.ir.typing import Tensor
from hlsgen.layers.convert import Convert
from hlsgen.layers.dense import Dense
from hlsgen.layers.input import Input
from hlsgen.layers.merge import Merge
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.scaled_steps import ScaledSteps
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.steps import Steps
from hlsgen.project import Project
from hlsgen.tools import find_clang
from tests.exports.c_library import (
    C99,
    CHECKED,
    STRICT,
    call,
    check,
    compiler,
    job_of,
    run_test,
    without_refused,
    write,
)
from tests.fuzz.networks import every_network
from tests.ladder.by_hand import Hand
from tests.ladder.test_kernels import CASES
from tests.layers.instances import classes
from tests.passes.builders import Net, grid, project_of
from tests.passes.test_input_features import SIZES, first_layer
from tests.passes.unequal_networks import converted, normal_data
from tests.rtl.test_loops import NETWORKS
from tests.selection import first_of

QUICK = ("convert", "dense", "conv2d", "softmax", "piecewise", "merge", "take")
"""Cases of the ladder for every run."""


def given(project: Project, x: Any) -> dict[str, Any]:
    """What users give, as integers of the ports."""
    ports = project.design.inputs
    arrays = x if isinstance(x, list) else [x]
    return mantissas(ports, {port.name: np.asarray(a) for port, a in zip(ports, arrays, strict=True)})


def test_every_layer_has_a_function():
    layers = {cls for cls in classes() if "kind" in vars(cls)}
    assert {cls for cls in layers if cls not in BUILDERS} == {Input, Steps, ScaledSteps}


@pytest.mark.parametrize("name", first_of(sorted(CASES, key=lambda name: name not in QUICK), len(QUICK)))
def test_every_kernel(name: str, tmp_path: Path):
    """What the ladder asks of kernels, extremes included, with a look at undefined behaviour; what needs more than 64
    bits is refused by name."""
    hand = CASES[name]()
    project = hand.project()
    design, reasons = without_refused(project.design)
    assert all("computes with up to 64" in reason for reason in reasons)
    assert len(design.outputs) >= len(project.design.outputs) - 2
    job = Job("dut", design, project.config)
    check(job, given(project, hand.data()), tmp_path)
    assert "0 differences" in run_test(tmp_path, *C99, *CHECKED)


@pytest.mark.parametrize(
    "name", first_of(sorted((network.__name__ for network in NETWORKS), key=lambda name: name != "directions"))
)
def test_loops(name: str, tmp_path: Path):
    (network,) = [network for network in NETWORKS if network.__name__ == name]
    project = network()
    x = [grid(port.shape, samples=5, seed=place) for place, port in enumerate(project.design.inputs)]
    check(job_of(project), given(project, x), tmp_path)
    assert "0 differences" in run_test(tmp_path, *C99, *CHECKED)


EXAMPLES = (
    "xor_mlp",
    "digits_mlp",
    "iris_mlp",
    "jet_tagging",
    "mnist_cnn_bn",
    "mnist_gru",
    "mnist_lstm",
    "mnist_qcnn",
    "mnist_transformer",
    "residual_cnn",
)


def test_the_examples_are_all(examples: Path):
    assert {folder.parent.name for folder in examples.glob("*/model.keras")} == set(EXAMPLES)


@pytest.mark.parametrize("name", first_of(EXAMPLES, 2))
def test_examples(name: str, examples: Path, tmp_path: Path):
    """Equal to what `predict` gives, too, which is the emulator."""
    x = np.load(examples / name / "x.npy")
    project = hlsgen.convert(examples / name / "model.keras", calibration=x[:200])
    library = check(job_of(project), given(project, x[:5]), tmp_path)
    found = library.run({project.design.inputs[0]: given(project, x[:5])[project.design.inputs[0].name]})
    np.testing.assert_array_equal(next(iter(found.values())), project.predict(x[:5], raw=True))
    assert "0 differences" in run_test(tmp_path)


@pytest.mark.parametrize("seed", first_of(range(40), 4))
def test_random_networks(seed: int, tmp_path: Path):
    """All that the project's fuzzer draws: layers of every kind, loops, several inputs and outputs; ends of types."""
    settings = {"input_precision": "fixed<8,3>"} if seed % 2 else {"default_width": 5 + seed % 15}
    project = project_of(every_network(seed, steps=8), **settings)
    design, reasons = without_refused(project.design)
    assert all("computes with up to 64" in reason for reason in reasons)
    if not design.outputs:
        pytest.skip(f"nothing is left: {reasons}")
    rng = np.random.default_rng(seed)
    inputs = {port.name: words_of(port, rng) for port in design.inputs}
    check(Job("dut", design, project.config), inputs, tmp_path)
    if seed % 4 == 0:
        assert "0 differences" in run_test(tmp_path, *C99, *CHECKED)


def words_of(port: Tensor, rng: np.random.Generator, samples: int = 12) -> Ints:
    """Integers of a port: its ends, zero, and others of all sizes."""
    low, high = port.type.min_mantissa, port.type.max_mantissa
    words = rng.integers(low, high, (samples, *port.shape), endpoint=True)
    words >>= rng.integers(0, port.type.width, words.shape)
    for sample, word in enumerate((low, high, 0)):
        words[sample] = word
    return words


def test_a_compiler_of_cpp_takes_it(tmp_path: Path):
    job = job_of(CASES["repack"]().project())
    assert "0 differences" in run_test(write(job, tmp_path), "-std=c++11", *STRICT, program="g++")


def test_types_that_floating_point_does_not_have(tmp_path: Path):
    """There is no function for real numbers then, and the header says so; without floating point the same compiles."""
    hand = Hand()
    hand.add(Convert(), hand.input((2,), "fixed<8,3,TRN,WRAP_SM>"), result="fixed<8,400,RND,SAT>")
    project = hand.project()
    folder = write(job_of(project), tmp_path)
    header = (folder / "dut.h").read_text(encoding="utf-8")
    assert "/* No function makes x0 of real numbers: its type is fixed<8,3,TRN,WRAP_SM>. */" in header
    assert "/* No function makes real numbers of" in header
    check(job_of(project), {"x0": np.arange(-128, 128).reshape(-1, 2)}, tmp_path)
    call([compiler(), *C99, "-DDUT_NO_FLOAT", "-c", "dut.c"], folder)
    call([compiler(), *C99, "-DDUT_NO_FLOAT", "-c", "dut.c"], write(job_of(CASES["relu"]().project()), folder))


@pytest.mark.parametrize(
    "target", [("thumb-freestanding-eabi", "-mcpu=cortex_m4"), ("x86-freestanding",)], ids=lambda t: t[0]
)
def test_machines_without_an_operating_system(target: tuple[str, ...], tmp_path: Path):
    """No header is needed but stdint.h, on machines of 32 bits."""
    clang = find_clang()
    if clang is None or clang.path.name != "zig":
        pytest.skip("ziglang, whose clang compiles for other machines, is not installed")
    folder = write(job_of(CASES["parts"]().project()), tmp_path)
    words = [str(clang.path), "cc", "-target", *target, "-std=c99", *STRICT, "-Os", "-DDUT_NO_FLOAT"]
    call([*words, "-c", "dut.c", "-o", "dut.o"], folder)


def test_the_makefile(tmp_path: Path):
    compiler("make")
    write(job_of(CASES["relu"]().project()), tmp_path)
    assert "10 samples, 0 differences" in call(["make", f"CC={compiler()}"], tmp_path)


def test_a_wrong_constant_is_found(tmp_path: Path):
    """The library's own test can fail."""
    project = CASES["dense"]().project()
    folder = write(Job("dut", without_refused(project.design)[0], project.config), tmp_path)
    weights = folder / "dut_weights.h"
    text = weights.read_text(encoding="utf-8")
    assert "{15, -16, 6, -9}" in text
    weights.write_text(text.replace("{15, -16, 6, -9}", "{15, -16, 6, -8}"), encoding="utf-8")
    call([compiler(), *C99, "dut.c", "dut_test.c", "-o", "dut_test"], folder)
    with pytest.raises(AssertionError, match="expected"):
        call(["./dut_test"], folder)


# -- casts -------------------------------------------------------------------------------------


def test_every_cast(tmp_path: Path):
    """Every rounding with every overflow, on both words, over all values: compared with the casts of types."""
    calls, expected = [], []
    found = Range(-600, 600)
    for rounding, overflow, signed, guards in product(Rounding, Overflow, (True, False), (0, 1, 3)):
        if (overflow is Overflow.WRAP_SM and not signed) or (guards and "WRAP" not in overflow.value):
            continue
        for width, frac in ((5, 2), (4, -1), (6, 6)):
            fixed = FixedType(width, width - frac, signed, rounding, overflow, guards)
            cast = cast_to(found, 4, fixed)
            for word in (32, 64):
                calls.append(cast.text("x", word))
                expected.append(fixed.cast(np.arange(-600, 601), 4))
    folded = np.array([list(values) for values in expected])
    checks = "\n".join(
        f"sum_{k} += (unsigned)({text}) * (unsigned)(x * x + 7 * x + {k});" for k, text in enumerate(calls)
    )
    lines = [f"unsigned sum_{k} = 0;" for k in range(len(calls))]
    shows = [f'printf("%u\\n", sum_{k});' for k in range(len(calls))]
    body = "\n".join([*lines, "for (int x = -600; x <= 600; ++x) {", checks, "}", *shows, "return 0;"])
    text = "\n".join(["#include <stdint.h>", "#include <stdio.h>", *helpers(checks), "int main(void)", "{", body, "}"])
    (tmp_path / "casts.c").write_text(indented(text))
    call([compiler(), "-std=c99", *STRICT, *CHECKED, "-O0", "casts.c", "-o", "casts"], tmp_path)
    sums = [int(line) for line in call(["./casts"], tmp_path).split()]
    x = np.arange(-600, 601)
    weights = x * x + 7 * x
    for k, values in enumerate(folded):
        assert sums[k] == int((values * (weights + k)).sum()) % 2**32, calls[k]


@pytest.mark.parametrize("text", ["fixed<8,3,RND,SAT>", "fixed<7,2,RND_CONV,SAT_SYM>", "ufixed<6,2,TRN,SAT>",
    "fixed<9,12,RND_ZERO,WRAP>", "ufixed<5,1,RND_INF,SAT_ZERO>", "fixed<8,-2,RND_MIN_INF,SAT>", "fixed<6,2,TRN_ZERO,WRAP>"])  # fmt: skip
def test_real_numbers(text: str, tmp_path: Path):
    """Ties, neighbours of ties, numbers far beyond the type, infinities: as `FixedType.quantize` has them; and back."""
    net = Net(seed=1)
    net.call("Flatten", "out", net.input((16,)))
    project = project_of(net.source("out"), input_precision=text)
    fixed = project.design.inputs[0].type
    assert fixed == FixedType.parse(text)
    halves = np.arange(-48, 48) * float(fixed.step) / 2
    near = np.concatenate(
        [halves, np.nextafter(halves.astype(np.float32), np.float32(9e9)), [1e30, -1e30, np.inf, -np.inf]]
    )
    far = np.ldexp(np.random.default_rng(0).normal(size=60), np.arange(60) - 8)
    values = np.concatenate([near, far])
    real = np.resize(values, (-(-len(values) // 16), 16)).astype(np.float32)
    library = check(job_of(project), {project.design.inputs[0].name: fixed.quantize(real)}, tmp_path)
    (port,), (out,) = library.program.inputs, library.program.outputs
    held = library.quantised(port, real)
    np.testing.assert_array_equal(held, fixed.quantize(real))
    np.testing.assert_array_equal(library.read(out, held, np.float32), fixed.to_float(held))
    assert not library.quantised(port, np.full((1, 16), np.nan)).any()


def test_features_with_binary_points_of_their_own(tmp_path: Path):
    """Real numbers of very different sizes go in and come out as the model means them."""
    source = first_layer("sequence")
    data = normal_data(source, 300, 1, SIZES)
    project, real = converted(source, data), data[:8]
    (tensor,) = project.design.inputs
    assert tensor.exponents is not None
    library = check(job_of(project), given(project, real), tmp_path)
    (port,), (out,) = library.program.inputs, library.program.outputs
    held = library.quantised(port, real)
    np.testing.assert_array_equal(held, given(project, real)[tensor.name])
    found = library.read(out, library.run({tensor: held})[out.tensor], np.float32)
    np.testing.assert_array_equal(found, project.predict(real))


@pytest.mark.parametrize("order", [(1, 2, 0), (0, 2, 1), (2, 1, 0)])
def test_axes_in_the_order_of_the_model(order: tuple[int, ...], tmp_path: Path):
    """Real numbers are taken as the model has them; integers as the library holds them."""
    hand = Hand()
    x = hand.graph.add(Input((2, 3, 4), order), (), "x", Source("x", "InputLayer"))
    hand.types["x"] = "fixed<8,3,RND,SAT>"
    hand.add(Reshape((24,)), x)
    project = hand.project()
    (tensor,) = project.design.inputs
    real = grid(given_shape(tensor), samples=4, frac=5, bound=127).astype(np.float32)
    library = check(job_of(project), given(project, real), tmp_path)
    expected = np.ldexp(real, 5).transpose(0, *(axis + 1 for axis in order))
    np.testing.assert_array_equal(library.quantised(library.program.inputs[0], real), expected)


# -- what is written ---------------------------------------------------------------------------

HOSTILE = ("int", "*/ #error", 'a"; system("x', "memcpy", "DUT_X_SIZE", "INT8_MAX", "sum", "work", "compute_fc", "y", "x",
    "clamp_32", "printf", "??/", "//", "\\")  # fmt: skip


def test_names_from_models(tmp_path: Path):
    net = Net(seed=8)
    x = net.input((3,), "signed")
    for name in HOSTILE:
        x = net.dense(name, x, 3, 3, activation="relu")
    project = project_of(net.source(*HOSTILE[::3], HOSTILE[-1]), input_precision="fixed<4,2>")
    check(job_of(project), given(project, grid((3,))), tmp_path)
    assert "0 differences" in run_test(tmp_path, *C99, *CHECKED)


def shared() -> Project:
    """Outputs that are read, one that is an input, one that is given twice, one that is another under a second shape."""
    net = Net(seed=4)
    x = net.input((4,), "x")
    a = net.dense("a", x, 4, 6)
    net.dense("b", a, 6, 3, activation="relu")
    net.call("Reshape", "r", a, target_shape=[2, 3])
    net.call("Flatten", "f", x)
    return project_of(net.source("a", "b", "x", "r", "f", "a"), input_precision="fixed<6,3>")


def test_outputs_that_are_other_values(tmp_path: Path):
    project = shared()
    check(job_of(project), given(project, grid((4,))), tmp_path)


def test_an_input_that_nothing_reads(tmp_path: Path):
    hand = Hand()
    hand.add(Relu(), hand.input((3,), "fixed<8,4>"))
    hand.input((2,), "fixed<8,4>")
    project = hand.project()
    assert len(project.design.inputs) == 2
    check(job_of(project), given(project, hand.data()), tmp_path)


def test_memory_is_shared():
    """A chain of layers needs room for two of its values at a time, a rectifier none of its own."""
    hand = Hand()
    x = hand.input((8,), "fixed<8,4>")
    for place in range(6):
        layer = Dense(hand.constant("fixed<6,2>", 8, 8), hand.constant("fixed<8,4>", 8))
        x = hand.add(layer, x, result="fixed<8,4,RND,SAT>", inner=True)
        x = hand.add(Relu(), x, result="fixed<8,4>", inner=place < 5)
    program = make_program(job_of(hand.project()))
    assert program.memory.pools == {8: 16}
    assert program.products == 6 * 64
    tables = [t.role for routine in program.routines for t in routine.function.tables]
    assert tables == ["weight", "bias"] * 6
    assert 6 * (64 + 8) <= program.constant_bytes <= 6 * (64 + 16)


def test_values_that_are_read_later_stay(tmp_path: Path):
    """A rectifier would take the place of its input, but for the merge behind it that reads the input too."""
    hand = Hand()
    x = hand.add(Dense(hand.constant("fixed<4,2>", 5, 5), hand.constant("fixed<4,4>", 5)), hand.input((5,), "fixed<8,4>"),
        result="fixed<8,4,RND,SAT>", inner=True)  # fmt: skip
    hand.add(Merge("subtract"), hand.add(Relu(), x, result="fixed<8,4>", inner=True), x)
    project = hand.project()
    library = check(job_of(project), given(project, hand.data()), tmp_path)
    assert library.program.memory.pools == {8: 10}


def test_partial_sums_have_room(tmp_path: Path):
    """The sum fits 32 bits, as its products cancel; what is added up before it does not."""
    hand = Hand()
    one, large = (Constant.exactly(np.array([v, v]), FixedType(40, 40)) for v in (1, 2**30))
    x = hand.add(Scale(one, large), hand.input((2,), "ufixed<1,1>"), inner=True)
    difference = Constant.exactly(np.array([[3], [-3]]), FixedType(8, 8))
    y = hand.add(Dense(difference, hand.constant("fixed<2,2>", 1)), x)
    project = hand.project()
    assert project.design.outputs[0].type.width <= 5
    assert y.name in project.design.output_names
    check(job_of(project), given(project, hand.data()), tmp_path)
    assert "0 differences" in run_test(tmp_path, *C99, *CHECKED)


def test_places_do_not_meet():
    rng = np.random.default_rng(1)
    kinds = [Storage(bits, signed) for bits in (8, 16, 64) for signed in (True, False)]
    blocks = []
    for _ in range(200):
        first, size = (int(v) for v in rng.integers(1, 60, 2))
        blocks.append(Block(kinds[int(rng.integers(6))], size, first, first + int(rng.integers(0, 12))))
    memory = arranged(blocks)
    for a, b in product(blocks, blocks):
        if a is not b and a.storage.bits == b.storage.bits and a.first <= b.last and b.first <= a.last:
            (start, size), (other, _) = sorted((memory.places[v], v.size) for v in (a, b))
            assert start + size <= other
    for bits, size in memory.pools.items():
        assert size == max(memory.places[b] + b.size for b in blocks if b.storage.bits == bits)
        assert size < sum(b.size for b in blocks if b.storage.bits == bits) / 2


def test_numbers():
    assert [literal(v) for v in (5, -3, 2**31 - 1, -(2**31), 2**31, -(2**40), -(2**63))] == [
        "5", "-3", "2147483647", "(-2147483647 - 1)", "INT64_C(2147483648)", "-INT64_C(1099511627776)",
        "(-INT64_C(9223372036854775807) - 1)",
    ]  # fmt: skip
    held = {
        (0, 127): "int8_t",
        (0, 255): "uint8_t",
        (-1, 128): "int16_t",
        (0, 65535): "uint16_t",
        (-(2**31), 0): "int32_t",
    }
    assert {ends: str(storage(Range(*ends))) for ends in held} == held


def test_too_wide_is_refused():
    project = CASES["dense"]().project()
    message = r"layer 'Dense7' \(Dense\): Dense needs numbers of 71 bits, the C library computes with up to 64; give"
    with pytest.raises(UnsupportedError, match=message):
        exported_files(job_of(project), "c", {})


def test_texts_are_stable():
    job = job_of(shared())
    assert exported_files(job, "c", {}) == exported_files(job_of(shared()), "c", {})
