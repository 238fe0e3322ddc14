"""How weights and values lie against what their types hold, layer by layer: a profile as sections of the page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import floor, frexp

from hlsgen.analysis.distribution import Distribution
from hlsgen.analysis.profile import Profile, TypeProfile
from hlsgen.pages.content import Chart, Row, Section, Series
from hlsgen.pages.findings import Layers

_FEWEST = 4
"""Values of which a histogram says more than the values themselves."""


def profile_sections(profile: Profile, layers: Layers) -> dict[int, list[Section]]:
    """For each operation what was measured of its results first, then of its constants."""
    found: dict[int, list[Section]] = {}
    for values in (True, False):
        for entry in profile:
            number = layers.of_value(entry.name)
            if number is not None and (entry.kind in ("input", "result", "accumulator")) is values:
                found.setdefault(number, []).append(_section(entry, profile.samples))
    return found


def profile_columns(profile: Profile, layers: Layers) -> list[tuple[str, dict[int, str]]]:
    """What the table of layers says of results: the share outside of the type, bits of signal, zeros, the error."""
    outside: dict[int, str] = {}
    zeros: dict[int, str] = {}
    signal: dict[int, str] = {}
    error: dict[int, str] = {}
    for entry in profile:
        number = layers.of_value(entry.name)
        if number is None or entry.kind not in ("input", "result"):
            continue
        outside[number] = percent_text(entry.saturated)
        zeros[number] = percent_text(entry.sparsity)
        signal[number] = "" if entry.signal_bits is None else f"{entry.signal_bits:.1f}"
        error[number] = "" if entry.error is None else percent_text(entry.error)
    return [("outside", outside), ("zeros", zeros), ("signal bits", signal), ("off by (rms)", error)]


def percent_text(part: float) -> str:
    """A share in percent; nothing where there is none."""
    if not part:
        return ""
    return "< 0.01 %" if part < 1e-4 else f"{100 * part:.3g} %"


_TITLES = {"input": "Values on the data", "result": "Values on the data", "accumulator": "Sum on the data"}


def _section(entry: TypeProfile, samples: int) -> Section:
    title = _TITLES.get(entry.kind) or f"Distribution of {entry.name.rpartition('.')[2]}"
    measured = f" ({samples:,} samples)" if entry.kind in _TITLES else ""
    return Section(title + measured, tuple(_rows(entry)), tuple(_charts(entry)))


def _rows(entry: TypeProfile) -> Iterator[Row]:
    real, (low, high) = entry.real, entry.holds
    yield "type", entry.type
    yield "values", f"{real.low:.5g} to {real.high:.5g}, rms {real.rms:.4g}"
    yield "the type holds", f"{low:.5g} to {high:.5g}, step {entry.step:.4g}"
    yield "outside of the type", f"{percent_text(entry.saturated)} ({entry.overflow})" if entry.outside else "none"
    yield "below half a step", percent_text(entry.below_half_step) or "none"
    yield "zeros", percent_text(entry.sparsity) or "none"
    if entry.unused_bits is not None:
        yield "bits unused on top", f"{entry.unused_bits} of {entry.width}"
    if entry.signal_bits is not None:
        yield "bits of signal", f"{entry.signal_bits:.1f}"
    if entry.error is not None:
        yield "off by (rms)", percent_text(entry.error) or "nothing"


def _charts(entry: TypeProfile) -> Iterator[Chart]:
    real = entry.real
    if real.count < _FEWEST or real.low == real.high:
        return
    yield Chart(
        "Values of the model, without zeros" if real.zeros else "Values of the model",
        "bars",
        tuple((a + b) / 2 for a, b in pairwise(real.edges)),
        (Series("values", _without_zeros(real)),),
        x_label="value",
        held=entry.holds,
        text=_told(entry),
    )
    octaves = [d for d in (real, entry.held) if d is not None and d.octaves]
    if octaves:
        yield _magnitudes(entry, octaves)


def _without_zeros(found: Distribution) -> tuple[float, ...]:
    """The counts of bins but for zeros, of which there are often more than of all others."""
    at = max((k for k, edge in enumerate(found.edges[:-1]) if edge <= 0), default=0)
    return tuple(float(count - found.zeros if k == at else count) for k, count in enumerate(found.counts))


def _told(entry: TypeProfile) -> str:
    """The chart in a sentence."""
    (low, high), real = entry.holds, entry.real
    where = f"{percent_text(entry.saturated)} of them outside of" if entry.outside else "all of them within"
    return f"Values from {real.low:.4g} to {real.high:.4g}, {where} what {entry.type} holds: {low:.4g} to {high:.4g}."


def _magnitudes(entry: TypeProfile, found: list[Distribution]) -> Chart:
    """Octaves from the step of the type to its end: what lies below is lost, and bits above are unused."""
    step, top = frexp(entry.step)[1] - 1, _octave(max(-entry.holds[0], entry.holds[1]))
    first = min(step - 1, *(d.first_octave for d in found))
    last = max(top, *(d.first_octave + len(d.octaves) - 1 for d in found))
    names = ("of the model", "in the design")
    series = [Series(name, _over(d, first, last)) for name, d in zip(names, (entry.real, entry.held), strict=True) if d]
    return Chart(
        "Magnitudes, in bits",
        "bars",
        tuple(float(octave) for octave in range(first, last + 1)),
        tuple(series),
        x_label="power of two",
        held=(step - 0.5, top + 0.5),
        text=f"From the step, 2^{step}, to the end of the type, 2^{top + 1}; what is smaller becomes a step or zero.",
    )


def _octave(value: float) -> int:
    return floor(frexp(value)[1] - 1) if value > 0 else 0


def _over(found: Distribution, first: int, last: int) -> tuple[float, ...]:
    at = {found.first_octave + k: float(count) for k, count in enumerate(found.octaves)}
    return tuple(at.get(octave, 0.0) for octave in range(first, last + 1))
