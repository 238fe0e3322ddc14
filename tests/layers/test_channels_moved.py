"""Which channels a layer that moves data brings where: what the layers say, against a look at every element."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from hlsgen.ir.constant import Shape
from hlsgen.layers.depth_to_space import Cropping, DepthToSpace
from hlsgen.layers.shape_ops import Mover, Permute, Reshape, UpSampling, ZeroPadding
from hlsgen.layers.take import Take

CASES: list[tuple[Mover, Shape]] = [
    *((Permute(order), (2, 3, 4)) for order in permutations(range(3))),
    *((Permute(order), (3, 5)) for order in permutations(range(2))),
    *(
        (Reshape(shape), (4, 3, 6))
        for shape in ((72,), (12, 6), (6, 12), (8, 9), (9, 8), (2, 18, 2), (72, 1), (1, 1, 72))
    ),
    (Reshape((4, 6)), (24,)),
    (Reshape((5, 1)), (1, 5)),
    (Take(2, (3, 0, 0, 1)), (2, 2, 5)),
    (Take(1, (1, 0, 1)), (2, 2, 3)),
    (ZeroPadding((0, 1, 0, 0)), (2, 2, 3)),
    (ZeroPadding((0, 0, 2, 1)), (4, 3)),
    (ZeroPadding((0, 0, 0, 0)), (2, 2, 3)),
    (UpSampling((2, 3)), (2, 2, 3)),
    (UpSampling((1, 2)), (4, 3)),
    (Cropping((1, 0, 0, 1)), (3, 3, 2)),
    (DepthToSpace((2, 3), (4, 6)), (2, 2, 12)),
    (DepthToSpace((2, 3), (3, 5)), (2, 2, 12)),
    (DepthToSpace((2, 2), (1, 3)), (1, 2, 8)),  # every second row is cut off
    (DepthToSpace((1, 4), (1, 2)), (1, 8)),
]


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=str)
def test_channels_moved(layer: Mover, shape: Shape) -> None:
    channels = layer.output_shape([shape])[-1]
    marks = np.broadcast_to(np.arange(1, shape[-1] + 1), (1, *shape)).astype(float)
    moved = layer.move(marks).astype(np.int64)
    pairs = {(int(c), k) for k in range(channels) for c in np.unique(moved[..., k])}
    source, target, padded = layer._channels_moved(shape)
    found = list(zip(source.tolist(), target.tolist(), strict=True))
    assert found == sorted((c - 1, k) for c, k in pairs if c)
    assert padded.tolist() == sorted(k for c, k in pairs if not c)
