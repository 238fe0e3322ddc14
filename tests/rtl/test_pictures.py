"""Pictures of circuits: everything that is there is in them, they are well formed, and the same every time."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hlsgen.backends.verilog.circuit import Chain, Fifo, Fork, Stage
from hlsgen.backends.verilog.layer_picture import layer_picture
from hlsgen.backends.verilog.picture import circuit_picture
from hlsgen.backends.verilog.text import layer_of
from hlsgen.errors import ConfigError, InputError, OutputDirError, UnknownNameError, UnsupportedError
from hlsgen.pictures.svg import Drawing, text_width
from tests.passes.builders import Net, project_of
from tests.rtl.test_branches import NETWORKS, moved, residual, through
from tests.rtl.test_networks import mixed, xor

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("network", [*NETWORKS, through], ids=lambda network: network.__name__)
def test_all_modules_are_there(network):
    circuit = network().circuit
    svg = circuit_picture(circuit)
    found = texts(svg)
    for block in circuit.blocks:
        if isinstance(block, Chain):
            assert set(block.names) <= set(found)
            assert f"FIFO of {block.depth} words" in found
        elif isinstance(block, Fifo):
            assert f"{block.depth} × {block.x.width} bit" in found
        elif isinstance(block, Stage):
            assert f"{block.pace.clocks} clocks a sample" in found
    ways = ElementTree.fromstring(svg).findall(f"{SVG}path[@class='way']")
    streams = {stream for block in circuit.blocks for stream in (*block.reads, *block.writes)}
    assert len(ways) == len(streams)
    dots = ElementTree.fromstring(svg).findall(f"{SVG}circle")
    assert len(dots) == sum(isinstance(block, Fork) for block in circuit.blocks)
    assert circuit_picture(network().circuit) == svg


def test_what_is_said_of_the_whole_and_of_the_slowest():
    circuit = residual().circuit
    svg = circuit_picture(circuit)
    assert f"latency {circuit.latency} clocks · a sample every {circuit.interval}" in texts(svg)
    marked = ElementTree.fromstring(svg).findall(f"{SVG}rect[@class='slowest']")
    assert circuit.bound == 90 and len(marked) == 2, "30 words of 3 clocks, and its entry in the legend"
    assert "prefers-color-scheme: dark" in svg


def deep(layers: int):
    net = Net(seed=1, name="deep")
    x = net.input((3,), "x")
    for k in range(layers):
        x = net.dense(f"layer{k}", x, 3, 3)
        x = net.call("Reshape", f"pairs{k}", x, target_shape=[3, 1])
        x = net.call("Flatten", f"flat{k}", net.dense(f"each{k}", x, 1, 1))
    return project_of(net.source(x), backend="verilog", input_precision="fixed<4,2>", precision="fixed<8,4>")


def test_sixty_modules_lie_on_a_page():
    circuit = deep(12).circuit
    assert len(circuit.modules) >= 45
    root = ElementTree.fromstring(circuit_picture(circuit))
    assert 0.9 < float(root.get("width", 0)) / float(root.get("height", 0)) < 2.8


def test_a_layer_down_to_its_operations():
    project = xor()
    svg = layer_picture(project.circuit, "out")
    found = texts(svg)
    assert {"x0", "x1", "y0", "−"} <= set(found), "one sum, less twice the other"
    assert {"1 addition", "1 register of 4 bit"} <= set(found)
    ways = ElementTree.fromstring(svg).findall(f"{SVG}path[@class='thin']")
    assert len(ways) == 4
    assert layer_picture(xor().circuit, "out") == svg
    assert layer_picture(project.circuit, "n_out") == svg.replace(">out<", ">n_out<").replace(
        "layer out", "layer n_out"
    )


def test_a_layer_with_its_activation():
    """Both cores, one behind the other: of the second as many as there are elements."""
    circuit = xor().circuit
    parts = [core for chain in circuit.blocks if isinstance(chain, Chain) for core in chain.cores[:2]]
    found = texts(layer_picture(circuit, "hidden"))
    assert any(text.startswith(f"latency {parts[0].latency + parts[1].latency} clocks") for text in found)
    assert [text for text in found if text.startswith("y")] == ["y0", "y1"]
    assert len([text for text in found if text.startswith("x")]) == 2
    folded = texts(layer_picture(mixed().circuit, "out_folds"))
    assert sum(text.startswith("y") for text in folded) >= 6


def test_every_core_of_vectors_can_be_drawn():
    circuit = mixed().circuit
    for block in circuit.blocks:
        assert isinstance(block, Chain)
        for name, core in zip(block.names, block.cores, strict=True):
            svg = layer_picture(circuit, name)
            registers = ElementTree.fromstring(svg).findall(f"{SVG}rect[@class='register']")
            clocked = sum(len(re.findall(r"^ +\w+ <= \w+;$", "\n".join(s.logic.lines()), re.M)) for s in core.inside)
            of_layer = [c for c in block.cores if layer_of(c.texts[c.module]) == name]
            if not of_layer:
                assert len(registers) == clocked
            assert sum(text.startswith("y") for text in texts(svg)) >= 1
    folded = texts(layer_picture(circuit, "in_folds"))
    assert folded.count("Σ") == 8 and folded.count("×") == 16


def test_nothing_is_computed_for_nobody():
    """The picture of a cast shows no comparison that leads nowhere."""
    circuit = mixed().circuit
    (chain,) = circuit.blocks
    assert isinstance(chain, Chain)
    for core in chain.cores:
        for section in core.inside:
            read = {x.text for operation in section.logic.operations for x in operation.operands}
            read |= {x.text for x in section.results}
            made = [o.signal.text for o in section.logic.operations if o.kind == "wire" and o.cost]
            assert set(made) <= read


def test_too_much_is_refused(monkeypatch):
    circuit = mixed().circuit
    monkeypatch.setattr("hlsgen.backends.verilog.layer_picture.MOST", 20)
    with pytest.raises(UnsupportedError, match=r"'softmax' has \d+ operations and registers, of which at most 20 are"):
        layer_picture(circuit, "softmax")
    monkeypatch.undo()
    (chain,) = circuit.blocks
    closed = replace(chain, cores=tuple(replace(core, inside=()) for core in chain.cores))
    with pytest.raises(UnsupportedError, match="'softmax' is no pipeline"):
        layer_picture(replace(circuit, blocks=(closed,)), "softmax")


def test_plot_circuit(tmp_path: Path):
    project = residual()
    path = project.plot_circuit(tmp_path / "net.svg")
    assert path.read_text(encoding="utf-8") == circuit_picture(project.circuit)
    project.plot_circuit(path, layer="largest")
    assert path.read_text(encoding="utf-8") == layer_picture(project.circuit, "largest")
    assert [file.name for file in tmp_path.iterdir()] == ["net.svg"]
    with pytest.raises(InputError, match=r"net\.png' ends in \.png, expected \.svg"):
        project.plot_circuit(tmp_path / "net.png")
    with pytest.raises(OutputDirError, match=r"nowhere/net\.svg' cannot be written \(No such file"):
        project.plot_circuit(tmp_path / "nowhere" / "net.svg")
    with pytest.raises(UnknownNameError, match="no layer 'larges' in circuit residual; did you mean 'largest'"):
        project.plot_circuit(path, layer="larges")
    with pytest.raises(ConfigError, match="backend"):
        project.with_settings(backend="vitis").plot_circuit(path)


def test_words_that_are_moved_are_drawn():
    assert any(text.startswith("moves · ") for text in texts(circuit_picture(moved().circuit)))


def test_names_are_escaped():
    drawing = Drawing({"name": ("fill", "#000", "#fff")})
    drawing.text("name", (0.0, 0.0), 'a<b> & "c" \x00\ud800 ü', 12.0)
    drawing.rectangle("name", (0.0, 0.0), (1.0, 1.0), title="</rect><script>")
    root = ElementTree.fromstring(drawing.svg(10.0, 10.0, "<&>").encode())
    assert [element.text for element in root.iter(f"{SVG}text")] == ['a<b> & "c" \ufffd\ufffd ü']
    assert [element.text for element in root.iter(f"{SVG}title")] == ["<&>", "</rect><script>"]
    assert text_width("iii", 10.0) < text_width("mmm", 10.0)
