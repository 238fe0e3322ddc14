"""Convolutions over one or two axes, channels last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.arithmetic import exact_matmul
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval, hull, joined
from hlsgen.ir.layer import Exact, Layer
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import Ints
from hlsgen.ir.wish import Strategy
from hlsgen.layers.linear import Kernel, LinearLayer, divisors, matrix_reuse_factors, spread
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
    """``weight`` (kernel height, kernel width, channels in of a group, channels out), ``bias`` (channels out,).

    Channels in and out are in ``group_count`` equal parts, and each part of the outputs sees its part of the inputs.
    """

    kind = "Conv2D"
    group_count: int = field(default=1, kw_only=True)

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        channels, groups = shapes[0][-1], self.group_count
        if channels % groups:
            raise ValueError(f"{channels} channels in are not in {groups} equal groups")
        given = self.weight.shape[-1] if self.weight.shape else 0
        outputs = "outputs" if given % groups == 0 else given - given % groups
        return {"weight": (*self.window.size, channels // groups, outputs), "bias": (outputs,)}

    @property
    def n_in(self) -> int:
        """Products of one output."""
        return int(np.prod(self.weight.shape[:3]))

    @property
    def n_out(self) -> int:
        return self.weight.shape[3]

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x, matrices = inputs[0], self._by_group(self.weight_matrix())
        total = np.concatenate(
            [np.hstack([part @ w for part, w in zip(parts, matrices, strict=True)]) for parts in self._rows(x)]
        )
        return (total + self.bias.effective).reshape(len(x), *self.output_shape([x.shape[1:]]))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        w, weight_frac = self.weight.fixed
        matrices = self._by_group(w.reshape(self.n_in, self.n_out))
        total = np.concatenate(
            [np.hstack([exact_matmul(*pair) for pair in zip(parts, matrices, strict=True)]) for parts in self._rows(x)]
        )
        return self.add_bias(total.reshape(len(x), *self.output_shape([x.shape[1:]])), frac + weight_frac)

    def _by_group(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Parts of the last axis, one a group."""
        return np.split(values, self.group_count, axis=-1)

    def _rows(self, x: NDArray[Any]) -> Iterator[list[NDArray[Any]]]:
        """The windows of all samples, (windows, n_in) of each group at a time: few products of many rows, as many small
        ones take ten times as long, but not all windows of large images."""
        patches = self.window.patches(x)
        samples = _MOST_PATCHES // max(prod(patches.shape[1:]), 1)
        if samples:
            yield from (self._flat(patches[at : at + samples]) for at in range(0, len(patches), samples))
            return
        rows = max(_MOST_PATCHES // prod(patches.shape[2:]), 1)
        for sample in patches:
            yield from (self._flat(sample[at : at + rows]) for at in range(0, len(sample), rows))

    def _flat(self, windows: NDArray[Any]) -> list[NDArray[Any]]:
        return [part.reshape(-1, self.n_in) for part in self._by_group(windows)]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """Beside the image, zeros take part; where no window lies inside, only the cells that do count."""
        w, frac = self.weight.fixed
        cells = inputs[0].with_zero() if self.window.padded else inputs[0]
        parts = cells.parts(self.group_count)
        if self.loaded:
            return self.any_interval(parts, self.window.taps)
        masks = self.window.masks(shapes[0])
        kernels = [self._by_group((w * mask[:, :, None, None]).reshape(self.n_in, self.n_out)) for mask in masks]
        sums = (
            joined([x.tiled(self.window.taps).matmul(w, frac) for x, w in zip(parts, kernel, strict=True)])
            for kernel in kernels
        )
        return self.bias_interval(hull(list(sums)))

    def per_input(self, vector: NDArray[Any]) -> NDArray[Any]:
        return np.repeat(vector.reshape(self.group_count, -1).T, self.n_out // self.group_count, axis=1)

    def powers(self) -> Floats:
        """Between channels of different groups there are none."""
        within = super().powers()
        inputs, outputs = within.shape[0], self.n_out // self.group_count
        found = np.zeros((self.group_count * inputs, self.n_out))
        for group, part in enumerate(self._by_group(within)):
            found[group * inputs :, group * outputs :][:inputs, :outputs] = part
        return found

    def loading(self) -> Layer | None:
        return replace(self, loaded=True)

    def describe(self) -> str:
        groups = self.group_count if self.group_count > 1 else None
        shown = {"loaded": self.loaded, "window": self.window, "groups": groups}
        return " ".join(f"{name}={value}" for name, value in shown.items() if value is not None)

    def weight_matrix(self) -> Floats:
        return self.weight.effective.reshape(self.n_in, self.n_out)

    def kernel(self) -> Kernel:
        rows, columns, inputs, outputs = self.weight.shape
        return Kernel(self.window, self.group_count, (rows, columns, inputs, outputs))

    def matrix(self) -> Ints:
        matrix = self.weight.fixed[0].reshape(self.n_in, self.n_out)
        return matrix if self.group_count == 1 else spread(matrix, self.window.taps, self.group_count)

    def valid_reuse_factors(self, strategy: Strategy = Strategy.LATENCY) -> list[int]:
        return matrix_reuse_factors(self.n_in, self.n_out // self.group_count, strategy)

    def valid_parallelization(self, shapes: Sequence[Shape]) -> list[int]:
        """Parts of a row, or whole rows."""
        height, width = self.window.output_extent(shapes[0])
        factors = sorted({*divisors(width), *(width * rows for rows in divisors(height))})
        return [factor for factor in factors if factor == 1 or factor * self.n_out <= _MOST_SUMS]
