"""Cores that are one unrolled pipeline: a word a clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hlsgen.backends.verilog.casts import Number, cast
from hlsgen.backends.verilog.core import Core, Place, Words
from hlsgen.backends.verilog.logic import Logic, Section, Signal, constant
from hlsgen.backends.verilog.text import counter_bits, described, joined, render, rom_texts, title
from hlsgen.ir.op import Op

Function = Callable[..., Sequence[Number]]
"""``function(logic, elements, ...)``: the exact results, one for each element of the output word, of the elements of
each operand's word. With constants that differ from word to word, ``function(logic, number, elements, ...)``: the
number of the word, from 0 on."""
_COUNTER = "word_of_sample"
"""The register in which the number of a word is counted."""


def elements(logic: Logic, words: Words, word: str, hint: str) -> list[Number]:
    """The elements of a word as numbers."""
    low, high, width = words.type.min_mantissa, words.type.max_mantissa, words.type.width
    if words.type.signed:
        low = -(1 << (width - 1))  # the least word there is, also where the type does without it
    found = []
    for k in range(words.elements):
        text = f"{word}[{(k + 1) * width - 1}:{k * width}]" if words.width > 1 else word
        found.append(Number(logic.input(f"{hint}{k}", low, high, text), words.type.frac))
    return found


def finished(logic: Logic, op: Op, exact: Number) -> Signal:
    """An exact result, cast to the accumulator, then to the result type."""
    accum = op.output.typing.accum
    number = exact if accum is None else cast(logic, exact, accum)
    return cast(logic, number, op.output.type).signal


def pipeline(op: Op, place: Place, function: Function, *notes: str, turn: int = 0) -> Core:
    """A core that computes a whole word with logic of its own for each element; ``notes`` of it stand in its head.

    With ``turn``, its function is also given the number of the word, which is counted from 0 to below ``turn``, again
    and again; ``turn`` divides the words of a sample.
    """
    logic = Logic(place.levels, place.module)
    operands: list[Signal | list[Number]] = [elements(logic, words, name, name) for name, words in place.operands]
    if turn:
        assert not place.y.beats % turn
        operands.insert(0, logic.input("number", 0, turn - 1, _COUNTER) if turn > 1 else constant(0))
    exact = function(logic, *operands)
    results, latency = logic.registered([finished(logic, op, number) for number in exact])
    text = render(
        "pipeline.v.j2",
        place=place,
        latency=latency,
        about=[*described(op), *notes],
        counter=_COUNTER,
        turn=turn,
        turn_bits=counter_bits(turn),
        lines=logic.lines(),
        results=joined(results, place.y.type.width),
    )
    texts = {place.module: text, **rom_texts(logic.roms)}
    return Core(place.module, place.xs, place.y, latency, 1, texts, (Section("", logic, results),))


def elementwise(op: Op, place: Place, function: Callable[[Logic, Number], Number]) -> Core:
    """A core that computes every element alike: one module for an element, as often as there are elements."""
    return _each(place, described(op), lambda logic, x: finished(logic, op, function(logic, x)))


def converted(op: Op, place: Place) -> Core:
    """A core that casts every element to the type of the word that it gives, and nothing else."""
    about = [title(op), f"here: {place.x.type} as {place.y.type}"]
    return _each(place, about, lambda logic, x: cast(logic, x, place.y.type).signal)


def _each(place: Place, about: list[str], result_of: Callable[[Logic, Number], Signal]) -> Core:
    one = f"{place.module}__element"
    logic = Logic(place.levels, one)
    (x,) = elements(logic, Words(place.x.type, 1, 1), "x", "x")
    (result,), latency = logic.registered([result_of(logic, x)])
    element = render(
        "element.v.j2",
        module=one,
        of=place.module,
        x_width=place.x.type.width,
        y_width=place.y.type.width,
        latency=latency,
        lines=logic.lines(),
        results=joined([result], place.y.type.width),
    )
    text = render("elements.v.j2", place=place, element=one, latency=latency, about=about)
    texts = {place.module: text, one: element, **rom_texts(logic.roms)}
    inside = Section("", logic, [result], alike=place.y.elements)
    return Core(place.module, place.xs, place.y, latency, 1, texts, (inside,))
