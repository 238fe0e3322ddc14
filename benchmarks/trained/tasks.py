"""Tasks that small networks learn in minutes and not without errors: what narrow numbers change shows where it is hard.

Each gives arrays in three parts that share no source: to train on, to hand to ``quantize``, and to judge by. All are
drawn from seeds. Digits are those of a file, ``.npz`` with ``x`` uint8 (n, 28, 28) and ``y`` (n,) in random order; without
one, those of scikit-learn, enlarged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from files import ROOT, module_of

Array = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
SHARES = (0.70, 0.15, 0.15)
"""Of digits: to train on, for quantize, to judge by."""


@dataclass(frozen=True, eq=False)
class Part:
    """Inputs float32 (n, ...) and classes int64 (n,); of a network that restores its input, no classes."""

    x: Array
    y: Labels | None


@dataclass(frozen=True, eq=False)
class Task:
    """What a network learns."""

    train: Part
    given: Part
    """To ``quantize``."""
    held: Part
    """What nothing was fitted to."""


# -- digits ---------------------------------------------------------------------------------------


def digits(path: Path | None) -> tuple[npt.NDArray[np.uint8], Labels]:
    """Images (n, 28, 28) and labels (n,), in random order. Raises FileNotFoundError, KeyError."""
    if path is not None:
        with np.load(path) as data:
            return data["x"], data["y"].astype(np.int64)
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    large = zoom(images.reshape(-1, 8, 8) * (255 / 16), (1, 2.5, 2.5), order=1)
    framed = np.pad(np.clip(large, 0, 255), ((0, 0), (4, 4), (4, 4))).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(framed))
    return framed[order], labels[order].astype(np.int64)


def _cut(
    x: npt.NDArray[np.uint8], y: Labels, change: Callable[[npt.NDArray[np.uint8], int], Array], repeat: int
) -> Task:
    """Parts of different digits; ``change`` makes inputs of images by a seed, ``repeat`` times of each."""
    edges = np.cumsum([0, *(int(share * len(x)) for share in SHARES)])
    parts = []
    for seed, (start, stop) in enumerate(pairwise(edges)):
        images, labels = np.repeat(x[start:stop], repeat, axis=0), np.repeat(y[start:stop], repeat)
        parts.append(Part(change(images, seed), labels))
    return Task(*parts)


def _flat(images: npt.NDArray[np.uint8], seed: int) -> Array:
    return (images.reshape(len(images), -1) / 256).astype(np.float32)


def _grey(images: npt.NDArray[np.uint8], seed: int) -> Array:
    return (images[..., None] / 256).astype(np.float32)


def _rows(images: npt.NDArray[np.uint8], seed: int) -> Array:
    return (images / 256).astype(np.float32)


def _coloured(images: npt.NDArray[np.uint8], seed: int, size: int = 32) -> Array:
    """(n, 32, 32, 3): digits turned, scaled and moved, in a colour, on textures of another, with noise."""
    from scipy.ndimage import zoom

    rng = np.random.default_rng([seed, 32])
    n = len(images)
    angle, scale = rng.uniform(-0.35, 0.35, n), rng.uniform(0.75, 1.45, n)
    shift = rng.uniform(-5, 5, (n, 2))
    row, column = np.meshgrid(np.arange(size) - size / 2 + 0.5, np.arange(size) - size / 2 + 0.5, indexing="ij")
    cosine, sine = (f(angle)[:, None, None] * scale[:, None, None] for f in (np.cos, np.sin))
    r = cosine * (row - shift[:, 0, None, None]) - sine * (column - shift[:, 1, None, None]) + 13.5
    c = sine * (row - shift[:, 0, None, None]) + cosine * (column - shift[:, 1, None, None]) + 13.5
    mask = _bilinear(images / 255.0, r, c)[..., None]
    coarse = rng.normal(0, 1, (n, 5, 5, 3))
    texture = zoom(coarse, (1, size / 5, size / 5, 1), order=1)
    ground = rng.uniform(0.2, 0.8, (n, 1, 1, 3)) + 0.13 * texture
    contrast = rng.choice([-1, 1], (n, 1, 1, 3)) * rng.uniform(0.10, 0.5, (n, 1, 1, 3))
    pictures = ground + mask * contrast + rng.normal(0, 0.05, ground.shape)
    return (np.clip(np.floor(256 * pictures), 0, 255) / 256).astype(np.float32)


def _bilinear(
    images: npt.NDArray[np.float64], r: npt.NDArray[np.float64], c: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Images at places between pixels; 0 outside."""
    framed = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    r, c = np.clip(r + 1, 0, 29), np.clip(c + 1, 0, 29)
    i, j = r.astype(int), c.astype(int)
    u, v, n = r - i, c - j, np.arange(len(images))[:, None, None]
    low = framed[n, i, j] * (1 - v) + framed[n, i, j + 1] * v
    high = framed[n, i + 1, j] * (1 - v) + framed[n, i + 1, j + 1] * v
    return low * (1 - u) + high * u


# -- others ---------------------------------------------------------------------------------------


