"""The typed design as ONNX: ONNX Runtime on the file gives the emulator's integers, or the file is refused by name."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
import hlsgen.exports.onnx.operations
from hlsgen.design import arrays
from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate
from hlsgen.errors import ConfigError, HlsgenError, UnsupportedError
from hlsgen.exports.base import exported_files
from hlsgen.exports.onnx.writing import WRITERS
from hlsgen.ir.constant import Constant
from hlsgen.ir.layer import Layer
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Tensor
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.convert import Convert
from hlsgen.layers.dense import Dense
from hlsgen.layers.gate import Gate
from hlsgen.layers.loops import Carry, KeepLast, KeepSteps, State, TakeStep
from hlsgen.layers.merge import Merge
from hlsgen.layers.pooling2d import GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Concatenate, Permute, Reshape
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.take import Take
from hlsgen.layers.thresholds import Thresholds
from hlsgen.layers.window import Window
from hlsgen.project import Project
from tests.fuzz.cases.evaluated import data_for
from tests.fuzz.networks import every_network
from tests.fuzz.settings import any_settings
from tests.ladder.by_hand import Hand
from tests.ladder.test_kernels import CASES
from tests.layers.instances import classes
from tests.passes.builders import project_of
from tests.passes.test_input_features import SIZES, first_layer
from tests.passes.unequal_networks import converted, normal_data

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
ReferenceEvaluator = pytest.importorskip("onnx.reference").ReferenceEvaluator
runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


def exported(project: Project, design: Design | None = None, **options: Any) -> Any:
    """The model of a project, or of another design with its settings."""
    job = replace(project._job, design=design or project.design)
    content = exported_files(job, "onnx", options)[f"{job.name}.onnx"]
    model = onnx.ModelProto.FromString(content)
    onnx.checker.check_model(model)
    return model


def run(model: Any, x: Any, design: Design) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """What Runtime gives for inputs, and these as it took them."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = arrays.checked_inputs(design.inputs, x)
    taken = {port.name: np.asarray(given[port.name], dtype=DTYPES[port.type]) for port in session.get_inputs()}
    return session.run(None, taken), taken


def with_outputs(design: Design, tensors: list[Tensor]) -> Design:
    """The part of a design that computes some tensors, all of them outputs; loops stay whole."""
    wanted, kept = set(tensors), []
    for op in reversed(design.ops):
        if op.is_input or op.loop is not None or wanted & set(op.outputs):
            wanted |= set(op.inputs)
            kept.append(op)
    names = tuple(f"output {place}" for place in range(len(tensors)))
    return replace(design, ops=tuple(kept[::-1]), outputs=tuple(tensors), output_names=names)


def agrees(project: Project, x: Any, tensors: list[Tensor] | None = None) -> Any:
    """Assert that every value of a project outside of loops is the reference's; returns the model."""
    design = project.design
    shown = tensors or [tensor for tensor in design.tensors if not design.is_inside(tensor)]
    model = exported(project, with_outputs(design, shown))
    results, taken = run(model, x, design)
    known = evaluate(design, arrays.mantissas(design.inputs, taken))
    for tensor, found in zip(shown, results, strict=True):
        assert found.shape == known[tensor].shape, tensor
        mantissas = np.ldexp(found.astype(np.float64) / tensor.factors, tensor.type.frac)
        wrong = mantissas != known[tensor].astype(np.float64)
        assert not wrong.any(), f"{tensor} {tensor.type}: {wrong.sum()} of {wrong.size} differ"
    return model


def kinds(model: Any) -> dict[str, str]:
    """What each operation computes with, as the file says it."""
    return {
        entry.key.removeprefix("hlsgen."): entry.value.rpartition("computed with ")[2]
        for entry in model.metadata_props
        if entry.key != "hlsgen.version"
    }


# -- every layer ------------------------------------------------------------------------------------

REFUSED: Mapping[str, Mapping[str, str]] = {
    "softmax": {"Softmax11": "74 bits"},
    "scale": {"Scale7": "69 bits"},
    "dense": {"Dense7": "70 bits"},
    "conv2d": {"Conv2D7": "72 bits"},
    "grouped_conv2d": {"Conv2D7": "72 bits"},
    "depthwise_conv2d": {"DepthwiseConv2D7": "71 bits"},
    "sums_along_axis": {"SumsAlongAxis7": "70 bits"},
    "matmul": {"MatMul32": "72 bits", "MatMul35": "72 bits"},
    "average_pooling": {"AveragePooling2D5": "85 bits"},
}
"""Operations of the ladder that are refused, and why: beyond 62 bits, there are no exact numbers in runtimes."""


