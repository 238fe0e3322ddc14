"""Values outside of the types of inputs: which of them are to be told, as the configuration does not expect them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from hlsgen.config import Config
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.text import percent
from hlsgen.ir.typing import Reason, Tensor

_USUAL = 2.0
"""So many times more than expected is chance."""


class ClippingCheck:
    """Compares what calls clip with ``input_clipping``.

    A part that is expected is not told: up to twice as much in a call and in all calls together, and one sample more,
    as values of a sample are often outside together.
    """

    def __init__(self, design: Design, config: Config) -> None:
        self._inputs = design.inputs
        self._expected = [config.clipped_share(tensor.name) for tensor in design.inputs]
        self._outside, self._seen = [0] * len(self._inputs), [0] * len(self._inputs)

    def told(self, inputs: Mapping[str, Array], counts: Sequence[int]) -> dict[str, str]:
        """What is to be said of the inputs of a call, by their names; ``counts``: how many of their values were
        outside."""
        found: dict[str, str] = {}
        if not any(counts) and not any(self._expected):
            return found
        for place, ((name, data), tensor, count) in enumerate(zip(inputs.items(), self._inputs, counts, strict=True)):
            self._outside[place] += count
            self._seen[place] += data.size
            by_model = tensor.typing.reason is Reason.MODEL  # which saturates there, too
            if count and not by_model and not self._is_expected(place, count, data.size):
                found[name] = _words(tensor, count, data.size, self._expected[place])
        return found

    def _is_expected(self, place: int, count: int, size: int) -> bool:
        """Whether so many of a call, and all so far, are no more than the configuration says."""
        share, sample = self._expected[place], prod(self._inputs[place].shape)
        pairs = (count, size), (self._outside[place], self._seen[place])
        return share > 0 and all(outside <= _USUAL * share * seen + sample for outside, seen in pairs)


def _words(tensor: Tensor, count: int, size: int, share: float) -> str:
    effect = tensor.type.overflow.effect.passive
    more = f"; input_clipping expects {percent(share)} %" if share else ""
    return f"{count} of {size} values are outside of {tensor.type} and were {effect}{more}"
