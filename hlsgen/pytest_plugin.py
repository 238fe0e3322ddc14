"""pytest support: cached projects, and comparisons that say where a design went wrong.

Loaded by pytest itself once hlsgen is installed::

    from hlsgen.pytest_plugin import assert_bit_exact

    def test_my_model(hls_project):
        project = hls_project("model.keras", input_precision="ufixed<8,0>")
        assert_bit_exact(project, x, expected)
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from math import inf, isfinite, ldexp
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hlsgen.ir.typing import Tensor
    from hlsgen.project import Project

_FLOAT64_BITS = 53


@pytest.fixture(scope="session")
def hls_project() -> Callable[..., Project]:
    """Return ``hls_project(model, config=None, **overrides)``: hlsgen.convert, once per session for the same arguments.

    ``model`` is a live model or the path of a file; a file that changes, be it named here or in a configuration, is
    converted anew. That a live model changes is not noticed. Compiled emulators are kept in hlsgen's own cache as well,
    across sessions.
    """
    import hlsgen

    projects: dict[Any, tuple[Any, Project]] = {}

    def make(model: Any, config: Any = None, **overrides: Any) -> Project:
        key = _key(model, config, **overrides)
        if key not in projects:
            # they are kept so that no other object gets their identity
            projects[key] = ((model, config, overrides), hlsgen.convert(model, config, **overrides))
        return projects[key][1]

    return make


@pytest.fixture(name="assert_bit_exact")
def _assert_bit_exact() -> Callable[..., None]:
    """The function assert_bit_exact of this module, for tests that prefer a fixture to an import."""
    return assert_bit_exact


def assert_bit_exact(
    project: Project,
    x: Any,
    expected: Any,
    *,
    raw: bool = False,
    layers: Mapping[str, Any] | None = None,
) -> None:
    """Fail unless the emulator computes exactly ``expected``.

    Args:
        project: what hlsgen.convert or the fixture hls_project returned.
        x: inputs as for ``project.predict``.
        expected: (samples, *shape) real values, or integer mantissas if ``raw``; a list of these for
            several outputs.
        raw: whether ``expected`` (and ``layers``) are integer mantissas.
        layers: what layers are expected to yield, by their names in the source model; used to say
            which one diverged first.

    Raises:
        InputError: ``x`` does not fit the model, or what is expected are no real numbers.
        AssertionError: says which element differs, both integers and both real values, and the first
            layer that diverged: from ``layers`` where given, else from the exact NumPy reference.
    """
    __tracebackhide__ = True
    outputs = project.design.outputs
    wanted = _by_output(expected) if len(outputs) > 1 else [expected]
    if len(wanted) != len(outputs):
        raise AssertionError(f"{project.name}: {len(wanted)} expected outputs given, the model has {len(outputs)}")
    results = project.predict(x, raw=True)
    found = results if len(outputs) > 1 else [results]
    for value, mine, given in zip(outputs, found, wanted, strict=True):
        theirs = _expected(value.name, given, raw)
        difference = _first_difference(value, mine, theirs, raw)
        if difference is not None:
            sample = difference[0]
            message = f"{project.name}: {_describe(value, mine, theirs, raw, 'expected')}"
            raise AssertionError(f"{message}\n{_divergence(project, x, sample, layers, raw)}")


# -- which arguments are the same ------------------------------------------------------------------


def _key(
    model: Any, config: Any, *, calibration: Any = None, overwrite: Any = False, after_pass: Any = None, **settings: Any
) -> Any:
    """What arguments of ``convert`` that mean the same have in common: the settings, and what they name or are.

    Raises ConfigError and InputError, as convert does.
    """
    from hlsgen.config import make_config

    read = make_config(config, **{name: value for name, value in settings.items() if value is not None})
    source = read.model if model is None else model
    vectors = () if read.test_vectors is None else (read.test_vectors.x, read.test_vectors.y)
    return (
        read.model_dump_json(),
        _stamp(source) if isinstance(source, str | os.PathLike) else id(source),
        _data(read.calibration if calibration is None else calibration),
        *map(_stamp, (read.weights, *vectors)),
        id(overwrite),
        id(after_pass),
    )


def _stamp(path: Any) -> Any:
    """A file and its state. What is no file is equal to itself: it is for convert to refuse it."""
    try:
        file = Path(os.fsdecode(path)).absolute()
        status = file.stat()
        return str(file), status.st_mtime_ns, status.st_size, status.st_ino
    except (OSError, ValueError, TypeError):
        return repr(path)


def _data(data: Any) -> Any:
    """Calibration data by their content; if they are a file, the file. Raises InputError."""
    import numpy as np

    from hlsgen.design.arrays import real_array

    if data is None or isinstance(data, str | os.PathLike):
        return _stamp(data)
    if isinstance(data, Mapping):
        return tuple((name, _data(value)) for name, value in data.items())
    if isinstance(data, list | tuple) and any(isinstance(item, np.ndarray) for item in data):
        return tuple(map(_data, data))
    array = real_array("calibration", data)
    return array.dtype.str, array.shape, hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()


# -- comparing -----------------------------------------------------------------------------------


def _by_output(expected: Any) -> list[Any]:
    from hlsgen.errors import InputError, brief

    if not isinstance(expected, Iterable):
        raise InputError(f"expected: the model has several outputs; give a list of arrays, found {brief(expected)}")
    return list(expected)


def _expected(name: str, data: Any, raw: bool) -> NDArray[Any]:
    """What is expected of a layer or an output, as an array. Raises InputError for what are no real numbers."""
    from hlsgen.design.arrays import real_array

    return real_array(f"expected '{name}'", data, of_any_size=raw)


def _mantissas(value: Tensor, expected: NDArray[Any], raw: bool) -> NDArray[Any]:
    """Expected mantissas, as exact as their dtype: fractional where a real value is off the type's grid."""
    import numpy as np

    scaled = expected if raw else np.ldexp(expected.astype(np.float64), value.type.frac)
    return scaled.astype(object) if value.type.width > _FLOAT64_BITS else scaled  # Python compares exactly


