"""From a checked model to a graph: each operator goes to its reader, constants are computed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import hlsgen.frontends.onnx.readers  # noqa: F401  (registers them)
from hlsgen.errors import HlsgenError, ModelError, UnsupportedError, nearest
from hlsgen.frontends.builder import Builder, add_input
from hlsgen.frontends.onnx.call import READERS, Array, Call, Operand, Reader, Result
from hlsgen.frontends.onnx.folding import folded
from hlsgen.frontends.onnx.grids import Grid, Weights
from hlsgen.frontends.onnx.layout import SAMPLES, Tensor, shape_text
from hlsgen.frontends.onnx.mixed import apart, together
from hlsgen.frontends.onnx.model import OnnxModel, check_type, node_name
from hlsgen.frontends.onnx.orders import begins_with_steps, channels_wanted_last
from hlsgen.frontends.onnx.patterns import deviations
from hlsgen.frontends.onnx.qdq import behind_quantizers, type_of_input
from hlsgen.frontends.onnx.readers.normalization import read_deviation
from hlsgen.frontends.onnx.readers.quantizers import OF_CONSTANTS
from hlsgen.ir.graph import Graph, Source, Value
from hlsgen.ir.wish import By, Wished

if TYPE_CHECKING:
    import onnx_ir

_MOVING = frozenset("Identity Transpose Reshape Squeeze Unsqueeze Flatten".split())
"""Operators that give each element of a constant another place."""
_MASKED = -1e4
"""What exporters add at least to scores that do not count."""
_TAKES_WHOLE = frozenset(
    "Identity Cast Gather Reshape Transpose Squeeze Unsqueeze Flatten Shape Split Slice Concat Size MaxPool "
    "DequantizeLinear ConvInteger MatMulInteger QLinearConv QLinearMatMul".split()
)
"""Operators that read computed whole numbers; others would compute as whole numbers do."""


def build_graph(model: OnnxModel) -> Graph:
    """Turn the operators of a model into nodes. Raises ModelError and UnsupportedError."""
    return _Reading(model).graph


class _Reading:
    """A model of which some operators were read."""

    def __init__(self, model: OnnxModel) -> None:
        self.model = model
        self.graph = Graph(model.graph.name or "model")
        self._known: dict[onnx_ir.Value, Operand] = {}
        self._grids: dict[onnx_ir.Value, Grid] = {}
        """Of constants that quantisers of the model made."""
        self._absorbed: set[onnx_ir.Node] = set()
        self._masks: dict[onnx_ir.Value, NDArray[np.bool_]] = {}
        self._names: set[str] = set()
        self._deviations = deviations(model.graph)
        self._inside = {node for pattern in self._deviations.values() for node in pattern.inner}
        self._samples = 1
        """The number of samples that the model was exported for."""
        for value in model.graph.inputs:
            self._known[value] = self._input(value)
        for value in model.graph.initializers.values():
            self._known[value] = self._initializer(value)
        self._passed = behind_quantizers(model.graph)
        for node in model.graph:
            self._read(node)
        self._set_outputs()

    # -- inputs and constants ---------------------------------------------------------------

    def _input(self, value: onnx_ir.Value) -> Tensor:
        """An input: the channels last where the first that reads them has channels."""
        assert value.shape is not None
        shape = list(value.shape)
        samples = next((axis for axis, extent in enumerate(shape) if not isinstance(extent, int)), None)
        if samples is None:
            samples = 1 if begins_with_steps(value) else 0
        self._samples = shape[samples] if isinstance(shape[samples], int) else self._samples
        axes = [axis for axis in range(len(shape)) if axis != samples]
        if samples == 0 and len(axes) > 1 and channels_wanted_last(value):
            axes = [*axes[1:], axes[0]]
        name = self._unique(str(value.name))
        given = [axis for axis in range(len(shape)) if axis != samples]
        order = None if axes == given else tuple(given.index(axis) for axis in axes)
        held = add_input(self.graph, name, [int(shape[axis]) for axis in axes], "Input", order)
        fixed = type_of_input(value)
        if fixed is not None:
            held.producer.wish = held.producer.wish.with_type("result", Wished(fixed, By.MODEL))
        return Tensor.of(held, axes, samples)

    def _initializer(self, value: onnx_ir.Value) -> Array:
        assert value.const_value is not None
        where = f"{self.model.where}: weight '{value.name}'"
        check_type(value.const_value.dtype.name, where)
        try:
            return np.asarray(value.const_value.numpy())
        except Exception as error:  # shapes that the bytes do not have
            raise ModelError(f"{where}: its data are damaged ({error}); export the model again") from error

    # -- operators --------------------------------------------------------------------------

    def _read(self, node: onnx_ir.Node) -> None:
        if node in self._inside:
            return
        named = node_name(node.name or "", [str(output.name) for output in node.outputs])
        where = Source(named, node.op_type).where
        whole = self._deviations.get(node)
        read = node.inputs if whole is None else [whole.value]
        operands = [None if value is None else self._known[value] for value in read]
        if node in self._absorbed:
            results: Sequence[Operand | Grid | None] = [next(o for o in operands if isinstance(o, Tensor))]
            self.graph.aliases[self._unique(named)] = results[0].value  # type: ignore[union-attr]
        elif node in self._passed and isinstance(operands[0], Tensor):
            results = [operands[0]]
            self.graph.aliases[self._unique(named)] = operands[0].value
        elif (mask := _mask(node, operands)) is not None:
            results = [next(o for o in operands if isinstance(o, Tensor))]
            self._masks[node.outputs[0]] = mask
        elif not any(isinstance(operand, Tensor) for operand in operands) and node.op_type not in OF_CONSTANTS:
            results = folded(node, self.model.opset, operands, where)  # type: ignore[arg-type]
            self._move_grid(node, operands, where)
        elif node.op_type == "CastLike" and not isinstance(operands[0], Tensor):
            results = [_cast_like(node, operands[0], where)]
        elif node.op_type == "Shape":
            results = [_shape_of(node, next(o for o in operands if isinstance(o, Tensor)))]
        else:
            self._check_numbers(node, read, where)
            results = self._call(node, named, operands, where, partial(read_deviation, whole) if whole else None)
        for output, result in zip(node.outputs, results, strict=False):
            if isinstance(result, Grid):
                self._grids[output], result = result, result.values
            if result is not None:
                self._known[output] = result
                _check_shape(output, result, where)

    def _call(
        self,
        node: onnx_ir.Node,
        named: str,
        operands: Sequence[Operand | None],
        where: str,
        reader: Reader | None = None,
    ) -> Sequence[Operand | Grid | None]:
        reader = reader or READERS.get(node.op_type)
        if node.op_type == "DynamicQuantizeLinear":
            raise UnsupportedError(
                f"{where} is not supported: its scale is that of each sample's own range; quantise the model statically"
            )
        if reader is None:
            raise UnsupportedError(f"{where} is not supported{nearest(node.op_type, READERS)}")
        operands, first_axes = apart(node, operands, where)
        bias = partial(self._absorb_bias, node)
        mask = next((self._masks.get(value) for value in node.inputs[:1] if value is not None), None)
        grids = [None if value is None else self._grids.get(value) for value in node.inputs]
        name = self._unique(named)
        call = Call(self.graph, node, name, operands, self.model.opset, self._samples, bias, mask, grids)
        try:
            results = [together(result, first_axes) for result in _several(reader(call))]
        except ValueError as error:  # by which layers say that their constants and options do not go together
            if isinstance(error, HlsgenError):
                raise
            raise ModelError(f"{where}: its weights, attributes and inputs do not go together: {error}") from error
        call.check_attributes()
        call.only_output(len(results))
        call.finish(*(result.value for result in results if isinstance(result, Tensor)))
        return results

    def _move_grid(self, node: onnx_ir.Node, operands: Sequence[Operand | None], where: str) -> None:
        """A quantised constant that is only moved stays one."""
        grid = None if node.inputs[0] is None else self._grids.get(node.inputs[0])
        if grid is None or node.op_type not in _MOVING:
            return

        def move(array: Array) -> Array:
            return folded(node, self.model.opset, [array, *operands[1:]], where)[0]  # type: ignore[list-item]

        self._grids[node.outputs[0]] = grid.moved(move)

    def _unique(self, name: str) -> str:
        """A name that no other operator has: names are only meant to differ."""
        number, found = 1, name
        while found in self._names:
            found, number = f"{name}_{number}", number + 1
        self._names.add(found)
        return found

    def _check_numbers(self, node: onnx_ir.Node, read: Sequence[onnx_ir.Value | None], where: str) -> None:
        """Raise UnsupportedError for an operator that would compute with other numbers than float32."""
        for value in read:
            if value is None or not isinstance(self._known[value], Tensor):
                continue
            kind = _number_type(value)
            if kind == "FLOAT" or node.op_type in _TAKES_WHOLE:
                continue
            check_type(kind, f"{where}: input '{value.name}'")
            raise UnsupportedError(
                f"{where}: its input '{value.name}' holds whole numbers ({kind}), which hlsgen computes as real ones; "
                "put a Cast to float in front of it"
            )

    def _absorb_bias(self, node: onnx_ir.Node, outputs: int, rank: int, axis: int) -> Weights | None:
        """The constant summand of the Add behind a product, if nothing else reads the product: one number for each of
        the ``outputs`` along ``axis`` of a result of ``rank`` axes, or one for all."""
        output = node.outputs[0]
        users = [use.node for use in output.uses()]
        if output.is_graph_output() or len(users) != 1 or users[0].op_type != "Add":
            return None
        others = [value for value in users[0].inputs if value is not output]
        given = self._known.get(others[0]) if len(others) == 1 and others[0] is not None else None
        if given is None or isinstance(given, Tensor) or given.ndim > rank:
            return None
        shape = (1,) * (rank - given.ndim) + given.shape
        if any(extent != 1 for place, extent in enumerate(shape) if place != axis) or shape[axis] not in (1, outputs):
            return None
        self._absorbed.add(users[0])
        grid = None if others[0] is None else self._grids.get(others[0])
        bias = Weights(np.asarray(given, dtype=np.float64), grid)
        return bias.moved(lambda array: np.broadcast_to(array.reshape(-1), (outputs,)).copy())

    # -- outputs ----------------------------------------------------------------------------

    def _set_outputs(self) -> None:
        names = [str(value.name) for value in self.model.graph.outputs]
        self.graph.set_outputs([self._output(value) for value in self.model.graph.outputs], names)
        self.graph.verify()

    def _output(self, output: onnx_ir.Value) -> Value:
        """An output with its axes as the model has them, the samples in front."""
        where = f"{self.model.where}: output '{output.name}'"
        result = self._known.get(output)
        if not isinstance(result, Tensor):
            raise UnsupportedError(f"{where} depends on no input; leave it out")
        if result.is_mixed:
            raise UnsupportedError(f"{where} has samples and others in one axis; keep the samples by themselves")
        node = output.producer()
        call = Builder(self.graph, str(output.name), "Output" if node is None else node.op_type, [result.value])
        value = result.in_order(call, [axis for axis in range(len(result.axes)) if axis != result.samples])
        if value is not result.value:
            call.finish(value)
        return value


def _mask(node: onnx_ir.Node, operands: Sequence[Operand | None]) -> NDArray[np.bool_] | None:
    """What counts, of an Add of zeros and of numbers far below zero that nothing but a softmax reads."""
    constants = [o for o in operands if o is not None and not isinstance(o, Tensor)]
    output = node.outputs[0]
    readers = {use.node.op_type for use in output.uses()}
    if node.op_type != "Add" or len(constants) != 1 or readers != {"Softmax"} or output.is_graph_output():
        return None
    counts, is_mask = constants[0] == 0, bool(((constants[0] == 0) | (constants[0] <= _MASKED)).all())
    return counts if is_mask and not counts.all() else None


def _several(result: Result) -> list[Operand | Grid | None]:
    return [result] if isinstance(result, Tensor | np.ndarray | Grid) else list(result)


def _number_type(value: onnx_ir.Value) -> str:
    """The type of a value; where the library infers none, that of what it is computed from."""
    while value.dtype is None:
        node = value.producer()
        source = None if node is None else next((given for given in node.inputs if given is not None), None)
        if source is None:
            return "FLOAT"
        value = source
    return str(value.dtype.name)


def _cast_like(node: onnx_ir.Node, constant: Array | None, where: str) -> Array:
    """A constant as of the type of a computed tensor."""
    like = node.inputs[1]
    if constant is None or like is None or _number_type(like) != "FLOAT":
        raise UnsupportedError(f"{where}: it casts a constant to another type than float32; export with float32")
    return constant.astype(np.float32)


def _shape_of(node: onnx_ir.Node, tensor: Tensor) -> Array:
    start = node.attributes["start"].as_int() if "start" in node.attributes else 0
    end = node.attributes["end"].as_int() if "end" in node.attributes else None
    return np.array(tensor.shape[start:end], dtype=np.int64)


def _check_shape(output: onnx_ir.Value, result: Operand, where: str) -> None:
    """Raise ModelError where the shape is not that which the library inferred."""
    if not isinstance(result, Tensor) or output.shape is None:
        return
    inferred = list(output.shape)
    agree = len(inferred) == len(result.shape) and all(
        not isinstance(theirs, int) or ours in (theirs, SAMPLES.extent)
        for theirs, ours in zip(inferred, result.shape, strict=False)
    )
    if not agree:
        raise ModelError(
            f"{where}: its result has shape {result.shape_text}, and ONNX infers {shape_text(inferred)}; the model is "
            "damaged, or depends on the number of samples"
        )
