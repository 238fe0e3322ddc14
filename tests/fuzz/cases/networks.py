"""Sound networks with settings: the reference, the emulator, the vendor's headers and rational arithmetic agree."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hlsgen.errors import ConfigError, HlsgenError, TypeSpecError, UnsupportedError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.project import Project
from tests.fuzz import exact
from tests.fuzz.cases.base import Case, WrongError, refusal, shorter
from tests.fuzz.cases.evaluated import check_emulator, check_types, data_for
from tests.fuzz.describe import Description, description, ending_at, source_of, without
from tests.fuzz.exact_networks import ExactNet
from tests.fuzz.networks import SHAPES, every_network
from tests.fuzz.settings import Settings, any_settings, exact_settings
from tests.ladder.harness import Reference, Variant, check_vendor
from tests.passes.builders import project_of


@dataclass(frozen=True)
class NetworkCase(Case):
    """A network and settings for it."""

    kind = "network"
    seconds = 60.0
    model: Description
    settings: Settings
    exact: bool = False
    """Whether every type is given, so that :mod:`tests.fuzz.exact` can say what is right."""
    emulate: bool = True
    vendor: bool = False

    @classmethod
    def draw(cls, rng: random.Random) -> Self:
        seed, steps = rng.getrandbits(32), rng.randint(1, 7)
        if rng.random() < 0.6:
            source = ExactNet(seed, quantized=False, flavour="keras2").network(steps, rng.choice(SHAPES))
            return cls(description(source), exact_settings(rng, source), exact=True, emulate=rng.random() < 0.2)
        source = every_network(seed, steps=steps)
        return cls(description(source), any_settings(rng, source), emulate=rng.random() < 0.5)

    def prepare(self, folder: Path) -> SourceModel:
        return source_of(self.model)

    def check(self, prepared: SourceModel, folder: Path) -> str:
        try:
            project = project_of(prepared, **self.settings)
        except HlsgenError as error:
            if not isinstance(error, ConfigError | UnsupportedError) and not self._is_about_a_type(error):
                raise WrongError(type(error).__name__, f"of sound settings: {error}") from error
            return refusal(error)
        x = data_for(project)
        values = project.evaluate(x, raw=True)
        check_types(project, values)
        if self.exact:
            self._check_exactly(prepared, project, x, values)
        if self.emulate:
            check_emulator(project, x, values)
        if self.vendor:
            check_vendor(project, Variant("as configured", project.config.io_type), Reference(project, x))
        return "right"

    def _is_about_a_type(self, error: HlsgenError) -> bool:
        """Whether an error names a type that the settings have, and not one that nobody wrote."""
        named = re.findall(r"u?fixed<[^>]*>", str(error))
        return isinstance(error, TypeSpecError) and any(text in str(self.settings) for text in named)

    def _check_exactly(self, source: SourceModel, project: Project, x: dict[str, Any], values: dict[str, Any]) -> None:
        types = {name: layer["precision"] for name, layer in self.settings["layers"].items()}
        right = exact.evaluate(source, types, self.settings["input_precision"], x)
        for name, tensor in zip(project.design.output_names, project.design.outputs, strict=True):
            found = exact.Value(values[name].astype(object), tensor.type.frac)
            (a, b), _ = exact.aligned(found, right[name])
            if (a != b).any():
                raise WrongError(
                    "arithmetic", f"output '{name}' of type {tensor.type} is not what its exact arithmetic gives"
                )

    def simpler(self) -> Iterator[Self]:
        for name in ("vendor", "emulate"):
            if getattr(self, name):
                yield self.with_fields(**{name: False})
        source = source_of(self.model)
        for smaller in [ending_at(source, c.name) for c in source.calls] + [
            without(source, c.name) for c in source.calls
        ]:
            if smaller.calls and len(smaller.calls) < len(source.calls):
                yield self.with_fields(model=description(smaller), settings=_fitting(self.settings, smaller))
        if not self.exact:
            for fewer in shorter(self.settings):
                yield self.with_fields(settings=fewer)
        elif self.settings.get("skip_passes"):
            yield self.with_fields(settings={**self.settings, "skip_passes": []})


def _fitting(settings: Settings, source: SourceModel) -> Settings:
    """What the settings say of the layers that are left."""
    names, classes = {call.name for call in source.calls}, {call.class_name for call in source.calls}
    kept = dict(settings)
    for key, known in (("layers", names), ("layer_types", classes)):
        if key in kept:
            kept[key] = {name: value for name, value in kept[key].items() if name in known}
    return kept
