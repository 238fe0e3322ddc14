"""A project of ours from the configuration that a report of hls4ml's is of: the same weights, types, clock and part."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
from reports import Layer, Network

import hlsgen

KINDS = {"softmax": "softmax", "relu": "relu", "linear": "linear"}


def model_of(network: Network) -> Any:
    """The network in Keras, without what hls4ml made of a quantiser's scale."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    x = first = keras.Input((network.layers[0].n_in,))
    weights = []
    for layer in network.layers:
        if layer.kind == "dense":
            dense = keras.layers.Dense(layer.matrix.shape[1], name=layer.name)
            x = dense(x)
            weights.append((dense, [_real(layer.matrix, layer.weight), _real(layer.bias, layer.bias_type)]))
        elif layer.kind != "scale":
            if layer.kind not in KINDS:
                raise ValueError(f"{layer.name}: no layer of Keras is known for {layer.config}")
            x = keras.layers.Activation(KINDS[layer.kind], name=layer.name)(x)
    for dense, of in weights:
        dense.set_weights(of)
    return keras.Model(first, x)


def _real(mantissas: np.ndarray, fixed: Any) -> np.ndarray:
    return np.ldexp(mantissas.astype(np.float32), -fixed.frac)


def settings_of(network: Network, reuse: int) -> dict[str, Any]:
    """The configuration: one pipeline, as hls4ml's top function is. For all layers ``reuse`` is a wish, of which each takes the nearest factor that is valid."""
    return {
        "pipeline": "flat",
        "input_precision": network.layers[0].input,
        "part": network.part,
        "clock_period": network.clock_period,
        "clock_uncertainty": network.clock_uncertainty,
        "defaults": {"strategy": "latency", "reuse_factor": reuse},
        "layers": {layer.name: {"precision": _precision(layer)} for layer in network.layers if layer.kind != "scale"},
    }


def _precision(layer: Layer) -> dict[str, Any]:
    of_weights = {"weight": layer.weight, "bias": layer.bias_type, "accum": layer.accum}
    return {"result": layer.result} | (of_weights if layer.kind == "dense" else {})


def project_of(network: Network, reuse: int) -> hlsgen.Project:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hlsgen.convert(model_of(network), settings_of(network, reuse))
