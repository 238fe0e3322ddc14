"""What the training scripts share: the command line, seeds, data, and the files each folder keeps.

No framework is imported at module level: a QKeras script chooses legacy Keras before TensorFlow is loaded.
"""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

Array = npt.NDArray[Any]
MNIST_TRAIN_IMAGES = 8_000
STORED_IMAGES = 300


@dataclass(frozen=True, eq=False)
class Split:
    """Training and held-out samples; `x_*` float32 (n, ...), `y_*` int64 class numbers (n,)."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


def make_reproducible(seed: int = 1) -> None:
    """Seed every generator, use one thread and deterministic operations."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    random.seed(seed)
    np.random.seed(seed)
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def mnist_from_command_line() -> Split:
    """The digits of `--data PATH`: the first 8,000 to train on, the rest held out.

    PATH is an .npz with `x`, uint8 (n, 28, 28), and `y`, labels (n,), in random order.
    Pixels become x/256, shape (n, 28, 28, 1): every value lies on the grid 1/256 of an `ap_ufixed<8, 0>`.
    """
    parser = argparse.ArgumentParser(description="Train this folder's model and rewrite its files.")
    parser.add_argument("--data", type=Path, required=True, help=".npz with x (n, 28, 28) uint8 and y (n,)")
    with np.load(parser.parse_args().data) as data:
        x, y = data["x"], data["y"].astype(np.int64)
    if x.dtype != np.uint8 or x.shape[1:] != (28, 28) or len(x) < MNIST_TRAIN_IMAGES + STORED_IMAGES:
        raise SystemExit(f"--data: x is {x.dtype} {x.shape}, expected uint8 (n, 28, 28) with n >= 8300")
    images = x[..., None].astype(np.float32) / 256
    n = MNIST_TRAIN_IMAGES
    return Split(images[:n], y[:n], images[n:], y[n:])


def accuracy(probabilities: Array, labels: Array) -> float:
    """Share of rows whose largest entry is at the label."""
    return float(np.mean(np.argmax(probabilities, axis=-1) == labels))


def save_arrays(folder: Path, **arrays: Array) -> None:
    """Write each array as `<name>.npy`, floats as float32."""
    for name, array in arrays.items():
        kind = np.float32 if np.issubdtype(array.dtype, np.floating) else np.int64
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array, dtype=kind))


def check_reload(folder: Path, load: Callable[[Path], Any], *files: str) -> None:
    """Load every model file again; its prediction on x.npy has to be equal to the stored one, bit for bit."""
    x = np.load(folder / "x.npy")
    stored = folder / "expected_softmax.npy"
    expected = np.load(stored if stored.exists() else folder / "expected.npy")
    for name in files:
        np.testing.assert_array_equal(load(folder / name).predict(x, verbose=0), expected, err_msg=name)
        print(f"{name}: reloaded, {len(x)} predictions equal")
