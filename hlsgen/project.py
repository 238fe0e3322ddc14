"""convert() and the Project it returns: what a user holds in hand."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hlsgen.analysis.overflow import OverflowCounter, OverflowReport
from hlsgen.analysis.precision import PrecisionReport, precision_report
from hlsgen.codegen.naming import PROJECT_NAMES, Identifiers
from hlsgen.codegen.plan import Plan, make_plan
from hlsgen.codegen.project import project_files
from hlsgen.codegen.writer import write_project
from hlsgen.config import Config, Granularity, make_config
from hlsgen.emulation.emulator import Emulator
from hlsgen.emulation.reference import evaluate
from hlsgen.errors import ConfigError, InputError, nearest
from hlsgen.frontends.keras import graph_from_keras
from hlsgen.ir.graph import Graph, Value
from hlsgen.ir.text import graph_table
from hlsgen.ir.types import Ints
from hlsgen.passes import pipeline, run_pipeline
from hlsgen.summary import summary
from hlsgen.version import VERSION

if TYPE_CHECKING:
    from hlsgen.analysis.report import Report

Array = NDArray[Any]
Inputs = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]


class ClippedInputWarning(UserWarning):
    """Inputs lie outside the range of the input type and were saturated."""


class UnexpectedInputWarning(UserWarning):
    """Inputs are much larger than those by which the types of results were chosen."""


_INSPECTED, _UNEXPECTED = 256, 2.5
"""The first samples of a batch are compared with what was expected; a difference up to this factor is usual."""


def convert(
    model: Any,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    weights: str | Path | None = None,
    calibration: Inputs | str | Path | None = None,
    output_dir: str | Path | None = None,
    overwrite: bool = False,
    after_pass: Callable[[str, Graph], None] | None = None,
    **overrides: Any,
) -> Project:
    """Convert a Keras or QKeras model to an HLS project with a bit-exact emulator.

    Args:
        model: a live Keras 3, tf_keras or QKeras model, or the path of a ``.keras``, ``.h5`` or
            ``.json`` file; None takes the path from the configuration.
        config: path of a YAML file, a dict or a Config.
        weights: the ``.h5`` that goes with a ``.json``.
        calibration: representative inputs (as for predict, or the path of an ``.npy``), by which the
            binary points of inferred types are placed.
        output_dir: where ``write()`` puts the project.
        overwrite: let ``write()`` replace what it finds there.
        after_pass: called with the name of each pass and the graph it leaves (to print it, for example).
        overrides: model-level settings by their YAML names, such as ``precision="fixed<16,6>"``,
            ``io_type="io_stream"``, ``strategy="resource"``, ``reuse_factor=4``.

    Raises:
        ModelError: the model cannot be read. UnsupportedError: it holds something hlsgen refuses.
        ConfigError: a setting is unknown or impossible. InputError: calibration data do not fit.
    """
    paths = {"output_dir": output_dir, "weights": weights}
    settings = make_config(config, **{k: v for k, v in paths.items() if v is not None}, **overrides)
    source = settings.model if model is None else model
    if source is None:
        raise ConfigError("convert(): no model given, neither as an argument nor as 'model' in the configuration")
    graph = graph_from_keras(source, settings.weights)
    data = calibration if calibration is not None else settings.calibration
    if isinstance(data, str | Path):
        data = load_array(data)
    samples = None if data is None else _checked_calibration(graph, data)
    if samples is None and settings.calibration_method != "max":
        raise ConfigError(
            f"calibration_method '{settings.calibration_method}' needs data to work on, and none are given; "
            "give calibration=, or leave the method out"
        )
    run_pipeline(graph, pipeline(settings, samples), settings.skip_passes, after_pass)
    return Project(graph, settings, overwrite=overwrite)


def default_config(model: Any, granularity: Granularity = "model") -> Config:
    """Return the configuration with every setting spelt out, for editing.

    ``granularity``: "model" (one set of defaults), "type" (also one per layer type) or "name" (one per layer).
    """
    levels = get_args(Granularity)
    if granularity not in levels:
        raise ConfigError(f"default_config(): unknown granularity '{granularity}'{nearest(granularity, levels)}")
    graph = graph_from_keras(model)
    plain = {"precision": {}, "strategy": "latency", "reuse_factor": 1}
    sources = [node.source for node in graph if node.layer.kind != "Input"]
    entries: dict[str, Any] = {"defaults": plain}
    if granularity == "type":
        entries["layer_types"] = {s.class_name: plain for s in sources}
    if granularity == "name":
        entries["layers"] = {s.name: plain for s in sources}
    if isinstance(model, str | Path):
        entries["model"] = model
    return make_config(entries)


class Project:
    """A converted model: its typed graph, its texts, its emulator."""

    def __init__(self, graph: Graph, config: Config, *, overwrite: bool = False) -> None:
        self.graph, self.config = graph, config
        self._overwrite = overwrite
        self.overflows: OverflowReport | None = None
        """What the last ``predict(count_overflows=True)`` counted; print it."""
        wish = config.project_name or graph.name or "model"
        self.name = Identifiers(PROJECT_NAMES).make(wish)

    def __repr__(self) -> str:
        return f"<hlsgen project {self.name}: {len(self.graph)} nodes, {self.config.io_type}>"

    # -- the program ------------------------------------------------------------------------

    @cached_property
    def plan(self) -> Plan:
        """The kernel calls of the C++ program."""
        return make_plan(self.graph, self.config.io_type, self.name)

    @cached_property
    def files(self) -> dict[str, str]:
        """All texts of the HLS project by path, before anything is written."""
        from hlsgen.backends import vitis

        return project_files(self.plan, vitis.project_files(self) | {"hlsgen.json": self._manifest()})

    def _manifest(self) -> str:
        types = {value.name: str(value.type) for value in (node.output for node in self.graph)}
        facts = {
            "hlsgen": VERSION,
            "project": self.name,
            "config": self.config.model_dump(mode="json"),
            "types": types,
        }
        return json.dumps(facts, indent=2, ensure_ascii=True) + "\n"

    def write(self, overwrite: bool | None = None) -> Path:
        """Write the HLS project to ``output_dir`` and return the folder.

        Raises OutputDirError if the folder holds something that is not an hlsgen project.
        """
        folder = self.config.output_dir or Path(f"{self.name}_hls")
        write_project(Path(folder), self.files, overwrite=self._overwrite if overwrite is None else overwrite)
        return Path(folder).resolve()

    def synthesize(
        self, csim: bool = False, csynth: bool = True, cosim: bool = False, export: bool = False
    ) -> Report | None:
        """Write the project, run Vitis HLS on it and return the parsed synthesis report. Raises ToolError."""
        from hlsgen.backends import vitis

        return vitis.synthesize(self, csim=csim, csynth=csynth, cosim=cosim, export=export)

    def summary(self) -> str:
        """Describe types, ranges, ports, what was fused or renamed, and how constants were rounded."""
        return summary(self)

    @cached_property
    def precision(self) -> PrecisionReport:
        """Every type, who chose it, the proved and the expected range and the margin; print it, or read its fields."""
        return precision_report(self.graph)

    def __str__(self) -> str:
        return graph_table(self.graph)

    # -- the emulator -----------------------------------------------------------------------

    @cached_property
    def emulator(self) -> Emulator:
        return Emulator(self.plan)

    def compile(self) -> Emulator:
        """Build the emulator, or take it from the cache. Raises ToolError without a working compiler."""
        return self.emulator

    def predict(self, x: Inputs, raw: bool = False, threads: int | None = None, count_overflows: bool = False) -> Any:
        """Run the emulator on a batch.

        Args:
            x: (samples, *shape) of real values or integers; a list or a dict by input name for several inputs.
            raw: return integer mantissas instead of real values.
            threads: default: one for each processor that this process may use.
            count_overflows: also count, per layer, the values that saturated or wrapped; see ``overflows``.

        Returns:
            (samples, *output shape), float32 or float64 as the type needs (int64 if ``raw``); a list of
            these for several outputs.

        Raises:
            InputError: wrong names, shapes or dtypes, or NaN.
        """
        inputs = _checked_inputs(self.graph, x)
        results, clipped = _run(self.emulator, inputs, raw, threads)
        self._warn_if_clipped(inputs, clipped)
        self._warn_if_unexpected(inputs)
        if count_overflows:
            self.overflows = self._overflow_counter.count(inputs)
        shaped = [_shaped(r, value) for r, value in zip(results, self.graph.outputs, strict=True)]
        return shaped[0] if len(shaped) == 1 else shaped

    @cached_property
    def _overflow_counter(self) -> OverflowCounter:
        return OverflowCounter(self.graph, self.name)

    def trace(self, x: Inputs, raw: bool = False) -> dict[str, Array]:
        """Return every layer's output by its name in the source model, computed by the emulator.

        A layer that was fused away has the values of what it was fused into.
        """
        values = list(dict.fromkeys(self.trace_keys().values()))
        results, _ = _run(self._tracer, _checked_inputs(self.graph, x), raw)
        by_value = {value: _shaped(r, value) for r, value in zip(results, values, strict=True)}
        return {key: by_value[value] for key, value in self.trace_keys().items()}

    @cached_property
    def _tracer(self) -> Emulator:
        values = list(dict.fromkeys(self.trace_keys().values()))
        return Emulator(make_plan(self.graph, "io_parallel", self.name, values))

    def trace_keys(self) -> dict[str, Value]:
        """Trace keys and the values they stand for: the source model's layers, then inner steps."""
        keys = dict(self.graph.aliases)
        for node in self.graph:
            keys.setdefault(node.name, node.output)
        return keys

    def evaluate(self, x: Inputs, raw: bool = False) -> dict[str, Array]:
        """The same as trace, by exact integer arithmetic in NumPy: slow, needs no compiler, defines what is right."""
        inputs = _checked_inputs(self.graph, x)
        _refuse_nan(inputs)
        mantissas = {name: self._quantized(name, data) for name, data in inputs.items()}
        known = evaluate(self.graph, mantissas)
        return {key: known[value] if raw else real(known[value], value) for key, value in self.trace_keys().items()}

    def _quantized(self, name: str, data: Array) -> Ints:
        value = next(v for v in self.graph.inputs if v.name == name)
        assert value.type is not None
        return value.type.quantize(data) if data.dtype.kind == "f" else value.type.cast(data, 0)

    def _warn_if_clipped(self, inputs: Mapping[str, Array], counts: Sequence[int]) -> None:
        for (name, data), count in zip(inputs.items(), counts, strict=True):
            if count:
                value = next(v for v in self.graph.inputs if v.name == name)
                warnings.warn(
                    f"input '{name}': {count} of {data.size} values are outside of {value.type} and were saturated; "
                    "give calibration= or a wider input_precision=",
                    ClippedInputWarning,
                    stacklevel=3,
                )

    def _warn_if_unexpected(self, inputs: Mapping[str, Array]) -> None:
        """Say that inputs are much larger than those by which results were placed: then inner results saturate."""
        if not any(choice.placed_by_inputs for choice in self.precision if choice.name not in inputs):
            return
        for (name, data), value in zip(inputs.items(), self.graph.inputs, strict=True):
            expected = value.expected
            some = np.asarray(data[:_INSPECTED], dtype=np.float64)
            finite = some[np.isfinite(some)]
            rms = float(np.sqrt(np.square(finite).mean())) if finite.size else 0.0
            if expected is not None and rms > _UNEXPECTED * expected.rms > 0:
                warnings.warn(
                    f"input '{name}': its values ({rms:.3g} in root mean square) are {rms / expected.rms:.2g} times "
                    f"larger than those by which results were placed ({expected.origin.value}), so that inner results "
                    "may saturate; give calibration=, or an input_precision= that says how large they get",
                    UnexpectedInputWarning,
                    stacklevel=3,
                )


