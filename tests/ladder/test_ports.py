"""Ports of the top function against the vendor's headers: the test bench packs words bit by bit, by a text of its own.

It sets the bits above the elements of inputs and looks at those of outputs.
"""

from __future__ import annotations

from typing import Any

import pytest

from hlsgen.backends.hls.border import HEADERS, bordered
from hlsgen.project import Project
from tests.ladder.harness import VENDOR_SAMPLES, Reference, check_predict, compare, flat, run_vendor
from tests.ladder.harness import Variant as Built
from tests.passes.builders import Net, grid, project_of


def check_ports(project: Project, x: Any, precompiled: bool = True, samples: int = VENDOR_SAMPLES) -> None:
    """Assert that the emulator and the project as it is written give what NumPy says."""
    reference = Reference(project, x)
    check_predict(project, Built("as configured", project.config.io_type), reference)
    inputs = [flat(reference.mantissas(project, tensor))[:samples] for tensor in project.design.inputs]
    outputs = [reference.mantissas(project, tensor)[:samples] for tensor in project.design.outputs]
    got = run_vendor(project.plan, inputs, outputs, precompiled)
    place = 0
    for tensor, right in zip(project.design.outputs, outputs, strict=True):
        compare("vendor", tensor.name, tensor, right, got[:, place : place + tensor.size])
        place += tensor.size


def two_branches() -> Net:
    """Words of 51 and 35 bits in, of 3 times 13 and 5 times 17 bits out: none a whole number of bytes."""
    net = Net(3, "ports")
    a, b = net.input((2, 3, 3), "image"), net.input((5,), "side")
    net.conv("conv", a, 3, 3, padding="same")
    net.dense("fc", b, 5, 5)
    return net


TWO = {
    "input_precision": {"image": "fixed<17,4>", "side": "ufixed<7,3>"},
    "layers": {
        "conv": {"precision": {"result": "ufixed<13,5,TRN,SAT>"}},
        "fc": {"precision": {"result": "fixed<17,7>"}},
    },
    "project_name": "dut",
}


def two_ports(**settings: Any) -> Project:
    return project_of(two_branches().source("conv", "fc"), **{**TWO, **settings})


def data() -> dict[str, Any]:
    return {
        "image": grid((2, 3, 3), samples=12, frac=5, bound=200),
        "side": abs(grid((5,), samples=12, frac=4, bound=100)),
    }


@pytest.mark.parametrize("tlast", [False, True])
def test_streams_of_words(tlast: bool):
    project = two_ports(io_type="io_stream", tlast=tlast)
    ports = {port.wire.name: port for port in project.plan.ports}
    found = {name: (port.elements, port.bits, port.words) for name, port in ports.items()}
    assert found == {"image": (3, 56, 6), "side": (5, 40, 1), "conv": (3, 40, 6), "fc": (5, 88, 1)}
    types = project.files["firmware/types.h"]
    assert ("typedef ap_axiu<56, 0, 0, 0> image_word;" if tlast else "typedef ap_uint<56> image_word;") in types
    check_ports(project, data())


def test_words_that_hold_a_part_of_a_pack():
    """16 bits take no pack: of the inputs parts are computed with, those of the outputs are made by the border."""
    project = two_ports(io_type="io_stream", port_width=24)
    found = {port.wire.name: (port.elements, port.bits, port.words) for port in project.plan.ports}
    assert found == {"image": (1, 24, 18), "side": (1, 8, 5), "conv": (1, 16, 18), "fc": (1, 24, 5)}
    assert {step.kernel.function for step in bordered(project.plan).steps} >= {"repack", "read_words", "write_words"}
    check_ports(project, data())


def test_words_wider_than_the_headers_take_unasked():
    """1,024 bits unless AP_INT_MAX_W says otherwise, before the headers; 4,096 are the end of it."""
    net = Net(5, "wide")
    net.call("ReLU", "relu", net.input((2, 300), "x"))
    project = project_of(net.source("relu"), io_type="io_stream", input_precision="fixed<9,4>")
    assert [(port.elements, port.bits, port.words) for port in project.plan.ports] == [(300, 2704, 2), (300, 2400, 2)]
    assert "#define AP_INT_MAX_W 4096" in project.files["firmware/types.h"]
    check_ports(project, grid((2, 300), samples=12, frac=5, bound=100), precompiled=False)
    wider = project.with_settings(input_precision="fixed<16,4>")
    assert next((port.elements, port.bits, port.words) for port in wider.plan.ports) == (150, 2400, 4)


def image_chain() -> Net:
    """A dataflow whose image and hidden tensors are larger than it holds as arrays."""
    net = Net(9, "chain")
    x = net.conv("conv", net.input((14, 14, 3), "image"), 3, 4, padding="same", activation="relu")
    x = net.call("MaxPooling2D", "pool", x, pool_size=[2, 2], strides=[2, 2])
    net.dense("classes", net.call("Flatten", "flat", x), 196, 5)
    return net


