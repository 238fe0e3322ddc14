"""Layers of one's own, from outside of the package: what is needed to write one, to register it and to try it.

docs/your_own_layer.md shows it on an example.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ldexp
from pathlib import Path
from typing import Any, get_args

import numpy as np

from hlsgen.backends.hls.headers import register_headers
from hlsgen.backends.hls.kernel import (
    BINDINGS,
    Binding,
    ConstantArray,
    Kernel,
    Member,
    Word,
    call,
    call_into_two,
    call_of_two,
    summed,
)
from hlsgen.backends.hls.timing import Passing, Timing
from hlsgen.config import IoType, make_config
from hlsgen.design.reference import evaluate
from hlsgen.errors import ConfigError, brief
from hlsgen.frontends.builder import add_input
from hlsgen.frontends.keras.call import READERS, Call, Reader
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.graph import Graph, Source, Value
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Exact, Layer, Packing
from hlsgen.ir.op import Op
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers
from hlsgen.named_files import named_path
from hlsgen.project import Project

__all__ = [
    "Call", "Constant", "ConstantArray", "Context", "Exact", "FixedType", "Floats", "Interval", "Ints", "Kernel",
    "Layer", "Member", "Op", "Overflow", "Packing", "Passing", "Pattern", "Rounding", "Shape", "Timing", "Value",
    "Word", "call", "call_into_two", "call_of_two", "check_layer", "integers", "register_layer", "summed",
]  # fmt: skip

Read = Callable[[Call], Layer | Value | Sequence[Value]]
_FROM_OUTSIDE: set[str] = set()
"""The classes that were registered here; they may be registered anew, as a notebook's cell that is run again does."""


def register_layer(
    keras_class: str | type,
    read: Read,
    *,
    kernels: Mapping[type[Layer], Binding] | None = None,
    headers: Iterable[str | Path] = (),
) -> None:
    """Let ``convert`` read a Keras layer of your own, from live models and from files. Their code is never run.

    Args:
        keras_class: the class, or how models name it: ``"package>Class"``, as in
            ``keras.saving.register_keras_serializable("package")``; without a package, the first part of its module.
        read: gets the call of the layer, takes its options and weights, and returns the layer that computes it; or adds
            several to the graph and returns the value (or values) that carry the result.
        kernels: for each class of layers of your own, the function ``(layer, op) -> Kernel`` that says how its C++
            kernel is called.
        headers: the files of those kernels, which are written into projects beside hlsgen's. They are read now.

    Raises:
        ConfigError: a class that hlsgen reads itself, a header that cannot be read or is called as one of hlsgen's is,
            or something of another kind than said here.
    """
    names = _names_of(keras_class)
    bindings = _checked(keras_class, read, kernels)
    if isinstance(headers, str | Path):
        raise ConfigError(f"register_layer(): headers is {brief(headers)}, expected a list of paths")
    register_headers([Path(named_path(header, "a header", ConfigError)) for header in headers])
    reader = _reader(read)
    for name in names:
        READERS[name] = reader
        _FROM_OUTSIDE.add(name)
    BINDINGS.update(bindings)


def _names_of(keras_class: str | type) -> list[str]:
    """What models may call a class."""
    if isinstance(keras_class, str):
        names = [keras_class]
    elif isinstance(keras_class, type):
        names = [f"{keras_class.__module__.partition('.')[0]}>{keras_class.__name__}", *_registrations(keras_class)]
    else:
        raise ConfigError(f"register_layer(): {brief(keras_class)} is no class of Keras layers, and no name of one")
    for name in names:
        package, mark, bare = name.rpartition(">")
        if not (package and mark and bare):
            raise ConfigError(
                f"register_layer(): {brief(name)} has no package; expected 'package>Class', as models name a class of "
                'your own, registered with keras.saving.register_keras_serializable("package")'
            )
        if name in READERS and name not in _FROM_OUTSIDE:
            raise ConfigError(f"register_layer(): {name!r} is read by hlsgen itself")
    return names


def _registrations(kind: type) -> list[str]:
    """The names under which loaded frameworks know a class."""
    found = []
    for library in ("keras", "tf_keras"):
        saving = getattr(sys.modules.get(library), "saving", None)
        name = getattr(saving, "get_registered_name", lambda known: known.__name__)(kind)
        found += [name] if ">" in name else []
    return found


def _checked(keras_class: Any, read: Any, kernels: Any) -> dict[type[Layer], Binding]:
    """The bindings, if all are of the kind they are said to be, and none is of a layer of hlsgen's."""
    where = f"register_layer({brief(keras_class)})"
    if not callable(read):
        raise ConfigError(f"{where}: read is {brief(read)}, expected a function of the layer's call")
    if not isinstance(kernels, Mapping | None):
        raise ConfigError(f"{where}: kernels is {brief(kernels)}, expected a dictionary from layers to functions")
    for kind, binding in (kernels or {}).items():
        if not (isinstance(kind, type) and issubclass(kind, Layer)) or not callable(binding):
            raise ConfigError(f"{where}: kernels has {brief(kind)}: {brief(binding)}, expected a Layer and a function")
        if kind.__module__.partition(".")[0] == __name__.partition(".")[0]:
            raise ConfigError(f"{where}: kernels has {kind.__name__}, whose kernel hlsgen has itself")
    return dict(kernels or {})