def real(mantissas: Ints, value: Value) -> Array:
    """Real values: float32 where its 24 bits and its exponents hold the type, else float64."""
    fixed = value.type
    assert fixed is not None
    result = fixed.to_float(mantissas)
    narrow = fixed.width - fixed.signed <= 24 and fixed.frac <= 126 and fixed.integer <= 127
    return result.astype(np.float32) if narrow else result


def load_array(path: str | Path) -> Array:
    """Read an .npy file. Raises InputError; pickled objects are refused."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as an .npy array ({error})") from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: holds several arrays; expected one, saved by numpy.save(...) as .npy")
    return array


def _run(
    emulator: Emulator, inputs: Mapping[str, Array], raw: bool, threads: int | None = None
) -> tuple[list[Array], list[int]]:
    try:
        return emulator.run_and_count(list(inputs.values()), raw=raw, threads=threads)
    except InputError:
        _refuse_nan(inputs)  # says the same in the user's terms; looked for only now, as it costs time and memory
        raise


def _shaped(result: Array, value: Value) -> Array:
    return result.reshape(len(result), *value.shape)


def _checked_inputs(graph: Graph, x: Any) -> dict[str, Array]:
    """Return arrays by input name, in the model's order. NaN are not looked for.

    Raises InputError for what does not fit.
    """
    values = {value.name: value for value in graph.inputs}
    given = _by_name(values, x)
    arrays = {name: _checked_array(value, given[name]) for name, value in values.items()}
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise InputError(f"inputs differ in their number of samples: {counts}")
    return arrays


def _checked_calibration(graph: Graph, x: Any) -> dict[str, Array]:
    arrays = _checked_inputs(graph, x)
    _refuse_nan(arrays)
    for name, array in arrays.items():
        if not len(array):
            raise InputError(f"calibration: input '{name}' has no samples; give representative ones")
        if not np.isfinite(array).all():
            raise InputError(f"calibration: input '{name}' holds infinities, by which no range can be placed")
    return arrays


def _by_name(values: Mapping[str, Value], x: Any) -> dict[str, Any]:
    names = list(values)
    if isinstance(x, Mapping):
        for name in x:
            if name not in names:
                raise InputError(f"the model has no input '{name}'{nearest(str(name), names)}")
        missing = [name for name in names if name not in x]
        if missing:
            raise InputError(f"no data for input {', '.join(repr(m) for m in missing)}")
        return dict(x)
    if len(names) == 1:
        (name,) = names
        batch = len(values[name].shape) + 1
        single = isinstance(x, list | tuple) and len(x) == 1 and isinstance(x[0], np.ndarray) and x[0].ndim == batch
        return {name: x[0] if single else x}
    if not isinstance(x, list | tuple) or len(x) != len(names):
        found = f"{len(x)}" if isinstance(x, list | tuple) else type(x).__name__
        raise InputError(
            f"the model has {len(names)} inputs ({', '.join(names)}); give a list or a dict of them, found {found}"
        )
    return dict(zip(names, x, strict=True))


def _checked_array(value: Value, data: Any) -> Array:
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise InputError(f"input '{value.name}': not an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"input '{value.name}': dtype {array.dtype} holds no real numbers; give floats or integers")
    if array.shape[1:] != value.shape or array.ndim != len(value.shape) + 1:
        hint = "; add a batch axis: x[None]" if array.shape == value.shape else ""
        raise InputError(
            f"input '{value.name}': shape {array.shape}, expected (samples, {', '.join(map(str, value.shape))}){hint}"
        )
    return array


def _refuse_nan(inputs: Mapping[str, Array]) -> None:
    for name, array in inputs.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            where = np.argwhere(np.isnan(array))[0].tolist()
            raise InputError(f"input '{name}': NaN at index {where}; fixed point has no NaN, clean the data first")