def test_arrays_only_at_the_ports():
    """The whole project of a large io_parallel design: a memory a pixel a word, one port an element of the classes."""
    project = project_of(
        image_chain().source("pool", "classes"), input_precision="fixed<11,4>", layers={"pool": {"reuse_factor": 2}}
    )
    assert project.plan.stream and project.plan.dataflow
    found = [
        (port.form.name, port.elements, port.bits // port.wire.type.width, port.words) for port in project.plan.ports
    ]
    assert found == [("ROWS", 3, 3, 196), ("ROWS", 4, 4, 49), ("ELEMENTS", 1, 1, 1)]
    code = project.files["firmware/chain.cpp"]
    assert "void chain(const image_t image[196][3], pool_copy_t pool_copy[49][4], classes_t classes[5]) {\n" in code
    assert "#pragma HLS ARRAY_RESHAPE variable=image complete dim=2\n" in code
    assert "#pragma HLS INTERFACE mode=ap_memory port=image storage_type=ram_1p\n" in code
    check_ports(project, grid((14, 14, 3), samples=12, frac=4, bound=100))


@pytest.mark.parametrize(
    ("size", "filters", "stream"), [(16, 2, False), (16, 3, True)], ids=["512 elements", "more elements"]
)
def test_above_which_size_a_dataflow_computes_in_streams(size: int, filters: int, stream: bool):
    net = Net(2, "sized")
    net.conv("conv", net.input((size, size, 1), "x"), 1, filters, 1)
    plan = project_of(net.source("conv")).plan
    assert (plan.stream, plan.dataflow) == (stream, True)


@pytest.mark.parametrize(("size", "stream"), [(4096, False), (4097, True)])
def test_above_which_size_a_flat_pipeline_does(size: int, stream: bool):
    net = Net(2, "sized")
    net.call("ReLU", "relu", net.input((size,), "x"))
    plan = project_of(net.source("relu")).plan
    assert (plan.stream, plan.dataflow) == (stream, stream)


def test_an_array_that_no_word_holds_is_a_port_an_element():
    """4,096 bits are the widest: 256 elements of 16 bits."""
    for size, form, bits in ((256, "WORD", 4096), (257, "ELEMENTS", 16)):
        net = Net(2, "sized")
        net.call("ReLU", "relu", net.input((size,), "x"))
        project = project_of(net.source("relu"), input_precision="fixed<16,6>")
        port = project.plan.ports[0]
        assert (port.form.name, port.bits) == (form, bits)
        assert ("ARRAY_RESHAPE variable=x" in project.files["firmware/sized.cpp"]) == (form == "WORD")


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_words_in_memory(io_type: str):
    """A power of two of bytes each: 51 bits are 64, 35 are 64, 39 are 64, 85 are 128."""
    project = two_ports(io_type=io_type, interface="axi_master")
    found = {port.wire.name: (port.elements, port.bits, port.words) for port in project.plan.ports}
    assert found == {"image": (3, 64, 6), "side": (5, 64, 1), "conv": (3, 64, 6), "fc": (5, 128, 1)}
    check_ports(project, data())


def test_several_samples_in_a_call():
    """The bench gives four samples and then three: what is behind those of a call must not be touched."""
    project = two_ports(interface="axi_master", batch=True, port_width=32, strategy="resource")
    found = {port.wire.name: (port.elements, port.bits, port.words) for port in project.plan.ports}
    assert found == {"image": (1, 32, 18), "side": (1, 8, 5), "conv": (1, 16, 18), "fc": (1, 32, 5)}
    code = project.files["firmware/dut.cpp"]
    assert "port=image offset=slave bundle=gmem0 depth=72 max_read_burst_length=256 max_widen_bitwidth=32\n" in code
    assert 'extern "C" void dut(' in project.files["firmware/dut.h"]
    check_ports(project, data(), samples=7)


@pytest.mark.parametrize("settings", [{"io_type": "io_stream"}, {"interface": "axi_master"}], ids=str)
def test_an_input_that_nobody_reads_is_emptied(settings: dict[str, Any]):
    """Its stream would fill, and then the design would stop; nor may anything be left in it."""
    project = project_of(two_branches().source("fc"), **{**TWO, **settings, "layers": {}})
    assert [step.inputs[0].name for step in project.plan.steps if step.kernel.function == "discard"] == ["image"]
    check_ports(project, data())


def test_every_kernel_of_a_border_is_compiled_here():
    projects = [
        two_ports(io_type="io_stream"),
        two_ports(io_type="io_stream", tlast=True),
        two_ports(interface="axi_master"),
        two_ports(interface="axi_master", batch=True),
        project_of(image_chain().source("pool", "classes")),
    ]
    assert {step.kernel.header for p in projects for step in bordered(p.plan).steps} >= HEADERS
