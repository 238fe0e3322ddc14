"""What templates of host code are filled with: constants of the steps, places of numbers, how numbers are spelt."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from hlsgen.data.operations import LOG_PLACES, Logarithm, Numbers
from hlsgen.data.ports import InputPort
from hlsgen.data.recipe import Recipe
from hlsgen.errors import UnsupportedError
from hlsgen.exports.c.numbers import literal
from hlsgen.exports.c.texts import remark
from hlsgen.templates import environment
from hlsgen.version import VERSION

_LINE = 100


@dataclass(frozen=True)
class _Table:
    """Constants of a step: one for each feature, or one for all."""

    name: str
    numbers: Numbers
    remarks: tuple[str, ...] = ()


def render(template: str, recipe: Recipe, port: InputPort, **more: object) -> str:
    """A text for a pipeline and an input; ``template`` is a path below hls_templates/data."""
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
