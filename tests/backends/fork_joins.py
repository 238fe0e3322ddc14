"""Random networks whose branches part and meet again, from a seed: for schedules and depths of streams."""

from __future__ import annotations

import numpy as np

from hlsgen.project import Project
from tests.passes.builders import Net, project_of

HEIGHT, WIDTH, CHANNELS = 7, 6, 2


class _Branches(Net):
    """Images of one shape, each made of earlier ones."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, "dut")
        self.random = np.random.default_rng(seed)
        self.images = [self.input((HEIGHT, WIDTH, CHANNELS), "x")]
        self.layers: dict[str, dict[str, object]] = {}

    def grow(self, number: int) -> None:
        makers = (
            self._convolved,
            self._convolved,
            self._added,
            self._added,
            self._joined,
            self._enlarged,
            self._framed,
        )
        self.images.append(makers[self.random.integers(len(makers))](f"n{number}"))

    def _any(self) -> str:
        """Rather a late one than an early one."""
        return self.images[-1 - min(int(self.random.geometric(0.4)) - 1, len(self.images) - 1)]

    def _convolved(self, name: str, x: str | None = None, channels: int = CHANNELS) -> str:
        size, dilation = int(self.random.integers(1, 4)), int(self.random.integers(1, 3))
        strategy, turns = self.random.choice(["latency", "resource"]), int(self.random.choice([1, size * size]))
        self.layers[name] = {"strategy": str(strategy), "reuse_factor": turns}
        dilated = {"padding": "same", "dilation_rate": [dilation, dilation]}
        return self.conv(name, x or self._any(), channels, CHANNELS, size, **dilated)

    def _added(self, name: str) -> str:
        return self.call("Add", name, [self._any(), self._any()])

    def _joined(self, name: str) -> str:
        axis = int(self.random.integers(1, 4))
        joined = self.call("Concatenate", f"{name}_joined", [self._any(), self._any()], axis=axis)
        if axis == 3:
            return self._convolved(name, joined, 2 * CHANNELS)
        size = [2, 1] if axis == 1 else [1, 2]
        return self.call("MaxPooling2D", name, joined, pool_size=size, strides=size, padding="valid")

    def _enlarged(self, name: str) -> str:
        """An enlarged image, as small again."""
        large = self.call("UpSampling2D", f"{name}_large", self._any(), size=[2, 2], interpolation="nearest")
        return self.call("MaxPooling2D", name, large, pool_size=[2, 2], strides=[2, 2], padding="valid")

    def _framed(self, name: str) -> str:
        framed = self.call("ZeroPadding2D", f"{name}_framed", self._any(), padding=[[2, 1], [1, 1]])
        return self.call("Cropping2D", name, framed, cropping=[[1, 2], [2, 0]])


def fork_join(seed: int, steps: int = 9, **settings: object) -> Project:
    """A network of some ``steps`` layers; whatever is read by none of them is an output."""
    net = _Branches(seed)
    for number in range(steps):
        net.grow(number)
    read = {tensor.call for call in net.calls for tensor in call.inputs}
    outputs = [image for image in net.images[1:] if image not in read]
    common = {"io_type": "io_stream", "input_precision": "fixed<4,2>", "max_width": 12, "layers": net.layers}
    return project_of(net.source(*outputs), **{**common, **settings})