def refusals(project: Project) -> dict[str, str]:
    """Operations that are refused, by name."""
    found = {}
    for op in project.design:
        try:
            exported(project, with_outputs(project.design, list(op.outputs)))
        except UnsupportedError as error:
            found[op.name] = str(error)
    return found


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_layer(name: str) -> None:
    """Types of all sizes, the ends of their ranges among the numbers."""
    hand = CASES[name]()
    project, expected = hand.project(), REFUSED.get(name, {})
    found = refusals(project) if name in REFUSED else {}
    assert found.keys() == expected.keys(), found
    for layer, reason in expected.items():
        assert f"layer '{layer}'" in found[layer] and reason in found[layer]
    tensors = [tensor for op in project.design if op.name not in found for tensor in op.outputs]
    agrees(project, hand.data(), tensors)


def test_no_layer_is_forgotten() -> None:
    """Every layer of a design is written, but for ports, the borders of loops and layers that become others before."""
    here = {
        layer.kind
        for layer in classes(Layer)
        if "kind" in vars(layer) and layer.__module__.startswith("hlsgen.layers.")
    }
    elsewhere = {"Input", "TakeStep", "State", "KeepSteps", "KeepLast", "Steps", "ScaledSteps"}
    assert {layer.kind for layer in WRITERS} == here - elsewhere


# -- whole networks ---------------------------------------------------------------------------------

QUICK = {"xor_mlp", "mnist_qcnn", "mnist_gru"}
EXAMPLES = sorted(folder.parent.name for folder in Path(__file__).parents[2].glob("example-models/*/model.keras"))


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in EXAMPLES])
def test_examples(name: str, examples: Path) -> None:
    """Recurrent and attention networks among them; every value outside of loops."""
    x = np.load(examples / name / "x.npy").astype(np.float32)
    project = hlsgen.convert(examples / name / "model.keras", calibration=x[:200])
    agrees(project, x[:20])


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 20))], ids=lambda part: f"part{part}"
)
def test_random_networks(part: int) -> None:
    """Networks of every layer of Keras and QKeras, with settings of every sort: right, or refused for their bits."""
    right = 0
    for seed in range(40 * part, 40 * part + 40):
        rng = random.Random(seed)
        source = every_network(seed, steps=rng.randint(1, 7))
        try:
            project = project_of(source, **(any_settings(rng, source) if seed % 2 else {}))
        except HlsgenError:
            continue  # settings that do not go together
        try:
            agrees(project, data_for(project))
            right += 1
        except UnsupportedError as error:
            assert re.search(r"export onnx: .*(numbers of \d+ bits|more than 64 bits|an input of type)", str(error))
    assert right >= 25


STEPS = 4


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("starts", [False, True])
def test_loops(backwards: bool, starts: bool) -> None:
    """A running sum: all of its steps, in their order or from the end, and the last; what it starts with is cast."""
    h = Hand()
    x = h.input((STEPS, 3), "fixed<6,3>")
    given = [h.input((3,), "fixed<9,2>")] if starts else []
    loop = h.graph.new_loop("sum", STEPS)
    state = h.add(State(loop, "s", (3,), starts), *given, result="fixed<7,4,RND,SAT>", inner=True)
    part = h.add(TakeStep(loop, backwards), x, inner=True)
    total = h.add(Merge("add"), state, part, inner=True)
    carried = h.add(Carry(loop, "s"), total, result="fixed<7,4,RND,SAT>", inner=True)
    h.add(KeepSteps(loop, backwards), carried)
    for last in [h.add(KeepLast(loop), value) for value in (carried, total)]:
        h.add(Relu(), last)
    for value in (state, part, total, carried):
        del h.graph.aliases[value.name]
    model = agrees(h.project(), h.data())
    assert [node.op_type for node in model.graph.node].count("Scan") == 1


def test_there_are_ten_examples() -> None:
    assert len(EXAMPLES) == 10 and set(EXAMPLES) > QUICK


# -- casts ------------------------------------------------------------------------------------------


