"""The ladder: NumPy reference == emulator == generated C++ on the vendor's headers == Verilog, integer for integer.

:func:`ladder` converts a model once for every combination of strategy and io type and compares every
value of the graph, not only the outputs. What NumPy says is the measure; it is computed once.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen
from hlsgen.backends.hls.plan import make_plan
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.texts import project_files
from hlsgen.config import make_config
from hlsgen.design.arrays import as_held, checked_calibration
from hlsgen.emulation.build import FLAGS, bindings_object
from hlsgen.emulation.emulator import Emulator
from hlsgen.errors import ToolError, UnsupportedError
from hlsgen.frontends.keras.build import build_graph
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.graph import Graph
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor
from hlsgen.project import Project
from hlsgen.tools import find_compiler, run, vendor_headers
from tests import sanitized, selection
from tests.backends.simulation import samples_take
from tests.circuits import check_circuit
from tests.compiled import VENDOR_PREFIX, alone, program, write_files
from tests.exports import c_library
from tests.ladder.refused import circuit_of
from tests.oracle import processor_independent

WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-label", "-fwrapv")
VENDOR_FLAGS = ("-std=c++14", "-O0", "-fno-exceptions", *WARNINGS)
"""Without exceptions, since g++ takes time quadratic in the length of an array of ap_int that may throw."""
SANITIZED_FLAGS = (*(flag for flag in VENDOR_FLAGS if flag not in ("-fwrapv", "-Werror")), *sanitized.CHECKS)
"""Signed overflow is not defined then, as it is not where the design is synthesized; what the sanitizers add to a
program brings warnings about what nobody wrote."""
STAND_INS = Path(__file__).parent.parent / "vendor" / "stand_ins"
"""For headers that the vendor's open ones lack."""
VENDOR_SAMPLES = 8
"""The vendor's headers are slow: a hundred samples a second of a small network."""


@dataclass(frozen=True)
class Variant:
    """One way to build the same numbers."""

    strategy: str
    io_type: str

    def __str__(self) -> str:
        return f"{self.strategy}, {self.io_type}"


ALL = tuple(Variant(s, io) for s in ("latency", "resource") for io in ("io_parallel", "io_stream"))
DIAGONAL = (Variant("latency", "io_parallel"), Variant("resource", "io_stream"))
"""Both strategies and both io types in two compilations instead of four."""
OTHERS = tuple(variant for variant in ALL if variant not in DIAGONAL)
"""The same."""


def ladder(
    model: Any,
    x: Any,
    *,
    vendor: bool | Sequence[Variant] = True,
    thorough: bool = False,
    precompiled: bool = True,
    **settings: Any,
) -> Project:
    """Assert that all executors agree on every value for inputs ``x``; return the latency, io_parallel project.

    ``model`` is a Keras model, or a source model or a graph made by hand, which take no framework.

    Two of the four variants are traced, and one of them is compiled against the vendor's headers; which ones they are
    changes from design to design. With ``--slow`` both are, and the other two predict. ``vendor``: for which variants to
    use the vendor's headers. ``thorough``: everything for all four.
    ``precompiled``: read the vendor's headers before the project's texts rather than where those include them.

    With ``--slow`` the circuit is simulated too, unfolded and folded, but for what ``tests/ladder/refused.py`` lists, and
    the library of C runs.
    """
    build_bindings()
    projects = {variant: convert(model, variant, **settings) for variant in ALL}
    first = projects[ALL[0]]
    reference = Reference(first, x)
    traced = ALL if thorough else _two_of(first, vendor)
    every = traced if thorough or selection.slow else traced[:1]
    chosen = every if vendor is True else tuple(vendor or ())
    predicted = ALL if thorough else tuple(v for v in ALL if v not in traced) if selection.slow else ()
    jobs = [lambda p=projects[v], v=v: check_vendor(p, v, reference, precompiled) for v in chosen]
    jobs += [lambda p=projects[v], v=v: check_trace(p, v, reference) for v in traced]
    jobs += [lambda p=projects[v], v=v: check_predict(p, v, reference) for v in predicted]
    if selection.slow:
        folded = any(factor > 1 for factor in reuse_factors(first).values())
        jobs += [j for variant in DIAGONAL[: 1 + folded] for j in circuit_jobs(projects[variant], x)]
        jobs.append(lambda: check_library(first, reference))
    for variant in ALL[1:]:
        same_types(first, projects[variant])
        if variant.io_type == "io_stream":
            check_depths(projects[variant].plan)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
    return first


