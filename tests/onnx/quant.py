"""QONNX's operators as their specification says, in NumPy: what hlsgen is compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

DOMAIN = "qonnx.custom_op.general"


def half_up(x: np.ndarray) -> np.ndarray:
    """To nearest, ties away from zero."""
    whole = np.trunc(x)
    return whole + np.sign(x) * (np.abs(x - whole) >= 0.5)


def half_down(x: np.ndarray) -> np.ndarray:
    """To nearest, ties towards zero."""
    whole = np.trunc(x)
    return whole + np.sign(x) * (np.abs(x - whole) > 0.5)


def up(x: np.ndarray) -> np.ndarray:
    """Away from zero."""
    return np.where(x < 0, np.floor(x), np.ceil(x))


MODES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ROUND": np.round,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": up,
    "DOWN": np.trunc,
    "ROUND_TO_ZERO": np.trunc,
    "HALF_EVEN": np.round,
    "HALF_UP": half_up,
    "HALF_DOWN": half_down,
}


def quant(x: Any, scale: Any, zero: Any, bits: Any, signed: int, narrow: int, mode: str) -> np.ndarray:
    """IntQuant, in the numbers that it is given."""
    bits = int(np.asarray(bits).reshape(-1)[0])
    low = (-(2 ** (bits - 1)) + narrow) if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    y = np.asarray(x) / scale + zero
    y = np.where(y >= 0, 1.0, -1.0) if bits == 1 and signed else MODES[mode.upper()](np.clip(y, low, high))
    return np.asarray((y - zero) * scale, dtype=np.asarray(x).dtype)


class Quant(OpRun):
    op_domain = DOMAIN

    def _run(self, x: Any, scale: Any, zero: Any, bits: Any, signed: int = 1, narrow: int = 0, rounding_mode: str = "ROUND") -> Any:  # fmt: skip
        return (quant(x, scale, zero, bits, signed, narrow, rounding_mode),)


class IntQuant(Quant):
    pass


class BipolarQuant(OpRun):
    op_domain = DOMAIN

    def _run(self, x: Any, scale: Any) -> Any:
        return (np.asarray(np.where(x >= 0, 1, -1) * scale, dtype=np.float32),)


def trunc_to(x: Any, scale: Any, out: Any, bits: Any, signed: int, narrow: int, mode: str) -> np.ndarray:
    """Trunc of version 2, of zero point 0."""
    step = 2.0 ** np.round(np.log2(out / scale))
    return quant(np.round(x / scale), step, 0, bits, signed, narrow, mode) / step * out


class Trunc(OpRun):
    op_domain = DOMAIN

    def _run(self, x: Any, *given: Any, rounding_mode: str = "FLOOR", signed: int = 1, narrow: int = 0) -> Any:
        scale, zero, bits, *out = given
        assert zero == 0
        if len(out) == 2:
            return (trunc_to(x, scale, *out, signed, narrow, rounding_mode),)
        y = MODES[rounding_mode.upper()](np.round(x / scale) / 2.0 ** (bits - out[0])) * scale
        return (np.asarray(y, dtype=x.dtype),)


def executed(model: Any, x: list[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a model with such operators, by ONNX's reference implementation."""
    evaluator = ReferenceEvaluator(model, new_ops=[Quant, IntQuant, BipolarQuant, Trunc])
    given = {entry.name: array.astype(np.float32) for entry, array in zip(model.graph.input, x, strict=True)}
    return [np.asarray(result) for result in evaluator.run(None, given)]
