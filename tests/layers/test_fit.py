"""A layer that does not fit its inputs cannot be joined to a graph, whoever made it; nothing is spread silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import GraphError, ModelError
from hlsgen.frontends.builder import Builder, add_input
from hlsgen.ir.constant import Constant, Shape
from hlsgen.ir.graph import Graph, Node, Source, Value
from hlsgen.ir.layer import Layer, Packing, Statistics
from hlsgen.layers.convert import Convert
from hlsgen.layers.dense import Dense
from hlsgen.layers.input import Input
from hlsgen.layers.scale import Scale
from hlsgen.passes.base import Pass, run_passes
from tests.layers.instances import EVERY, IMAGE, LINE, Instance, dyadic, typed
from tests.mismatches import other_shapes, reshaped

COMPUTED = [instance for instance in EVERY if not instance.layer.is_input]
HERE = Source("here", "Keras")
OTHER_INPUTS: list[Shape] = [(2,), (5,), (4, 3), (4, 2), (3, 4, 3), (4, 3, 2), (1, 1, 2), (2, 3, 4, 2)]


def arrays_of(layer: Layer) -> dict[str, Any]:
    """The fields that hold constants, tables or statistics."""
    values = {field.name: getattr(layer, field.name) for field in fields(layer)}
    return {name: value for name, value in values.items() if isinstance(value, Constant | Statistics | np.ndarray)}


def of_shape(value: Any, shape: Shape) -> Any:
    """A constant, statistics or a table of another shape with values of this one."""
    if isinstance(value, Constant):
        mantissas = None if value.mantissas is None else reshaped(value.mantissas, shape)
        return replace(value, values=reshaped(value.values, shape), mantissas=mantissas)
    if isinstance(value, Statistics):
        return Statistics(reshaped(value.mean, shape), value.deviation)
    return reshaped(value, shape)


def shape_of(value: Any) -> Shape:
    shape: Shape = (value.mean if isinstance(value, Statistics) else value).shape
    return shape


def joined(layer: Layer, shapes: Sequence[Shape]) -> Node:
    """A node that reads inputs of these shapes."""
    graph = Graph("g")
    inputs = [graph.add(Input(shape), (), f"x{i}", HERE) for i, shape in enumerate(shapes)]
    return graph.add_node(layer, inputs, "y", HERE)


def variants(layer: Layer, shapes: Sequence[Shape]) -> list[tuple[str, str, Layer]]:
    """The layer with one array of another shape: field, what was done, layer."""
    found = []
    for name, value in arrays_of(layer).items():
        for what, shape in other_shapes(shape_of(value)).items():
            fits = {
                "PRelu": shape == shapes[0][-1:],  # one slope a channel is a form of its own
                "Embedding": len(shape) == 2,  # any rows of any length are a table
            }
            if not fits.get(layer.kind, False):
                found.append((name, what, replace(layer, **{name: of_shape(value, shape)})))
    return found


every_instance = pytest.mark.parametrize("instance", COMPUTED, ids=str)


@every_instance
def test_shapes_of_constants_are_declared(instance: Instance) -> None:
    for layer in (instance.layer, typed(instance).layer):
        assert set(arrays_of(layer)) <= set(layer.constant_shapes(instance.shapes))
    joined(instance.layer, instance.shapes)


@every_instance
def test_constants_of_another_shape(instance: Instance) -> None:
    for name, what, layer in variants(instance.layer, instance.shapes):
        with pytest.raises(GraphError) as caught:
            joined(layer, instance.shapes)
        words = ("layer 'here' (Keras)", layer.kind, str(instance.shapes[0]), "has shape", "expected")
        assert all(word in str(caught.value) for word in words), (name, what, str(caught.value))


@every_instance
def test_mantissas_of_another_shape(instance: Instance) -> None:
    """Mantissas are what kernels read: that the real numbers fit is not enough."""
    op = typed(instance)
    for name, constant in op.layer.constants().items():
        if constant.values.size > 1:
            layer = replace(op.layer, **{name: replace(constant, mantissas=constant.fixed[0].reshape(-1)[:1])})
            with pytest.raises(GraphError, match=rf"'{name}' has shape \(1,\)"):
                joined(layer, [tensor.shape for tensor in op.inputs])


@every_instance
def test_operations_of_a_design(instance: Instance) -> None:
    """Inference exchanges layers, fills tables and fixes constants: what it leaves has to fit as well."""
    op = typed(instance)
    found = variants(op.layer, [tensor.shape for tensor in op.inputs])
    for name, what, layer in found:
        with pytest.raises(GraphError, match="does not fit its input"):
            replace(op, layer=layer)
            pytest.fail(f"{name}: {what}")
    with pytest.raises(GraphError):
        replace(op, outputs=(*op.outputs, *op.inputs))


@every_instance
def test_other_inputs_fit_or_are_refused(instance: Instance) -> None:
    """Whatever is read: a GraphError, or results of the shape that is declared."""
    count = len(instance.shapes)
    choices = [[shape] for shape in OTHER_INPUTS]
    if count == 2:
        choices = [[a, b] for a in OTHER_INPUTS for b in OTHER_INPUTS]
    if instance.layer.border is not None:
        pytest.skip("it computes a step: what it is given has another shape than what it reads")
    for shapes in choices:
        try:
            node = joined(instance.layer, shapes)
        except GraphError as error:
            assert str(error).startswith("layer 'here' (Keras): ")
        else:
            x = [np.ones((1, *shape)) for shape in shapes]
            with np.errstate(all="ignore"):
                results = node.layer.evaluate_floats(x)
            assert [result.shape[1:] for result in results] == [value.shape for value in node.outputs]


@every_instance
def test_another_number_of_inputs(instance: Instance) -> None:
    for shapes in ([], [*instance.shapes, IMAGE]):
        with pytest.raises(GraphError, match=rf"reads {len(instance.shapes)} tensors, and is given {len(shapes)}"):
            joined(instance.layer, shapes)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_constants_that_are_no_numbers(value: float) -> None:
    scale, statistics = dyadic(2), Statistics(np.zeros(2), np.array([1.0, value]))
    for layer in (Scale(Constant.of([1.0, value]), scale), Scale(scale, scale, statistics)):
        with pytest.raises(GraphError, match=r"layer 'here' \(Keras\): '\w+' of Scale holds NaN or infinite values"):
            joined(layer, [LINE])


# -- every way into a graph --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Offset(Layer):
    """A layer of somebody else, who forgot to declare the shape of its constant."""

    kind = "Offset"
    packing = Packing.CHANNELS
    pure = True
    casts = frozenset({"result"})
    offset: Constant


WRONG = Scale(dyadic(1), dyadic(1))
MESSAGE = r"Scale does not fit its input of shape \(3, 2\): 'weight' has shape \(1,\), expected \(2,\)"


def line() -> tuple[Graph, Value]:
    graph = Graph("g")
    x = add_input(graph, "x", (3, 2))
    graph.set_outputs([graph.add(Convert(), [x], "y", HERE)], ["y"])
    return graph, x


def test_undeclared_shapes() -> None:
    with pytest.raises(GraphError, match=r"Offset .*declares no shape for its 'offset' \(Layer.constant_shapes\)"):
        joined(Offset(dyadic(2)), [LINE])


def test_a_frontend() -> None:
    graph, x = line()
    with pytest.raises(ModelError, match=rf"layer 'bn' \(BatchNormalization\): {MESSAGE}"):
        Builder(graph, "bn", "BatchNormalization", [x]).add(WRONG)


def test_methods_of_a_graph() -> None:
    graph, x = line()
    node = graph.outputs[0].producer
    other = graph.add(Input((3, 5)), (), "other", HERE)
    with pytest.raises(GraphError, match=MESSAGE):
        graph.add(WRONG, [x], "z", HERE)
    with pytest.raises(GraphError, match=MESSAGE):
        graph.set_layer(node, WRONG)
    graph.set_layer(node, Scale(dyadic(2), dyadic(2)))
    with pytest.raises(GraphError, match=r"has shape \(2,\), expected \(5,\)"):
        graph.set_inputs(node, [other])
    node.layer = WRONG
    with pytest.raises(GraphError, match=MESSAGE):
        graph.verify()
    with pytest.raises(GraphError, match=MESSAGE):
        graph.copy()


def test_a_pass() -> None:
    class Shrink(Pass):
        exact = True

        def run(self, graph: Graph) -> bool:
            graph.set_layer(graph.outputs[0].producer, WRONG)
            return True

    graph, _ = line()
    with pytest.raises(GraphError, match=rf"pass shrink \(after none\): layer 'here' \(Keras\): {MESSAGE}"):
        run_passes(graph, [Shrink()])


def test_two_axes_of_a_product() -> None:
    with pytest.raises(GraphError, match=r"'weight' has shape \(2, 3, 1\), expected \(2, outputs\)"):
        joined(Dense(dyadic(2, 3, 1), dyadic(3)), [LINE])
    with pytest.raises(GraphError, match=r"'bias' has shape \(4,\), expected \(3,\)"):
        joined(Dense(dyadic(2, 3), dyadic(4)), [LINE])
