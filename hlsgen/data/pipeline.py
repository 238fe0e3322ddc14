"""Steps that are fitted on the training part, and what they became: real numbers and integers for a design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn, overload

import numpy as np

from hlsgen.data import host_code
from hlsgen.data.dataset import Data, first_nan, pieces
from hlsgen.data.operations import Affine, Floats, Operation, applied
from hlsgen.data.ports import Converted, InputPort, input_port
from hlsgen.data.recipe import Recipe, one_of
from hlsgen.data.saved import read_recipe, write_folder
from hlsgen.data.statistics import Seen
from hlsgen.data.steps import Step
from hlsgen.design.arrays import Array, mantissas, real_array
from hlsgen.errors import InputError, brief
from hlsgen.ir.types import FixedType, Ints

_TRAINING = ("train", "training", "fit")
"""Names of parts that a pipeline is fitted on."""
_EXACT = 1 << 53
"""Integers up to here are exact in float64."""

Target = Converted | InputPort | FixedType | str


@dataclass(frozen=True, init=False)
class Pipeline:
    """Steps, one behind the other: ``Pipeline(ZScore(), Clip(-8, 8))``; without any, numbers stay as they are.

    ``fit`` makes a :class:`FittedPipeline` of it, which does the work.
    """

    steps: tuple[Step, ...]

    def __init__(self, *steps: Step | None) -> None:
        """Raise InputError for what is no step; None is left out."""
        chosen = tuple(step for step in steps if step is not None)
        for step in chosen:
            if isinstance(step, type) or not hasattr(step, "fitted"):
                raise InputError(f"Pipeline: {brief(step)} is no step; expected ZScore(), MinMax(), Clip(-8, 8), ...")
        object.__setattr__(self, "steps", chosen)

    def fit(self, data: Data | Array) -> FittedPipeline:
        """The pipeline for some samples: those of the training part, or samples that were never split.

        Each step sees what the steps before it make of them. Raises InputError for another part than ``train``, for
        NaN and infinities, and for features that have no scale.
        """
        given = data if isinstance(data, Data) else Data(data)
        other = [name for name in given.part.split("/") if name and name not in _TRAINING]
        if other:
            raise InputError(
                f"fit(): this is the part '{given.part}' of {given.source}; a pipeline that has seen it would tell "
                "nothing about new samples. Fit on the part 'train'"
            )
        operations: list[Operation] = []
        notes: list[str] = []
        for step in self.steps:
            operation, said = step.fitted(Seen(given, tuple(operations)))
            operations.append(operation)
            notes += said
        features = given.x.shape[-1]
        return FittedPipeline(tuple(operations), features, given.features, given.classes, notes=tuple(notes))

    def __getattr__(self, name: str) -> NoReturn:
        hint = "; fit it first: pipe = pipe.fit(parts.train)" if hasattr(FittedPipeline, name) else ""
        raise AttributeError(f"a Pipeline has no '{name}'{hint}")

    def __call__(self, x: Any) -> NoReturn:
        """Raise InputError: only a fitted one can be called."""
        raise InputError("this pipeline is not fitted; fit it first: pipe = pipe.fit(parts.train)")

    def __str__(self) -> str:
        return " -> ".join(map(str, self.steps)) or "as it is"


class FittedPipeline(Recipe):
    """What becomes of raw numbers, feature by feature: all constants are here, and no data. Print it."""

    # -- numbers ---------------------------------------------------------------------------------

    @overload
    def __call__(self, x: Data) -> Data: ...
    @overload
    def __call__(self, x: Array) -> Floats: ...
    def __call__(self, x: Data | Array) -> Data | Floats:
        """What the model takes: float64 of the same shape; of :class:`Data`, such with the same labels.

        ``x``: (samples, ..., features), raw. Raises InputError for another number of features, for NaN, and for
        integers beyond 2**53, which float64 does not hold.
        """
        if isinstance(x, Data):
            return replace(x, x=self(self._checked_names(x).x), notes=(*x.notes, "prepared by a pipeline"))
        raw = self._checked(x)
        found = np.empty(raw.shape, dtype=np.float64)
        for piece in pieces(raw) if raw.size else ():
            found[piece] = applied(self.operations, np.asarray(raw[piece], dtype=np.float64))
        return found

    def quantized(self, x: Data | Array, target: Target | None = None, *, input: str | None = None) -> Ints:
        """The integers that a design's input gets: those that ``predict`` makes of ``self(x)``.

        Args:
            x: (samples, *shape), raw.
            target: a project, or a type such as ``"fixed<16,6,RND,SAT>"``; None: what it was :meth:`typed` for.
            input: the name of the input, where the project has several.

        Returns (samples, *shape) in the order in which the design holds them, int64 (Python's integers, of types beyond
        62 bits). Raises InputError as a call does, and for an input that does not fit.
        """
        port = self._port(target, input)
        raw = self._checked(self._checked_names(x).x if isinstance(x, Data) else x)
        if raw.shape[1:] != port.given_shape:
            raise InputError(f"samples have the shape {raw.shape[1:]}, input '{port.name}' {port.given_shape}")
        if not len(raw):
            return np.zeros((0, *port.shape), dtype=np.int64)
        parts = [
            mantissas([port], {port.name: applied(self.operations, np.asarray(raw[piece], dtype=np.float64))})[
                port.name
            ]
            for piece in pieces(raw)
        ]
        return np.concatenate(parts)

    def typed(self, target: Target, *, input: str | None = None) -> FittedPipeline:
        """The same with the input of a project (or with a type), so that it can be written for a host.

        Raises InputError where that does not fit.
        """
        return replace(self, port=self._port(target, input))

    def folded(self) -> dict[str, list[float]]:
        """``{"offset": [...], "scale": [...]}`` for the key ``input_scaling``: a project with it takes raw numbers.

        ``(x - offset) * scale`` for each feature: in real numbers, all steps as one, rounded to float64 once at the
        end. Raises InputError for steps that are no such thing.
        """
        offset, scale = [Fraction(0)] * self.features, [Fraction(1)] * self.features
        for operation in self.operations:
            if not isinstance(operation, Affine):
                raise InputError(
                    f"folded(): the step '{operation.name}' ({operation}) is no offset and scale, so it cannot go into "
                    "the first layer; leave it out, or prepare the numbers on the host"
                )
            for place in range(self.features):
                offset[place] += Fraction(one_of(operation.offset, place)) / scale[place]
                scale[place] *= Fraction(one_of(operation.scale, place))
        try:
            return {"offset": [float(o) for o in offset], "scale": [float(s) for s in scale]}
        except OverflowError as error:
            raise InputError("folded(): all steps as one are beyond float64; bring the data to other units") from error

    # -- files -----------------------------------------------------------------------------------

    def save(
        self,
        folder: str | Path,
        *,
        test: Data | None = None,
        target: Target | None = None,
        input: str | None = None,
        samples: int = 1000,
        overwrite: bool = False,
    ) -> Path:
        """Write ``pipeline.yml``, and of test data, where they are given, the first ``samples``; returns the folder.

        Of test data: ``x.npy`` (prepared, for ``test_vectors:``), ``y.npy`` (their labels), ``raw.npy`` and, where the
        input is known, ``integers.npy``. What was saved there before is replaced, other files of these names only with
        ``overwrite``. Raises OutputDirError for files that are not replaced or cannot be written, InputError as
        ``quantized``.
        """
        pipe = self if target is None else self.typed(target, input=input)
        arrays = {} if test is None else pipe._test_arrays(test, samples)
        return write_folder(pipe, folder, arrays, overwrite=overwrite)

    def write_c(
        self,
        path: str | Path,
        target: Target | None = None,
        *,
        input: str | None = None,
        raw: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a header of C99 that makes the same integers on a host; returns its path (docs/data.md).

        Such a header that is there is replaced, another file only with ``overwrite``.

        ``raw``: None for real raw numbers; ``"int16"``, ``"uint8"``, ... for such integers, as converters give them:
        then it computes with integers alone. Raises InputError where the input is not known, UnsupportedError for types
        beyond 61 bits and pipelines that have no form in integers, OutputDirError for a file that is not replaced or
        cannot be written.
        """
        return host_code.write_c(self, self._port(target, input), path, raw, overwrite=overwrite)

    def write_python(
        self, path: str | Path, target: Target | None = None, *, input: str | None = None, overwrite: bool = False
    ) -> Path:
        """Write a module of Python, with NumPy and without, that makes the same integers; returns its path.

        Such a module that is there is replaced, another file only with ``overwrite``. Raises InputError where the input
        is not known, OutputDirError for a file that is not replaced or cannot be written.
        """
        return host_code.write_python(self, self._port(target, input), path, overwrite=overwrite)

    def _test_arrays(self, test: Data, samples: int) -> dict[str, Array]:
        """The first samples of test data, as files hold them."""
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise InputError(f"save(): samples is {brief(samples)}, expected a whole number from 1 on")
        part = test.take(np.arange(min(samples, len(test))))
        arrays = {"x": self(part).x, "raw": part.x} | ({} if part.y is None else {"y": part.y})
        if self.port is None:
            return arrays
        integers = self.quantized(part)
        if integers.dtype == object:
            raise InputError(f"save(): {self.port.type} is wider than the integers of an .npy; save without a target")
        return {**arrays, "integers": integers}

    def _port(self, target: Target | None, name: str | None) -> InputPort:
        if target is None:
            if self.port is None:
                raise InputError("the input is not known; give a project or a type, or use pipe.typed(project)")
            return self.port
        port = input_port(target, name, self.features)
        if self.operations and _scales_itself(target, port.name):
            raise InputError(
                f"input '{port.name}' has input_scaling, so it takes raw numbers, which would be scaled twice; "
                "quantise them by an empty pipeline: data.Pipeline().fit(...)"
            )
        return port

    def _checked_names(self, data: Data) -> Data:
        if self.names and data.features and self.names != data.features:
            wrong = next((a, b) for a, b in zip(self.names, (*data.features, None), strict=False) if a != b)
            raise InputError(f"{data.source}: feature {brief(wrong[1])} where the pipeline has {brief(wrong[0])}")
        return data

    def _checked(self, x: Any) -> Array:
        raw = real_array("pipeline: x", x)
        if raw.ndim < 2 or raw.shape[-1] != self.features:
            raise InputError(
                f"pipeline: x has shape {raw.shape}, expected (samples, ..., {self.features}), raw features last"
            )
        at = first_nan(raw)
        if at is not None:
            raise InputError(
                f"pipeline: x is NaN at row {at[0]} (from 0), feature '{self.name_of(at[-1])}'; fixed point has no "
                "NaN, clean the data first"
            )
        wide = raw.dtype.kind in "iu" and raw.dtype.itemsize == 8 and raw.size
        if wide and max(int(raw.max()), -int(raw.min())) > _EXACT:
            raise InputError("pipeline: x holds integers beyond 2^53, which float64 does not hold exactly")
        return raw


def _scales_itself(target: Target, name: str) -> bool:
    """Whether a project takes raw numbers at an input: the key ``input_scaling``."""
    scaling = getattr(getattr(target, "config", None), "input_scaling", None)
    return name in scaling if isinstance(scaling, Mapping) else scaling is not None


def load_pipeline(path: str | Path) -> FittedPipeline:
    """Read what :meth:`FittedPipeline.save` wrote: the folder, or its YAML.

    Raises InputError, with line and column, for what is no such file.
    """
    return FittedPipeline(**vars(read_recipe(path)))