def every_cast() -> Iterator[FixedType]:
    """All modes, signed and not, of one bit and of several; with any number of saturation bits."""
    types = [(4, 2, True), (3, 2, False), (1, 1, True), (1, 1, False)]
    for (width, integer, signed), rounding, overflow in product(types, Rounding, Overflow):
        if overflow is Overflow.WRAP_SM and not signed:
            continue
        counts = width if overflow in (Overflow.WRAP, Overflow.WRAP_SM) else 0
        for count in range(counts + 1):
            yield FixedType(width, integer, signed, rounding, overflow, count)


def test_every_cast() -> None:
    """Of every number of a finer and wider type, and of one that is never below zero."""
    h = Hand()
    for source in ("fixed<8,4>", "ufixed<7,3>"):
        x = h.input((1,), source)
        for target in every_cast():
            h.add(Convert(), x, result=str(target))
    words = np.arange(-128, 128)
    agrees(h.project(), [np.ldexp(words, -4)[:, None], np.ldexp(words % 128, -4)[:, None]])


def test_every_cast_of_inputs() -> None:
    """Real numbers become mantissas as they do for the emulator: ties, what is just beside them, zeros, large ones."""
    h = Hand()
    for target in every_cast():
        if target.overflow is not Overflow.WRAP_SM and not target.saturation_bits:
            h.add(Convert(), h.input((1,), str(target)))
    ties = np.arange(-40, 41, dtype=np.float32) / 8
    beside = [np.nextafter(ties, np.float32(end)) for end in (-np.inf, np.inf)]
    random = np.random.default_rng(5).normal(0, 3, 50).astype(np.float32)
    x = np.concatenate([ties, *beside, random, [-0.0, 1e-30, -1e-30, 1e6, -1e6]]).astype(np.float32)[:, None]
    agrees(h.project(), [x] * len(h.types))


@pytest.mark.parametrize("modes", ["WRAP_SM", "WRAP,2"])
def test_refused_inputs(modes: str) -> None:
    """Any real number comes in, which whole numbers do not hold."""
    h = Hand()
    h.add(Relu(), h.input((1,), f"fixed<4,2,TRN,{modes}>"))
    with pytest.raises(UnsupportedError, match=f"layer 'x0'.*export onnx: an input of type.*{modes}>"):
        exported(h.project())


def test_wide_types() -> None:
    """Casts of numbers that float32 does not hold: to float64 and back, and among whole numbers."""
    h = Hand()
    wide = h.input((3,), "fixed<50,10>")
    for target in ("fixed<30,5,RND,SAT>", "fixed<24,12,RND_CONV,SAT_SYM>", "fixed<40,4,TRN,WRAP>", "ufixed<8,3>"):
        h.add(Convert(), wide, result=target)
    h.add(Merge("multiply"), wide, h.input((3,), "fixed<10,5>"), result="fixed<20,12,RND_INF,SAT>")
    found = kinds(agrees(h.project(), h.data()))
    assert {name: kind for name, kind in found.items() if not name.startswith("x")} == {
        "Convert1": "float64",
        "Convert2": "float64",
        "Convert3": "float64",
        "Convert4": "float64",
        "Merge6": "int64",
    }


# -- the form that tools for QONNX read -------------------------------------------------------------


def small_network() -> Hand:
    """Convolutions and a dense layer of few bits, each behind a cast."""
    h = Hand(seed=1)
    x = h.input((8, 8, 3), "fixed<6,2,RND_CONV,SAT>")
    first = Conv2D(
        h.constant("fixed<4,1>", 3, 3, 3, 4), h.constant("fixed<4,1>", 4), Window((3, 3), padding=(1, 1, 1, 1))
    )
    y = h.add(first, x, result="fixed<8,4,RND,SAT>", inner=True)
    y = h.add(Relu(), y, result="ufixed<4,2,RND_CONV,SAT>", inner=True)
    y = h.add(MaxPooling2D(Window((2, 2), (2, 2))), y, inner=True)
    second = Conv2D(h.constant("fixed<4,1>", 3, 3, 2, 4), h.constant("fixed<4,1>", 4), Window((3, 3)), group_count=2)
    y = h.add(second, y, result="fixed<7,3,RND_CONV,SAT_SYM>", inner=True)
    y = h.add(Reshape((16,)), y, inner=True)
    h.add(Dense(h.constant("fixed<4,1>", 16, 5), h.constant("fixed<5,2>", 5)), y, result="fixed<9,5,TRN,SAT>")
    return h


