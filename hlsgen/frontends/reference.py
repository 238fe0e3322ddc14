"""Source models run by their own frameworks: what comparisons, diagnoses and test vectors hold a design against.

A file is run only if it can hold no code: one of ONNX, a ``.pt2`` that was looked through, and one of Keras that names
nothing but what is in a list (:mod:`hlsgen.frontends.keras.trust`).
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from hlsgen.errors import ModelError
from hlsgen.frontends import FRONTENDS, Frontend
from hlsgen.frontends.values import Batch, NotRunError, SourceValues


class Runs(Protocol):
    """What a frontend's module offers beside :class:`hlsgen.frontends.Frontend`, if its models can be run."""

    def run(self, model: Any, batch: Batch) -> SourceValues:
        """The values of a batch, the outputs as it wants them."""


def source_values(model: Any, batch: Batch) -> SourceValues:
    """Run a model, live or the path of a file, on a batch.

    Raises NotRunError that says what is missing, or why a file is not run (MayHoldCodeError).
    """
    if model is None:
        raise NotRunError("the source model", "the source model is not known", "give a model or its path")
    for name in FRONTENDS:
        frontend = cast(Frontend, importlib.import_module(name))
        if frontend.accepts(model) and hasattr(frontend, "run"):
            return _run(cast(Runs, frontend), model, batch)
    what = f"{type(model).__name__} {str(model)[:80]!r}"
    raise NotRunError(what, f"a {type(model).__name__} is no model", "give one that hlsgen reads, or its path")


def _run(frontend: Runs, model: Any, batch: Batch) -> SourceValues:
    try:
        return frontend.run(model, batch)
    except NotRunError:
        raise
    except ModelError as error:  # of what reads a file
        raise NotRunError("the model", str(error), "give one that can be read") from error
