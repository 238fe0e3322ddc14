"""``project.report``, ``project.plot``, what notebooks show, and ``hlsgen report``."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from base64 import b64decode
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

import hlsgen
from hlsgen.cli.app import app
from hlsgen.errors import ConfigError, InputError, OutputDirError
from hlsgen.pages.content import Weight
from hlsgen.pages.graph import layer_graph
from hlsgen.pages.page import html
from hlsgen.pages.report import report_page
from tests.backends.vendor_reports.texts import csynth
from tests.pages.models import image_model, long_network, perceptron, project, samples

FAULTY = {"layers": {"fc2": {"precision": {"result": "fixed<8,2,RND,SAT>"}}}}
SVG = "{http://www.w3.org/2000/svg}"


def shapes(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


# -- the picture ---------------------------------------------------------------------------------


def test_the_picture_has_layers_shapes_and_types() -> None:
    drawn = shapes(layer_graph(project(config=FAULTY).design))
    texts = [element.text for element in drawn.iter(f"{SVG}text")]
    for wanted in ("x", "fc1", "Dense · 5", "fixed<8,2,RND,SAT>", "scores", "output"):
        assert wanted in texts, wanted
    assert len(list(drawn.iter(f"{SVG}path"))) == 1 + 6, "an arrow's head, and a way for each edge"


def test_the_picture_says_how_layers_are_built() -> None:
    settings = {"layers": {"fc2": {"strategy": "resource", "reuse_factor": 5}}}
    assert "resource, reuse 5" in layer_graph(project(config=settings).design)


def test_two_hundred_layers_lie_beside_each_other() -> None:
    design = hlsgen.convert(long_network(50)).design
    text = layer_graph(design)
    assert text == layer_graph(design)
    drawn = shapes(text)
    boxes = [
        r
        for r in drawn.iter(f"{SVG}rect")
        if (r.get("class") or "").startswith("box ") and r.find(f"{SVG}title") is not None
    ]
    assert len(boxes) == 202
    placed = sorted(tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) for r in boxes)
    for k, (x, y, width, height) in enumerate(placed):
        for u, v, _, other in placed[k + 1 :]:
            if u >= x + width:
                break
            assert v >= y + height or v + other <= y, "two layers lie on each other"
    assert 0.8 < float(drawn.get("width")) / float(drawn.get("height")) < 4


def test_hostile_names_in_pictures() -> None:
    name = '</title><script>alert(1)</script>\x07&"'
    drawn = shapes(layer_graph(project((name, "b")).design))
    assert any((e.text or "").startswith("</title><script>") for e in drawn.iter(f"{SVG}text"))
    assert not list(drawn.iter(f"{SVG}script"))


def test_plot_writes_a_picture_or_says_why_not(tmp_path: Path) -> None:
    made = project()
    file = made.plot(tmp_path / "graph.svg")
    assert file.read_text(encoding="utf-8") == layer_graph(made.design)
    assert made.plot(str(file)) == file, "a picture is replaced"
    for name in ("graph.png", "graph"):
        with pytest.raises(InputError, match=r"expected \.svg"):
            made.plot(tmp_path / name)
    with pytest.raises(InputError, match="expected the path of a picture, found 3"):
        made.plot(3)
    with pytest.raises(OutputDirError, match="cannot be written"):
        made.plot(tmp_path / "no folder" / "graph.svg")


def test_notebooks_show_the_picture() -> None:
    made = project(("<b>", "second"))
    shown = made._repr_html_()
    picture = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', shown)
    assert picture is not None and b64decode(picture[1]).decode() == layer_graph(made.design)
    assert "multiplications" in shown and "<b>net</b>" in shown


# -- the report ----------------------------------------------------------------------------------


def test_a_page_of_the_design_alone() -> None:
    page = report_page(project())
    assert [layer.name for layer in page.layers] == ["x", "fc1", "relu0", "fc2", "relu1", "scores"]
    keys = [panel.key for panel in page.panels]
    assert "cost" in keys and "schedule" in keys and "results" not in keys
    figures = {figure.label: figure.value for figure in page.figures}
    assert figures["Multiplications"] == f"{6 * 5 + 5 * 5 + 5 * 4}"
    assert any(
        section.code.endswith("fc1_bias);") or "hlsgen::dense<fc1_config>" in section.code
        for section in page.layers[1].sections
    )


def test_a_page_with_data_names_the_fault_first() -> None:
    page = report_page(project(config=FAULTY), samples())
    first = page.remarks[0]
    assert first.weight is Weight.FAULT and first.title.startswith("fc2") and first.layer == 3
    assert "fc2" in first.fix and "result" in first.fix
    assert page.layers[3].remarks[0] == 0
    counted = next(r for r in page.remarks if "values of its result" in r.title)
    given = project(config=FAULTY)
    given.predict(samples(), count_overflows=True)
    assert counted.text.startswith(f"{given.overflows['fc2']:,} of 1,000 values")
    assert dict(zip(page.table.header, page.table.rows[3], strict=True))["outside"]


def test_what_the_models_own_quantisers_saturate_is_no_warning(examples: Path) -> None:
    folder = examples / "digits_mlp"
    page = report_page(
        hlsgen.convert(folder / "model.keras", input_precision="ufixed<5,1>"), np.load(folder / "x.npy")[:50]
    )
    assert [r for r in page.remarks if "values of its result saturate" in r.title]
    assert {r.weight for r in page.remarks} == {Weight.NOTE}


def test_the_fix_that_a_page_shows_repairs_the_design() -> None:
    import yaml

    fix = yaml.safe_load(report_page(project(config=FAULTY), samples()).remarks[0].fix)
    assert not [r for r in report_page(project(config=fix), samples()).remarks if r.weight is Weight.FAULT]


def test_labels_give_accuracy_and_a_confusion_matrix() -> None:
    made = project()
    x = samples()
    labels = made.predict(x).argmax(axis=1)
    page = report_page(made, x, labels, with_sensitivity=True)
    figures = {figure.label: figure for figure in page.figures}
    assert figures["Accuracy"].value == "100.00%" and "source model" in figures["Accuracy"].note
    results = next(panel for panel in page.panels if panel.key == "results")
    matrix = next(table for table in results.tables if table.title.startswith("Confusion matrix of the emulator"))
    counts = np.bincount(labels, minlength=4)
    assert [row[1 + k] for k, row in enumerate(matrix.rows)] == [str(n) if n else "·" for n in counts]
    sensitivity = next(panel for panel in page.panels if panel.key == "sensitivity")
    assert sensitivity.charts and {row[0] for row in sensitivity.tables[0].rows} >= {"fc1", "fc2", "scores"}


def test_what_cannot_be_reported(tmp_path: Path) -> None:
    made, page = project(), tmp_path / "report.html"
    with pytest.raises(InputError, match="y without x; give the samples"):
        made.report(page, y=np.zeros(3))
    with pytest.raises(InputError, match="sensitivity without x"):
        made.report(page, sensitivity=True)
    with pytest.raises(InputError, match="no samples"):
        made.report(page, samples(0))
    with pytest.raises(InputError, match="NaN"):
        made.report(page, np.full((2, 6), np.nan))
    with pytest.raises(InputError):
        made.report(page, samples()[:, :5])
    with pytest.raises(InputError, match=r"expected \.html"):
        made.report(tmp_path / "report.pdf")
    with pytest.raises(InputError, match="sensitivity is 'yes', expected True or False"):
        made.report(page, samples(), sensitivity="yes")
    assert not page.exists()


def test_data_with_other_axes_are_a_finding() -> None:
    """The data fit no port, so nothing runs on them; the page says what they are, and what takes them."""
    made = hlsgen.convert(image_model())
    x = np.random.default_rng(0).uniform(size=(20, 2, 6, 5)).astype(np.float32)
    page = report_page(made, x.transpose(0, 2, 3, 1))
    first = page.remarks[0]
    assert first.weight is Weight.FAULT and "layout" in first.title and first.fix
    assert "results" not in [panel.key for panel in page.panels] and "as the data do not fit" in page.checked
    assert not [r for r in report_page(made, x).remarks if r.weight is Weight.FAULT]


def test_a_report_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    made, page = project(), tmp_path / "report.html"
    assert made.report(page) == page
    first = page.read_bytes()
    made.report(page)
    assert page.read_bytes() == first, "the same design gives the same page"
    page.write_text("<p>mine</p>", encoding="utf-8")
    with pytest.raises(OutputDirError, match="is no report of hlsgen"):
        made.report(page)
    assert page.read_text(encoding="utf-8") == "<p>mine</p>"
    made.report(page, overwrite=True)
    assert page.read_bytes() == first


def test_a_circuit_has_a_page_without_c_plus_plus() -> None:
    page = report_page(project(backend="verilog"), samples(20))
    assert "schedule" not in [panel.key for panel in page.panels]
    assert not any(section.code for layer in page.layers for section in layer.sections)
    assert html(page)


def test_a_design_that_is_too_large_for_its_part() -> None:
    wide = perceptron(("a", "b"), (64, 200, 10))
    small = hlsgen.convert(wide, part="xc7a35tcpg236-1", precision="fixed<24,8>")
    page = report_page(small)
    estimate = small.estimate()
    first = page.remarks[0]
    assert first.weight is Weight.FAULT and first.title.startswith("The design does not fit xc7a35tcpg236-1")
    assert (
        f"{estimate.dsp.value:,} ({estimate.dsp.low:,} to {estimate.dsp.high:,}) of 90; most of it in {estimate.dominant['DSP'].name}"
        in first.text
    )
    assert "does not fit" not in str(report_page(project()).remarks)


def test_a_vendors_report_beside_the_project_is_shown(tmp_path: Path) -> None:
    made = project(output_dir=tmp_path / "built")
    keys = [panel.key for panel in report_page(made).panels]
    assert "vendor" not in keys
    made.write()
    assert "vendor" not in [panel.key for panel in report_page(made).panels]
    file = tmp_path / "built" / "net_prj" / "solution1" / "syn" / "report" / "csynth.xml"
    file.parent.mkdir(parents=True)
    file.write_text(csynth(), encoding="utf-8")
    whole, by_layer = next(panel for panel in report_page(made).panels if panel.key == "vendor").tables
    assert {row[0]: row[1] for row in whole.rows}["DSP"] == "8"
    rows = {row[1]: row for row in by_layer.rows}
    assert rows["fc1"][:4] == ("fc1", "fc1", "24", "20") and "560" in rows["fc1"]
    assert by_layer.layers[[row[1] for row in by_layer.rows].index("fc1")] == 1
    file.write_text("<profile>", encoding="utf-8")
    broken = report_page(made)
    assert any(r.title == "The vendor's reports cannot be read" for r in broken.remarks)


# -- the command line ----------------------------------------------------------------------------


def test_the_command_line(tmp_path: Path) -> None:
    model, data, page = tmp_path / "m.onnx", tmp_path / "x.npy", tmp_path / "out.html"
    onnx.save(perceptron(("fc1", "fc2"), (6, 5, 4)), model)
    np.save(data, samples(50))
    np.save(tmp_path / "y.npy", np.arange(50) % 4)
    run = CliRunner()
    done = run.invoke(
        app, ["report", str(model), "--data", str(data), "--labels", str(tmp_path / "y.npy"), "-o", str(page)]
    )
    assert done.exit_code == 0, done.output
    assert "Accuracy" in page.read_text(encoding="utf-8")
    plain = run.invoke(app, ["report", str(model), "-o", str(tmp_path / "plain.html")])
    assert plain.exit_code == 0 and "Accuracy" not in (tmp_path / "plain.html").read_text(encoding="utf-8")
    alone = run.invoke(app, ["report", str(model), "--labels", str(data), "-o", str(page)])
    assert isinstance(alone.exception, ConfigError) and "give --data" in str(alone.exception)


def test_the_command_line_takes_the_test_vectors(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    onnx.save(perceptron(("fc1", "fc2"), (6, 5, 4)), model)
    np.save(tmp_path / "x.npy", samples(50))
    config = tmp_path / "c.yml"
    config.write_text("model: m.onnx\ntest_vectors: {x: x.npy}\n", encoding="utf-8")
    page = tmp_path / "out.html"
    done = CliRunner().invoke(app, ["report", str(config), "-o", str(page)])
    assert done.exit_code == 0, done.output
    assert "50 samples" in page.read_text(encoding="utf-8")
