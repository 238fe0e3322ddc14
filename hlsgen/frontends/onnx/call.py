"""How an operator of ONNX is read: every attribute is taken, or the model is refused.

A file of ``readers/`` registers one function an operator with :func:`reads`. It gets a :class:`Call`, adds nodes to the
graph and returns the tensor, or the tensors, of the operator's outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ModelError, UnsupportedError, brief
from hlsgen.frontends.builder import Builder
from hlsgen.frontends.limits import MAX_WINDOW
from hlsgen.frontends.onnx.grids import Grid, Weights
from hlsgen.frontends.onnx.layout import SAMPLES, Tensor
from hlsgen.ir.constant import Constant, Floats, no_bias
from hlsgen.ir.graph import Graph, Value
from hlsgen.ir.layer import Layer
from hlsgen.layers.window import Window

if TYPE_CHECKING:
    import onnx_ir

Array = NDArray[Any]
Operand = Tensor | Array
Result = Operand | Grid | Sequence[Operand | None]
Reader = Callable[["Call"], Result]
R = TypeVar("R", bound=Reader)
READERS: dict[str, Reader] = {}


def reads(*operators: str) -> Callable[[R], R]:
    """Register the reader of operators."""

    def register(function: R) -> R:
        for name in operators:
            if name in READERS:
                raise TypeError(f"{name!r} is read twice: {READERS[name].__module__} does it")
            READERS[name] = function
        return function

    return register


class Call(Builder):
    """One operator, being read."""

    def __init__(
        self,
        graph: Graph,
        node: onnx_ir.Node,
        name: str,
        operands: Sequence[Operand | None],
        opset: int,
        samples: int,
        bias: Callable[[int, int, int], Weights | None],
        mask: NDArray[np.bool_] | None = None,
        grids: Sequence[Grid | None] = (),
    ) -> None:
        computed = [operand.value for operand in operands if isinstance(operand, Tensor)]
        super().__init__(graph, name, node.op_type, computed)
        self.node, self.opset = node, opset
        self._samples = samples
        self._operands = list(operands)
        self._grids = list(grids)
        if any(attribute.is_ref() for attribute in node.attributes.values()):
            raise ModelError(
                f"{self.where}: an attribute is that of a function, and it is in none; the model is damaged"
            )
        self._attributes = {key: attribute.value for key, attribute in node.attributes.items()}
        self.mask = mask
        """Which elements of its input count, where what is added in front of it leaves some out; it broadcasts."""
        self.absorbed_bias = bias
        """Given a number of outputs, the axes of the result and which of them is theirs: the constant of an Add behind
        it, which is then its own."""

    def is_samples(self, extent: int) -> bool:
        """Whether a number is that of the samples: computed, or the one that the model was exported for."""
        return extent in (SAMPLES.extent, self._samples)

    # -- inputs -----------------------------------------------------------------------------

    def has(self, place: int) -> bool:
        """Whether an input is given."""
        return place < len(self._operands) and self._operands[place] is not None

    def operand(self, place: int) -> Operand:
        """An input, computed or constant. Raises ModelError where there is none."""
        operand = self._operands[place] if place < len(self._operands) else None
        if operand is None:
            raise ModelError(f"{self.where}: input {place} is missing; the model is damaged")
        return operand

    @property
    def operands(self) -> list[Operand]:
        """All inputs that are given."""
        return [operand for operand in self._operands if operand is not None]

    def tensor(self, place: int = 0) -> Tensor:
        """A computed input. Raises UnsupportedError for a constant."""
        operand = self.operand(place)
        if not isinstance(operand, Tensor):
            raise UnsupportedError(
                f"{self.where}: input {place} is a constant, expected a computed tensor; simplify the model (onnxslim, "
                "onnx-simplifier)"
            )
        return operand

    def constant(self, place: int) -> Array:
        """A constant input. Raises UnsupportedError for a computed one."""
        operand = self.operand(place)
        if isinstance(operand, Tensor):
            raise UnsupportedError(
                f"{self.where}: input {place} ('{self._input_name(place)}') is computed, expected a constant; a design "
                "has one shape and fixed weights"
            )
        return operand

    def _input_name(self, place: int) -> str:
        value = self.node.inputs[place]
        return "" if value is None else str(value.name)

    def weight(self, place: int, rank: int | None = None) -> Floats:
        """A constant of real numbers. Raises ModelError for another number of axes, or numbers that are none."""
        array = np.asarray(self.constant(place), dtype=np.float64)
        if rank is not None and array.ndim != rank:
            raise ModelError(f"{self.where}: input {place} has shape {array.shape}, expected {rank} axes")
        if not np.isfinite(array).all():
            raise ModelError(f"{self.where}: weight '{self._input_name(place)}' holds NaN or infinity; train it again")
        return array

    def weights(self, place: int, rank: int | None = None) -> Weights:
        """The same with what a quantiser of the model made of it, if one did."""
        return Weights(self.weight(place, rank), self._grids[place] if place < len(self._grids) else None)

    def bias(self, place: int, extent: int) -> Weights | None:
        """A constant of one number for each channel; None where it is not given."""
        if not self.has(place):
            return None
        self.vector(place, extent, 0.0)
        return self.weights(place)

    def vector(self, place: int, extent: int, usual: float) -> Floats:
        """A constant of one number for each channel; ``usual`` where it is not given."""
        if not self.has(place):
            return np.full(extent, usual)
        array = self.weight(place)
        if array.shape != (extent,):
            raise ModelError(f"{self.where}: input {place} has shape {array.shape}, expected ({extent},)")
        return array

    def whole_numbers(self, place: int) -> list[int]:
        """A constant of whole numbers: axes, sizes, places. The extent of the samples stays what it is."""
        array = np.asarray(self.constant(place))
        if array.dtype.kind not in "iub":
            raise ModelError(f"{self.where}: input {place} is of {array.dtype}, expected whole numbers")
        return [int(number) for number in array.reshape(-1)]

    def numbers(self, key: str, place: int) -> list[int] | None:
        """Whole numbers that are an attribute in some opsets and an input in others; None where they are not given."""
        if self.has(place):
            return self.whole_numbers(place)
        given = self.take(key, None)
        return None if given is None else [int(number) for number in given]

    # -- attributes -------------------------------------------------------------------------

    def take(self, key: str, usual: Any) -> Any:
        """Consume an attribute."""
        return self._attributes.pop(key, usual)

    def integer(self, key: str, usual: int) -> int:
        return int(self.take(key, usual))

    def real(self, key: str, usual: float) -> float:
        number = float(self.take(key, usual))
        if not np.isfinite(number):
            raise ModelError(f"{self.where}: attribute {key} is {number}; the model is damaged")
        return number

    def integers(self, key: str, usual: Sequence[int] | None = None) -> list[int]:
        """A list of whole numbers; ``usual`` where it is not given."""
        found = self.take(key, usual)
        if found is None:
            raise ModelError(f"{self.where}: attribute {key} is missing; the model is damaged")
        return [int(number) for number in found]

    def text(self, key: str, *allowed: str) -> str:
        """A word of those ``allowed``, the first where it is not given. Raises UnsupportedError for another."""
        word = self.take(key, allowed[0])
        word = word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)
        if word not in allowed:
            raise UnsupportedError(f"{self.where}: {key}={brief(word)} is not supported (only {', '.join(allowed)})")
        return word

    def expect(self, key: str, *allowed: Any) -> None:
        """Consume an attribute that is absent or one of ``allowed``."""
        value = self.take(key, allowed[0])
        if value not in allowed:
            wanted = " or ".join(repr(a) for a in allowed)
            raise UnsupportedError(f"{self.where}: attribute {key}={brief(value)} is not supported (only {wanted})")

    def check_attributes(self) -> None:
        """Refuse what nobody consumed."""
        if self._attributes:
            spelt = ", ".join(f"{key}={brief(value)}" for key, value in self._attributes.items())
            raise UnsupportedError(f"{self.where}: attribute {spelt} is not supported")

    def only_output(self, count: int = 1) -> None:
        """Refuse a model that uses more than the first outputs (statistics, masks, indices)."""
        for output in self.node.outputs[count:]:
            if output.name and (output.uses() or output.is_graph_output()):
                raise UnsupportedError(f"{self.where}: its output '{output.name}' is not computed; leave it out")

    # -- results ----------------------------------------------------------------------------

    def add_linear(
        self,
        make: Callable[[Constant, Constant], Layer],
        weights: Weights,
        bias: Weights | None,
        outputs: int,
        value: Value,
        step: str | None = None,
    ) -> Value:
        """Add ``make(weight, bias)``; a scale of each of its ``outputs`` that is no power of two goes behind."""
        constant, scale = weights.constant_and_scale(outputs)
        offset = no_bias(outputs) if bias is None else bias.constant
        return self.add_scaled(lambda last: make(constant, last), scale, offset, [value], step)

    def unary(self, add: Callable[[Value], Value]) -> Tensor:
        """What ``add`` makes of every element of the input, by itself."""
        tensor = self.tensor()
        return tensor.with_value(add(tensor.value))

    def bound(self, elements: int, most: int, what: str) -> None:
        """Refuse what would have too many elements, before it is made."""
        if elements > most:
            raise ModelError(f"{self.where}: {what} would have {elements} elements, more than the {most} supported")

    def checked(self, window: Window, shape: tuple[int, ...]) -> Window:
        """Refuse a window that does not fit its input, or is too large."""
        self.bound(window.taps, MAX_WINDOW, f"a window of {window}")
        if min(window.output_extent(shape)) < 1:
            raise ModelError(f"{self.where}: a window of {window} does not fit its input of shape {shape}")
        return window

    def samples_in_front(self, tensor: Tensor) -> None:
        """Refuse an operator that expects the samples in front, for a tensor that has them elsewhere."""
        if tensor.samples != 0:
            raise UnsupportedError(
                f"{self.where}: its input of shape {tensor.shape_text} has the samples as axis {tensor.samples}, "
                "expected in front"
            )