def _reader(read: Read) -> Reader:
    def reader(call: Call) -> Value | Sequence[Value]:
        result = read(call)
        return call.add(result) if isinstance(result, Layer) else result

    return reader


# -- trying a layer -------------------------------------------------------------------------------


def check_layer(
    layer: Layer,
    *shapes: Shape,
    input_type: str = "fixed<8,3>",
    result_type: str | None = None,
    samples: int = 200,
    seed: int = 0,
) -> None:
    """Fail unless everything that a layer says of itself agrees on inputs of these shapes (without the batch).

    Random numbers and the ends of the input's type go through :meth:`Layer.exact`, which has to keep to
    :meth:`Layer.interval` and, where the layer is pure, to equal :meth:`Layer.evaluate_float`; the reference and the
    emulator have to give the same integers, in arrays and in streams. ``result_type``: a result to which it is cast.

    Raises:
        AssertionError: says what differs, and where. HlsgenError: the layer cannot be converted or compiled.
    """
    rng = np.random.default_rng(seed)
    fixed = FixedType.parse(input_type)
    mantissas = [_mantissas(fixed, (samples, *shape), rng) for shape in shapes]
    for io_type in get_args(IoType):
        project = _project(layer, shapes, input_type, result_type, io_type)
        op = next(op for op in project.design if not op.is_input and type(op.layer) is type(layer))
        inputs = [Exact(x, fixed.frac) for x in mantissas]
        _check_meaning(op.layer, inputs, [tensor.type for tensor in op.inputs])
        known = evaluate(project.design, {t.name: x for t, x in zip(project.design.inputs, mantissas, strict=True)})
        results = project.predict([np.ldexp(x.astype(float), -fixed.frac) for x in mantissas], raw=True)
        found = results if isinstance(results, list) else [results]
        for tensor, mine in zip(project.design.outputs, found, strict=True):
            _equal(f"{layer.kind}, {io_type}: the kernel", mine, known[tensor])


def _mantissas(fixed: FixedType, shape: Shape, rng: np.random.Generator) -> Ints:
    """Random values of a type; the first two samples are its ends, and others are near zero."""
    x = rng.integers(fixed.min_mantissa, fixed.max_mantissa + 1, shape)
    x[0], x[1 % len(x)] = fixed.min_mantissa, fixed.max_mantissa
    x[len(x) // 2 :] >>= rng.integers(0, fixed.width, (len(x) - len(x) // 2, *(1,) * (x.ndim - 1)))
    return integers(x)


def _project(layer: Layer, shapes: Sequence[Shape], input_type: str, result_type: str | None, io_type: str) -> Project:
    graph = Graph("check")
    inputs = [add_input(graph, f"x{place}", shape) for place, shape in enumerate(shapes)]
    node = graph.add_node(layer, inputs, "layer", Source("layer", layer.kind))
    graph.set_outputs(node.outputs, [f"y{place}" for place, _ in enumerate(node.outputs)])
    wish = {"layers": {"layer": {"precision": {"result": result_type}}}} if result_type is not None else {}
    return Project(graph, make_config(input_precision=input_type, io_type=io_type, **wish))


def _check_meaning(layer: Layer, inputs: Sequence[Exact], types: Sequence[FixedType]) -> None:
    """Compare exact results with the interval and, of a pure layer, with the real-number meaning."""
    shapes = [x.mantissas.shape[1:] for x in inputs]
    bounds = layer.intervals([Interval.of_type(t, s[-1]) for t, s in zip(types, shapes, strict=True)], shapes)
    results = layer.exacts(inputs)
    meant = layer.evaluate_floats([np.ldexp(x.mantissas.astype(float), -x.frac) for x in inputs])
    for result, bound, real in zip(results, bounds, meant, strict=True):
        frac = max(result.frac, bound.frac)
        held, bound = Interval.of_values(*result).at(frac), bound.at(frac)
        if np.any(held.low < bound.low) or np.any(held.high > bound.high):
            raise AssertionError(
                f"{layer.kind}: exact() leaves what interval() says: of some channel it reaches from "
                f"{ldexp(held.lowest, -frac)} to {ldexp(held.highest, -frac)}, and the bounds of all are "
                f"{ldexp(bound.lowest, -frac)} and {ldexp(bound.highest, -frac)}"
            )
        if layer.pure:
            _equal(f"{layer.kind}: exact()", np.ldexp(result.mantissas.astype(float), -result.frac), real)


def _equal(what: str, found: Any, wanted: Any) -> None:
    if np.shape(found) != np.shape(wanted):
        raise AssertionError(f"{what} has the shape {np.shape(found)}, expected {np.shape(wanted)}")
    places = np.argwhere(np.asarray(found) != np.asarray(wanted))
    if len(places):
        place = tuple(int(i) for i in places[0])
        raise AssertionError(
            f"{what} differs in {len(places)} of {np.size(wanted)} values, first at {place}: "
            f"{np.asarray(found)[place]}, expected {np.asarray(wanted)[place]}"
        )
