"""Frontends: what reads a foreign model into a graph.

A frontend is a module with two functions, ``accepts(model) -> bool`` (cheap, no framework imported) and
``read(model, weights) -> Graph``, and a line in ``FRONTENDS``. Its inputs become nodes through
:func:`hlsgen.frontends.builder.add_input`, its layers through :class:`hlsgen.frontends.builder.Builder`.
docs/add_a_frontend.md shows one.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol, cast

from hlsgen.frontends.torch import Example
from hlsgen.ir.graph import Graph

FRONTENDS = (
    "hlsgen.frontends.keras",
    "hlsgen.frontends.onnx",
    "hlsgen.frontends.torch",
    "hlsgen.frontends.sklearn",
)
"""Asked in this order; the first one also says what is wrong with a model that none accepts."""


class Frontend(Protocol):
    """What a frontend's module offers."""

    def accepts(self, model: Any) -> bool:
        """Whether the model (an object, or the path of a file) is of the kind that this frontend reads."""

    def read(self, model: Any, weights: Path | None = None) -> Graph:
        """Build its graph. Raises ModelError and UnsupportedError."""


def read_model(model: Any, weights: str | Path | None = None, example_inputs: Any = None) -> Graph:
    """Read a model of any kind there is a frontend for; ``example_inputs`` are the tensors to trace a module on.

    Raises ModelError for what cannot be read, UnsupportedError for what hlsgen refuses.
    """
    model = model if example_inputs is None else Example(model, example_inputs)
    frontends = [cast(Frontend, importlib.import_module(name)) for name in FRONTENDS]
    chosen = next((frontend for frontend in frontends if frontend.accepts(model)), frontends[0])
    return chosen.read(model, None if weights is None else Path(weights))