def _two_of(project: Project, vendor: bool | Sequence[Variant]) -> tuple[Variant, ...]:
    """Variants with both strategies and both io types: by the design, so that many designs try all four."""
    turn = int(project.design.digest, 16) % 4 if vendor is True else 0
    pair = DIAGONAL if turn < 2 else OTHERS
    return pair[:: -1 if turn % 2 else 1]


def executors_agree(project: Project, x: Any, precompiled: bool = True) -> None:
    """Assert for one project, from whatever source, that NumPy, the emulator and the vendor's headers agree, and with
    ``--slow`` the circuit and the library of C.

    ``precompiled``: as for :func:`ladder`; not for ports of more than 1,024 bits, which are announced before headers.
    """
    variant, reference = Variant("as configured", project.config.io_type), Reference(project, x)
    check_predict(project, variant, reference)
    check_vendor(project, variant, reference, precompiled)
    if selection.slow:
        for job in circuit_jobs(project, x):
            job()
        check_library(project, reference)


@functools.cache
def build_bindings() -> None:
    """Both kinds that :func:`check_trace` needs take a while: one worker compiles them, the others wait."""
    with alone():
        for flags in (FLAGS, (*FLAGS, *WARNINGS)):
            bindings_object(find_compiler(), flags)


def convert(model: Any, variant: Variant, **settings: Any) -> Project:
    """Convert, with a reuse factor above 1 wherever a layer allows one if the strategy is resource."""
    if isinstance(model, Project):
        model, settings = model.config.model, dict(model.config) | settings
    common = {**settings, "io_type": variant.io_type, "project_name": settings.get("project_name", "dut")}
    plain = project_of(model, **common)
    if variant.strategy == "latency":
        return plain
    layers = {k: dict(v) for k, v in dict(settings.get("layers", {})).items()}
    for name, factor in reuse_factors(plain).items():
        layers.setdefault(name, {}).update(strategy="resource", reuse_factor=factor)
    return project_of(model, **{**common, "layers": layers})


def circuit_jobs(project: Project, x: Any) -> list[Callable[[], None]]:
    """What compares a project's circuit, if it has one; sanitizers have nothing to look for in it."""
    found = None if sanitized.enabled else circuit_of(project)
    return [] if found is None else [lambda: check_circuit(found, x)]


def check_library(project: Project, reference: Reference) -> None:
    """Compare the library of C, if there is a compiler, and no number is too wide for it."""
    if shutil.which("gcc") is None:
        return
    held = zip(project.design.inputs, reference.arrays, strict=True)
    inputs = {port.name: port.type.quantize(array) for port, array in held}
    with tempfile.TemporaryDirectory() as folder:
        try:
            c_library.check(c_library.job_of(project), inputs, Path(folder))
        except UnsupportedError as error:
            assert "the C library computes with up to 64" in str(error), error


def project_of(model: Any, calibration: Any = None, **settings: Any) -> Project:
    """What convert() makes of a model, also of a source model or a graph: there it is what is behind the frontend."""
    if not isinstance(model, Graph | SourceModel):
        return hlsgen.convert(model, calibration=calibration, **settings)
    graph = model if isinstance(model, Graph) else build_graph(model)
    samples = None if calibration is None else checked_calibration(graph.inputs, calibration)
    return Project(graph, make_config(**settings), samples)


