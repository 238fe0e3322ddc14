"""Layers of the user's own: what is refused when they are registered, and what check_layer finds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen import extension
from hlsgen.backends.hls import headers
from hlsgen.backends.hls.kernel import BINDINGS
from hlsgen.cli.extensions import import_extensions
from hlsgen.errors import ConfigError, ToolError, UnsupportedError
from hlsgen.extension import Exact, FixedType, Floats, Interval, Kernel, Layer, Op, Packing, Shape, call, check_layer
from hlsgen.frontends.keras.call import READERS
from hlsgen.layers.relu import Relu
from tests.passes.builders import Net, project_of

KERNEL = """
#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
namespace hlsgen {
template <class C> void negate(const typename C::input_t x[C::size], typename C::output_t y[C::size]) {
    for (int e = 0; e < C::size; e++) y[e] = cast<typename C::output_t>(VALUE);
}
template <class C, class X, class Y> void negate(hls::stream<X>& x, hls::stream<Y>& y) {
    for (int p = 0; p < C::size / X::size; p++) {
        const X word = x.read();
        Y result;
        for (int e = 0; e < X::size; e++) result.data[e] = cast<typename C::output_t>(-word.data[e]);
        y.write(result);
    }
}
}  // namespace hlsgen
"""


@dataclass(frozen=True, eq=False)
class Negate(Layer):
    """``-x``; the fields are what a mistake looks like."""

    kind = "Negate"
    packing = Packing.ELEMENTS
    pure = True
    casts = frozenset({"result"})
    reaches: int = 0
    """By how many steps the interval is too short."""
    meant: float = -1.0

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        return Exact(-inputs[0].mantissas, inputs[0].frac)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self.meant * inputs[0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return Interval(-inputs[0].high, -inputs[0].low - self.reaches, inputs[0].frac)


def kernel(layer: Negate, op: Op) -> Kernel:
    return call(op, "negate", "negate.h", {"size": op.output.size})


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Any]:
    """``own(value)`` registers the kernel, which computes ``value`` in arrays; nothing of it is left behind."""

    def register(value: str = "-x[e]") -> Path:
        path = tmp_path / "negate.h"
        path.write_text(KERNEL.replace("VALUE", value))
        hlsgen.register_layer("mine>Negate", lambda call: Negate(), kernels={Negate: kernel}, headers=[path])
        return path

    yield register
    READERS.pop("mine>Negate", None)
    BINDINGS.pop(Negate, None)
    headers._REGISTERED.pop("negate.h", None)
    extension._FROM_OUTSIDE.discard("mine>Negate")


def negated() -> Any:
    net = Net()
    return net.source(net.call("mine>Negate", "negated", net.input((4,))))


def test_a_layer_that_agrees(own):
    own()
    check_layer(Negate(), (5,), input_type="fixed<6,3>")
    check_layer(Negate(), (2, 3, 4), input_type="ufixed<6,3>", result_type="fixed<4,3,RND,SAT>")
    project = project_of(negated(), input_precision="fixed<6,3>")
    np.testing.assert_array_equal(project.predict(np.array([[1.0, -4.0, 3.875, 0.125]])), [[-1, 4, -3.875, -0.125]])


@pytest.mark.parametrize(
    ("value", "layer", "said"),
    [
        ("-x[e]", Negate(reaches=1), r"exact\(\) leaves what interval\(\) says.* to 4.0, .* -3.875 and 3.875"),
        ("-x[e]", Negate(meant=1.0), r"exact\(\) differs in \d+ of"),
        ("x[e]", Negate(), "Negate, io_parallel: the kernel differs in .* first at"),
    ],
)
def test_a_mistake_is_found(own, value, layer, said):
    own(value)
    with pytest.raises(AssertionError, match=said):
        check_layer(layer, (5,), input_type="fixed<6,3>")


def test_a_kernel_that_does_not_compile_is_named(own):
    own("no_such_name")
    with pytest.raises(ToolError, match=r"register_layer: negate.h[\s\S]*no_such_name"):
        check_layer(Negate(), (5,))


def test_registered_again_it_is_compiled_anew(own):
    own("x[e]")
    own()
    check_layer(Negate(), (5,))


def test_headers_are_written_where_they_are_used(own, tmp_path):
    path = own()
    folder = project_of(negated(), output_dir=tmp_path / "out").write()
    assert (folder / "firmware" / "hlsgen" / "negate.h").read_text() == path.read_text()
    net = Net()
    other = project_of(net.source(net.dense("fc", net.input((4,)), 4, 2)), output_dir=tmp_path / "other").write()
    assert not (other / "firmware" / "hlsgen" / "negate.h").exists()


def test_without_a_header(own):
    hlsgen.register_layer("mine>Negate", lambda call: Negate(), kernels={Negate: kernel})
    with pytest.raises(UnsupportedError, match=r"firmware/hlsgen/negate.h, or registered with it; there is none"):
        project_of(negated()).compile()


def named(path: Path, name: str) -> Path:
    (path / name).write_text("")
    return path / name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (lambda path: {"keras_class": "Dense"}, "'Dense' has no package"),
        (lambda path: {"keras_class": ">Dense"}, "has no package"),
        (lambda path: {"keras_class": 7}, "7 is no class of Keras layers"),
        (lambda path: {"read": None}, "read is None, expected a function"),
        (lambda path: {"kernels": [Negate]}, "kernels is .*, expected a dictionary"),
        (lambda path: {"kernels": {"Negate": kernel}}, "expected a Layer and a function"),
        (lambda path: {"kernels": {Relu: kernel}}, "Relu, whose kernel hlsgen has itself"),
        (lambda path: {"headers": str(path)}, "expected a list of paths"),
        (lambda path: {"headers": [3]}, "expected the path of a header, found 3"),
        (lambda path: {"headers": [path / "none.h"]}, "none.h: cannot be read"),
        (lambda path: {"headers": [named(path, "relu.h")]}, "hlsgen has a header of the name relu.h itself"),
        (lambda path: {"headers": [named(path, "ap_fixed.h")]}, "hlsgen has a header of the name"),
        (lambda path: {"headers": [named(path, 'a";b.h')]}, "expected a name of letters"),
    ],
)
def test_refused(tmp_path, arguments, said):
    given = {"keras_class": "mine>Other", "read": lambda call: Negate(), **arguments(tmp_path)}
    with pytest.raises(ConfigError, match=said):
        hlsgen.register_layer(given.pop("keras_class"), given.pop("read"), **given)
    assert "mine>Other" not in READERS, "nothing is half registered"


def test_extensions_that_cannot_be_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "broken_layers.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError, match="broken_layers: the module cannot be imported .ZeroDivisionError"):
        import_extensions(["broken_layers"])
    for name in ("broken_layers.py", "some/path", ""):
        with pytest.raises(ConfigError, match="without .py"):
            import_extensions([name])


def test_what_is_said_of_types():
    assert FixedType is hlsgen.FixedType
    assert set(extension.__all__) <= set(vars(extension)), "everything that is promised is there"
