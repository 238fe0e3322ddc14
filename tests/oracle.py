"""Keras models whose answers do not depend on the processor.

TensorFlow normalises by its reciprocal square root, which refines an estimate of the processor: on some it is not
exact even at 1. Nothing here takes such a last bit for the truth.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np


def processor_independent(model: Any) -> Any:
    """The model with each BatchNormalization as a factor and a summand, computed here; others are left alone.

    With the weights of ``dyadic_weights`` every further operation of Keras is exact: products and sums of short
    multiples of powers of two.
    """
    if not any(_normalises(layer) for layer in model.layers):
        return model
    keras = importlib.import_module(type(model).__module__.partition(".")[0])
    return keras.models.clone_model(model, clone_function=lambda layer: _replaced(keras, layer))


def factor_and_summand(layer: Any) -> tuple[Any, Any]:
    """Of a BatchNormalization, in float64: ``gamma / sqrt(variance + epsilon)``, ``beta - mean * factor``."""
    known = {w.name.rpartition("/")[2].partition(":")[0]: np.asarray(w, dtype=np.float64) for w in layer.weights}
    factor = known.get("gamma", 1.0) / np.sqrt(known["moving_variance"] + layer.epsilon)
    return factor, known.get("beta", 0.0) - known["moving_mean"] * factor


def _normalises(layer: Any) -> bool:
    return type(layer).__name__ == "BatchNormalization" or any(map(_normalises, getattr(layer, "layers", [])))


def _replaced(keras: Any, layer: Any) -> Any:
    if hasattr(layer, "layers"):
        return processor_independent(layer)
    if not _normalises(layer):
        return layer
    axis = layer.axis[0] if isinstance(layer.axis, list | tuple) else layer.axis
    rank = len(layer.input.shape)
    along = [-1 if place == axis % rank else 1 for place in range(1, rank)]
    factor, summand = (
        part.reshape(along) if part.ndim else part for part in map(np.asarray, factor_and_summand(layer))
    )

    class Affine(keras.layers.Layer):
        def call(self, x: Any, training: Any = None, mask: Any = None) -> Any:
            return x * factor.astype(np.float32) + summand.astype(np.float32)

    return Affine(name=layer.name)
