"""What is to be said of a design, the heaviest first: what is wrong, what may be, what is good to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from hlsgen.analysis.overflow import Overflow, OverflowReport
from hlsgen.analysis.precision import PrecisionReport
from hlsgen.design.design import Design
from hlsgen.ir.typing import Reason
from hlsgen.linter.finding import Report, Severity
from hlsgen.pages.content import Remark, Weight

_WARNING = "warning:"


class Layers:
    """Layers of the source model, and values of the design, and the operations that compute them."""

    def __init__(self, design: Design) -> None:
        numbers = {op: number for number, op in enumerate(design)}
        self._of_layer: dict[str, int] = {}
        for name, tensor in design.aliases.items():
            self._of_layer[name] = numbers[design.producer(tensor)]
        for number, op in enumerate(design):
            for source in op.origins:
                self._of_layer.setdefault(source.name, number)
        self._of_value = {tensor.name: numbers[op] for op in design for tensor in op.outputs}
        self._of_value |= {op.name: number for op, number in numbers.items()}

    def of_layer(self, name: str) -> int | None:
        """The operation that yields a layer of the source model, by its name there."""
        return self._of_layer.get(name)

    def of_value(self, name: str) -> int | None:
        """The operation that yields a value, or has a constant that is called ``operation.constant``."""
        found = self._of_value.get(name)
        return found if found is not None else self._of_value.get(name.rpartition(".")[0])


def in_order(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """The heaviest first, each once; those of the same weight as they come. What several have to say of a layer, and
    is no fault, becomes one remark, of the weight of the heaviest."""
    found: list[Remark] = []
    place: dict[int, int] = {}
    for remark in sorted(dict.fromkeys(remarks), key=lambda remark: remark.weight.order):
        if remark.weight is Weight.FAULT or remark.layer is None:
            found.append(remark)
        elif remark.layer in place:
            at = place[remark.layer]
            found[at] = _joined(found[at], remark)
        else:
            place[remark.layer] = len(found)
            found.append(remark)
    return tuple(found)


def _joined(first: Remark, second: Remark) -> Remark:
    """The first, with what the second says behind it."""
    said = second.text if second.title == first.title else f"{second.title}. {second.text}"
    numbers = dict(second.numbers) | dict(first.numbers)
    return replace(first, text=f"{first.text}\n{said}", numbers=tuple(numbers.items()))


def overflow_remarks(report: OverflowReport, design: Design, layers: Layers) -> Iterator[Remark]:
    """What did not fit its type on data; where the model's own quantiser has that type, that is what it means."""
    meant = {op.source.name for op in design for t in op.outputs if t.typing.reason is Reason.MODEL}
    found = [entry for entry in report.entries if entry.count]
    for entry in sorted(found, key=lambda e: -e.count / e.total):
        of_model = entry.role == "result" and entry.layer in meant
        yield Remark(
            Weight.NOTE if of_model else Weight.WARNING,
            f"{entry.layer}: {share_of(entry)} of the values of its {entry.role} {_effect(entry)}",
            f"{entry.count:,} of {entry.total:,} values lie outside of {entry.type}"
            + (", the type of the model's own quantiser." if of_model else "."),
            layers.of_layer(entry.layer),
            _numbers(entry),
        )


def share_of(entry: Overflow) -> str:
    """The share of values that did not fit, in percent."""
    part = entry.count / entry.total
    return "less than 0.01 %" if part < 1e-4 else f"{100 * part:.2f} %"


def _effect(entry: Overflow) -> str:
    return entry.type.overflow.effect.infinitive


def _numbers(entry: Overflow) -> tuple[tuple[str, str], ...]:
    if entry.each is not None:
        return (("largest met", f"{entry.largest:.4g}"),)
    return (("largest met", f"{entry.largest:.4g}"), ("the type holds", f"{entry.representable:.4g}"))


def loss_remarks(precision: PrecisionReport, layers: Layers) -> Iterator[Remark]:
    """What fixed types lose of what can come, by proof."""
    for loss in precision.losses:
        heavy = loss.expected_beyond or (loss.of_constants and loss.overflows)
        yield Remark(
            Weight.WARNING if heavy else Weight.NOTE,
            f"{loss.layer}: its {loss.role} {loss.spelled} {loss.effect}",
            f"By proof, values go from {loss.lowest:.5g} to {loss.highest:.5g}.",
            layers.of_layer(loss.layer),
        )


def note_remarks(notes: Sequence[str], layers: Layers, names: Iterable[str]) -> Iterator[Remark]:
    """What conversion had to say; a note that begins with the name of a layer is about it."""
    known = sorted(names, key=len, reverse=True)
    for note in notes:
        is_warning = note.lower().startswith(_WARNING)
        text = note[len(_WARNING) :].strip() if is_warning else note
        layer = next((name for name in known if f"'{name}'" in text or text.startswith(f"{name}:")), None)
        yield Remark(
            Weight.WARNING if is_warning else Weight.NOTE,
            "From the conversion",
            text,
            None if layer is None else layers.of_layer(layer),
        )


def data_remarks(messages: Iterable[str]) -> Iterator[Remark]:
    """What ``predict`` warned of."""
    for message in messages:
        yield Remark(Weight.WARNING, "The data and the types do not go together", message)


def lint_remarks(report: Report, layers: Layers) -> Iterator[Remark]:
    """What the static checks of the project's text found."""
    for found in report.findings:
        known = (layers.of_layer(name) for name in found.layers)
        yield Remark(
            Weight.FAULT if found.severity is Severity.ERROR else Weight.WARNING,
            f"{found.about or 'Static check'}: {found.found}",
            f"{found.expected} ({found.file}, line {found.line}; rule '{found.rule}').",
            next((number for number in known if number is not None), None),
        )
