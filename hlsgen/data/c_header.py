"""A fitted pipeline as a header of C99, of floating point or, for raw integers, without it."""

from __future__ import annotations

import re

from hlsgen.backends.hls.naming import C_FUNCTIONS, Identifiers
from hlsgen.data.host_texts import render
from hlsgen.data.integer_form import integer_form
from hlsgen.data.operations import Affine, Clamp, Logarithm, Operation
from hlsgen.data.ports import InputPort
from hlsgen.data.recipe import Recipe
from hlsgen.errors import UnsupportedError
from hlsgen.exports.c.numbers import ROUNDINGS, cast_to, of_type, storage, within
from hlsgen.exports.c.texts import helpers, indented
from hlsgen.ir.types import FixedType, Overflow

WIDEST = 61
"""Bits of a type whose mantissas, and a bit that tells that a number is beyond it, fit words of 64 bits."""
_LOCAL = frozenset(
    """
    beyond bits channel exact exponent feature floor g held i0 i1 i2 i3 magnitude negative o places raw square sum two
    up value whole
    """.split()
)
"""Names within the functions of the header."""


def identifier(stem: str) -> str:
    """How the names of a header begin: as its file is called, but never as anything in it."""
    name = Identifiers(C_FUNCTIONS | _LOCAL).make(stem)
    return f"{name}_n" if name.endswith(("_32", "_64")) else name


def c_text(recipe: Recipe, port: InputPort, name: str) -> str:
    """The header; all that it declares begins with ``name``. Raises UnsupportedError for types beyond 61 bits."""
    _check_width(port)
    body = render(
        "functions.h.j2",
        recipe,
        port,
        name=name,
        steps=[_c_step(name, at, operation) for at, operation in enumerate(recipe.operations)],
        rounding=ROUNDINGS[port.type.rounding],
        guarded=_is_guarded(port.type),
        overflow=_overflow(port.type),
        storage=str(storage(of_type(port.type))),
    )
    return render("prepare.h.j2", recipe, port, name=name, body=_with_helpers(name, body), **_about(name, port))


def integer_c_text(recipe: Recipe, port: InputPort, name: str, raw: str) -> str:
    """The header for raw numbers that are integers. Raises as :func:`hlsgen.data.integer_form.integer_form`."""
    _check_width(port)
    form = integer_form(recipe, port, raw)
    kept = str(storage(of_type(port.type)))
    body = render("integers.h.j2", recipe, port, name=name, form=form, storage=kept)
    about = _about(name, port)
    return render("prepare_integers.h.j2", recipe, port, name=name, form=form, body=_with_helpers(name, body), **about)


def _check_width(port: InputPort) -> None:
    if port.type.width > WIDEST:
        raise UnsupportedError(
            f"input '{port.name}': host code in C is written for types of up to {WIDEST} bits, not {port.type}; "
            "write_python takes any"
        )


def _about(name: str, port: InputPort) -> dict[str, str]:
    return {"guard": name.upper(), "shape": " x ".join(map(str, port.given_shape))}


def _with_helpers(name: str, body: str) -> str:
    """Functions of C, and before them the helpers that they call, with names of their own: two such headers may stand
    in one program."""
    called = helpers(body)
    text = "\n".join([*called, indented(body)])
    for helper in re.findall(r"^static inline u?int\d+_t (\w+)\(", "\n".join(called), re.MULTILINE):
        text = re.sub(rf"\b{helper}\(", f"{name}_{helper}(", text)
    return text


def _c_step(name: str, at: int, operation: Operation) -> str:
    def table(constant: str) -> str:
        single = len(operation.constants[constant]) == 1
        return f"{name}_{constant}_{at}[{'0' if single else 'feature'}]"

    match operation:
        case Affine():
            return f"value = value - {table('offset')};\nvalue = value * {table('scale')};"
        case Clamp():
            low, high = table("low"), table("high")
            return f"value = value < {low} ? {low} : value;\nvalue = value > {high} ? {high} : value;"
        case Logarithm():
            least = table("least")
            return f"value = {name}_log2(value < {least} ? {least} : value);"
    raise AssertionError(operation.name)


def _is_guarded(fixed: FixedType) -> bool:
    """Whether what wraps depends on more than the bits that are kept."""
    return fixed.overflow is Overflow.WRAP_SM or (fixed.overflow is Overflow.WRAP and fixed.saturation_bits > 0)


def _overflow(fixed: FixedType) -> str:
    """What becomes of the whole number ``whole``, rounded from ``floor``, in C."""
    if _is_guarded(fixed):
        keeps = int(fixed.overflow is Overflow.WRAP_SM)
        return f"wrap_guarded_64(whole, floor, {fixed.width}, {int(fixed.signed)}, {keeps}, {fixed.saturation_bits})"
    return cast_to(within(1 << 62), fixed.frac, fixed).text("whole", 64)
