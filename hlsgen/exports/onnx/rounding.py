"""Quant of QONNX: the words of its rounding modes, and in standard operators what they compute.

A file carries a function for each form of Quant in it, which runtimes put in the place of the node; tools for QONNX
know the node and need none. ``docs/exports_onnx.md`` says more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsgen.exports.onnx.nodes import Names, Nodes
from hlsgen.ir.types import Rounding

if TYPE_CHECKING:
    from onnx import FunctionProto

DOMAIN = "qonnx.custom_op.general"
OPSET = 18
"""The newest operators that are used are of this opset."""
WORDS = {
    Rounding.RND_CONV: "ROUND",
    Rounding.TRN: "FLOOR",
    Rounding.TRN_ZERO: "DOWN",
    Rounding.RND_INF: "HALF_UP",
    Rounding.RND_ZERO: "HALF_DOWN",
}
"""QONNX's names of rounding modes. It has none for RND and RND_MIN_INF, whose ties go to one side."""


@dataclass(frozen=True, order=True)
class Form:
    """The options of a Quant node."""

    signed: bool
    narrow: bool
    rounding: str

    @property
    def overload(self) -> str:
        """By which a node finds its function among those of one name."""
        return "_".join(
            [self.rounding.lower(), "signed" if self.signed else "unsigned", *(["narrow"] if self.narrow else [])]
        )

    @property
    def attributes(self) -> dict[str, int | str]:
        """As the node has them."""
        return {"signed": int(self.signed), "narrow": int(self.narrow), "rounding_mode": self.rounding}

    def function(self) -> FunctionProto:
        """``(round(clip(x / scale + zero, low, high)) - zero) * scale``, for floats of 32 and 64 bits."""
        from onnx import helper

        inputs = ("x", "scale", "zero", "bits")
        nodes = Nodes(Names((*inputs, "y")))
        one = _number(nodes, 1.0)
        bits = nodes.one("CastLike", "bits", "x")
        power = nodes.one("Pow", _number(nodes, 2.0), nodes.one("Sub", bits, one) if self.signed else bits)
        high = nodes.one("Sub", power, one)
        if not self.signed and self.narrow:
            high = nodes.one("Sub", high, one)
        low = nodes.one("Neg", high if self.narrow else power) if self.signed else _number(nodes, 0.0)
        shifted = nodes.one("Add", nodes.one("Div", "x", "scale"), "zero")
        whole = rounded(nodes, nodes.one("Max", nodes.one("Min", shifted, high), low), self.rounding)
        nodes.nodes.append(helper.make_node("Mul", [nodes.one("Sub", whole, "zero"), "scale"], ["y"]))
        return helper.make_function(
            DOMAIN,
            "Quant",
            list(inputs),
            ["y"],
            nodes.nodes,
            [helper.make_opsetid("", OPSET)],
            attributes=list(self.attributes),
            overload=self.overload,
        )


def _number(nodes: Nodes, value: float, like: str = "x") -> str:
    """A constant of the type of another value."""
    from onnx import TensorProto, helper

    name = nodes.one("Constant", value=helper.make_tensor("value", TensorProto.FLOAT, [], [value]))
    return nodes.one("CastLike", name, like)


def rounded(nodes: Nodes, value: str, word: str) -> str:
    """A number rounded to a whole one, by a mode of QONNX's. Exact: fractions of floats are floats."""
    match word:
        case "ROUND":
            return nodes.one("Round", value)
        case "FLOOR":
            return nodes.one("Floor", value)
        case "CEIL":
            return nodes.one("Ceil", value)
    size = nodes.one("Abs", value)
    floor = nodes.one("Floor", size)
    if word != "DOWN":
        compared = "GreaterOrEqual" if word == "HALF_UP" else "Greater"
        up = nodes.one(compared, nodes.one("Sub", size, floor), _number(nodes, 0.5, value))
        floor = nodes.one("Add", floor, nodes.one("CastLike", up, value))
    return nodes.one("Mul", floor, nodes.one("Sign", value))


def functions(forms: Sequence[Form]) -> list[FunctionProto]:
    """The functions of all forms that a file uses."""
    return [form.function() for form in sorted(forms)]
