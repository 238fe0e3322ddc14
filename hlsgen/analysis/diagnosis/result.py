"""What a diagnosis says: the layer, the cause with its numbers, and the setting that cures it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from html import escape

from hlsgen.ir.text import percent, table

Number = float | int | str | bool


class Kind(Enum):
    """What is wrong."""

    SATURATION = "saturation"
    """Results lie beyond the ends of their type, and become those ends."""
    WRAP = "wrap"
    """Results lie beyond the ends of their type, and become far others."""
    STEP = "step too coarse"
    """Results are rounded to steps that leave too little of them."""
    UNUSED = "bits unused"
    """The same, and the type has bits at its other end that no value uses."""
    CONSTANT = "weight not representable"
    """Weights, biases or factors are cut off or rounded too far."""
    ACCUMULATOR = "accumulator too narrow"
    """The sum is cut off or rounded before it becomes the result."""
    TABLE = "table error"
    """A function that is read from tables is too far off."""
    INPUT_CLIPPED = "input clipped"
    """Data lie beyond the type of an input."""
    INPUT_STEP = "input too coarse"
    """Data are rounded too far, or so small that bits of the input's type are unused."""
    DEAD_CHANNEL = "dead channel"
    """A channel yields the same for all data."""
    LAYOUT = "layout of inputs"
    """Data have their axes in another order."""
    NOT_NORMALISED = "input not normalised"
    """Data are on another scale than those the model was trained on."""
    OTHER_MODEL = "another function"
    """Without any types the graph does not compute what the reference does."""


@dataclass(frozen=True)
class Agreement:
    """How well the design agrees with the reference on the samples looked at: of the output that is farthest off."""

    samples: int
    error: float
    """Root mean square of the difference, relative to how far the reference varies from sample to sample; to its size
    where it hardly does."""
    correlation: float | None
    """Of all values with those of the reference; None where one of them never changes."""
    top1: float | None
    """Share of samples (of places, where there are several) with the same largest output; None of a single number."""

    def __str__(self) -> str:
        parts = [f"{percent(self.error, 3)} % rms off"]
        if self.top1 is not None:
            parts.append(f"{percent(self.top1, 4)} % the same top-1")
        if self.correlation is not None:
            parts.append(f"correlation {self.correlation:.5f}")
        return ", ".join(parts)


@dataclass(frozen=True)
class LayerDivergence:
    """One value of the design beside the same of the reference."""

    layer: str
    """The layer of the source model."""
    fused: tuple[str, ...]
    """The layers that it computes beside."""
    type: str
    error: float | None
    """Root mean square by which it is off, relative to the reference, with all that came before; None: not compared."""
    cost: float
    """What this layer alone puts the output off by, relative to it."""
    outside: float
    """Share of its values that lie outside of its types."""

    @property
    def row(self) -> list[str]:
        name = self.layer + (f" (with {', '.join(self.fused)})" if self.fused else "")
        error = "" if self.error is None else f"{percent(self.error, 3)} %"
        outside = f"{percent(self.outside)} %" if self.outside else ""
        return [name, self.type, error, f"{percent(self.cost)} %", outside]


@dataclass(frozen=True)
class Diagnosis:
    """The first layer that diverges beyond what its types should cost, and the cure. Print it."""

    layer: str
    """As the source model names it."""
    role: str
    """Of its types: input, weight, bias, accum, result; empty where no type is the cause."""
    kind: Kind
    cause: str
    """In words, with numbers."""
    numbers: Mapping[str, Number]
    """Those numbers by name; docs/diagnose.md says what each means."""
    fix: str | None
    """YAML to be merged into the configuration, which was tried; None where no setting cures it."""
    advice: str
    """What else to do, or to look at."""
    before: Agreement | None
    """As the design is; None where it cannot take the data."""
    after: Agreement | None
    """With ``fix``; None without one."""
    reference: str
    """What it was compared with."""
    fused: tuple[str, ...] = ()
    """The layers of the source model that are computed together with ``layer``."""
    layers: tuple[LayerDivergence, ...] = field(default=(), repr=False)
    """All layers in the order of the design."""

    def __str__(self) -> str:
        fused = f" (computed together with {', '.join(map(repr, self.fused))})" if self.fused else ""
        lines = [f"layer '{self.layer}'{fused}: {self.kind.value}", f"  {self.cause}"]
        if self.advice:
            lines.append(f"  {self.advice}")
        if self.before is not None:
            lines.append(f"  as it is:  {self.before} ({self.before.samples} samples, against {self.reference})")
        if self.fix is not None:
            lines += [f"  repaired:  {self.after}", "  the fix:", *(f"    {line}" for line in self.fix.splitlines())]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """For notebooks."""
        return f"<pre>{escape(str(self))}</pre>"

    @property
    def table(self) -> str:
        """All layers: how far off each is, and what it costs the output by itself."""
        header = ["layer", "type", "off by", "costs the output", "outside of its types"]
        return table(header, [layer.row for layer in self.layers])
