"""Operators in the making: a list of nodes with names of their own, and the constants that they read."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


def readable(name: str) -> str:
    """A name of a model as protobuf takes it: halves of characters as ``\\ud800``."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


class Names:
    """Names, each given once; ``kept`` are left for those who :meth:`claim` them."""

    def __init__(self, taken: Sequence[str] = (), kept: Sequence[str] = ()) -> None:
        self._kept = set(kept) - set(taken)
        self._taken = {*taken, *kept}

    def claim(self, name: str) -> str | None:
        """A name that was kept; None where it is given already."""
        if name not in self._kept:
            return None
        self._kept.remove(name)
        return name

    def fresh(self, hint: str) -> str:
        """``hint``, with a number behind it where that is taken."""
        hint = name = readable(hint)
        count = 0
        while name in self._taken:
            count += 1
            name = f"{hint}.{count}"
        self._taken.add(name)
        return name


class Nodes:
    """Nodes in the order in which they are computed, of a graph, of the body of a loop or of a function."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.nodes: list[NodeProto] = []

    def add(self, operator: str, *inputs: str, hint: str = "", outputs: int = 1, **attributes: Any) -> tuple[str, ...]:
        """Append a node; returns the names of its outputs. ``hint`` begins them; ``domain`` is an attribute, too."""
        from onnx import helper

        found = tuple(self.names.fresh(hint or operator) for _ in range(outputs))
        self.nodes.append(helper.make_node(operator, list(inputs), list(found), name=found[0], **attributes))
        return found

    def rename(self, name: str, given: str) -> bool:
        """Call the output of the last node otherwise, if it has that name; nobody reads it yet."""
        last = self.nodes[-1] if self.nodes else None
        if last is None or list(last.output) != [name]:
            return False
        last.name = last.output[0] = given
        return True

    def one(self, operator: str, *inputs: str, hint: str = "", **attributes: Any) -> str:
        """Append a node of one output; returns its name."""
        return self.add(operator, *inputs, hint=hint, **attributes)[0]


class Constants:
    """Initializers of a graph; equal ones are stored once."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        """By type, shape and a digest of the numbers."""
        self.tensors: list[TensorProto] = []

    def add(self, array: NDArray[Any], hint: str = "constant") -> str:
        """The name of a constant with these numbers."""
        from onnx import numpy_helper

        held = np.array(array, order="C")  # np.ascontiguousarray makes a vector of a number
        key = (str(held.dtype), held.shape, sha256(held.tobytes()).digest())
        if key not in self._known:
            self._known[key] = self._names.fresh(hint)
            self.tensors.append(numpy_helper.from_array(held, self._known[key]))
        return self._known[key]
