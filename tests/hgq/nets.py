"""Models of HGQ2 with random weights and random bits, each element its own.

``python -m tests.hgq.nets`` (with HGQ2 and Keras 3) writes them, or those that are named, to tests/hgq/stored, with
inputs and what HGQ2 makes of them, for tests where it is not installed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

INSTALLED = importlib.util.find_spec("hgq") is not None
if INSTALLED:
    os.environ.setdefault("KERAS_BACKEND", "jax")
STORED = Path(__file__).parent / "stored"
NETS: dict[str, Callable[[Any], Any]] = {}


class Kit:
    """Keras and HGQ2, imported where they are needed."""

    def __init__(self) -> None:
        import keras
        from hgq import layers
        from hgq.config import QuantizerConfig

        self.keras, self.q, self.conf = keras, layers, QuantizerConfig


def net(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    NETS[build.__name__] = build
    return build


@net
def dense(kit: Kit) -> Any:
    """A perceptron of the defaults: every element its own bits, types that wrap."""
    x = kit.keras.Input((6,))
    y = kit.q.QDense(8, activation="relu", name="fc1")(x)
    y = kit.q.QDense(5, use_bias=False, name="fc2")(y)
    return kit.keras.Model(x, kit.q.QDense(3, enable_oq=True, name="fc3")(y))


@net
def saturating(kit: Kit) -> Any:
    """One type a tensor, or one a channel; types that saturate, on both sides alike or not."""
    one = {"heterogeneous_axis": (), "homogeneous_axis": None}
    channels = {"heterogeneous_axis": (-1,), "homogeneous_axis": None}
    x = kit.keras.Input((5, 4))
    y = kit.q.Quantizer(kit.conf("kif", "datalane", overflow_mode="SAT", round_mode="RND_CONV", **one), name="in")(x)
    sym = kit.conf("kbi", "datalane", overflow_mode="SAT_SYM", round_mode="TRN", **channels)
    y = kit.q.QDense(6, activation="relu", iq_conf=sym, name="fc1")(y)
    y = kit.keras.layers.Flatten(name="flat")(y)
    sat = kit.conf("kif", "datalane", overflow_mode="SAT", round_mode="RND", scaler=0.5)
    return kit.keras.Model(x, kit.q.QDense(4, iq_conf=sat, name="fc2")(y))


@net
def image(kit: Kit) -> Any:
    """Convolutions and pools of an image."""
    x = kit.keras.Input((7, 6, 2))
    y = kit.q.QConv2D(4, (3, 2), padding="same", activation="relu", name="conv1")(x)
    y = kit.q.QMaxPooling2D(2, name="pool")(y)
    y = kit.q.QConv2D(4, 2, groups=2, use_bias=False, name="conv2")(y)
    y = kit.q.QAveragePooling2D((2, 1), name="mean")(y)
    y = kit.keras.layers.Flatten(name="flat")(y)
    return kit.keras.Model(x, kit.q.QDense(3, name="fc")(y))


@net
def sequence(kit: Kit) -> Any:
    """Along a sequence: a convolution that looks back, one with strides, and the largest of all steps."""
    x = kit.keras.Input((9, 3))
    rows = kit.conf("kif", "datalane", heterogeneous_axis=(-1,), homogeneous_axis=None)
    y = kit.q.QConv1D(4, 3, padding="causal", iq_conf=rows, activation="relu", name="conv1")(x)
    y = kit.q.QConv1D(5, 2, strides=2, name="conv2")(y)
    return kit.keras.Model(x, kit.q.QGlobalMaxPooling1D(name="largest")(y))


@net
def volume(kit: Kit) -> Any:
    x = kit.keras.Input((3, 4, 3, 2))
    y = kit.q.QConv3D(3, 2, activation="relu", name="conv")(x)
    y = kit.q.QMaxPooling3D((1, 2, 1), name="pool")(y)
    return kit.keras.Model(x, kit.q.QDense(2, name="fc")(kit.keras.layers.Flatten(name="flat")(y)))


@net
def residual(kit: Kit) -> Any:
    """Branches that are added, multiplied and compared, each behind bits of its own."""
    x = kit.keras.Input((6,))
    y = kit.q.QDense(6, activation="relu", name="fc1")(x)
    y = kit.q.QAdd(name="add")([x, y])
    z = kit.q.QDense(6, name="fc2")(y)
    y = kit.q.QSubtract(name="less")([y, z])
    y = kit.q.QMultiply(name="times")([y, z])
    y = kit.q.QMaximum(name="larger")([y, z, x])
    y = kit.q.QMinimum(name="smaller")([y, x])
    return kit.keras.Model(x, kit.q.QAveragePow2(name="mean", enable_oq=True)([y, z, x]))


@net
def einsum(kit: Kit) -> Any:
    x = kit.keras.Input((4, 6))
    y = kit.q.QEinsumDense("bsc,cd->bsd", (4, 5), bias_axes="d", activation="relu", name="e1")(x)
    y = kit.q.QEinsumDense("bsd,sde->bse", (4, 3), bias_axes="se", name="e2")(y)
    return kit.keras.Model(x, kit.q.QSum(axes=1, scale=0.5, name="sum")(y))


@net
def normalised(kit: Kit) -> Any:
    """Normalisation by itself and fused into what is in front of it."""
    x = kit.keras.Input((5,))
    y = kit.q.QBatchNormDense(6, activation="relu", name="fc1")(x)
    y = kit.q.QBatchNormalization(name="bn")(y)
    y = kit.q.QEinsumDenseBatchnorm("bc,cd->bd", 4, bias_axes="d", name="e1")(y)
    return kit.keras.Model(x, kit.q.QDense(3, name="fc2")(y))


@net
def tables(kit: Kit) -> Any:
    """Functions between quantisers, and a softmax of tables."""
    x = kit.keras.Input((5,))
    one = kit.conf("kif", "datalane", overflow_mode="SAT", heterogeneous_axis=(), homogeneous_axis=None)
    y = kit.q.QDense(6, name="fc1")(x)
    y = kit.q.QUnaryFunctionLUT("tanh", iq_conf=one, name="tanh")(y)
    y = kit.q.QUnaryFunctionLUT("sigmoid", allow_heterogeneous_table=False, name="sigmoid")(y)
    y = kit.q.QDense(4, name="fc2")(y)
    return kit.keras.Model(x, kit.q.QSoftmax(name="shares")(y))


@net
def products(kit: Kit) -> Any:
    """Products of computed tensors, means by powers of two, pools of whole images."""
    x = kit.keras.Input((4, 4, 3))
    y = kit.q.QBatchNormalization(axis=2, center=False, name="bn")(x)
    y = kit.q.QAveragePooling2D((4, 1), name="rows")(y)
    y = kit.keras.layers.Reshape((4, 3), name="matrix")(y)
    z = kit.q.QMeanPow2(axes=1, name="mean")(x)
    y = kit.q.QEinsum("bij,bkj->bik", name="gram")([y, z])
    y = kit.q.QDot(axes=(1, 1), name="dot")([y, z])
    y = kit.keras.layers.Reshape((2, 2, 3), name="image")(y)
    return kit.keras.Model(x, kit.q.QGlobalAveragePooling2D(name="all")(y))


# -- what is done with them --------------------------------------------------------------------


def of_modes(kit: Kit, kind: str, rounding: str, overflow: str) -> Any:
    """Inputs, weights and results in one pair of modes, of each kind and place."""
    modes = {"round_mode": rounding, "overflow_mode": overflow}
    data, weights = kit.conf(kind, "datalane", **modes), kit.conf(kind, "weight", **modes)
    x = kit.keras.Input((7,))
    options = {"iq_conf": data, "kq_conf": weights, "bq_conf": kit.conf(kind, "bias", **modes), "oq_conf": data}
    return kit.keras.Model(x, kit.q.QDense(6, enable_oq=True, name="fc", **options)(x))


def made(name: str, seed: int = 0) -> Any:
    """A net with random weights, statistics and bits."""
    kit = Kit()
    kit.keras.utils.set_random_seed(seed)
    return filled(NETS[name](kit), seed)


def filled(model: Any, seed: int) -> Any:
    """The model with random numbers in all of its variables."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        variable.assign(drawn(rng, variable.path, np.asarray(variable)))
    return model


