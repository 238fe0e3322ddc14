"""What the framework of a source model computes, for inputs as users give them: one place for all who ask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.frontends.reference import source_values
from hlsgen.frontends.values import Batch, SourceValues


def source_outputs(
    design: Design, model: Any, inputs: Mapping[str, Array], weights: Path | None = None, layers: bool = False
) -> SourceValues:
    """The outputs of a model in the design's order of axes, and, if wanted, what its layers give.

    ``inputs`` are (samples, *shape) by name, ``weights`` belong to a ``.json``. Raises NotRunError if the model is not
    run: with the reason, which for files is MayHoldCodeError where they name what is in no list.
    """
    given = {
        tensor.name: _as_the_model_has(design.producer(tensor).layer, inputs[tensor.name]) for tensor in design.inputs
    }
    return source_values(model, Batch(given, tuple(tensor.shape for tensor in design.outputs), weights, layers))


def _as_the_model_has(layer: Any, data: Array) -> Array:
    """Data as the model takes them: scaled (``input_scaling``), and with its own axes (``input_layout``)."""
    scaling = getattr(layer, "scaling", None)
    if scaling is not None:
        data = scaling.scaled(data, layer.given_order)
    if not getattr(layer, "relaid", False):
        return data
    return np.moveaxis(data, -1, 1) if layer.given_order is None else np.moveaxis(data, 1, -1)
