"""The neutral description of a source model that every Keras flavour and file format is read into.

A :class:`SourceModel` is what remains when the framework is gone: calls of layers in topological
order, each with a plain configuration and NumPy weights by role. Nested models are flattened,
shared layers give one call per use, names are the model's own (made unique, never cleaned).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Stored(Protocol):
    """An array, or what becomes one when it is read."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __array__(self) -> Array: ...


@dataclass(frozen=True)
class Tensor:
    """One tensor: output ``index`` of the call (or model input) named ``call``."""

    call: str
    index: int = 0


@dataclass(frozen=True, eq=False)
class InputSpec:
    """A model input: ``shape`` is without the batch, ``dtype`` as Keras spells it."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class End(Enum):
    """The two calls that a layer around a whole model becomes; the calls of the model stand between them."""

    FIRST = "takes one position of the layer's input"
    LAST = "reads what became of it, and what the first yields; its results are the layer's"


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of a layer; a layer called twice gives two calls with the same ``layer_name`` and weights.

    ``class_name`` is bare ('QDense') for classes of Keras, QKeras and hlsgen, and 'package>Class' for
    anybody else's, so that a stranger's 'Dense' is never taken for Keras's. ``config`` is JSON-like.
    ``weights`` are read-only arrays by role ('kernel', 'bias', 'gamma', ... ; 'layer/kernel' inside a
    wrapper; 'weight_0', ... for classes whose variables are not known here). ``is_operation`` tells an operator or
    function (``2 * x``) from a layer, for some classes have the same name; where it is given numbers besides tensors,
    ``numbers`` are its arguments in order, with None for a tensor. ``arguments`` is what else it is given: by keyword,
    or by its place ('1') where it is more than a number (``x[:, 1:3]``). Of a layer around a whole model, ``end`` says
    which of its two calls this is, and ``layer_call`` the name of the last of them.
    """

    name: str
    layer_name: str
    class_name: str
    module: str
    config: dict[str, Any]
    weights: dict[str, Array]
    inputs: tuple[Tensor, ...]
    registered_name: str = ""
    build_config: dict[str, Any] = field(default_factory=dict)
    is_operation: bool = False
    numbers: tuple[float | None, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
    end: End | None = None
    layer_call: str = ""

    @property
    def shown(self) -> str:
        """The name by which users know it, that of the layer's only call or of the last of two."""
        return self.layer_call or self.name


@dataclass(frozen=True)
class Border:
    """An input of a nested model: the tensor it is given, and the shape and dtype it was built for.

    ``shape`` is without the batch, None where an axis is open.
    """

    model: str
    tensor: Tensor
    shape: tuple[int | None, ...]
    dtype: str = "float32"


@dataclass(frozen=True, eq=False)
class SourceModel:
    """A whole model; ``calls`` are in topological order, without InputLayers and without dead calls.

    ``flavour`` is 'keras3' or 'keras2', with '+qkeras' behind it if a QKeras layer is in use.
    ``output_names`` go with ``outputs``: the producing call's name, or the key where outputs are a dict.
    ``borders`` are the inputs of nested models, which are calls like any others here.
    """

    name: str
    flavour: str
    inputs: tuple[InputSpec, ...]
    calls: tuple[LayerCall, ...]
    outputs: tuple[Tensor, ...]
    output_names: tuple[str, ...]
    borders: tuple[Border, ...] = ()
