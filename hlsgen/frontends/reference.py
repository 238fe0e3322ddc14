"""Source models run by their own frameworks, layer by layer: what a diagnosis compares a design with."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from hlsgen.errors import ModelError
from hlsgen.frontends import FRONTENDS, Frontend
from hlsgen.frontends.values import GRAPH, Array, SourceValues


class Runs(Protocol):
    """What a frontend's module offers beside :class:`hlsgen.frontends.Frontend`, if its models can be run."""

    def run(self, model: Any, inputs: Mapping[str, Array], weights: Path | None = None) -> SourceValues:
        """The values of a batch, ``inputs`` by the names that the graph has for them, in its order."""


def source_values(model: Any, inputs: Mapping[str, Array], weights: Path | None = None) -> SourceValues:
    """Run a model, live or the path of a file, on a batch. Raises ModelError that says what is missing."""
    if model is None:
        raise ModelError(
            f"there is no model to compare with: give reference=, a model or its path, or reference='{GRAPH}', the "
            "graph in real numbers"
        )
    for name in FRONTENDS:
        frontend = cast(Frontend, importlib.import_module(name))
        if frontend.accepts(model) and hasattr(frontend, "run"):
            return cast(Runs, frontend).run(model, inputs, weights)
    raise ModelError(
        f"a reference is a model that hlsgen reads (live, or the path of its file) or '{GRAPH}'; found "
        f"{type(model).__name__} {str(model)[:80]!r}"
    )