def test_form_for_qonnx() -> None:
    """Float32 alone; a Quant behind weights and sums; transposed at the borders and nowhere else."""
    h = small_network()
    project = h.project()
    model = agrees(project, h.data())
    assert set(kinds(model).values()) == {"float32"}
    model = exported(project)
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Transpose") == 2 and operators.count("Conv") == 2 and operators.count("MatMul") == 1
    assert {(n.domain, n.op_type) for n in model.graph.node if n.domain} == {("qonnx.custom_op.general", "Quant")}
    of_weights = [n for n in model.graph.node if n.op_type == "Quant" and n.input[0] in initializers(model)]
    assert len(of_weights) == 6
    sums = {node.output[0]: node for node in model.graph.node}["Conv2D4"]
    options = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in sums.attribute}
    assert options == {"signed": 1, "narrow": 1, "rounding_mode": b"ROUND"}


def initializers(model: Any) -> set[str]:
    return {tensor.name for tensor in model.graph.initializer}


def test_read_again() -> None:
    """The file is a model as any other: converted, it has the same integers, whatever the default width."""
    h = small_network()
    project, x = h.project(), h.data()
    for settings in ({}, {"default_width": 8}):
        again = hlsgen.convert(exported(project), **settings)
        np.testing.assert_array_equal(again.predict(x), project.predict(x))


def test_without_runtime() -> None:
    """ONNX's own evaluator, which knows no Quant either, takes the function in its place as well.

    It compares no strings of different lengths, so that one rounding mode is all it can be asked for.
    """
    h = Hand()
    x = h.input((4,), "fixed<7,3,RND_CONV,SAT>")
    layer = Dense(h.constant("fixed<5,1>", 4, 3), h.constant("fixed<5,2>", 3))
    h.add(layer, x, result="ufixed<4,1,RND_CONV,SAT>")
    h.add(Relu(), x, result="fixed<5,3,RND_CONV,SAT_SYM>")
    project = h.project()
    model = exported(project)
    found, taken = run(model, h.data(), project.design)
    for one, other in zip(found, ReferenceEvaluator(model).run(None, taken), strict=True):
        np.testing.assert_array_equal(one, other)


def test_samples() -> None:
    """How many there are at once can be said, for tools that want to know."""
    h = small_network()
    model = exported(h.project(), samples=3)
    assert [model.graph.input[0].type.tensor_type.shape.dim[0].dim_value] == [3]
    x = h.data()[:3]
    np.testing.assert_array_equal(run(model, x, h.project().design)[0][0], h.project().predict(x))
    for wrong in (0, -1, True, "one", 1.0):
        with pytest.raises(ConfigError, match="expected a whole number above 0"):
            exported(h.project(), samples=wrong)


def test_function_has_what_is_used() -> None:
    """One function says what Quant is, with the rounding modes of the file and no others."""
    model = exported(small_network().project())
    (function,) = model.functions
    assert (function.domain, function.name) == ("qonnx.custom_op.general", "Quant")
    text = str(function)
    assert [text.count(f'op_type: "{name}"') for name in ("Floor", "Round", "Ceil", "Abs", "If")] == [1, 1, 0, 0, 1]


# -- borders ----------------------------------------------------------------------------------------


