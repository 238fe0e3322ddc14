"""A fitted pipeline as a module of Python, with NumPy and without."""

from __future__ import annotations

from collections.abc import Callable

from hlsgen.data.host_texts import render
from hlsgen.data.operations import Affine, Clamp, Logarithm, Operation
from hlsgen.data.ports import InputPort
from hlsgen.data.recipe import Recipe
from hlsgen.ir.types import FixedType, Overflow, Rounding

_WIDEST = 61
"""Bits of a type whose mantissas, and a bit that tells that a number is beyond it, fit NumPy's integers of 64 bits."""


def python_text(recipe: Recipe, port: InputPort) -> str:
    """The module."""
    return render(
        "prepare.py.j2",
        recipe,
        port,
        names=recipe.names,
        classes=recipe.classes,
        python_steps=[line for at, o in enumerate(recipe.operations) for line in _python_step(at, o)],
        numpy_steps=[_numpy_step(at, o) for at, o in enumerate(recipe.operations)] + _numpy_places(port),
        up=_UP[port.type.rounding],
        fit=_fit(port.type),
        fit_numpy=_fit_numpy(port.type),
        wide=port.type.width > _WIDEST,
    )


_UP = {
    Rounding.TRN: "False",
    Rounding.TRN_ZERO: "(rest != 0) & (exact < 0)",
    Rounding.RND: "more | tie",
    Rounding.RND_ZERO: "more | (tie & (exact < 0))",
    Rounding.RND_INF: "more | (tie & (exact >= 0))",
    Rounding.RND_MIN_INF: "more",
    Rounding.RND_CONV: "more | (tie & (floor % 2 == 1))",
}
"""When the floor is not the rounded number, for integers and for arrays of them."""


def _index(at: int, operation: Operation) -> Callable[[str], str]:
    def spelt(constant: str) -> str:
        single = len(operation.constants[constant]) == 1
        return f"{constant.upper()}_{at}[{'0' if single else 'feature'}]"

    return spelt


def _python_step(at: int, operation: Operation) -> list[str]:
    table = _index(at, operation)
    match operation:
        case Affine():
            return [f"value = (value - {table('offset')}) * {table('scale')}"]
        case Clamp():
            low, high = table("low"), table("high")
            return [f"value = {low} if value < {low} else {high} if value > {high} else value"]
        case Logarithm():
            return [f"value = _log2({table('least')} if value < {table('least')} else value)"]
    raise AssertionError(operation.name)


def _numpy_step(at: int, operation: Operation) -> str:
    match operation:
        case Affine():
            return f"x = (x - np.array(OFFSET_{at})) * np.array(SCALE_{at})"
        case Clamp():
            return f"x = np.clip(x, np.array(LOW_{at}), np.array(HIGH_{at}))"
        case Logarithm():
            return f"x = _log2s(np, np.maximum(x, np.array(LEAST_{at})))"
    raise AssertionError(operation.name)


def _numpy_places(port: InputPort) -> list[str]:
    """To where and times what an input holds numbers."""
    moved = ["x = x.transpose(0, *(axis + 1 for axis in ORDER))"] if port.order is not None else []
    return moved + (["x = x * np.array(TIMES)"] if port.exponents is not None else [])


def _fit(fixed: FixedType) -> list[str]:
    """What becomes of a number beyond the type, for Python's integers."""
    match fixed.overflow:
        case Overflow.SAT | Overflow.SAT_SYM:
            return ["return LEAST if whole < LEAST else LARGEST"]
        case Overflow.SAT_ZERO:
            return ["return 0"]
        case Overflow.WRAP if not fixed.saturation_bits:
            return [_signed("whole", fixed)]
        case Overflow.WRAP:
            return [f"guard = {_guard(fixed)}", f"bits = whole & {_ones(fixed)}", *_guarded_end(fixed)]
        case Overflow.WRAP_SM:
            return [f"bits = whole & {_ones(fixed)}", *_sign_kept(fixed)]
    raise AssertionError(fixed.overflow)


def _ones(fixed: FixedType) -> int:
    return (1 << fixed.width) - 1


def _guard(fixed: FixedType) -> int:
    """The bits below the sign that saturate."""
    below = (1 << (fixed.width - fixed.signed)) - 1
    return below & ~((1 << max(fixed.width - fixed.saturation_bits, 0)) - 1)


def _signed(value: str, fixed: FixedType) -> str:
    """The last bits of a number, in two's complement where the type has a sign."""
    if not fixed.signed:
        return f"return {value} & {_ones(fixed)}"
    sign = 1 << (fixed.width - 1)
    return f"return (({value} & {_ones(fixed)}) ^ {sign}) - {sign}"


def _guarded_end(fixed: FixedType) -> list[str]:
    sign = 1 << (fixed.width - 1)
    if not fixed.signed:
        return ["return bits | guard"]
    return [f"bits = (bits & ~guard) | {sign} if whole < 0 else (bits | guard) & ~{sign}", _signed("bits", fixed)]


def _sign_kept(fixed: FixedType) -> list[str]:
    """WRAP_SM, as :meth:`FixedType._wrap_guarded` says."""
    width, count, ones, sign = fixed.width, fixed.saturation_bits, _ones(fixed), 1 << (fixed.width - 1)
    if count == 0:
        return [
            f"deleted, top = (floor >> {width}) & 1, int(bits & {sign} != 0)",
            "if deleted != top:",
            f"    bits = (~bits & {ones - sign}) | (deleted * {sign})",
            _signed("bits", fixed),
        ]
    kept = f"(bits >> {width - count}) & 1"
    turned = f"(whole < 0) != (bits & {sign} != 0)" if count == 1 else f"int(whole < 0) == {kept}"
    return [f"guard = {_guard(fixed)}", f"if {turned}:", f"    bits = ~bits & {ones}", *_guarded_end(fixed)]


def _fit_numpy(fixed: FixedType) -> list[str]:
    match fixed.overflow:
        case Overflow.SAT | Overflow.SAT_SYM:
            return ["whole = np.clip(whole, LEAST, LARGEST)"]
        case Overflow.SAT_ZERO:
            return ["whole = np.where((whole < LEAST) | (whole > LARGEST), 0, whole)"]
        case Overflow.WRAP if not fixed.saturation_bits:
            return [_signed("whole", fixed).replace("return", "whole =")]
    return [
        "for place in np.argwhere((whole < LEAST) | (whole > LARGEST)):",
        "    at = tuple(place)",
        "    whole[at] = _fit(int(whole[at]), int(floor[at]))",
    ]
