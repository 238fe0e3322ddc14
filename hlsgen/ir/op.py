"""One typed operation of a design."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.errors import GraphError
from hlsgen.ir.fit import output_shapes
from hlsgen.ir.graph import Source
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import Loop
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Dsp, Recurrence, Storage, Strategy, WeightSource, Wish


@dataclass(frozen=True, eq=False)
class Op:
    """``outputs = layer(inputs)``, each cast as its typing says. All constants of the layer have their types."""

    name: str
    layer: Layer
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    wish: Wish
    source: Source
    """The layer of the source model that it yields (or is an inner step of)."""
    fused: tuple[Source, ...] = ()
    """The source layers that it computes beside."""
    loop: Loop | None = None
    """The loop of which it computes a step."""
    refitted: bool = False
    """Whether constants of the model's quantisers were multiplied by a scale, as the user asked for."""

    def __post_init__(self) -> None:
        """Raise GraphError where inference left a layer that does not fit its tensors."""
        found = output_shapes(self.source.where, self.layer, [tensor.shape for tensor in self.inputs])
        if found != tuple(tensor.shape for tensor in self.outputs):
            raise GraphError(f"{self!r}: its layer yields {found}, its tensors are {self.outputs}")

    def __repr__(self) -> str:
        return f"{self.layer.kind} {self.name}"

    @property
    def input(self) -> Tensor:
        return self.inputs[0]

    @property
    def output(self) -> Tensor:
        """The only output."""
        (only,) = self.outputs
        return only

    def rounds(self, tensor: Tensor) -> bool:
        """Whether one of its results is rounded to the grid of its type."""
        return self.layer.is_rounded or tensor.typing.summed.frac > tensor.type.frac

    def least_budget(self, default: int) -> int:
        """The fewest bits that it was given for what nobody fixed; ``default``: where nothing was said."""
        return min((self.wish.bits(role, default) for role in self.layer.budgeted), default=default)

    @property
    def is_input(self) -> bool:
        return self.layer.is_input

    @property
    def strategy(self) -> Strategy:
        """What was wished, where the layer has multipliers at all."""
        return self.wish.hardware.strategy if self.layer.has_multiplier else Strategy.LATENCY

    @property
    def reuse_factor(self) -> int:
        """How many products share a multiplier."""
        return self.wish.hardware.reuse_factor if self.layer.has_multiplier else 1

    @property
    def storage(self) -> Storage:
        """The memory for weights that are read turn by turn."""
        return self.wish.hardware.storage if self.layer.has_multiplier else Storage.AUTO

    @property
    def dsp(self) -> Dsp:
        """Whether its products are built of a device's multipliers. Layers without weights have products too."""
        return self.wish.hardware.dsp

    @property
    def weight_source(self) -> WeightSource:
        """Where its weights and biases come from."""
        return self.wish.hardware.weights if self.layer.has_multiplier else WeightSource.CONSTANT

    @property
    def loads_weights(self) -> bool:
        """Whether weights and biases come from outside of the design."""
        return self.weight_source is not WeightSource.CONSTANT

    @property
    def parallelization(self) -> int:
        """Places of a window whose products are computed at once."""
        return self.wish.hardware.parallelization if self.layer.has_multiplier else 1

    @property
    def has_copies(self) -> bool:
        """Whether it stands in the design as often as its loop has steps."""
        return self.loop is not None and self.wish.hardware.recurrence is Recurrence.UNROLLED

    @property
    def origins(self) -> tuple[Source, ...]:
        """Every source layer that it computes."""
        return (self.source, *self.fused)