def jets(path: Path | None) -> Task:
    """Sixteen features of jets, normalised by those to train on; five classes."""
    module = module_of(ROOT / "example-models" / "jet_tagging" / "jets.py")
    parts = [module.make(count, seed) for seed, count in ((1, 20_000), (2, 3_000), (3, 5_000))]
    mean, deviation = parts[0][0].mean(axis=0), parts[0][0].std(axis=0)
    return Task(*(Part((x - mean) / deviation, y) for x, y in parts))


def motions(path: Path | None) -> Task:
    """Twenty steps of six sensors: five kinds of motion that differ in frequencies, their order and damping, in noise."""
    return Task(*(_motions(count, seed) for seed, count in ((1, 8_000), (2, 2_000), (3, 4_000))))


def _motions(count: int, seed: int, steps: int = 20, sensors: int = 6) -> Part:
    rng = np.random.default_rng([seed, 20])
    kinds = rng.integers(5, size=count)
    time = np.arange(steps) / steps
    slow, fast = rng.normal(2.0, 0.25, (count, 1)), rng.normal(4.0, 0.4, (count, 1))
    first = np.where(np.isin(kinds, (0, 2))[:, None], slow, fast)
    second = np.where(np.isin(kinds, (0, 3))[:, None], slow, fast)
    middle = rng.uniform(0.35, 0.65, (count, 1))
    turns = np.where(time < middle, first * time, first * middle + second * (time - middle))
    damped = np.where((kinds == 4)[:, None], np.exp(-2 * time), 1.0)
    offsets, gains = rng.uniform(0, 0.5, (count, 1, sensors)), rng.uniform(0.3, 1.2, (count, 1, sensors))
    wave = damped[..., None] * np.sin(2 * np.pi * (turns[..., None] + offsets + rng.random((count, 1, 1))))
    x = gains * wave + rng.normal(0, 0.75, (count, steps, sensors)) + rng.normal(0, 0.5, (count, 1, sensors))
    return Part(x.astype(np.float32), kinds.astype(np.int64))


def words(path: Path | None) -> Task:
    """49 frames of 10 coefficients: twelve words, each a path of three tones, said faster or slower, in noise."""
    return Task(*(_words(count, seed) for seed, count in ((1, 6_000), (2, 1_500), (3, 3_000))))


def _words(count: int, seed: int) -> Part:
    rng = np.random.default_rng([seed, 49])
    tones = np.random.default_rng(12).uniform(0, 9, (12, 4))  # of the words: the same in all parts
    kinds = rng.integers(12, size=count)
    begin, length = rng.uniform(0, 12, (count, 1)), rng.uniform(22, 36, (count, 1))
    along = (np.arange(49) - begin) / length
    said = ((along > 0) & (along < 1)).astype(float)
    place = np.clip(along, 0, 0.999) * 3
    knots = tones[kinds] + rng.normal(0, 0.7, (count, 4)) + rng.normal(0, 0.6, (count, 1))
    left = place.astype(int)
    centre = np.take_along_axis(knots, left, 1) * (left + 1 - place) + np.take_along_axis(knots, left + 1, 1) * (
        place - left
    )
    loud = rng.uniform(0.7, 2.0, (count, 1)) * said
    bands = np.exp(-0.5 * ((np.arange(10) - centre[..., None]) / 0.9) ** 2)
    x = 3 * loud[..., None] * bands + rng.normal(0, 0.9, (count, 49, 10))
    return Part(x[..., None].astype(np.float32), kinds.astype(np.int64))


def spectra(path: Path | None) -> Task:
    """Five frames of 128 bands, to be restored: sums of a few machines' harmonics, in noise. No classes."""
    return Task(*(Part(_spectra(count, seed), None) for seed, count in ((1, 6_000), (2, 1_500), (3, 2_000))))


def _spectra(count: int, seed: int) -> Array:
    rng = np.random.default_rng([seed, 640])
    shapes = np.random.default_rng(5).normal(0, 1, (6, 128)).cumsum(axis=1) / 8
    weights = rng.gamma(1.5, 0.5, (count, 1, 6)) * np.exp(rng.normal(0, 0.1, (count, 5, 6)))
    frames = weights @ shapes + rng.normal(0, 0.15, (count, 5, 128))
    return frames.reshape(count, 640).astype(np.float32)


def _of_digits(change: Callable[[npt.NDArray[np.uint8], int], Array], repeat: int, path: Path | None) -> Task:
    return _cut(*digits(path), change, repeat)


TASKS: dict[str, Callable[[Path | None], Task]] = {
    "jets": jets,
    "flat_digits": partial(_of_digits, _flat, 1),
    "digits": partial(_of_digits, _grey, 1),
    "rows": partial(_of_digits, _rows, 1),
    "pictures": partial(_of_digits, _coloured, 2),
    "motions": motions,
    "words": words,
    "spectra": spectra,
}
"""By name: each takes the file of digits, or None."""

LEARNT = {
    "jet_mlp": "jets",
    "mnist_mlp": "flat_digits",
    "mnist_cnn": "digits",
    "mnist_cnn_bn": "digits",
    "colour_cnn": "pictures",
    "resnet8": "pictures",
    "row_lstm": "rows",
    "motion_lstm": "motions",
    "motion_gru": "motions",
    "ds_cnn": "words",
    "autoencoder": "spectra",
}
"""What each network learns (``networks.NETWORKS``)."""
