"""Reports of Vitis HLS, and what the model says of the modules in them.

They are of projects of hls4ml, whose kernels are as ours are (all products of constants at once, then their sums), but that
they cut a product to the type of the sum before it is added, allow as many multipliers less as there are zeros, and
compute the softmax by two tables of 1,024 words.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from hlsgen.estimation.coefficients import Coefficients
from hlsgen.estimation.cost import Cost, Setting
from hlsgen.estimation.elements import casts, softmax_cost
from hlsgen.estimation.memory import table
from hlsgen.estimation.products import constant_products
from hlsgen.estimation.project import setting_of
from hlsgen.estimation.terms import Terms
from hlsgen.ir.types import FixedType, Ints

DATA = Path(__file__).with_name("reports.json")
FIGURES = ("DSP", "LUT", "FF", "BRAM_18K", "latency", "interval")
EXPONENTIAL = FixedType(18, 8)
"""Of hls4ml's tables."""
TABLE_WORDS = 1024


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer as hls4ml configured it: ``matrix`` (inputs, outputs) and ``bias`` of a dense one."""

    name: str
    config: str
    kind: str
    n_in: int
    input: FixedType
    result: FixedType
    weight: FixedType | None = None
    bias_type: FixedType | None = None
    accum: FixedType | None = None
    matrix: Ints | None = None
    bias: Ints | None = None


@dataclass(frozen=True, eq=False)
class Network:
    """Its layers, and what was reported of its variants, by the configuration's name and figure."""

    name: str
    clock_period: float
    clock_uncertainty: float
    part: str
    layers: tuple[Layer, ...]
    reports: Mapping[str, Mapping[str, Mapping[str, int]]]

    def setting(self, variant: str, coefficients: Coefficients) -> Setting:
        """``variant``: as in ``DSP_reuse2``."""
        multipliers = variant.split("_")[0].lower()
        return setting_of(self.part, self.clock_period, self.clock_uncertainty, multipliers, coefficients)

    def live(self, index: int) -> int:
        """The elements of a layer's result that depend on an input and are read: no others are built."""
        before = next((layer for layer in self.layers[index::-1] if layer.matrix is not None), None)
        behind = next((layer for layer in self.layers[index + 1 :] if layer.matrix is not None), None)
        layer = self.layers[index]
        read = np.ones(layer.n_in if layer.matrix is None else layer.matrix.shape[1], dtype=bool)
        if before is not None:
            read &= (before.matrix != 0).any(axis=0)
        if behind is not None:
            read &= (behind.matrix != 0).any(axis=1)
        return int(read.sum())


def reuse_of(variant: str) -> int:
    return int(variant.split("reuse")[1])


@cache
def networks() -> tuple[Network, ...]:
    """All networks of the data."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    return networks_of(data["networks"], data["clock_uncertainty"])


def networks_of(found: Mapping[str, Mapping], clock_uncertainty: float) -> tuple[Network, ...]:
    """Networks in the form of the data."""
    return tuple(_network(name, of, clock_uncertainty) for name, of in found.items())


def _network(name: str, found: Mapping, uncertainty: float) -> Network:
    reports = {
        variant: {config: dict(zip(FIGURES, figures, strict=True)) for config, figures in of.items()}
        for variant, of in found["reports"].items()
    }
    layers = tuple(map(_layer, found["layers"]))
    return Network(name, found["clock_period"], uncertainty, found["part"], layers, reports)


def _layer(found: Mapping) -> Layer:
    kept = {key: found[key] for key in ("name", "config", "kind", "n_in")}
    types = {key: FixedType.parse(found[key]) for key in ("input", "result")}
    if found["kind"] != "dense":
        return Layer(**kept, **types)
    return Layer(
        **kept,
        **types,
        weight=FixedType.parse(found["weight"]),
        bias_type=FixedType.parse(found["bias"]),
        accum=FixedType.parse(found["accum"]),
        matrix=_integers(found["weights"]).reshape(found["n_in"], found["n_out"]),
        bias=_integers(found["biases"]),
    )


def _integers(text: str) -> Ints:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype="<i2").astype(np.int64)


def module_cost(network: Network, index: int, variant: str, coefficients: Coefficients) -> Cost:
    """What the model says of a module."""
    layer, setting = network.layers[index], network.setting(variant, coefficients)
    if layer.kind == "dense":
        return _dense(layer, setting, reuse_of(variant))
    bits = layer.input.width
    if layer.kind == "relu":
        return casts(network.live(index), bits, setting)
    if layer.kind == "linear":
        return Cost()
    if layer.kind == "table":
        return casts(network.live(index), bits, setting) + table(TABLE_WORDS, EXPONENTIAL.width, network.live(index))
    if layer.kind == "scale":  # by a power of two, so that the bias is left
        return Cost(lut=network.live(index) * bits * (coefficients.lut["adder"] + coefficients.lut["output"]))
    width = EXPONENTIAL.width
    products = setting.multiplier(layer.n_in, width, width)
    return softmax_cost(layer.n_in, bits, setting) + products + Cost(bram=layer.n_in)


def _dense(layer: Layer, setting: Setting, reuse: int) -> Cost:
    zeros = int((layer.matrix == 0).sum())
    products = layer.matrix.size
    return constant_products(
        Terms.of(layer.matrix, layer.bias),
        setting,
        input_bits=layer.input.width,
        constant_bits=layer.weight.width,
        sum_bits=layer.accum.width,
        interval=reuse,
        limit=-(-products // reuse) - zeros // reuse,
        dropped=max(layer.input.frac + layer.weight.frac - layer.accum.frac, 0),
    )


def costs(network: Network, variant: str, coefficients: Coefficients) -> dict[str, Cost]:
    """Of every module by its configuration's name, and of the whole (``total``)."""
    found = {
        layer.config: module_cost(network, index, variant, coefficients) for index, layer in enumerate(network.layers)
    }
    inner = network.layers[:-1]
    interval = max(cost.interval for cost in found.values())
    dense = [found[layer.config] for layer in network.layers if layer.kind == "dense"]
    registered = sum(interval == 1 and cost.latency > 1 for cost in dense)
    latency = sum(cost.latency + 1 for cost in found.values()) - 1 + registered
    held = sum(layer.result.width * network.live(index) for index, layer in enumerate(inner)) + latency // interval
    total = replace(sum(found.values(), Cost(ff=held)), latency=latency, interval=interval)
    return found | {"total": total}


def figure(cost: Cost, name: str) -> float:
    """A figure of a cost by its name in the reports."""
    return {
        "DSP": cost.dsp,
        "LUT": cost.lut,
        "FF": cost.ff,
        "BRAM_18K": cost.bram,
        "latency": cost.latency,
        "interval": cost.interval,
    }[name]
