"""Convolutions over one or two axes, channels last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.arithmetic import exact_matmul
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.layer import Exact, Layer
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.wish import Strategy
from hlsgen.layers.linear import LinearLayer, divisors, matrix_reuse_factors
from hlsgen.layers.window import Window

_MOST_SUMS = 4096
"""Of all places that are computed at once: each is a register of its own."""
_MOST_PATCHES = 1 << 26
"""Elements of copies of the input, one for each cell of the window, that are held at once."""


@dataclass(frozen=True, eq=False)
class Convolution(LinearLayer):
    """A linear layer at every place of a window."""

    window: Window

    @property
    def n_out(self) -> int:
        """Channels of the result."""
        raise NotImplementedError

    @property
    def pads(self) -> bool:  # type: ignore[override]
        return self.window.padded

    def with_padding(self, shape: Shape, padding: tuple[int, int, int, int]) -> Layer | None:
        """Not where the image is smaller than the kernel: the proof of the sum's range would come out sharper than
        with the zeros as data, and with it the types."""
        window = self.window.with_padding(padding)
        return replace(self, window=window) if all(mask.all() for mask in window.masks(shape)) else None

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.window.output_shape(shapes[0], self.n_out)


@dataclass(frozen=True, eq=False)
class Conv2D(Convolution):
    """``weight`` (kernel height, kernel width, channels in, channels out), ``bias`` (channels out,)."""

    kind = "Conv2D"

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"weight": (*self.window.size, shapes[0][-1], "outputs"), "bias": ("outputs",)}

    @property
    def n_in(self) -> int:
        return int(np.prod(self.weight.shape[:3]))

    @property
    def n_out(self) -> int:
        return self.weight.shape[3]

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x, matrix = inputs[0], self.weight_matrix()
        total = np.concatenate([rows @ matrix for rows in self._rows(x)])
        return (total + self.bias.effective).reshape(len(x), *self.output_shape([x.shape[1:]]))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        w, weight_frac = self.weight.fixed
        matrix = w.reshape(self.n_in, self.n_out)
        total = np.concatenate([exact_matmul(rows, matrix) for rows in self._rows(x)])
        return self.add_bias(total.reshape(len(x), *self.output_shape([x.shape[1:]])), frac + weight_frac)

    def _rows(self, x: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """The windows of all samples, (windows, n_in) at a time: few products of many rows, as many small ones take ten
        times as long, but not all windows of large images."""
        patches = self.window.patches(x)
        samples = _MOST_PATCHES // max(prod(patches.shape[1:]), 1)
        if samples:
            yield from (patches[at : at + samples].reshape(-1, self.n_in) for at in range(0, len(patches), samples))
            return
        rows = max(_MOST_PATCHES // prod(patches.shape[2:]), 1)
        for sample in patches:
            yield from (sample[at : at + rows].reshape(-1, self.n_in) for at in range(0, len(sample), rows))

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """Beside the image, zeros take part; where no window lies inside, only the cells that do count."""
        w, frac = self.weight.fixed
        cells = inputs[0].with_zero() if self.window.padded else inputs[0]
        if self.loaded:
            return self.any_interval(cells, self.window.taps)
        x = cells.tiled(self.window.taps)
        masks = self.window.masks(shapes[0])
        kernels = [(w * mask[:, :, None, None]).reshape(self.n_in, self.n_out) for mask in masks]
        return self.bias_interval(hull([x.matmul(kernel, frac) for kernel in kernels]))

    def loading(self) -> Layer | None:
        return replace(self, loaded=True)

    def weight_matrix(self) -> Floats:
        return self.weight.effective.reshape(self.n_in, self.n_out)

    def valid_reuse_factors(self, strategy: Strategy = Strategy.LATENCY) -> list[int]:
        return matrix_reuse_factors(self.n_in, self.n_out, strategy)

    def valid_parallelization(self, shapes: Sequence[Shape]) -> list[int]:
        """Parts of a row, or whole rows."""
        height, width = self.window.output_extent(shapes[0])
        factors = sorted({*divisors(width), *(width * rows for rows in divisors(height))})
        return [factor for factor in factors if factor == 1 or factor * self.n_out <= _MOST_SUMS]