def test_channels_first_as_given() -> None:
    """A model with channels first is fed as it was: nothing is turned round in front of its convolution."""
    helper = onnx.helper
    weight = np.random.default_rng(2).integers(-4, 4, (3, 2, 2, 2)).astype(np.float32) / 4
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", 1, ["n", 2, 4, 5])],
        [helper.make_tensor_value_info("y", 1, ["n", 3, 3, 4])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    source = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    project = hlsgen.convert(source, input_precision="fixed<6,2,RND_CONV,SAT>")
    x = np.random.default_rng(3).normal(0, 1, (4, 2, 4, 5)).astype(np.float32)
    model = agrees(project, x, list(project.design.outputs))
    assert "Transpose" not in [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("kind", ["dense", "depthwise"])
def test_powers_of_two_of_channels(kind: str) -> None:
    """Features on binary points of their own, by calibration data: the border multiplies, exactly."""
    source = first_layer(kind)
    x = normal_data(source, 60, 1, SIZES)
    project = converted(source, x)
    assert project.design.inputs[0].exponents is not None
    agrees(project, x)


def test_names_of_all_kinds() -> None:
    """Names of models are names of values, whatever they hold; none is given twice."""
    h = Hand()
    x = h.input((3,), "fixed<6,3>")
    y = h.add(Relu(), x, inner=True)
    for name in ("x0", "a/b c", 'q"uo\te', "\u00e9\u4e2d", "\ud800half", "scale", "Quant.1"):
        y = h.graph.add(Relu(), (y,), name, y.producer.source)
        h.outputs.append(y)
    h.graph.set_outputs(h.outputs, [value.name for value in h.outputs])
    model = agrees(h.project(), h.data())
    names = [name for node in model.graph.node for name in node.output]
    assert len(names) == len(set(names))


def test_the_same_every_time() -> None:
    project = small_network().project()
    assert exported(project).SerializeToString(deterministic=True) == exported(project).SerializeToString(
        deterministic=True
    )


# -- exactness --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bits", "kind"), [(11, "float32"), (12, "float64"), (26, "float64"), (27, "int64")])
def test_numbers_hold_every_part_of_a_sum(bits: int, kind: str) -> None:
    """Weights that cancel: the sum is small, but parts of it are not; the ends of what each kind holds."""
    h = Hand()
    weight = np.array([[1], [-1]]) * ((1 << bits - 1) - 1)
    fixed = FixedType(bits, bits)
    layer = Dense(
        Constant.exactly(weight, fixed), Constant.exactly(np.zeros(1, dtype=np.int64), FixedType(1, 1, False))
    )
    h.add(layer, h.input((2,), f"fixed<{bits + 2},{bits + 2}>"), result="fixed<24,24,TRN,WRAP>")
    assert kinds(agrees(h.project(), h.data()))["Dense1"] == kind


def test_average_of_nine() -> None:
    """A mean that no float holds: cut off as the design does, far below its last bit."""
    h = Hand()
    h.add(
        GlobalAveragePooling(Constant.of(np.array([1 / 9]))),
        h.input((3, 3, 2), "fixed<12,6>"),
        result="fixed<9,6,RND,SAT>",
    )
    agrees(h.project(), h.data())


@pytest.mark.parametrize("shape", [(4, 4, 2), (5, 2)], ids=["image", "line"])
def test_channels_first_inside(shape: tuple[int, ...]) -> None:
    """Between convolutions, constants of channels stand in front, too; what needs them last gets them so."""
    h = Hand()
    size = (2, 2) if len(shape) == 3 else (1, 2)
    conv = Conv2D(h.constant("fixed<4,1>", *size, 2, 3), h.constant("fixed<4,1>", 3), Window(size))
    y = h.add(conv, h.input(shape, "fixed<6,3>"), result="fixed<8,4,RND,SAT>")
    z = h.add(Scale(h.constant("fixed<4,2>", 3), h.constant("fixed<6,2>", 3)), y, result="fixed<8,4,RND,SAT>")
    h.add(MaxPooling2D(Window(size)), h.add(Merge("add"), z, y))
    h.add(PRelu(h.constant("fixed<4,2>", 3)), y)
    h.add(PRelu(h.constant("fixed<4,2>", *y.shape)), y)
    h.add(Relu(Constant.exactly(np.array(3), FixedType(4, 1))), y)
    h.add(Gate(Fraction(1, 2)), y)
    h.add(Thresholds(ascending(h, 3), h.constant("fixed<4,2>", 3, 4)), y)
    h.add(Merge("multiply"), y, h.input((*(1 for _ in shape[:-1]), 3), "fixed<5,2>"))
    for axis in range(len(shape)):
        h.add(Concatenate(axis), y, z)
        h.add(Take(axis, (1, 0)), y)
    h.add(Permute(tuple(range(len(shape)))[::-1]), y)
    h.add(GlobalMaxPooling(), y)
    h.add(Softmax(), y, result="ufixed<8,0,RND,SAT>")
    model = agrees(h.project(), h.data())
    assert kinds(model)["Conv2D1"] == "float32"


def ascending(h: Hand, channels: int) -> Constant:
    return Constant.exactly(np.sort(h.constant("fixed<6,3>", channels, 3).fixed[0], axis=1), FixedType(6, 3))


@pytest.mark.parametrize("width", [24, 25, 26, 52, 53])
def test_widest_types_of_a_kind(width: int) -> None:
    """Their ends, rounded and saturated: each is a number of its kind."""
    h = Hand()
    for prefix in ("fixed", "ufixed"):
        x = h.input((9,), f"{prefix}<{width},{width - 4}>")
        for target in (f"{width},{width - 5},RND", f"{width},{width - 3},RND_CONV", f"{width - 1},{width - 5},TRN"):
            for sign in ("", "u"):
                h.add(Convert(), x, result=f"{sign}fixed<{target},SAT>")
    agrees(h.project(), h.data())
