"""One truth: pragmas, header comment and summary say the same of every port; a config struct holds what its kernel reads."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.program import Plan
from hlsgen.errors import ConfigError
from hlsgen.project import Project
from hlsgen.tools import templates_dir
from tests.passes.builders import Net, project_of
from tests.passes.random_graphs import random_network

IO = ["io_parallel", "io_stream"]


def two_ports(**settings: Any) -> Project:
    net = Net(3, "ports")
    a, b = net.input((3, 2), "first"), net.input((3, 2), "second")
    net.call("Add", "sum", [a, b])
    net.call("ReLU", "positive", "sum")
    return project_of(net.source("sum", "positive"), input_precision="fixed<7,3>", **settings)


RESHAPED = ("ARRAY_RESHAPE variable={} complete dim=0", "INTERFACE mode=ap_vld port={}")
PARTITIONED = ("ARRAY_PARTITION variable={} complete dim=0", "INTERFACE mode=ap_vld port={}")
AXIS = ("INTERFACE mode=axis port={}",)
MASTER = (
    "INTERFACE mode=m_axi port={0} offset=slave bundle=gmem{1} depth=3 max_{2}_burst_length=256",
    "INTERFACE mode=s_axilite port={0} bundle=control",
)
OF_BATCHES = (MASTER[0].replace("depth=3", "depth=12") + " max_widen_bitwidth=16", MASTER[1])
FORMS = {
    # settings: for inputs and for outputs the form, ports, bits, words, and the pragmas
    "arrays": ({}, ("WORD", 1, 42, 1, RESHAPED), ("ELEMENTS", 6, None, 1, PARTITIONED)),
    "streams": ({"io_type": "io_stream"}, ("STREAM", 1, 16, 3, AXIS), ("STREAM", 1, 16, 3, AXIS)),
    "memory": ({"interface": "axi_master"}, ("MEMORY", 1, 16, 3, MASTER), ("MEMORY", 1, 16, 3, MASTER)),
    "batches": (
        {"interface": "axi_master", "batch": True}, ("MEMORY", 1, 16, 3, OF_BATCHES), ("MEMORY", 1, 16, 3, OF_BATCHES)),
    "packets": ({"io_type": "io_stream", "tlast": True}, ("PACKETS", 1, 16, 3, AXIS), ("PACKETS", 1, 16, 3, AXIS)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_pragmas_header_and_summary_agree(name: str):
    settings, *expected = FORMS[name]
    project = two_ports(**{"io_type": "io_parallel", **settings})
    code, header = (project.files[f"firmware/ports.{end}"] for end in ("cpp", "h"))
    rows = project.summary().split("Ports of the top function\n")[1].split("\n\n")[0].splitlines()[2:]
    summary = {row.split()[0]: re.split(r"\s{2,}", row) for row in rows}
    assert [port.is_input for port in project.plan.ports] == [True, True, False, False]
    for number, port in enumerate(project.plan.ports):
        form, ports, bits, words, pragmas = expected[0 if port.is_input else 1]
        bits = bits or port.wire.type.width
        assert (port.form.name, port.bits, port.words) == (form, bits, words)
        wire = port.wire.name
        (comment,) = re.findall(rf"^//   {wire} +(.*)$", header, re.MULTILINE)
        assert f"{bits} bits" in comment and comment.endswith(port.form.value)
        found = re.findall(rf"^#pragma HLS (.*(?:variable|port)={wire}\b.*)$", code, re.MULTILINE)
        assert found == [pragma.format(wire, number, "read" if port.is_input else "write") for pragma in pragmas]
        direction, element = "in" if port.is_input else "out", str(port.wire.type)
        assert summary[wire] == [wire, direction, element, str(ports), str(bits), str(words), port.form.value]


CONTROLS = {
    "default": ({}, ["ap_ctrl_hs"], "ap_vld, ap_ctrl_hs"),
    "flat without": ({"control": "ap_ctrl_none"}, ["ap_ctrl_none"], "ap_vld, ap_ctrl_none"),
    "chain": ({"io_type": "io_stream", "control": "ap_ctrl_chain"}, ["ap_ctrl_chain"], "axis, ap_ctrl_chain"),
    "streams without": ({"io_type": "io_stream", "control": "ap_ctrl_none"}, ["ap_ctrl_none"], "axis, ap_ctrl_none"),
    "registers": ({"axi_lite": True}, ["ap_ctrl_hs", "s_axilite"], "ap_vld, ap_ctrl_hs on AXI4-Lite"),
    "memory": ({"interface": "axi_master"}, ["ap_ctrl_hs", "s_axilite"], "axi_master, ap_ctrl_hs on AXI4-Lite"),
    "batches": (
        {"interface": "axi_master", "batch": True, "control": "ap_ctrl_chain"},
        ["ap_ctrl_chain", "s_axilite"],
        "axi_master, ap_ctrl_chain on AXI4-Lite, several samples a call",
    ),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_control(name: str):
    settings, modes, said = CONTROLS[name]
    project = two_ports(**settings)
    code = project.files["firmware/ports.cpp"]
    assert re.findall(r"^#pragma HLS INTERFACE mode=(\w+) port=return", code, re.MULTILINE) == modes
    assert f", {said}, " in project.summary().splitlines()[0]
    assert json.loads(project.files["hlsgen.json"])["interface"] == said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"interface": "axis"}, ("'axis' is of io_stream", "ap_vld, axi_master")),
        ({"io_type": "io_stream", "interface": "ap_vld"}, ("'ap_vld' is of io_parallel", "axis, axi_master")),
        ({"tlast": True}, ("tlast", "'ap_vld'", "axis")),
        ({"tlast": True, "interface": "axi_master"}, ("tlast", "'axi_master'")),
        ({"control": "ap_ctrl_none", "interface": "axi_master"}, ("control", "memory", "ap_ctrl_chain")),
        ({"control": "ap_ctrl_none", "axi_lite": True}, ("axi_lite", "ap_ctrl_none")),
        ({"axi_lite": False, "interface": "axi_master"}, ("axi_lite", "addresses")),
        ({"batch": True}, ("batch", "'ap_vld'", "axi_master")),
        ({"batch": True, "io_type": "io_stream"}, ("batch", "'axis'", "axi_master")),
        ({"port_width": 64}, ("port_width", "64", "'ap_vld'")),
        ({"port_width": 1024, "interface": "axi_master"}, ("port_width", "1024", "up to 512 bits")),
    ],
)
def test_what_does_not_go_together_is_refused_at_once(settings: dict[str, Any], words: tuple[str, ...]):
    with pytest.raises(ConfigError) as refused:
        two_ports(**settings)
    assert all(word in str(refused.value) for word in words), refused.value


def test_the_text_of_several_samples_a_call():
    """The loop is alone in its function, and passes no scalar on; the samples are those of the call."""
    text = two_ports(interface="axi_master", batch=True).files["firmware/ports.cpp"]
    of_a_sample, of_a_call = text.split("// One sample after another")[1].split("\nvoid ports(")
    assert of_a_sample.count("#pragma HLS DATAFLOW") == of_a_call.count("#pragma HLS DATAFLOW") == 1
    assert "    for (int i = 0; i < samples; i++) {\n" in of_a_sample
    assert "samples)" not in of_a_sample.partition("{")[2]
    assert re.findall(r"(\w+)(?:<\w+>)?\(.*, samples\);", of_a_call) == [
        "read_bursts", "read_bursts", "ports_samples", "write_bursts", "write_bursts"]  # fmt: skip
    assert "#pragma HLS INTERFACE mode=s_axilite port=samples bundle=control\n" in of_a_call


def test_no_tensor_is_called_as_the_loop_over_samples_or_its_bound():
    net = Net(2, "dut")
    net.call("Add", "sum", [net.input((3,), name) for name in ("dut_samples", "samples")])
    project = project_of(net.source("sum"), input_precision="fixed<7,3>", interface="axi_master", batch=True)
    assert [wire.name for wire in project.plan.inputs] == ["dut_samples_2", "samples_2"]


def test_several_samples_a_call_have_the_schedule_of_one():
    one, several = (two_ports(interface="axi_master", batch=batch).schedule for batch in (False, True))
    assert (one.interval, one.latency) == (several.interval, several.latency)
    kernels = [(call.kernel, call.cycles) for call in one.calls]
    assert [(call.kernel.replace("bursts", "burst"), call.cycles) for call in several.calls] == kernels


def test_no_function_of_c_is_replaced_by_a_kernel():
    for name, refused in (("read", True), ("reader", False)):
        project = two_ports(interface="axi_master", batch=True, project_name=name)
        if not refused:
            assert f'extern "C" void {name}(' in project.files[f"firmware/{name}.h"]
            continue
        with pytest.raises(ConfigError, match="project_name: found 'read', .* give another name"):
            project.write()
    assert "void read(" in two_ports(interface="axi_master", project_name="read").files["firmware/read.h"]


def test_weights_at_ports_are_not_connected_in_batches():
    net = Net(1, "weighted")
    net.dense("fc", net.input((4,), "x"), 4, 3)
    with pytest.raises(ConfigError, match="layer 'fc'.*'bram_port'.*with batch.*weights 'constant'"):
        project_of(
            net.source("fc"), input_precision="fixed<8,4>", interface="axi_master", batch=True, strategy="resource",
            defaults={"weights": "bram_port"},
        ).write()  # fmt: skip


def test_a_dataflow_on_arrays_needs_control():
    project = two_ports(control="ap_ctrl_none")
    assert not project.plan.dataflow
    net = Net(2, "flowing")
    net.conv("conv", net.input((5, 5, 1), "x"), 1, 2)
    with pytest.raises(ConfigError, match="control: ap_ctrl_none is of AXI streams and flat pipelines"):
        project_of(net.source("conv"), control="ap_ctrl_none").write()


def test_a_word_that_holds_no_element_is_refused():
    net = Net(2, "wide")
    net.call("ReLU", "relu", net.input((3,), "x"))
    with pytest.raises(ConfigError, match="port 'x', which has 17 bits; give at least 24"):
        project_of(net.source("relu"), input_precision="fixed<17,6>", io_type="io_stream", port_width=16)


@cache
def members_read(header: str) -> frozenset[str]:
    """The members of its config that a kernel header reads, itself or through what it includes."""
    text = (templates_dir() / "firmware" / "hlsgen" / header).read_text(encoding="utf-8")
    found = set(re.findall(r"\bC::(?:template )?(\w+)", text))
    for other in re.findall(r"#include <hlsgen/(\w+\.h)>", text):
        found |= members_read(other)
    return frozenset(found)


def unread(plan: Plan) -> set[tuple[str, str]]:
    return {
        (step.kernel.function, name)
        for step in plan.steps
        for name in step.kernel.members
        if name not in members_read(step.kernel.header)
    }


@pytest.mark.parametrize("io_type", IO)
def test_config_structs_hold_nothing_that_is_not_read(io_type: str):
    functions = set()
    for seed in range(30):
        for quantized in (False, True):
            project = project_of(
                random_network(seed, quantized=quantized), input_precision="fixed<7,3>", io_type=io_type
            )
            assert not unread(bordered(project.plan)), seed
            functions |= {step.kernel.function for step in project.plan.steps}
    assert {"conv2d", "dense", "max_pooling2d", "relu", "scale", "merge", "concatenate"} <= functions


def test_comments_tell_what_was_fused_and_how_many_multipliers():
    net = Net(4, "told")
    x = net.conv("conv", net.input((5, 5, 2)), 2, 3)
    x = net.call("ReLU", "relu", net.batchnorm("it's 1", x, 3))
    net.dense("fc", net.call("Flatten", "flat", x), 27, 4)
    project = project_of(net.source("fc"), layers={"fc": {"strategy": "resource", "reuse_factor": 9}})
    code = project.files["firmware/told.cpp"]
    assert "    //   fused into it: 'it's 1' (BatchNormalization)\n" in code
    assert (
        "    //   54 multipliers a position\n" in code
        and "    //   12 multipliers for 108 products a position\n" in code
    )
    exact = next(op for op in project.design if op.name == "fc").output.typing.exact
    low, high = (end * 2.0**-exact.frac for end in exact.whole())
    assert f"    //   proved range before any cast: {low:.6g} .. {high:.6g}\n" in code
    assert "// Of layer 'fc' (Dense): 4 x 27 words (output, input) of" in project.files["firmware/weights/fc_w.h"]
