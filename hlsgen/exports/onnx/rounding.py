"""Quant of QONNX: the words of its rounding modes, and in standard operators what they compute.

A file carries a function Quant, which runtimes put in the place of the nodes; tools for QONNX know the nodes and need
none. ``docs/exports_onnx.md`` says more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from hlsgen.exports.onnx.nodes import Names, Nodes
from hlsgen.quantizers.uniform import OF_CASTS, Rounds

if TYPE_CHECKING:
    from onnx import FunctionProto

DOMAIN = "qonnx.custom_op.general"
OPSET = 19
"""The newest operators that are used are of this opset."""
WORDS = {mode: "ROUND" if rounds is Rounds.HALF_EVEN else rounds.value for rounds, mode in OF_CASTS.items()}
"""QONNX's names of rounding modes. It has none for RND and RND_MIN_INF, whose ties go to one side."""


def function(words: Collection[str]) -> FunctionProto:
    """``(round(clip(x / scale + zero, low, high)) - zero) * scale``, for floats of 32 and 64 bits.

    ``words``: the rounding modes that occur. Which one is asked for is compared when the file is loaded: all that it
    depends on are attributes, which runtimes take for constants.
    """
    from onnx import helper

    inputs, attributes = ("x", "scale", "zero", "bits"), ("signed", "narrow", "rounding_mode")
    nodes = Nodes(Names((*inputs, "y")))
    one, signed, narrow = _number(nodes, 1.0), *(_attribute(nodes, name) for name in attributes[:2])
    bits = nodes.one("Sub", nodes.one("CastLike", "bits", "x"), signed)
    power = nodes.one("Pow", _number(nodes, 2.0), bits)
    less = nodes.one("Mul", narrow, nodes.one("Sub", one, signed))
    high = nodes.one("Sub", nodes.one("Sub", power, one), less)
    low = nodes.one("Mul", nodes.one("Sub", narrow, power), signed)
    shifted = nodes.one("Add", nodes.one("Div", "x", "scale"), "zero")
    within = nodes.one("Max", nodes.one("Min", shifted, high), low)
    whole = _rounded_as_asked(nodes, within, sorted(words))
    nodes.nodes.append(helper.make_node("Mul", [nodes.one("Sub", whole, "zero"), "scale"], ["y"]))
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_function(DOMAIN, "Quant", list(inputs), ["y"], nodes.nodes, opsets, attributes=list(attributes))


def _rounded_as_asked(nodes: Nodes, value: str, words: Sequence[str]) -> str:
    """Rounded by the mode that the attribute names, one of ``words``."""
    from onnx import helper

    word, *others = words
    if not others:
        return rounded(nodes, value, word)
    asked = _referring(nodes, "value_string", "rounding_mode")
    same = nodes.one("Equal", asked, nodes.one("Constant", value_string=word))
    branches = {}
    for branch, build in (("then_branch", [word]), ("else_branch", others)):
        inside = Nodes(nodes.names)
        found = _rounded_as_asked(inside, value, build)
        given = [helper.make_empty_tensor_value_info(found)]
        branches[branch] = helper.make_graph(inside.nodes, nodes.names.fresh(branch), [], given)
    return nodes.one("If", same, **branches)


def _attribute(nodes: Nodes, name: str) -> str:
    """0 or 1, as a number of the type of ``x``."""
    return nodes.one("CastLike", _referring(nodes, "value_int", name), "x")


def _referring(nodes: Nodes, kind: str, name: str) -> str:
    """A constant that an attribute of the function tells."""
    from onnx import AttributeProto

    found = nodes.one("Constant")
    number = AttributeProto.INT if kind == "value_int" else AttributeProto.STRING
    nodes.nodes[-1].attribute.append(AttributeProto(name=kind, ref_attr_name=name, type=number))
    return found


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
