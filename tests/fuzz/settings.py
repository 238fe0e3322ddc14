"""Settings for a given network: types by role with all modes, strategies, io types, passes left off."""

from __future__ import annotations

import random
from typing import Any

from hlsgen.config import Config
from hlsgen.frontends.keras.source import LayerCall, SourceModel
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.pipeline import stages
from tests.fuzz.fixed_types import any_type, wild_type
from tests.ladder.harness import reuse_factors
from tests.passes.builders import project_of

Settings = dict[str, Any]
WITHOUT_TYPES = frozenset(
    "Dropout GaussianDropout AlphaDropout GaussianNoise ActivityRegularization Identity Flatten Reshape Permute RepeatVector "
    "ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D UpSampling1D UpSampling2D Concatenate".split()
)
"""Layers that are nothing at inference, or only move values: no type of their own."""
_WITH_WEIGHTS = frozenset(
    "Dense TimeDistributed Conv1D Conv2D DepthwiseConv1D DepthwiseConv2D BatchNormalization Rescaling".split()
)
OPTIONAL = tuple(stage.pass_name() for stage in stages(Config()) if stage.optional)
_PLAIN = (Rounding.TRN, Overflow.WRAP)


def any_settings(rng: random.Random, source: SourceModel) -> Settings:
    """Some of everything that can be said at the level of the model, of types of layers, and of layers."""
    settings: Settings = {"io_type": rng.choice(("io_parallel", "io_stream"))}
    if rng.random() < 0.5:
        settings["input_precision"] = _type(rng, 18)
    if rng.random() < 0.2:
        settings["precision"] = _type(rng, 20)
    if rng.random() < 0.3:
        settings["default_width"] = rng.choice((2, 5, 8, 12, 20, 24))
    if rng.random() < 0.1:
        settings["max_width"] = rng.choice((8, 12, 18, 24))
    if rng.random() < 0.1:
        settings["fuse_quantized"] = True
    if rng.random() < 0.2:
        settings["weight_granularity"] = "channel"
    if rng.random() < 0.3:
        settings["skip_passes"] = rng.sample(OPTIONAL, rng.randint(1, len(OPTIONAL)))
    if rng.random() < 0.3:
        kind = rng.choice(source.calls).class_name
        settings["layer_types"] = {kind: {"precision": {"result": _type(rng)}}}
    settings["layers"] = _layers(rng, source)
    settings |= any_hardware(rng, settings["io_type"])
    if rng.random() < 0.3:
        settings |= _budgets(rng, source, settings["layers"])
    return settings


def _budgets(rng: random.Random, source: SourceModel, layers: dict[str, Any]) -> Settings:
    """Bits for what is left to inference, by layer and for all, which are added to the ``layers``; and where it lies."""
    for call in source.calls:
        if rng.random() < 0.3:
            bits = {"weight": rng.randint(2, 18), "result": rng.randint(3, 20)}
            layers.setdefault(call.name, {})["width"] = rng.choice((bits, bits["result"], {"weight": bits["weight"]}))
    drawn = {"weight_calibration": rng.choice(("max", "mse", "percentile")), "percentile": rng.choice((90.0, 99.0))}
    return drawn if rng.random() < 0.5 else drawn | {"width": rng.randint(3, 20)}


def any_hardware(rng: random.Random, io_type: str) -> Settings:
    """Wishes for how it is built, of which no bit depends."""
    drawn: Settings = {}
    if rng.random() < 0.3:
        drawn["strategy"] = rng.choice(("auto", "latency", "resource", "unrolled"))
    if rng.random() < 0.3:
        drawn["reuse_factor"] = rng.choice((2, 3, 7, 16, 100, "auto"))
    if rng.random() < 0.1:
        drawn |= {"interval": rng.choice((1, 20, 300)), "pipeline": rng.choice(("auto", "dataflow"))}
    if rng.random() < 0.1:
        drawn["parallelization_factor"] = rng.choice((2, 4, 9))
    if rng.random() < 0.1:
        drawn["recurrence"] = "unrolled"
    if rng.random() < 0.2:
        drawn |= rng.choice(({"interface": "axi_master"}, {"port_width": 16}, {"tlast": True, "fifo_depth": 9}))
    streams = io_type == "io_stream"
    return {key: value for key, value in drawn.items() if streams or key not in ("tlast", "fifo_depth")}


def _layers(rng: random.Random, source: SourceModel) -> dict[str, Any]:
    layers: dict[str, Any] = {}
    for name, factor in _factors(source).items():
        if rng.random() < 0.4:
            layers[name] = {"strategy": rng.choice(("latency", "resource")), "reuse_factor": factor}
    for call in source.calls:
        if rng.random() < 0.3:
            layers.setdefault(call.name, {})["precision"] = {
                role: _type(rng) for role in _roles(call) if rng.random() < 0.6
            }
    return layers


def _factors(source: SourceModel) -> dict[str, int]:
    try:
        return reuse_factors(project_of(source))
    except Exception:  # the case itself will say what is wrong
        return {}


def _type(rng: random.Random, widest: int = 24) -> str:
    """One of the usual size; one in thirty of any size."""
    return str(wild_type(rng) if rng.random() < 1 / 30 else any_type(rng, widest))


def _roles(call: LayerCall) -> tuple[str, ...]:
    weighted = any(role in call.weights for role in ("kernel", "depthwise_kernel", "gamma", "layer/kernel"))
    return ("weight", "bias", "accum", "result") if weighted else ("result",)


def exact_settings(rng: random.Random, source: SourceModel) -> Settings:
    """A type for every role of every layer, so that nothing is left to inference."""
    modes = rng.random() < 0.5
    return {
        "io_type": rng.choice(("io_parallel", "io_stream")),
        "input_precision": {spec.name: str(any_type(rng, 12)) for spec in source.inputs},
        "skip_passes": rng.choice(([], list(OPTIONAL), rng.sample(OPTIONAL, 3))),
        "layers": {call.name: {"precision": _every_role(rng, call, modes)} for call in source.calls if has_types(call)},
    }


def has_types(call: LayerCall) -> bool:
    return call.class_name not in WITHOUT_TYPES and call.config.get("activation") != "linear"


def _every_role(rng: random.Random, call: LayerCall, modes: bool) -> dict[str, str]:
    roles = {"result": str(any_type(rng, 16))}
    if call.class_name in _WITH_WEIGHTS:
        roles |= {"weight": str(_constant_type(rng, modes)), "bias": str(_constant_type(rng, modes))}
        if rng.random() < 0.5:
            roles["accum"] = str(any_type(rng, 24))
    return roles


def _constant_type(rng: random.Random, modes: bool) -> FixedType:
    """With modes or without; written, truncating and wrapping could not be told from nothing."""
    fixed = any_type(rng, 12)
    return fixed if modes and (fixed.rounding, fixed.overflow) != _PLAIN else fixed.plain()
