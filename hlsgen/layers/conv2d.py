"""Convolutions over one or two axes, channels last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from hlsgen.ir.arithmetic import exact_matmul
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.layer import Exact, Layer
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.layers.linear import LinearLayer, matrix_reuse_factors
from hlsgen.layers.window import Window

_MOST_PATCHES = 1 << 26
"""Elements of copies of the input, one for each cell of the window, that are held at once (in real numbers)."""


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
        patches, matrix = self.window.patches(inputs[0]), self.weight_matrix()
        few = max(_MOST_PATCHES // max(prod(patches.shape[1:]), 1), 1)
        # One product of all rows: many small ones take ten times as long.
        parts = [patches[at : at + few].reshape(-1, self.n_in) @ matrix for at in range(0, len(patches), few)]
        total = np.concatenate(parts) if len(parts) > 1 else parts[0]
        return (total + self.bias.effective).reshape(len(inputs[0]), *self.output_shape([inputs[0].shape[1:]]))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        w, weight_frac = self.weight.fixed
        patches = self.window.patches(x)
        total = exact_matmul(patches.reshape(*patches.shape[:3], self.n_in), w.reshape(self.n_in, self.n_out))
        total = total.reshape(len(x), *self.output_shape([x.shape[1:]]))
        return self.add_bias(total, frac + weight_frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """Beside the image, zeros take part; where no window lies inside, only the cells that do count."""
        w, frac = self.weight.fixed
        x = (inputs[0].with_zero() if self.window.padded else inputs[0]).tiled(self.window.taps)
        masks = self.window.masks(shapes[0])
        kernels = [(w * mask[:, :, None, None]).reshape(self.n_in, self.n_out) for mask in masks]
        return self.bias_interval(hull([x.matmul(kernel, frac) for kernel in kernels]))

    def weight_matrix(self) -> Floats:
        return self.weight.effective.reshape(self.n_in, self.n_out)

    def valid_reuse_factors(self) -> list[int]:
        return matrix_reuse_factors(self.n_in, self.n_out)
