"""Images of another size, volumes, kernels of their own for each window, and channels in front."""

from __future__ import annotations

from math import prod

from tests.fuzz.layers.base import Drawing, Shape, Step


class Spatial(Drawing):
    def spatial_steps(self, shape: Shape) -> list[Step]:
        found: list[Step] = []
        match len(shape):
            case 2:
                found += [self.adaptive_pooling] if self.keras3 else [self.unshared_line]
            case 3:
                found += [self.resized, self.channels_first, self.channels_first]
                found += [self.adaptive_pooling] if self.keras3 else [self.unshared_image]
            case 4:
                found += [self.volume_convolution] * 2 + [self.volume_pooling, self.volume_moved, self.whole_volume]
        return found

    def resized(self, name: str, shape: Shape) -> None:
        rows, columns, channels = shape
        how = self.pick("nearest", "bilinear")
        if self.chance(0.5):
            height, width = int(self.rng.integers(1, 6)), int(self.rng.integers(1, 6))
            options = {"height": height, "width": width, "interpolation": how}
            made = self.call("Resizing", self.fresh("size"), name, **options)
        else:
            height, width = rows * 2, columns
            made = self.call("UpSampling2D", self.fresh("up"), name, size=[2, 1], interpolation=how)
        self.add(made, (height, width, channels))

    def adaptive_pooling(self, name: str, shape: Shape) -> None:
        """To two places of an axis or more: of one Keras makes a window beyond the axis, by which TensorFlow crashes."""
        if min(shape[:-1]) < 2:
            return
        sizes = [int(self.rng.integers(2, n + 1)) for n in shape[:-1]]
        kind = f"Adaptive{self.pick('Max', 'Average')}Pooling{len(sizes)}D"
        self.add(self.call(kind, self.fresh("pool"), name, output_size=sizes), (*sizes, shape[-1]))

    def channels_first(self, name: str, shape: Shape) -> None:
        channels, rows, columns = shape
        first = {"data_format": "channels_first"}
        size = [min(2, rows), min(2, columns)]
        left = tuple(n - k + 1 for n, k in zip((rows, columns), size, strict=True))
        if self.chance(0.5):
            filters = int(self.rng.integers(1, 4))
            weights = {"kernel": self.values(*size, channels, filters), "bias": self.values(filters)}
            made = self.call(
                "Conv2D", self.fresh("conv"), name, weights, filters=filters, kernel_size=size,
                activation=self.pick("linear", "relu", "softmax"), **first,
            )  # fmt: skip
            self.add(made, (filters, *left))
        elif self.chance(0.5):
            kind = f"{self.pick('Max', 'Average')}Pooling2D"
            self.add(self.call(kind, self.fresh("pool"), name, pool_size=size, strides=1, **first), (channels, *left))
        else:
            made = self.call(f"Global{self.pick('Max', 'Average')}Pooling2D", self.fresh("all"), name, **first)
            self.add(made, (channels,))

    # -- kernels of their own ---------------------------------------------------------------

    def unshared_line(self, name: str, shape: Shape) -> None:
        length, channels = shape
        size, filters = min(2, length), int(self.rng.integers(1, 3))
        left = length - size + 1
        weights = {"kernel": self.values(left, size * channels, filters), "bias": self.values(left, filters)}
        made = self.call(
            "LocallyConnected1D", self.fresh("own"), name, weights, filters=filters, kernel_size=[size],
            implementation=1,
        )  # fmt: skip
        self.add(made, (left, filters))

    def unshared_image(self, name: str, shape: Shape) -> None:
        *extents, channels = shape
        size, filters = [min(2, n) for n in extents], int(self.rng.integers(1, 3))
        left = tuple(n - k + 1 for n, k in zip(extents, size, strict=True))
        weights = {
            "kernel": self.values(prod(left), prod(size) * channels, filters),
            "bias": self.values(*left, filters),
        }
        made = self.call(
            "LocallyConnected2D", self.fresh("own"), name, weights, filters=filters, kernel_size=size, implementation=1,
        )  # fmt: skip
        self.add(made, (*left, filters))

    # -- volumes ----------------------------------------------------------------------------

    def volume_convolution(self, name: str, shape: Shape) -> None:
        *extents, channels = shape
        size, padding = [min(n, self.pick(1, 2)) for n in extents], self.pick("valid", "same")
        groups = self.pick(*(n for n in range(1, channels + 1) if channels % n == 0))
        filters = groups * self.pick(1, 2)
        weights = {"kernel": self.values(*size, channels // groups, filters), "bias": self.values(filters)}
        made = self.call(
            "Conv3D", self.fresh("conv"), name, weights, filters=filters, kernel_size=size, padding=padding,
            groups=groups,
        )  # fmt: skip
        left = extents if padding == "same" else [n - k + 1 for n, k in zip(extents, size, strict=True)]
        self.add(made, (*left, filters))

    def volume_pooling(self, name: str, shape: Shape) -> None:
        *extents, channels = shape
        size, kind = [min(n, self.pick(1, 2)) for n in extents], self.pick("Max", "Average")
        made = self.call(f"{kind}Pooling3D", self.fresh("pool"), name, pool_size=size, padding="same")
        self.add(made, (*(-(-n // k) for n, k in zip(extents, size, strict=True)), channels))

    def whole_volume(self, name: str, shape: Shape) -> None:
        made = self.call(f"Global{self.pick('Max', 'Average')}Pooling3D", self.fresh("all"), name)
        self.add(made, shape[-1:])

    def volume_moved(self, name: str, shape: Shape) -> None:
        depth, rows, columns, channels = shape
        match self.pick("pad", "crop", "up", "flatten", "image"):
            case "pad":
                made = self.call("ZeroPadding3D", self.fresh("pad"), name, padding=[[0, 1], [0, 0], [1, 0]])
                self.add(made, (depth + 1, rows, columns + 1, channels))
            case "crop" if depth > 1:
                made = self.call("Cropping3D", self.fresh("crop"), name, cropping=[[1, 0], [0, 0], [0, 0]])
                self.add(made, (depth - 1, rows, columns, channels))
            case "up":
                made = self.call("UpSampling3D", self.fresh("up"), name, size=[1, 2, 1])
                self.add(made, (depth, rows * 2, columns, channels))
            case "flatten":
                self.add(self.call("Flatten", self.fresh("flat"), name), (prod(shape),))
            case _:
                extents = (depth * rows, columns, channels)
                self.add(self.call("Reshape", self.fresh("shape"), name, target_shape=list(extents)), extents)