def _differing(value: Tensor, found: NDArray[Any], expected: NDArray[Any], raw: bool) -> NDArray[np.bool_]:
    import numpy as np

    return np.asarray(found != _mantissas(value, expected, raw), dtype=bool)


def _first_difference(value: Tensor, found: NDArray[Any], expected: NDArray[Any], raw: bool) -> tuple[int, ...] | None:
    import numpy as np

    if found.shape != expected.shape:
        raise AssertionError(f"'{value.name}': shape {found.shape}, expected {expected.shape}")
    where = np.argwhere(_differing(value, found, expected, raw))
    return tuple(int(i) for i in where[0]) if len(where) else None


def _describe(value: Tensor, found: NDArray[Any], expected: NDArray[Any], raw: bool, whose: str) -> str:
    """How many elements differ, and the first: index, integers, real values."""
    import numpy as np

    differing = _differing(value, found, expected, raw)
    first = tuple(int(i) for i in np.argwhere(differing)[0])
    samples = int(differing.reshape(len(differing), -1).any(axis=1).sum())
    wanted = _mantissas(value, expected, raw)[first]
    rows = [("found", found[first]), (whose, wanted)]
    lines = [
        f"{int(differing.sum())} of {found.size} values differ, in {samples} of {len(found)} samples",
        f"  first at '{value.name}'{list(first)}, {value.type}:",
        *(f"    {name:<10}{_number(m):>12} = {_number(_real(m, value.type.frac))}" for name, m in rows),
    ]
    if not raw and (float(wanted) % 1 or not value.type.min_mantissa <= wanted <= value.type.max_mantissa):
        lines.append(f"    the {whose} value is none that {value.type} can hold")
    return "\n".join(lines)


def _real(mantissa: Any, frac: int) -> float:
    try:
        return ldexp(float(mantissa), -frac)
    except OverflowError:  # expected may be anything
        return inf if mantissa > 0 else -inf


def _number(number: Any) -> str:
    from hlsgen.errors import brief

    if isinstance(number, int):
        return brief(number)
    if not isfinite(number):
        return str(number)
    whole = float(number) == int(number)
    return str(int(number)) if whole else repr(float(number))


# -- which layer ---------------------------------------------------------------------------------


def _divergence(project: Project, x: Any, sample: int, layers: Mapping[str, Any] | None, raw: bool) -> str:
    """Say which layer is the first to differ, on the one sample that failed."""
    from hlsgen.design.arrays import checked_inputs

    inputs = checked_inputs(project.design.inputs, x)
    one = {name: data[sample : sample + 1] for name, data in inputs.items()}
    found = project.trace(one, raw=True)
    if layers is not None:
        expected = {key: _expected(key, data, raw)[sample : sample + 1] for key, data in layers.items()}
        unknown = sorted(set(expected) - set(found))
        if unknown:
            return f"  layers={unknown} are no layers of this project; it has {list(found)}"
        return _first_layer(project, found, expected, raw, "expected")
    report = _first_layer(project, found, project.evaluate(one, raw=True), True, "reference")
    return report + (
        "\n  give layers={name: expected values} to learn where the source model and the design part"
        if "agree" in report
        else "\n  this is a bug of hlsgen: emulator and NumPy reference have to agree"
    )


def _first_layer(project: Project, found: Mapping[str, Any], expected: Mapping[str, Any], raw: bool, whose: str) -> str:
    values = project.trace_keys()
    order = {tensor: i for i, tensor in enumerate(project.design.tensors)}
    for key in sorted(expected, key=lambda key: order[values[key]]):
        if _first_difference(values[key], found[key], expected[key], raw) is not None:
            what = _describe(values[key], found[key], expected[key], raw, whose)
            return f"  first layer to diverge from the {whose} values: '{key}' (this sample alone): {what}"
    return f"  emulator and {whose} values agree on every layer compared"