def reuse_factors(project: Project) -> dict[str, int]:
    """A factor for every layer that has multipliers: small ones and large ones in turn."""
    valid: dict[str, set[int]] = {}
    for op in project.design:
        if op.layer.has_multiplier:
            factors = set(op.layer.valid_reuse_factors())
            valid[op.source.name] = valid.get(op.source.name, factors) & factors
    result = {}
    for index, (name, factors) in enumerate(valid.items()):
        above = sorted(factors - {1}) or [1]
        result[name] = above[(0, len(above) // 2, -1)[index % 3]]
    return result


class Reference:
    """The integers that are right, for every value of the graph, and the inputs they belong to."""

    def __init__(self, project: Project, x: Any) -> None:
        self.x = x
        self.by_key = project.evaluate(x, raw=True)
        names = [value.name for value in project.design.inputs]
        arrays = [x[n] for n in names] if isinstance(x, Mapping) else list(x) if len(names) > 1 else [x]
        held = as_held(project.design.inputs, {n: np.asarray(a) for n, a in zip(names, arrays, strict=True)})
        self.arrays = list(held.values())

    def mantissas(self, project: Project, value: Tensor) -> Ints:
        """(samples, elements) of a value of any of the projects (they differ in objects, not in names)."""
        for key, known in project.trace_keys().items():
            if known is value:
                return flat(self.by_key[key])
        raise AssertionError(f"{value!r} has no trace key")


def flat(array: Any) -> Ints:
    array = np.asarray(array)
    return array.reshape(len(array), -1)


def check_depths(plan: Plan) -> None:
    """Follow a sample through streams of their depths; raises RuntimeError if the design stops."""
    samples_take(plan, {name: fifo.depth for name, fifo in plan.fifos.items()}, 1)


def values_of(project: Project) -> list[Tensor]:
    return list(dict.fromkeys(project.trace_keys().values()))


def same_types(a: Project, b: Project) -> None:
    types = [{key: str(v.type) for key, v in p.trace_keys().items()} for p in (a, b)]
    assert types[0] == types[1], "strategy or io type changed a type"


def check_predict(project: Project, variant: Variant, reference: Reference) -> None:
    """Compare the outputs."""
    if sanitized.enabled:
        _check_run(project, variant, reference, list(dict.fromkeys(project.design.outputs)))
        return
    results = project.predict(reference.x, raw=True)
    outputs = list(results) if len(project.design.outputs) > 1 else [results]
    for got, value in zip(outputs, project.design.outputs, strict=True):
        assert got.shape[1:] == value.shape, f"{variant}: {value!r} has shape {got.shape}"
        compare(f"predict, {variant}", value.name, value, reference.mantissas(project, value), flat(got))


def check_trace(project: Project, variant: Variant, reference: Reference) -> None:
    """Compare every value that has a trace key; in io_stream with all warnings of the compiler switched on."""
    if variant.io_type == "io_parallel" and not sanitized.enabled:
        by_key = project.trace(reference.x, raw=True)
        for key, value in project.trace_keys().items():
            assert by_key[key].shape[1:] == value.shape
            compare(f"trace, {variant}", key, value, flat(reference.by_key[key]), flat(by_key[key]))
        return
    _check_run(project, variant, reference, values_of(project))


def _check_run(project: Project, variant: Variant, reference: Reference, values: Sequence[Tensor]) -> None:
    """Compile an emulator whose outputs are these values, and compare them."""
    plan = make_plan(project.design, variant.io_type, project.name, values)
    arrays = [flat(a) for a in reference.arrays]
    found = sanitized.emulate(plan, arrays) if sanitized.enabled else Emulator(plan, WARNINGS).run(arrays, raw=True)
    for value, got in zip(values, found, strict=True):
        compare(f"trace, {variant}", value.name, value, reference.mantissas(project, value), flat(got))


def check_vendor(
    project: Project,
    variant: Variant,
    reference: Reference,
    precompiled: bool = True,
    options: Sequence[str] = (),
) -> None:
    """Compile test bench and design with the vendor's headers; compare every value of a few samples."""
    values = values_of(project)
    plan = make_plan(project.design, variant.io_type, project.name, values)
    inputs = [reference.mantissas(project, v)[:VENDOR_SAMPLES] for v in project.design.inputs]
    expected = [reference.mantissas(project, v)[:VENDOR_SAMPLES] for v in values]
    got = run_vendor(plan, inputs, expected, precompiled, options)
    place = 0
    for value, right in zip(values, expected, strict=True):
        compare(f"vendor, {variant}", value.name, value, right, got[:, place : place + value.size])
        place += value.size
    assert place == got.shape[1]


def run_vendor(
    plan: Plan,
    inputs: Sequence[Ints],
    expected: Sequence[Ints],
    precompiled: bool = True,
    options: Sequence[str] = (),
) -> Ints:
    """Return the rows that the test bench writes; (samples, all outputs one after the other), objects."""
    headers = vendor_headers()
    assert headers is not None, "no vendor headers: install hls4ml or set HLSGEN_VENDOR_HEADERS"
    flags = SANITIZED_FLAGS if sanitized.enabled else VENDOR_FLAGS
    bench = program(
        project_files(plan, {}),
        [f"{plan.top}_test.cpp", f"firmware/{plan.top}.cpp"],
        [*flags, *options, "-I.", "-Ifirmware", f"-isystem{headers}", f"-isystem{STAND_INS}"],
        prefix=VENDOR_PREFIX if precompiled else "",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, {"tb_data/inputs.dat": rows(inputs), "tb_data/expected.dat": rows(expected)})
        log = _run_bench(bench, folder)
        text = (folder / "tb_data" / "outputs.dat").read_text()
    found = np.array([[int(w) for w in line.split()] for line in text.splitlines()], dtype=object)
    assert "words of outputs have" not in log, log
    agreed = f"{len(inputs[0])} samples, 0 differ" in log
    same = found.shape == (len(inputs[0]), sum(e.shape[1] for e in expected)) and bool(
        (found == np.concatenate([e.astype(object) for e in expected], axis=1)).all()
    )
    assert agreed == same, f"the test bench miscounts: it says '{log}', its outputs are {'right' if same else 'wrong'}"
    return found


def _run_bench(bench: Path, folder: Path) -> str:
    try:
        env = sanitized.environment() if sanitized.enabled else None
        return run([str(bench)], cwd=folder, timeout=300, env=env).output
    except ToolError as error:
        if "exit status 1" in str(error):  # values differ: the caller says where
            return str(error)
        raise


def rows(arrays: Sequence[Ints]) -> str:
    """Test-bench data: a sample a line, the tensors one after the other."""
    samples = zip(*arrays, strict=True)
    return "".join(" ".join(str(int(v)) for part in sample for v in part) + "\n" for sample in samples)


def compare(where: str, key: str, value: Tensor, right: Ints, got: Ints) -> None:
    """Assert equality; a failure says where first, and how often."""
    text = f"{where}: '{key}' -> {value.type}"
    assert right.shape == got.shape, f"{text}: shape {got.shape}, expected {right.shape}"
    wrong = np.argwhere(right.astype(object) != got.astype(object))
    if len(wrong):
        sample, element = wrong[0]
        raise AssertionError(
            f"{text}: {len(wrong)} of {right.size} integers differ, first in sample {sample}, element {element}: "
            f"{got[sample, element]}, expected {right[sample, element]}"
        )


def keep(project: Project, folder: str) -> None:
    """For debugging: write the project's texts to ``folder``."""
    shutil.rmtree(folder, ignore_errors=True)
    write_files(Path(folder), project_files(project.plan, {}))


# -- models and data -------------------------------------------------------------------------------


def dyadic_weights(model: Any, seed: int = 0, frac: int = 2, bound: int = 4) -> None:
    """Give every layer weights that are multiples of ``2**-frac`` and BatchNormalization exact square roots."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            dyadic_weights(layer, seed + 1, frac, bound)
        elif type(layer).__name__ == "BatchNormalization":
            layer.set_weights([_batchnorm_weight(w, rng) for w in layer.weights])
        else:
            layer.set_weights([rng.integers(-bound, bound + 1, w.shape) / 2.0**frac for w in layer.get_weights()])


def _batchnorm_weight(weight: Any, rng: np.random.Generator) -> Any:
    name, shape = weight.name, tuple(weight.shape)
    if "variance" in name:
        return rng.choice([0.25, 1.0, 4.0], shape)
    if "gamma" in name:
        return rng.choice([-2.0, -1.0, 0.5, 1.0], shape)
    return rng.integers(-8, 9, shape) / 4.0


def grid_input(shape: Sequence[int], seed: int = 1, frac: int = 3, bound: int = 16, samples: int = 40) -> Any:
    """Random multiples of ``2**-frac`` within ``±bound * 2**-frac``, and the extremes; (samples, *shape) float32."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-bound, bound + 1, (samples, *shape)) / 2.0**frac
    x[0], x[1], x[2] = 0, -bound / 2.0**frac, bound / 2.0**frac
    return x.astype(np.float32)


def agrees_with_keras(
    project: Project, model: Any, x: Any, tolerance: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Assert that every layer's real value equals Keras's (or differs at most by its ``tolerance``).

    BatchNormalization is computed here and not by TensorFlow (see tests/oracle.py).

    Where layers were fused, only the last of them has a value of its own. Returns the largest
    difference by layer.
    """
    tolerance = dict(tolerance or {})
    keys = project.trace_keys()
    layers = [la for la in model.layers if la.name in keys and not _is_input(la)]
    last = {keys[la.name]: la for la in layers}  # of layers with one value the last is what it means
    kept = list(last.values())
    sub = processor_independent(type(model)(model.inputs, [la.output for la in kept]))
    wanted = sub.predict(x, verbose=0, batch_size=len(x[0]) if isinstance(x, list) else len(x))
    wanted = wanted if isinstance(wanted, list | tuple) else [wanted]
    found = project.evaluate(x)
    worst: dict[str, float] = {}
    for layer, right in zip(kept, wanted, strict=True):
        got = found[layer.name]
        assert got.shape == right.shape, f"{layer.name}: shape {got.shape}, Keras says {right.shape}"
        worst[layer.name] = float(np.abs(got.astype(np.float64) - right).max(initial=0.0))
    bad = {k: v for k, v in worst.items() if v > tolerance.get(k, 0.0)}
    assert not bad, f"differ from Keras: {bad}"
    return worst


def _is_input(layer: Any) -> bool:
    return type(layer).__name__ == "InputLayer"
