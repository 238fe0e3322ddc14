"""A fitted pipeline as code for hosts: a header of C99 and a module of Python, which make the integers of NumPy.

What has to be equal to the bit is defined in :mod:`hlsgen.data.operations` (real numbers) and
:class:`hlsgen.ir.types.FixedType` (integers). Both texts take a number apart by its bits and round in integers.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

from hlsgen.backends.hls.naming import C_FUNCTIONS, Identifiers
from hlsgen.data.integer_form import integer_form
from hlsgen.data.operations import LOG_PLACES, Affine, Clamp, Logarithm, Numbers, Operation
from hlsgen.data.ports import InputPort
from hlsgen.data.recipe import Recipe
from hlsgen.errors import InputError, OutputDirError, UnsupportedError, brief
from hlsgen.exports.c.numbers import ROUNDINGS, cast_to, literal, of_type, storage, within
from hlsgen.exports.c.texts import helpers, indented, remark
from hlsgen.files import replacing
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.named_files import named_path
from hlsgen.templates import environment
from hlsgen.version import VERSION

WIDEST = 61
"""Bits of a type whose mantissas, and a bit that tells that a number is beyond it, fit words of 64 bits."""

_LINE = 100
_LOCAL = frozenset("beyond bits channel exact exponent feature floor g held magnitude negative o places raw square two "
                   "up value whole".split())  # fmt: skip
"""Names within the functions of the header."""


@dataclass(frozen=True)
class _Table:
    """Constants of a step: one for each feature, or one for all."""

    name: str
    numbers: Numbers
    remarks: tuple[str, ...] = ()


def write_c(recipe: Recipe, port: InputPort, path: str | Path, raw: str | None = None) -> Path:
    """Write the header; returns its path. Raises as :meth:`hlsgen.data.pipeline.FittedPipeline.write_c`."""
    file = _path(path, ".h", "a header of C")
    name = _identifier(file.stem)
    text = c_text(recipe, port, name) if raw is None else integer_c_text(recipe, port, name, raw)
    return _written(file, text)


def write_python(recipe: Recipe, port: InputPort, path: str | Path) -> Path:
    """Write the module; returns its path. Raises as :meth:`hlsgen.data.pipeline.FittedPipeline.write_python`."""
    return _written(_path(path, ".py", "a module of Python"), python_text(recipe, port))


def c_text(recipe: Recipe, port: InputPort, name: str) -> str:
    """The header; all that it declares begins with ``name``. Raises UnsupportedError for types beyond 61 bits."""
    if port.type.width > WIDEST:
        raise UnsupportedError(
            f"input '{port.name}': host code in C is written for types of up to {WIDEST} bits, not {port.type}; "
            "write_python takes any"
        )
    body = _render(
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
    return _render("prepare.h.j2", recipe, port, name=name, body=_with_helpers(name, body), **_about(name, port))


def integer_c_text(recipe: Recipe, port: InputPort, name: str, raw: str) -> str:
    """The header for raw numbers that are integers. Raises as :func:`hlsgen.data.integer_form.integer_form`."""
    form = integer_form(recipe, port, raw)
    kept = str(storage(of_type(port.type)))
    body = _render("integers.h.j2", recipe, port, name=name, form=form, storage=kept)
    about = _about(name, port)
    return _render("prepare_integers.h.j2", recipe, port, name=name, form=form, body=_with_helpers(name, body), **about)


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


def python_text(recipe: Recipe, port: InputPort) -> str:
    """The module."""
    return _render(
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
        wide=port.type.width > WIDEST,
    )


def _identifier(stem: str) -> str:
    """How the names of a header begin: as its file is called, but never as anything in it."""
    name = Identifiers(C_FUNCTIONS | _LOCAL).make(stem)
    return f"{name}_n" if name.endswith(("_32", "_64")) else name


def _render(template: str, recipe: Recipe, port: InputPort, **more: object) -> str:
    filled = environment("data")
    filled.globals.update(
        remark=remark,
        literal=literal,
        hexadecimal=float.hex,
        python=_python,
        filled=_filled,
        string=ascii,
        version=VERSION,
    )
    return filled.get_template(template).render(
        port=port,
        features=recipe.features,
        tables=_tables(recipe, port),
        logarithm=any(isinstance(o, Logarithm) for o in recipe.operations),
        places=LOG_PLACES,
        name_of=recipe.name_of,
        strides=_strides(port),
        **more,
    )


def _tables(recipe: Recipe, port: InputPort) -> list[_Table]:
    """Constants of all steps, and the powers of two of the input."""
    names = tuple(recipe.name_of(place) for place in range(recipe.features))
    found = [
        _Table(f"{name}_{at}", numbers, names if len(numbers) > 1 else ())
        for at, operation in enumerate(recipe.operations)
        for name, numbers in operation.constants.items()
    ]
    if port.exponents is not None:
        found.append(_Table("times", tuple(_power(port, exponent) for exponent in port.exponents)))
    return found


def _power(port: InputPort, exponent: int) -> float:
    if abs(exponent) > 1000:
        raise UnsupportedError(
            f"input '{port.name}': a feature is held times 2^{exponent}, beyond what host code takes"
        )
    return 2.0**exponent


def _strides(port: InputPort) -> list[int]:
    """By how much the place of a raw number moves with each axis of the held ones."""
    order = port.order or tuple(range(len(port.shape)))
    given = port.given_shape
    return [prod(given[axis + 1 :]) for axis in order]


# -- C --------------------------------------------------------------------------------------------


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


# -- Python ---------------------------------------------------------------------------------------

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


def _python(values: Iterable[object]) -> str:
    """A tuple; texts in ASCII."""
    return ascii(tuple(values))


def _filled(values: Iterable[object]) -> str:
    """A tuple over as many lines as it takes."""
    items = [f"{value!a}," for value in values]
    line = f"({' '.join(items)})"
    if len(line) <= _LINE:
        return line if len(items) < 2 else f"{line[:-2]})"
    return "(\n" + textwrap.indent("\n".join(_lines(items)), "    ") + "\n)"


def _lines(items: list[str]) -> Iterator[str]:
    """Items side by side, as many as fit."""
    line: list[str] = []
    for item in items:
        if line and sum(map(len, line)) + len(line) + len(item) > _LINE:
            yield " ".join(line)
            line = []
        line.append(item)
    yield " ".join(line)


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


# -- files ----------------------------------------------------------------------------------------


def _path(path: str | Path, ending: str, what: str) -> Path:
    file = named_path(path, what, InputError)
    if file.suffix != ending:
        raise InputError(f"{brief(str(file))}: expected the path of {what}, which ends in {ending}")
    return file


def _written(file: Path, text: str) -> Path:
    try:
        with replacing(file) as stream:
            stream.write(text.encode())
    except (OSError, ValueError) as error:  # ValueError: a NUL
        reason = getattr(error, "strerror", None) or error
        raise OutputDirError(f"{brief(str(file))}: cannot be written ({reason})") from error
    return file
