"""The generated text of three small designs, character by character.

A change of these files is a change of the product: look at the difference, then
``pytest tests/codegen --update-golden`` (or HLSGEN_UPDATE_GOLDEN=1).
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.backends.hls.texts import emulation_files, kernel_headers
from hlsgen.project import Project
from tests.passes.builders import Net, project_of

GOLDEN = Path(__file__).parent / "golden"


def mlp() -> Project:
    net = Net(seed=7, name="mlp")
    x = net.input((4,), "features")
    x = net.dense("fc 1", x, 4, 5)
    x = net.call("ReLU", "relu", x)
    x = net.dense("分类", x, 5, 3)
    net.call("Softmax", "softmax", x)
    return project_of(
        net.source("softmax"),
        input_precision="fixed<8,4>",
        layers={"fc 1": {"strategy": "resource", "reuse_factor": 4}},
        output_dir="out",
    )


def cnn() -> Project:
    net = Net(seed=8, name="cnn")
    x = net.input((6, 6, 1), "image")
    x = net.conv("conv", x, 1, 2, padding="same")
    a = net.call("ReLU", "relu", x)
    b = net.conv("conv2", a, 2, 2, padding="same")
    x = net.call("Add", "skip", [a, b])
    x = net.call("MaxPooling2D", "pool", x, pool_size=[2, 2], strides=[2, 2], padding="valid")
    x = net.call("Flatten", "flat", x)
    net.dense("classes", x, 18, 3)
    return project_of(
        net.source("classes", "pool"), input_precision="ufixed<8,0>", io_type="io_stream", output_dir="out"
    )


def circuit() -> Project:
    net = Net(seed=9, name="circuit")
    x = net.dense("folded", net.input((4,), "features"), 4, 3, activation="relu")
    x = net.dense("unrolled", x, 3, 2)
    net.call("Activation", "tanh", x, activation="tanh")
    layers = {
        "folded": {"strategy": "resource", "reuse_factor": 2},
        "unrolled": {"precision": {"result": "fixed<5,2,RND,SAT>"}},
    }
    source = net.source("tanh")
    return project_of(source, backend="verilog", input_precision="fixed<5,3>", layers=layers, output_dir="out")


DESIGNS = {"mlp": mlp, "cnn": cnn, "circuit": circuit}


def generated(name: str) -> dict[str, str]:
    """All texts that depend on the model: the project without kernels, and the emulator's unit."""
    project = DESIGNS[name]()
    kernels = {f"firmware/{path}" for path in kernel_headers()}
    files = {path: text for path, text in project.files.items() if path not in kernels}
    manifest = json.loads(files["hlsgen.json"])
    del manifest["files"]  # the digests of all the others, and of the kernels
    files["hlsgen.json"] = json.dumps(manifest, indent=2) + "\n"
    if project.config.backend == "verilog":
        return files
    files |= {f"emulation/{path}": text for path, text in emulation_files(project.plan).items()}
    return files | {"graph.txt": str(project.design) + "\n", "summary.txt": project.summary()}


@pytest.mark.parametrize("name", DESIGNS)
def test_golden(name, update_golden):
    folder, files = GOLDEN / name, generated(name)
    if update_golden:
        _rewrite(folder, files)
    stored = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    assert stored, f"no golden files in {folder}; make them with --update-golden and look at them"
    assert sorted(stored) == sorted(files), "files appeared or disappeared; see --update-golden"
    changed = [_difference(path, stored[path].read_text(encoding="utf-8"), text) for path, text in files.items()]
    found = "".join(changed)
    assert not found, f"the generated text changed (--update-golden accepts it):\n{found[:6000]}"


def _difference(path: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"golden/{path}", f"generated/{path}")
    return "".join(lines)


def _rewrite(folder: Path, files: dict[str, str]) -> None:
    for old in folder.rglob("*"):
        if old.is_file():
            old.unlink()
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", DESIGNS)
def test_two_conversions_give_the_same_text(name):
    assert generated(name) == generated(name)


@pytest.mark.parametrize("name", DESIGNS)
def test_form(name):
    for path, text in generated(name).items():
        assert text.endswith("\n") and not text.endswith("\n\n"), path
        assert "\t" not in text and "\r" not in text, path
        for line in text.splitlines():
            assert line == line.rstrip(), f"{path}: trailing blanks in {line!r}"
        if path.endswith((".h", ".cpp")) and "test" not in path:
            code = "\n".join(line.partition("//")[0] for line in text.splitlines())
            assert "static const double" not in code and "float" not in code, path
            for token in code.replace("(", " ").replace(",", " ").split():
                assert not _is_decimal(token), f"{path}: decimal number {token}"


def _is_decimal(token: str) -> bool:
    return token.replace(".", "", 1).isdigit() and "." in token


def dense_with(kernel: Any, bias: Any) -> Project:
    net = Net(name="dense")
    net.call("Dense", "fc", net.input((3,)), {"kernel": kernel, "bias": bias}, units=3)
    return project_of(net.source("fc"), precision="fixed<16,6,RND,SAT>", input_precision="fixed<8,4>")


def test_weights_are_not_in_the_text_of_the_emulator():
    """New weights with the same types and the same proved sums must not recompile: each column in another order."""
    kernel, bias = np.array([[1, -2, 3], [0.5, 2, -1], [-3, 0.25, 1.5]]), np.array([1, -1, 0.5])
    one, other = dense_with(kernel, bias), dense_with(kernel[::-1], bias)
    constants = [{c.name: c.array.words.tolist() for c in project.plan.constants} for project in (one, other)]
    assert constants[0].keys() == constants[1].keys() == {"fc_w", "fc_b"}
    assert constants[0]["fc_w"] != constants[1]["fc_w"]
    assert emulation_files(one.plan) == emulation_files(other.plan)
    wider = dense_with(kernel * 4, bias)
    assert emulation_files(one.plan) != emulation_files(wider.plan), "types are in the text"


def test_an_absent_golden_file_fails(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "GOLDEN", tmp_path)
    with pytest.raises(AssertionError, match="no golden files.*--update-golden"):
        test_golden("mlp", False)
    test_golden("mlp", True)
    test_golden("mlp", False)
    (tmp_path / "mlp" / "firmware" / "types.h").unlink()
    with pytest.raises(AssertionError, match="files appeared or disappeared"):
        test_golden("mlp", False)
