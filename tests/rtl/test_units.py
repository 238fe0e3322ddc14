"""How a circuit is taken apart for synthesis: what is alike is one unit, and what changes is one too."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hlsgen.backends.verilog.backend import rtl_files
from hlsgen.errors import ConfigError
from hlsgen.project import Project
from hlsgen.synthesis.area import taken_by
from hlsgen.synthesis.critical_path import Spot
from hlsgen.synthesis.parts import Part, spot_of
from hlsgen.synthesis.resources import FAMILIES, Resources, family_of, family_of_part, total
from hlsgen.synthesis.timing import joined
from hlsgen.synthesis.units import TOP, Instance, Modules, Spelt, Unit, in_order, top_unit, unit_of
from hlsgen.synthesis.yosys import Synthesized, script
from tests.passes.builders import Net, project_of
from tests.rtl.test_loops import CHANNELS, STEPS, cores, layer, lstm, made


def row(*names: str, name: str = "net", seed: int = 0, **settings) -> Project:
    """Dense layers of the same size, each followed by a ReLU."""
    net = Net(seed, name)
    x = net.input((3,), "x")
    for dense in names:
        x = net.call("Dense", dense, x, {"kernel": net.dyadic(3, 3), "bias": net.dyadic(3)}, units=3)
        x = net.call("ReLU", f"{dense}_relu", x)
    precision = {"defaults": {"precision": {"weight": "fixed<4,2>", "result": "fixed<6,3>"}}}
    return project_of(net.source(x), backend="verilog", input_precision="fixed<6,3>", **precision, **settings)


def modules_of(project: Project, *cores: str) -> Modules:
    texts = {path.rpartition("/")[2].removesuffix(".v"): text for path, text in rtl_files(project.circuit).items()}
    return Modules(texts, frozenset(cores))


def units_of(project: Project) -> dict[str, Unit]:
    """Of the modules that layers have, by the name of the module."""
    modules = modules_of(project)
    names = [name for name in project.circuit.modules if "__" not in name]
    return {name: unit_of(name, modules).unit for name in names}


def test_a_unit_is_complete_and_bears_no_name_of_the_model():
    units = units_of(row("fc"))
    unit = units["net_fc_relu"]
    assert len(unit.texts) == 2 and unit.parameters == ()
    assert f"module {TOP} (" in unit.texts[0] and f"module {TOP}__element (" in unit.texts[1]
    assert not any("fc" in text or "//" in text for text in unit.texts)


def test_what_stands_once_is_within_and_what_stands_again_is_not():
    """What is generated, and what a text has twice; a table that stands once is part of what reads it."""
    table = "module net_fc__{} (\n    input wire clk\n);\n    // inside\nendmodule\n"
    texts = {f"net_fc__{name}": table.format(name) for name in ("once", "twice", "generated")}
    texts["net_fc"] = (
        "module net_fc (\n    input wire clk\n);\n    net_fc__once once_rom (.clk(clk));\n"
        "    net_fc__twice twice_rom (.clk(clk));\n    net_fc__twice twice_1_rom (.clk(clk));\n"
        "    generate\n        for (k = 0; k < 4; k = k + 1) begin : elements\n"
        "            net_fc__generated element (\n                .clk(clk)\n            );\n"
        "        end\n    endgenerate\nendmodule\n"
    )
    spelt = unit_of("net_fc", Modules(texts))
    assert spelt.modules == {f"{TOP}__twice": "net_fc__twice", f"{TOP}__generated": "net_fc__generated"}
    assert spelt.unit.holds == set(spelt.modules)
    own, once, *ports = spelt.unit.texts
    assert f"module {TOP} (" in own and once.startswith(f"module {TOP}__once (")
    assert [text.splitlines()[:2] for text in ports] == [
        ["(* blackbox *)", f"module {TOP}__{name} ("] for name in ("generated", "twice")
    ]


def test_cores_of_a_loop_bear_no_name_of_the_model():
    """Two layers of other names have one unit; it tells what it calls otherwise."""
    first, second = (loop(name) for name in ("rnn", "memory"))
    assert first.unit == second.unit and "net_rnn" not in "".join(first.unit.texts)
    assert not re.search("rnn|net", "".join(first.unit.texts))
    inner = [f"{TOP}__core{k}" for k in range(3)]
    assert [first.modules[name] for name in inner] == ["net_rnn_recurrent", "net_rnn_sum", "net_rnn_line"]
    assert [second.modules[name] for name in inner] == ["net_memory_recurrent", "net_memory_sum", "net_memory_line"]
    words = re.findall(r"\w+__core\b(?= \()", first.unit.texts[0])
    assert [first.original(word) for word in words[:2]] == ["rnn_recurrent__core", "rnn_sum__core"]
    assert first.original(words[1].replace("core", "y_TRELLIS_FF_Q_3")) == "rnn_sum__y_TRELLIS_FF_Q_3"
    assert first.original("state0") == "state0"


def loop(name: str) -> Spelt:
    """The loop of an LSTM."""
    net = Net(3)
    layer(net, "LSTM", name, net.input((STEPS, CHANNELS), "x"), recurrent_activation="hard_sigmoid")
    project = made(net, name)
    found = cores(project)
    inner = [core.module for core in found[f"{name}__loop"].inner]
    return unit_of(f"net_{name}__loop", modules_of(project, *inner))


def test_what_is_alike_is_one_unit():
    """Whatever layers and projects are called; the dense layers have other weights."""
    units = units_of(row("fc1", "fc2"))
    assert units["net_fc1_relu"] == units["net_fc2_relu"]
    assert units["net_fc1"] != units["net_fc2"]
    others = units_of(row("dense", "more", name="other"))
    assert [*units.values()] == [*others.values()]


def part(module: str, is_core: bool = False, cells: tuple[str, ...] = (), **inside: Part) -> Part:
    """A part whose unit calls ``rnn_relu`` ``part0``; in names of instances ``_0_`` stands for ``[0].``."""
    unit = Unit((module,), holds=frozenset(inner.module for inner in inside.values()))
    found = Synthesized(dict.fromkeys(cells, 1), ())
    named = {name.replace("_0_", "[0]."): inner for name, inner in inside.items()}
    return Part(module, Spelt(unit, {}, {"part0": "rnn_relu"}), found, is_core, named)


def in_parts() -> Part:
    """A step of which two cores have the same element."""
    element = part("element", cells=("LUT4",))
    cores_within = {
        f"part{k}__core": part("net_rnn_relu", True, ("TRELLIS_FF",), elements_0_element=element) for k in (0, 1)
    }
    step = part("net_rnn__loop", **cores_within)
    return part("net", rnn__loop__core=step, rnn__flow=part("hlsgen_flow"))


@pytest.mark.parametrize(
    ("name", "spot"),
    [
        ("x_ready_LUT4_Z", Spot("net", None, "x_ready_LUT4_Z")),
        ("rnn__flow.free_Q", Spot("rnn__flow", None, "free_Q")),
        ("rnn__loop__core.step[1]", Spot("rnn__loop__core", "rnn", "step[1]")),
        ("rnn__loop__core.part0__y__held[1]", Spot("rnn__loop__core", "rnn", "rnn_relu__y__held[1]")),
        ("rnn__loop__core.part0__core.valid[0]", Spot("rnn__loop__core.rnn_relu__core", "rnn", "valid[0]")),
        (
            "rnn__loop__core.part0__core.elements[0].element.y_LUT4_Z",
            Spot("rnn__loop__core.rnn_relu__core", "rnn", "y_LUT4_Z"),
        ),
    ],
)
def test_spots(name, spot):
    """Elements are in their core's; a core within a step is named, by the names of the Verilog."""
    assert spot_of(lstm().circuit, in_parts(), name) == spot


