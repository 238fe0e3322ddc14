"""Small instances of every kind of layer, for tests that ask all of them; a new layer gets a line here."""

from __future__ import annotations

import importlib
import pkgutil
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

import hlsgen.layers
from hlsgen.config import make_config
from hlsgen.ir.constant import Constant, Shape, exact_constant
from hlsgen.ir.graph import Graph, Source
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import Loop
from hlsgen.ir.op import Op
from hlsgen.ir.staircase import Staircase
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.ir.wish import By, Wished
from hlsgen.layers.axis_windows import LargestAlongAxis, Spans, SumsAlongAxis
from hlsgen.layers.cast_each import OVERFLOWS, CastEach
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.convert import Convert
from hlsgen.layers.dense import Dense
from hlsgen.layers.depth_to_space import Cropping, DepthToSpace
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.embedding import Embedding
from hlsgen.layers.functions import FUNCTIONS
from hlsgen.layers.gate import Gate
from hlsgen.layers.input import Input
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.loops import Carry, KeepLast, KeepSteps, State, TakeStep
from hlsgen.layers.matmul import MatMul
from hlsgen.layers.merge import Merge
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.quantized import QuantizedFunction, Saturate
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.scaled_steps import ScaledSteps
from hlsgen.layers.shape_ops import Concatenate, Permute, Reshape, UpSampling, ZeroPadding
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.sparsemax import Sparsemax
from hlsgen.layers.split import Split
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure
from hlsgen.layers.steps import Steps
from hlsgen.layers.sums import GlobalSum, WindowSum
from hlsgen.layers.table import Table
from hlsgen.layers.take import Take
from hlsgen.layers.thresholds import Thresholds
from hlsgen.layers.top import TopIndices, TopValues
from hlsgen.layers.window import Window
from hlsgen.pipeline import infer, steps
from hlsgen.quantizers.qkeras import parse_quantizer

INPUT = FixedType.parse("fixed<8,3>")
IMAGE, LINE = (3, 4, 2), (4, 2)
LOOP = Loop("loop", 3)


class Instance(NamedTuple):
    """A layer, and the shapes it is given."""

    layer: Layer
    shapes: tuple[Shape, ...] = (IMAGE,)

    def __str__(self) -> str:
        return f"{self.layer.kind} {self.layer.describe()}".strip()


def dyadic(*shape: int, seed: int = 0) -> Constant:
    """Random multiples of 1/4 between -1 and 1."""
    return Constant.of(np.random.default_rng(seed).integers(-4, 5, shape) / 4)


def dyadic_exactly(*shape: int) -> Constant:
    """The same with mantissas."""
    return exact_constant(np.asarray(dyadic(*shape).values * 4, dtype=np.int64), 2)


def activation(text: str) -> Any:
    quantizer = parse_quantizer(text)
    assert quantizer is not None
    return quantizer.activation()


def steps_of(*rows: list[int]) -> Thresholds:
    """Thresholds in quarters, a row a channel; the levels count them."""
    levels = np.arange(len(rows[0]) + 1)[None].repeat(len(rows), axis=0)
    return Thresholds(
        Constant.exactly(np.array(rows), FixedType(8, 6)), Constant.exactly(levels, FixedType(4, 4, False))
    )


def cast_each(*shape: int, rounding: Rounding = Rounding.RND, overflow: Overflow = Overflow.WRAP) -> CastEach:
    """Random types of 0 to 6 bits around the binary point."""
    rng = np.random.default_rng(5)
    widths, fracs, signs = (rng.integers(*ends, shape, endpoint=True) for ends in ((0, 6), (-1, 4), (0, 1)))
    return CastEach(widths, fracs, signs, rounding, overflow)


def stairs() -> Staircase:
    found = Staircase.of_cast(FixedType.parse("fixed<3,2,RND,SAT>"), 16)
    assert found is not None
    return found


