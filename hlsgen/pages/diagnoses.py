"""What a diagnosis found, as the remark that stands first on the page, and how far off each layer is."""

from __future__ import annotations

from hlsgen.analysis.diagnosis.result import Diagnosis, Number
from hlsgen.pages.content import Panel, Remark, Table, Weight
from hlsgen.pages.findings import Layers


def diagnosis_remark(found: Diagnosis, layers: Layers) -> Remark:
    """The layer, the cause in words and numbers, and the cure with what it was seen to do."""
    together = f" (computed together with {', '.join(found.fused)})" if found.fused else ""
    effect = ""
    if found.fix and found.after is not None:
        before = f"; as it is, {found.before}" if found.before is not None else ""
        effect = f"Tried: with this change {found.after}{before}."
    return Remark(
        Weight.FAULT,
        f"{found.layer}: {found.kind.value}",
        f"Layer '{found.layer}'{together}: {found.cause}",
        layers.of_layer(found.layer),
        tuple((name.replace("_", " "), _text(value)) for name, value in found.numbers.items()),
        found.fix or "",
        effect,
        found.advice,
    )


def diagnosis_panel(found: Diagnosis, layers: Layers) -> Panel:
    """Every layer beside the same of the reference."""
    header = ("layer", "type", "off by", "costs the output", "outside of its types")
    table = Table(
        header,
        tuple(tuple(one.row) for one in found.layers),
        numeric=(False, False, True, True, True),
        layers=tuple(layers.of_layer(one.layer) for one in found.layers),
    )
    samples = f", on {found.before.samples:,} samples" if found.before is not None else ""
    text = (
        f"Against {found.reference}{samples}: how far off each layer is with all that came before it, and what it "
        "costs the output by itself."
    )
    return Panel("divergence", "Divergence", text, tables=(table,))


def _text(value: Number) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
