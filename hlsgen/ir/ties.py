"""Which channels of a layer's inputs and results can only be multiplied by a factor together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Shape

Indices = NDArray[np.int64]


class Tie(NamedTuple):
    """Channel ``before[i]`` of input number ``place`` and channel ``behind[i]`` of result number ``output``.

    A layer that declares ties commutes with positive factors: if every input channel is multiplied by one, such that
    channels tied to the same result channel have the same, the result channels are multiplied by those, exactly.
    """

    place: int
    before: Indices
    output: int
    behind: Indices


def straight(shape: Shape, inputs: int = 1) -> list[Tie]:
    """The ties of a layer of one result whose channels are, in order, those of each of its inputs."""
    channels = np.arange(shape[-1])
    return [Tie(place, channels, 0, channels) for place in range(inputs)]
