"""What is asked of a quantisation, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Literal, get_args

from hlsgen.errors import InputError, brief, nearest
from hlsgen.explore.quantization.equalisation import Equalisation
from hlsgen.explore.quantization.goal import Metric
from hlsgen.explore.quantization.inputs import DEVIATIONS, InputRanges
from hlsgen.explore.quantization.placement import PERCENTILE, Asked, Calibration

Method = Literal["auto", "max"]
Granularity = Literal["tensor", "channel"]
Allocation = Literal["lagrangian", "greedy"]
Factors = Literal["power_of_two", "free"]
Minimise = Literal["bits", "dsp", "lut"]
_NARROWEST, _WIDEST = 2, 16


@dataclass(frozen=True)
class Options:
    """How a design is looked for; :func:`hlsgen.quantize` says what each means."""

    target: float = 0.99
    metric: Metric = "agreement"
    method: Method = "auto"
    minimise: Minimise = "bits"
    calibration: Asked | None = None
    percentile: float = PERCENTILE
    weight_calibration: Calibration | None = None
    granularity: Granularity = "tensor"
    allocation: Allocation = "lagrangian"
    bias_correction: bool | None = None
    equalisation: Equalisation | Literal["auto"] | None = None
    scales: Factors = "free"
    zero_points: bool | None = None
    weight_bits: int | None = None
    result_bits: int | None = None
    input_bits: int | None = None
    input_ranges: InputRanges | None = None
    input_deviations: float = DEVIATIONS
    most_weight_bits: float = 8.0
    most_result_bits: float = 10.0
    held_out: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise InputError for what cannot be."""
        for name, words in _WORDS.items():
            value = getattr(self, name)
            if value is None and _DEFAULTS[name] is None:  # what the method chooses
                continue
            if not isinstance(value, str) or value not in words:
                raise InputError(f"quantize(): {name} is {brief(value)}{nearest(str(value), words)}")
        for name, low, high in (
            ("target", 0.0, 1.0),
            ("percentile", 0.0, 100.0),
            ("input_deviations", 0.0, 1e6),
            ("most_weight_bits", 2.0, 64.0),
            ("most_result_bits", 2.0, 64.0),
        ):
            if not (_is_number(getattr(self, name)) and low < getattr(self, name) <= high):
                found = brief(getattr(self, name))
                raise InputError(f"quantize(): {name} is {found}, expected a number above {low:g}, up to {high:g}")
        if not (_is_number(self.held_out) and 0.0 < self.held_out < 1.0):
            raise InputError(f"quantize(): held_out is {brief(self.held_out)}, expected a part between 0 and 1")
        for name in ("weight_bits", "result_bits", "input_bits"):
            value = getattr(self, name)
            if value is not None and not (_is_whole(value) and _NARROWEST <= value <= _WIDEST):
                raise InputError(f"quantize(): {name} is {brief(value)}, expected {_NARROWEST} to {_WIDEST} bits")
        for name in ("bias_correction", "zero_points"):
            if getattr(self, name) is not None and not isinstance(getattr(self, name), bool):
                raise InputError(f"quantize(): {name} is {brief(getattr(self, name))}, expected True or False")
        if not _is_whole(self.seed) or self.seed < 0:
            raise InputError(f"quantize(): seed is {brief(self.seed)}, expected a whole number from 0 on")

    @property
    def is_plain(self) -> bool:
        """Whether it is what the largest values give, and nothing else."""
        return self.method == "max"

    @property
    def places(self) -> Asked:
        """How results and inputs are placed."""
        return self.calibration or ("max" if self.is_plain else "mse")

    @property
    def ranges_inputs(self) -> InputRanges | None:
        """How far types of inputs reach; None: as those of results."""
        return self.input_ranges or (None if self.is_plain else "auto")

    @property
    def places_weights(self) -> Calibration:
        """How weights are placed."""
        return self.weight_calibration or ("max" if self.is_plain else "mse")

    @property
    def equalises(self) -> Equalisation | Literal["auto"]:
        """Which channels are held times factors."""
        return self.equalisation or ("none" if self.is_plain else "auto")

    @property
    def shifts(self) -> bool:
        """Whether values may be held less offsets."""
        return not self.is_plain if self.zero_points is None else self.zero_points

    @property
    def corrects(self) -> bool:
        """Whether means may be corrected."""
        return not self.is_plain if self.bias_correction is None else self.bias_correction


_WORDS: dict[str, tuple[Any, ...]] = {
    "metric": get_args(Metric),
    "method": get_args(Method),
    "minimise": get_args(Minimise),
    "calibration": get_args(Asked),
    "weight_calibration": get_args(Calibration),
    "granularity": get_args(Granularity),
    "allocation": get_args(Allocation),
    "scales": get_args(Factors),
    "input_ranges": get_args(InputRanges),
    "equalisation": ("auto", *get_args(Equalisation)),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


_DEFAULTS = {field.name: field.default for field in fields(Options)}
