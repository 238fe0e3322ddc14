"""What a backend cannot build is refused, with the place to look at."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hlsgen.backends.hls import kernel
from hlsgen.backends.hls.kernel import Kernel, call, kernel_of
from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.ir.graph import Graph, Source
from hlsgen.ir.op import Op
from hlsgen.layers.convert import Convert
from hlsgen.layers.input import Input
from hlsgen.layers.relu import Relu
from hlsgen.project import Project
from tests.passes.builders import Net, make_config, project_of


@dataclass(frozen=True, eq=False)
class Foreign(Convert):
    """A layer without a kernel, which is no identity."""

    kind = "Foreign"

    def is_identity(self, shapes):
        return False


def project_with(layer) -> Project:
    graph = Graph("net")
    x = graph.add(Input((3,)), (), "x", Source("x", "InputLayer"))
    graph.set_outputs([graph.add(layer, [x], "strange", Source("strange", "MyLayer"))], ["strange"])
    return Project(graph, make_config())


def test_a_layer_without_a_kernel():
    project = project_with(Foreign())
    with pytest.raises(UnsupportedError, match=r"layer 'strange' \(MyLayer\): there is no C\+\+ kernel for Foreign"):
        _ = project.files


def test_a_kernel_without_a_header(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(kernel.BINDINGS, Foreign, lambda layer, op: call(op, "foreign", "rleu.h", {}))
    with pytest.raises(UnsupportedError, match=r"hls_templates/firmware/hlsgen/rleu\.h.*did you mean 'relu\.h'"):
        _ = project_with(Foreign()).plan


def test_a_layer_bound_twice():
    with pytest.raises(TypeError, match=r"Relu is bound twice: hlsgen\.backends\.hls\.kernels\.elementwise"):

        @kernel_of(Relu)
        def again(layer: Relu, op: Op) -> Kernel:
            raise NotImplementedError


def test_a_backend_that_does_not_exist():
    net = Net()
    net.dense("fc", net.input((2,)), 2, 2)
    with pytest.raises(ConfigError, match="backend: there is no backend 'vitiss'; did you mean 'vitis'"):
        project_of(net.source("fc"), backend="vitiss")