def test_what_stands_several_times_is_counted_as_often_and_one_module_of_a_netlist():
    top = in_parts()
    assert taken_by(top, FAMILIES["ecp5"]) == Resources(2, 2)

    def netlist(unit: Unit) -> dict[str, Any]:
        (module,) = unit.texts
        inside = {"net": ["rnn__loop__core", "rnn__flow"], "net_rnn__loop": ["part0__core", "part1__core"]}
        names = inside.get(module, ["elements[0].element"] if module == "net_rnn_relu" else [])
        return {"attributes": {"top": 1}, "cells": {name: {"type": "held", "parameters": {"N": 1}} for name in names}}

    modules = joined(top, netlist)
    assert list(modules) == [TOP, *(f"{TOP}_{k}" for k in range(4))], "element, core, step, flow"
    types = {name: [cell["type"] for cell in module["cells"].values()] for name, module in modules.items()}
    assert types[TOP] == [f"{TOP}_2", f"{TOP}_3"] and types[f"{TOP}_2"] == [f"{TOP}_1"] * 2
    assert types[f"{TOP}_1"] == [f"{TOP}_0"] and types[f"{TOP}_0"] == types[f"{TOP}_3"] == []
    assert [name for name, module in modules.items() if module["attributes"]] == [TOP]


def test_of_the_top_nothing_but_ports_is_inside():
    """So other weights leave it as it is."""
    first, second = (top_unit("net", modules_of(row("fc", seed=seed))).unit for seed in (0, 1))
    assert first == second
    own, *ports = first.texts
    assert f"module {TOP} (" in own and "net_fc fc__core (" in own
    assert first.holds == {"net_fc", "net_fc_relu", "hlsgen_flow"}
    assert len(ports) == 3 and all(text.startswith("(* blackbox *)\nmodule ") for text in ports)
    assert not any("always" in text for text in ports)
    assert "parameter WIDTH = 8" in next(text for text in ports if "hlsgen_flow" in text)


