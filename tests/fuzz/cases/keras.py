"""Live models against float Keras, and every executor and form of the design against each other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

import hlsgen
from hlsgen.errors import HlsgenError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.project import Project
from tests.fuzz.cases.base import Case, WrongError, refusal
from tests.fuzz.cases.evaluated import check_emulator, check_types
from tests.fuzz.describe import Description, description, ending_at, source_of, without
from tests.fuzz.live import live_model
from tests.fuzz.networks import every_network
from tests.fuzz.settings import Settings

CLOSE = 2.0**-9
"""How far a design of 16 bits may be from float Keras, by the largest value of an output."""
EXPLAINED = 2.0**-11
"""Or its types have to explain it: then a design of ``WIDE`` bits, of the same graph, may be so far from Keras."""
WIDE = 28
_SAMPLES = 24
Prepared = tuple[Any, list[Any], list[Any]]
"""A live model, data for its inputs, and its outputs for them."""


@dataclass(frozen=True)
class KerasCase(Case):
    """A network as a live model, converted as a user does, and another way to build it."""

    kind = "keras"
    seconds = 120.0
    memory: ClassVar[int] = 0
    """TensorFlow needs more addresses than the program may have."""
    model: Description
    settings: Settings
    nesting: str = "flat"
    emulate: bool = True

    @classmethod
    def draw(cls, rng: random.Random) -> Self:
        source = every_network(rng.getrandbits(32), steps=rng.randint(1, 7), quantized=False)
        rows = any(call.class_name == "Embedding" for call in source.calls)  # of which none is a negative number's
        nesting = rng.choice(("flat", "flat", "flat", "nested", "nested" if rows else "twice"))
        return cls(description(source), other_form(rng), nesting, emulate=rng.random() < 0.3)

    def prepare(self, folder: Path) -> Prepared | None:
        source = source_of(self.model)
        try:
            model, x = live_model(source, self.nesting), data_for(source)
        except ValueError:  # Keras 2 loses shapes behind some layers, and then builds no more on them
            return None
        results = model(x if len(x) > 1 else x[0], training=False)
        return model, x, [np.asarray(r) for r in (results if isinstance(results, list | tuple) else [results])]

    def check(self, prepared: Prepared | None, folder: Path) -> str:
        if prepared is None:
            return "Keras itself does not build it"
        model, x, wanted = prepared
        try:
            project = hlsgen.convert(model)
        except HlsgenError as error:
            return refusal(error)
        check_against_keras(project, x, wanted)
        given = {port.name: array for port, array in zip(project.design.inputs, x, strict=True)}
        values = project.evaluate(given, raw=True)
        check_types(project, values)
        try:
            other = project.with_settings(**self.settings)
        except HlsgenError as error:
            return refusal(error)
        check_equal(project, values, other, other.evaluate(given, raw=True))
        if self.emulate:
            check_emulator(project, given, values)
            check_emulator(other, given, other.evaluate(given, raw=True))
        return "right"

    def simpler(self) -> Iterator[Self]:
        if self.emulate:
            yield self.with_fields(emulate=False)
        if self.nesting != "flat":
            yield self.with_fields(nesting="flat")
        source = source_of(self.model)
        for smaller in [ending_at(source, c.name) for c in source.calls] + [
            without(source, c.name) for c in source.calls
        ]:
            if smaller.calls and len(smaller.calls) < len(source.calls):
                yield self.with_fields(model=description(smaller))
        for key in self.settings:
            yield self.with_fields(settings={k: v for k, v in self.settings.items() if k != key})


def other_form(rng: random.Random) -> Settings:
    """How the same design is built otherwise: none of its bits depends on it."""
    form: Settings = {"io_type": rng.choice(("io_stream", "io_stream", "io_parallel"))}
    level = {"strategy": rng.choice(("latency", "resource", "unrolled")), "reuse_factor": rng.choice((1, 2, 3, "auto"))}
    defaults = {key: value for key, value in level.items() if rng.random() < 0.5}
    if form["io_type"] == "io_parallel" and rng.random() < 0.7:
        defaults = {"recurrence": "unrolled"}
    return form | ({"defaults": defaults} if defaults else {})


def data_for(source: SourceModel) -> list[Any]:
    """Multiples of 1/1024 up to one, and ones; numbers of rows where a table is looked up with an input."""
    rng, found = np.random.default_rng(0), []
    rows = {
        t.call: call.config["input_dim"] for call in source.calls for t in call.inputs if call.class_name == "Embedding"
    }
    for spec in source.inputs:
        x = rng.integers(-1024, 1025, (_SAMPLES, *spec.shape)) / 1024
        x[0], x[1] = -1, 1
        if spec.name in rows:
            x = rng.integers(0, rows[spec.name], x.shape)
        found.append(x.astype(np.float32))
    return found


def check_against_keras(project: Project, x: list[Any], wanted: list[Any]) -> None:
    """Close to Keras, or as far off as the types explain: with more bits the difference goes."""
    off = _off(project, x, wanted)
    if max(off) <= CLOSE:
        return
    finer = _off(project.with_settings(default_width=WIDE), x, wanted)
    for output, far, near in zip(project.design.outputs, off, finer, strict=True):
        if far > CLOSE and near > EXPLAINED:
            text = f"output '{output.name}' is off by {far:.3g} of its largest value, with {WIDE} bits by {near:.3g}"
            raise WrongError("keras", text)


def _off(project: Project, x: list[Any], wanted: list[Any]) -> list[float]:
    """By output, the greatest difference from Keras by the largest value."""
    values = project.evaluate(x if len(x) > 1 else x[0])
    found = []
    for output, right in zip(project.design.outputs, wanted, strict=True):
        got, right = values[output.name], np.asarray(right)
        if got.shape != right.shape:
            raise WrongError("shape", f"output '{output.name}' has shape {got.shape}, in Keras {right.shape}")
        found.append(float(np.abs(got - right).max(initial=0) / max(np.abs(right).max(initial=0), 1e-3)))
    return found


def check_equal(one: Project, values: dict[str, Any], other: Project, others: dict[str, Any]) -> None:
    """However it is built, its outputs are the same numbers."""
    for a, b in zip(one.design.outputs, other.design.outputs, strict=True):
        if a.type != b.type or (values[a.name].astype(object) != others[b.name].astype(object)).any():
            raise WrongError("form", f"output '{a.name}' depends on how the design is built")
