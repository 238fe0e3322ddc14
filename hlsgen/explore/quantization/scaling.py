"""Raw data for a network that was trained on scaled ones: the numbers of ``input_scaling``, fitted or given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from hlsgen.config import Config, InputScaling
from hlsgen.data.dataset import Data
from hlsgen.data.pipeline import FittedPipeline, Pipeline
from hlsgen.data.steps import MinMax, Robust, Step, ZScore
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.errors import InputError, brief, nearest
from hlsgen.ir.typing import Tensor

Method = Literal["zscore", "minmax", "robust"]
One = Method | Step | Pipeline | FittedPipeline | InputScaling | Mapping[str, Any]
Asked = One | Mapping[str, One]
"""How data were scaled for training: of the only input, or of some by their names."""
_STEPS: Mapping[str, Step] = {"zscore": ZScore(), "minmax": MinMax(), "robust": Robust()}
_NUMBERS = {"offset", "scale"}


def without_scaling(config: Config) -> tuple[Config, Asked | None]:
    """A configuration without ``input_scaling``, and that: how large raw data are, is not known yet."""
    return config.model_copy(update={"input_scaling": None}), config.input_scaling


def fitted_scaling(
    asked: Asked | None, ports: Sequence[Tensor], data: Mapping[str, Array]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """``input_scaling`` by the inputs' names, and what is to be said.

    A method, a step or a pipeline of :mod:`hlsgen.data` is fitted on ``data`` (as users give them); one that was fitted
    before, and numbers, stay what they are. Raises InputError for what is none of these, and for what has no scale.
    """
    if asked is None:
        return {}, []
    known = {port.name: port for port in ports}
    if not _is_by_name(asked):
        if len(known) != 1:
            raise InputError(f"quantize(): input_scaling: the model has {len(known)} inputs ({', '.join(known)}); "
                             "give it by name")  # fmt: skip
        asked = dict.fromkeys(known, asked)
    assert isinstance(asked, Mapping)
    held, found, notes = arrays.in_order(ports, data), dict[str, dict[str, Any]](), list[str]()
    for name, one in asked.items():
        if name not in known:
            raise InputError(f"quantize(): input_scaling: the model has no input {brief(name)}{nearest(name, known)}")
        found[name], said = _numbers(one, Data(held[name], source=f"input '{name}'"))
        notes += said
    return found, notes


def _is_by_name(asked: Asked) -> bool:
    return isinstance(asked, Mapping) and not _NUMBERS.issuperset(asked)


def _numbers(one: Any, data: Data) -> tuple[dict[str, Any], list[str]]:
    if isinstance(one, InputScaling):
        return {"offset": one.offset, "scale": one.scale}, []
    if isinstance(one, Mapping):
        return dict(one), []
    if isinstance(one, str):
        if one not in _STEPS:
            words = get_args(Method)
            raise InputError(f"quantize(): input_scaling is {brief(one)}{nearest(one, words)}")
        one = _STEPS[one]
    if not isinstance(one, Pipeline | FittedPipeline):
        one = Pipeline(one)
    if isinstance(one, FittedPipeline):
        return one.folded(), []
    fitted = one.fit(data)
    return fitted.folded(), list(fitted.notes)