def test_instances_stand_as_in_the_text():
    text = "    m b (.x(x));\n    m #(\n        .N(2)\n    ) a (\n        .x(x)\n    );\n"
    instances = [Instance("a", "m", (("N", 2),)), Instance("b", "m")]
    assert [instance.name for instance in in_order(instances, text)] == ["b", "a"]


def test_scripts():
    plain = Unit(("module hlsgen_unit; endmodule",), (("WIDTH", 3),))
    lines = script(plain, FAMILIES["xc7"])
    assert lines[:3] == [
        "read_verilog 0.v",
        "chparam -set WIDTH 3 hlsgen_unit",
        "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top hlsgen_unit",
    ]
    without = Unit(('(* use_dsp = "no" *)\nmodule hlsgen_unit; endmodule',))
    assert script(without, FAMILIES["ecp5"])[1] == "synth_ecp5 -top hlsgen_unit -nodsp"
    wanted = Unit(('(* use_dsp = "yes" *)\nmodule hlsgen_unit; endmodule',))
    assert script(wanted, FAMILIES["ecp5"])[1] == "synth_ecp5 -top hlsgen_unit"  # takes one for every product
    mapped = [line for line in script(wanted, FAMILIES["xcup"]) if line.startswith("techmap")]
    assert len(mapped) == 1 and "DSP_NAME=$__MUL27X18" in mapped[0]


def test_cells_are_counted():
    cells = {"LUT2": 3, "LUT6": 2, "SRL16E": 1, "RAM32M": 2, "FDRE": 7, "FDSE": 1, "CARRY4": 2, "DSP48E1": 4}
    found = FAMILIES["xc7"].counted({**cells, "RAMB18E1": 1, "RAMB36E1": 2, "MUXF7": 5, "$scopeinfo": 9})
    assert found == Resources(3 + 2 + 1 + 2 * 4, 8, 2, 4, 1 + 2 * 2, (("MUXF7", 5),))
    lattice = {"LUT4": 5, "CCU2C": 3, "TRELLIS_DPR16X4": 1, "TRELLIS_FF": 6, "MULT18X18D": 2, "DP16KD": 1, "PFUMX": 1}
    assert FAMILIES["ecp5"].counted(lattice) == Resources(5 + 6 + 6, 6, 3, 2, 1, (("PFUMX", 1),))
    both = total([found, Resources(1, 0, 0, 0, 0, (("INV", 1), ("MUXF7", 1)))])
    assert (both.luts, both.others) == (found.luts + 1, (("INV", 1), ("MUXF7", 6)))
    assert FAMILIES["xcup"].counted({"MADE_UP": 2}).others == (("MADE_UP", 2),)


@pytest.mark.parametrize(
    ("part", "family"),
    [
        ("xc7z020clg400-1", "xc7"),
        ("xa7a100tcsg324-2I", "xc7"),
        ("xcku040-ffva1156-2-e", "xcu"),
        ("xcvu095-ffva2104-2-e", "xcu"),
        ("xcku5p-ffvb676-2-e", "xcup"),
        ("xcvu13p-flga2577-2-e", "xcup"),
        ("xczu7ev-ffvc1156-2-e", "xcup"),
        ("xcau15p-ffvb676-2-e", "xcup"),
        ("xck26-sfvc784-2LV-c", "xcup"),
        ("xcu250-figd2104-2L-e", "xcup"),
    ],
)
def test_the_family_of_a_part(part, family):
    assert family_of_part(part).name == family


def test_families_that_there_are_not():
    with pytest.raises(
        ConfigError, match="part xcvc1902-vsva2197-2MP-e-S is of no family .* one of xc7, xcu, xcup, ecp5"
    ):
        family_of_part("xcvc1902-vsva2197-2MP-e-S")
    with pytest.raises(ConfigError, match=r"there is no family 'ecp'; did you mean 'ecp5'\?"):
        family_of("ecp")
