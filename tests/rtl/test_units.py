"""How a circuit is taken apart for synthesis: what is alike is one unit, and what changes is one too."""

from __future__ import annotations

import pytest

from hlsgen.backends.verilog.backend import rtl_files
from hlsgen.errors import ConfigError
from hlsgen.project import Project
from hlsgen.synthesis.resources import FAMILIES, Resources, family_of, family_of_part, total
from hlsgen.synthesis.units import TOP, Instance, Unit, in_order, top_unit, unit_of
from hlsgen.synthesis.yosys import script
from tests.passes.builders import Net, project_of


def row(*names: str, name: str = "net", seed: int = 0, **settings) -> Project:
    """Dense layers of the same size, each followed by a ReLU."""
    net = Net(seed, name)
    x = net.input((3,), "x")
    for layer in names:
        x = net.call("Dense", layer, x, {"kernel": net.dyadic(3, 3), "bias": net.dyadic(3)}, units=3)
        x = net.call("ReLU", f"{layer}_relu", x)
    precision = {"defaults": {"precision": {"weight": "fixed<4,2>", "result": "fixed<6,3>"}}}
    return project_of(net.source(x), backend="verilog", input_precision="fixed<6,3>", **precision, **settings)


def texts_of(project: Project) -> dict[str, str]:
    return {path.rpartition("/")[2].removesuffix(".v"): text for path, text in rtl_files(project.circuit).items()}


def units_of(project: Project) -> dict[str, Unit]:
    """Of the modules that layers have, by the name of the module."""
    texts = texts_of(project)
    modules = [name for name in project.circuit.modules if "__" not in name]
    return {name: unit_of(Instance(name, name), texts) for name in modules}


def test_a_unit_is_complete_and_bears_no_name_of_the_model():
    units = units_of(row("fc"))
    unit = units["net_fc_relu"]
    assert len(unit.texts) == 2 and unit.parameters == ()
    assert f"module {TOP} (" in unit.texts[0] and f"module {TOP}__element (" in unit.texts[1]
    assert not any("fc" in text or "//" in text for text in unit.texts)


def test_what_is_alike_is_one_unit():
    """Whatever layers and projects are called; the dense layers have other weights."""
    units = units_of(row("fc1", "fc2"))
    assert units["net_fc1_relu"] == units["net_fc2_relu"]
    assert units["net_fc1"] != units["net_fc2"]
    others = units_of(row("dense", "more", name="other"))
    assert [*units.values()] == [*others.values()]


def test_of_the_top_nothing_but_ports_is_inside():
    """So other weights leave it as it is."""
    first, second = (top_unit("net", texts_of(row("fc", seed=seed))) for seed in (0, 1))
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