EVERY = [
    Instance(Input(LINE), ()),
    # element by element
    Instance(Convert()),
    *(Instance(cast_each(2, rounding=r, overflow=o)) for r in Rounding for o in sorted(OVERFLOWS, key=str)),
    Instance(cast_each(4, 2), (LINE,)),
    Instance(TakeStep(LOOP)),
    Instance(State(LOOP, "h", LINE, True), (LINE,)),
    Instance(Carry(LOOP, "h"), (LINE,)),
    Instance(KeepSteps(LOOP), (LINE,)),
    Instance(KeepLast(LOOP), (LINE,)),
    *(Instance(Relu(slope, top)) for slope in (None, Constant.of(0.125)) for top in (None, Constant.of(1.5))),
    Instance(Gate(Fraction(1, 3))),
    Instance(Gate(Fraction(1, 2), Fraction(-1, 2))),
    Instance(Gate(Fraction(-1, 3), level=Constant.of(1.5))),
    Instance(PRelu(dyadic(2))),
    Instance(PRelu(dyadic(4, 2)), (LINE,)),
    Instance(Saturate(1, 3)),
    Instance(Steps(stairs())),
    Instance(QuantizedFunction(activation("quantized_tanh(4)"))),
    Instance(Table(FUNCTIONS["tanh"])),
    Instance(Table(FUNCTIONS["tanh"], 4)),
    Instance(Table(FUNCTIONS["selu"], 4)),
    Instance(steps_of([-3, 0, 5])),
    Instance(steps_of([-3, 0, 5], [1, 2, 3])),
    Instance(ScaledSteps(stairs(), np.array([0.5, -2.0]), np.array([0.25, 1.0]))),
    *(Instance(Merge(op), (LINE, LINE)) for op in ("add", "subtract", "multiply", "maximum", "minimum")),
    Instance(Merge("add"), (IMAGE, (1, 1, 2))),
    Instance(MatMul(2, 3), (LINE, (2, 3))),
    Instance(MatMul(2, 5, transposed=True), (IMAGE, (3, 5, 2))),
    # weights
    Instance(Dense(dyadic(2, 3), dyadic(3))),
    Instance(Scale(dyadic(2), dyadic(2, seed=1))),
    Instance(Conv2D(dyadic(2, 2, 2, 3), dyadic(3), Window((2, 2)))),
    Instance(Conv2D(dyadic(2, 2, 2, 3), dyadic(3), Window((2, 2), padding=(1, 0, 0, 1)))),
    Instance(Conv2D(dyadic(2, 2, 1, 4), dyadic(4), Window((2, 2), padding=(1, 0, 0, 1)), group_count=2)),
    Instance(DepthwiseConv2D(dyadic(2, 2, 2, 2), dyadic(4), Window((2, 2)))),
    # pooling
    Instance(MaxPooling2D(Window((2, 2), (2, 2)))),
    Instance(MaxPooling2D(Window((1, 1)))),
    Instance(GlobalMaxPooling()),
    Instance(AveragePooling2D(Constant.of([0.0, 0.0, 0.5, 0.0, 0.25]), window=Window((2, 2), padding=(1, 0, 0, 0)))),
    Instance(AveragePooling2D(Constant.of([0.0, 1.0]), window=Window((1, 1)))),
    Instance(GlobalAveragePooling(Constant.of([1 / 8])), (LINE,)),
    Instance(LargestAlongAxis(0, Spans((0, 0, 1), (2, 3, 3)))),
    Instance(LargestAlongAxis(1, Spans((0, 1, 3), (1, 2, 4)))),
    Instance(LargestAlongAxis(0, Spans((0, 1, 2, 3), (1, 2, 3, 4))), (LINE,)),
    Instance(SumsAlongAxis(0, Spans((0, 0, 1), (2, 2, 3)), weight=dyadic_exactly(3, 2))),
    Instance(SumsAlongAxis(0, Spans((1, 2), (3, 4)), weight=dyadic_exactly(2, 2)), (LINE,)),
    Instance(Embedding(dyadic(3, 4)), ((4, 1),)),
    Instance(GlobalSum.of_channels()),
    Instance(WindowSum.of_windows(Window((1, 4), (1, 4)))),
    Instance(WindowSum.of_windows(Window((1, 1)))),
    Instance(TopValues(2)),
    Instance(TopValues(1, least=True)),
    Instance(TopIndices(2)),
    Instance(Softmax()),
    *(Instance(Standardise(measure, 0.0625)) for measure in Measure),
    Instance(Softmax(np.tri(4, 2, dtype=bool))),
    Instance(LogSoftmax()),
    Instance(Sparsemax()),
    Instance(Sparsemax(of_partial_sums=True)),
    # what moves
    Instance(Reshape((4, 6))),
    Instance(Reshape(IMAGE)),
    Instance(Permute((1, 0, 2))),
    Instance(Permute((2, 0, 1))),
    Instance(Permute((0, 1, 2))),
    Instance(ZeroPadding((1, 0, 2, 1))),
    Instance(ZeroPadding((0, 0, 0, 0))),
    Instance(UpSampling((2, 3))),
    Instance(UpSampling((1, 1))),
    Instance(DepthToSpace((1, 2), (3, 7))),
    Instance(Split(2, 1)),
    Instance(Take(2, (1, 0, 1))),
    Instance(Take(1, (0, 2))),
    Instance(Take(0, (2, 2, 0, 1))),
    Instance(Take(0, (0, 1, 2))),
    Instance(Cropping((1, 0, 1, 1))),
    Instance(Cropping((0, 0, 0, 0))),
    Instance(Concatenate(2), (IMAGE, IMAGE)),
    Instance(Concatenate(0), (IMAGE, IMAGE)),
]


def classes(base: type[Layer] = Layer) -> list[type[Layer]]:
    """Every class of a layer, families too, that a file of hlsgen.layers defines."""
    for module in pkgutil.iter_modules(hlsgen.layers.__path__):
        importlib.import_module(f"hlsgen.layers.{module.name}")
    below = [kind for cls in base.__subclasses__() for kind in (cls, *classes(cls))]
    return [kind for kind in below if kind.__module__.startswith("hlsgen.layers.")]


def typed(instance: Instance) -> Op:
    """The operation with its constants and types inferred, behind inputs of type ``INPUT``."""
    graph = Graph("one")
    inputs = [
        graph.add(Input(shape), (), f"x{i}", Source(f"x{i}", "InputLayer")) for i, shape in enumerate(instance.shapes)
    ]
    node = graph.add_node(instance.layer, inputs, "y", Source("y", instance.layer.kind))
    if isinstance(instance.layer, State):
        graph.add(Carry(LOOP, instance.layer.slot), [node.output], "carried", node.source)
    graph.set_outputs(node.outputs, [value.name for value in node.outputs])
    config = make_config(input_precision=INPUT)
    for value in inputs:
        value.producer.wish = value.producer.wish.with_type("result", Wished(INPUT, By.CONFIGURATION))
    (op,) = (op for op in infer(graph, steps(config)) if op.name == "y")
    return op


def mantissas(instance: Instance, seed: int = 0, samples: int = 5) -> list[Ints]:
    """Random inputs of type ``INPUT``, and its two ends."""
    rng = np.random.default_rng(seed)
    found = [rng.integers(INPUT.min_mantissa, INPUT.max_mantissa + 1, (samples, *shape)) for shape in instance.shapes]
    for x in found:
        x[0], x[1] = INPUT.min_mantissa, INPUT.max_mantissa
    return found