def drawn(rng: np.random.Generator, path: str, value: Any) -> Any:
    """New numbers for a variable; bits are no whole numbers, and some elements have none."""
    role = path.rpartition("/")[2]
    shape = value.shape
    match role:
        case "k":
            return value if "_table" in path else rng.integers(0, 4, shape) > 0
        case "b":
            return np.where(rng.uniform(size=shape) < 0.1, 0, rng.uniform(2, 8, shape))
        case "i":
            return rng.uniform(0, 4, shape)
        case "f":
            return rng.uniform(-1, 5, shape)
        case "moving_variance":
            return rng.uniform(0.2, 3, shape)
        case "kernel" | "bias" | "moving_mean" | "gamma" | "bn_gamma" | "bn_beta":
            return rng.normal(0, 1.5, shape)
    return value


def inputs(model: Any, samples: int = 200, seed: int = 1) -> Any:
    """Numbers of all sizes on a fine grid, and on steps and ties of coarse ones."""
    rng = np.random.default_rng(seed)
    shape = (samples, *model.input_shape[1:])
    x = np.round(rng.normal(0, 1, shape) * 2.0 ** rng.integers(-3, 4, (samples, *[1] * (len(shape) - 1))) * 1024) / 1024
    x[: samples // 4] = np.round(x[: samples // 4] * 8) / 8
    x[0], x[1], x[2] = 0, 7.96875, -8
    return x.astype(np.float32)


def write(names: Iterable[str]) -> None:
    STORED.mkdir(exist_ok=True)
    for name in names:
        model = made(name)
        model.save(STORED / f"{name}.keras")
        _pack(STORED / f"{name}.keras")
        x = inputs(model, 40)
        np.savez_compressed(STORED / f"{name}.npz", x=x, y=np.asarray(model(x)))


def _pack(path: Path) -> None:
    """The same archive, compressed: a tenth of the size."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    write(sys.argv[1:] or NETS)
