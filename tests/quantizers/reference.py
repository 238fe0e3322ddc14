"""The installed QKeras, called on arrays; and arrays worth calling it on."""

from __future__ import annotations

import importlib.metadata
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hlsgen.quantizers.base import Floats
from hlsgen.quantizers.qkeras import Library

SHAPES = {
    "dense": (16, 8),
    "dense_odd": (37, 5),
    "dense_wide": (64, 33),
    "one_output": (16, 1),
    "conv1d": (3, 4, 16),
    "conv2d": (3, 3, 4, 6),
    "depthwise": (3, 3, 8, 1),
    "depthwise_2": (3, 3, 4, 2),
    "bias": (10,),
}


def installed_library() -> Library | None:
    """Which QKeras this environment has."""
    for name, library in (("qkeras-v3", "qkeras-v3"), ("qkeras", "qkeras")):
        try:
            importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return library  # type: ignore[return-value]
    return None


def quantizer(text: str) -> Any:
    """The library's own quantiser for a string."""
    quantizers = pytest.importorskip("qkeras.quantizers")
    return quantizers.get_quantizer(text)


def call(text: str, x: NDArray[Any]) -> Floats:
    """What the library makes of ``x``."""
    tf = pytest.importorskip("tensorflow")
    return np.asarray(quantizer(text)(tf.constant(x, dtype=tf.float32)), dtype=np.float32)


def weights(shape: tuple[int, ...], seed: str) -> Floats:
    """Seeded weights with ties of many grids, zeros, small and large values among them."""
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    w = rng.normal(0, 0.5, shape).astype(np.float32)
    flat = w.reshape(-1)
    ties = (rng.integers(-64, 64, flat.size) * 2.0 ** -rng.integers(1, 8, flat.size)).astype(np.float32)
    flat[::3] = ties[::3]
    special = np.asarray([0.0, -0.0, 1.0, -1.0, 1e-9, -1e-9, 7.75, -8.0, 0.33, -0.33], np.float32)
    places = rng.permutation(flat.size)[: min(special.size, flat.size // 2)]
    flat[places] = special[: places.size]
    return w
