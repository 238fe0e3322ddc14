"""Export "weights": what is read back from every file, by other means, are the constants of the design."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, ToolError, UnsupportedError
from hlsgen.project import Project
from hlsgen.tools import find_verilator
from tests.exports.networks import dense, mixed
from tests.passes.builders import Net, project_of

Words = list[int]


@pytest.fixture(scope="module")
def project() -> Project:
    return mixed()


# -- reading back: from the documentation, not with the code that writes ------------------------------


def read_hex(path: Path) -> Words:
    """As $readmemh: comments apart, a word each."""
    return [int(w, 16) for w in re.sub(r"//.*", "", path.read_text("ascii")).split()]


def read_mem(path: Path) -> Words:
    first, *words = path.read_text("ascii").split()
    assert first == "@0"
    return [int(w, 16) for w in words]


def read_coe(path: Path) -> Words:
    """Keyword=Value; what stands behind a semicolon is a comment."""
    text = re.sub(r"^;.*$", "", path.read_text("ascii"), flags=re.MULTILINE)
    found = re.fullmatch(
        r"\s*memory_initialization_radix=16;\s*memory_initialization_vector=\s*([0-9a-f,\s]+);\s*", text
    )
    assert found is not None
    return [int(w, 16) for w in found[1].split(",")]


def read_bin(path: Path, word_bytes: int) -> Words:
    data = path.read_bytes()
    return [int.from_bytes(data[at : at + word_bytes], "little") for at in range(0, len(data), word_bytes)]


def every_file(folder: Path, stem: str, index: dict[str, Any]) -> Iterator[Words]:
    yield read_hex(folder / f"{stem}.hex")
    yield read_mem(folder / f"{stem}.mem")
    yield read_coe(folder / f"{stem}.coe")
    yield read_bin(folder / f"{stem}.bin", index["word_bytes"])


def elements(words: Words, entry: dict[str, Any], index: dict[str, Any]) -> np.ndarray:
    """The mantissas of a constant from its words, as docs/exports.md says where they lie."""
    rows, per_row = entry["rows"], entry["words_of_row"]
    found: list[int] = []
    for row in range(rows):
        of_row: list[int] = []
        for at in range(row * per_row, (row + 1) * per_row, entry["words_of_group"]):
            of_row += group(words[at : at + entry["words_of_group"]], entry, index)
        found += of_row[: entry["elements"] // rows]
    ends = [m - (1 << entry["width"]) if entry["signed"] and m >> (entry["width"] - 1) else m for m in found]
    return np.array(ends, dtype=object).reshape(entry["shape"])


def group(words: Words, entry: dict[str, Any], index: dict[str, Any]) -> list[int]:
    """Elements that share words, as plain bits of their type."""
    width, place, low = index["word_width"], entry["element_bits"], index["first"] == "low"
    count, mask = entry["elements_of_group"], (1 << entry["width"]) - 1
    if index["layout"] == "bit-serial":
        lanes = range(count) if low else range(width - 1, width - 1 - count, -1)
        return [sum((word >> lane & 1) << bit for bit, word in enumerate(words)) for lane in lanes]
    if len(words) > 1:
        ordered = words if low else words[::-1]
        return [sum(word << width * k for k, word in enumerate(ordered)) & mask]
    starts = [place * i if low else width - place * (i + 1) for i in range(count)]
    return [words[0] >> start & mask for start in starts]


AXES = {
    "fc": lambda w: w[None, None],
    "depthwise": lambda w: w.reshape(*w.shape[:2], 1, -1),
}
"""How the weights of some layers are those of a convolution, (h, w, i, o)."""


def expected(design: Design, entry: dict[str, Any]) -> np.ndarray:
    """The mantissas in the design, with axes as the entry says."""
    op = next(op for op in design if op.name == entry["operation"])
    mantissas, frac = op.layer.constants()[entry["role"]].fixed
    assert entry["fraction"] == frac
    if entry["axes"] is None:
        return mantissas
    hwio = AXES.get(op.name, lambda w: w)(mantissas)
    return hwio.transpose(["hwio".index(axis) for axis in entry["axes"]])


def assert_reads_back(project: Project, folder: Path) -> dict[str, Any]:
    """Every constant, from every file, from the image and from its own."""
    index = json.loads((folder / "weights.json").read_text("utf-8"))
    images = list(every_file(folder, "weights", index))
    assert all(image == images[0] for image in images) and len(images[0]) == index["words"]
    assert max(images[0]) < 1 << index["word_width"]
    constants = {(op.name, role) for op in project.design for role in op.layer.constants()}
    assert {(e["operation"], e["role"]) for e in index["constants"]} == constants
    end = 0
    for entry in index["constants"]:
        assert entry["address"] >= end and not any(images[0][end : entry["address"]])
        assert entry["byte_address"] == entry["address"] * index["word_bytes"]
        assert entry["bytes"] == entry["words"] * index["word_bytes"]
        end = entry["address"] + entry["words"]
        words = images[0][entry["address"] : end]
        np.testing.assert_array_equal(elements(words, entry, index), expected(project.design, entry))
        if (folder / "layers").exists():
            assert all(own == words for own in every_file(folder, entry["file"], index))
    assert end == index["words"]
    return index


OPTIONS = [
    {},
    {"word_width": 32},
    {"word_width": 32, "first": "high"},
    {"word_width": 13},
    {"word_width": 13, "first": "high", "rows": True},
    {"word_width": 3, "first": "high"},
    {"word_width": 3},
    {"word_width": 1},
    {"word_width": 64, "layout": "aligned", "order": "hwio"},
    {"word_width": 24, "layout": "aligned", "first": "high"},
    {"word_width": 8, "layout": "single"},
    {"word_width": 64, "layout": "single", "align": 16},
    {"word_width": 100, "layout": "single", "order": "oihw"},
    {"layout": "bit-serial"},
    {"word_width": 32, "layout": "bit-serial", "first": "high"},
    {"word_width": 5, "layout": "bit-serial", "rows": True, "align": 7, "order": "iohw"},
    {"word_width": 1, "layout": "bit-serial"},
    {"word_width": 200, "rows": True, "order": "whio", "align": 3},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: " ".join(f"{k}={v}" for k, v in o.items()) or "default")
def test_everything_reads_back(project: Project, tmp_path: Path, options: dict[str, Any]) -> None:
    folder = project.export("weights", tmp_path / "out", **options)
    index = assert_reads_back(project, folder)
    assert index["word_width"] == options.get("word_width", index["word_width"])
    align = options.get("align", 1)
    assert all(entry["address"] % align == 0 for entry in index["constants"])
    if options.get("layout") == "single":
        assert all(entry["elements_of_group"] == 1 for entry in index["constants"])


def test_default_words_hold_the_widest_constant(project: Project, tmp_path: Path) -> None:
    index = json.loads((project.export("weights", tmp_path / "out") / "weights.json").read_text())
    widest = max(entry["width"] for entry in index["constants"])
    assert index["word_width"] >= widest > index["word_width"] // 2 and index["word_width"] >= 8


@pytest.mark.parametrize(
    "precision", ["fixed<1,1>", "ufixed<1,0>", "fixed<64,8>", "ufixed<64,3>", "fixed<90,10>", "ufixed<7,2>"]
)
@pytest.mark.parametrize("width", [8, 64, 72])
@pytest.mark.parametrize("layout", ["dense", "aligned", "single", "bit-serial"])
def test_ends_of_every_type(tmp_path: Path, precision: str, width: int, layout: str) -> None:
    """The least and the greatest mantissa, whatever the word."""
    weights = np.array([[-1e30, 1e30, 0.3], [1e30, -1e30, -0.3]])
    project = dense(2, 3, weights, np.array([-1e30, 1e30, 1.0]), precision)
    fixed = project.design.ops[-1].layer.constants()["weight"].known_type
    mantissas = project.design.ops[-1].layer.constants()["weight"].fixed[0]
    assert fixed.max_mantissa in mantissas and fixed.min_mantissa in mantissas
    for first in ("low", "high"):
        folder = project.export("weights", tmp_path / first, word_width=width, layout=layout, first=first)
        assert_reads_back(project, folder)


def test_numpy_reads_the_bytes(project: Project, tmp_path: Path) -> None:
    """Aligned elements of 8, 16 or 32 bits are NumPy's own, sign included."""
    folder = project.export("weights", tmp_path / "out", word_width=32, layout="aligned", formats=["bin"])
    index = json.loads((folder / "weights.json").read_text())
    data = (folder / "weights.bin").read_bytes()
    for entry in index["constants"]:
        kind = np.dtype(f"<{'i' if entry['signed'] else 'u'}{entry['element_bits'] // 8}")
        found = np.frombuffer(data, kind, entry["elements"], entry["byte_address"]).reshape(entry["shape"])
        np.testing.assert_array_equal(found, expected(project.design, entry))


def test_numpy_reads_words(project: Project, tmp_path: Path) -> None:
    folder = project.export("weights", tmp_path / "out", word_width=32)
    words = np.fromfile(folder / "weights.bin", dtype="<u4")
    assert words.tolist() == read_hex(folder / "weights.hex")


def test_files_wanted(project: Project, tmp_path: Path) -> None:
    folder = project.export("weights", tmp_path / "out", formats=("coe", "bin", "coe"), per_layer=False)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["hlsgen.json", "weights.bin", "weights.coe", "weights.json"]


def test_names_of_a_model_are_no_paths(project: Project, tmp_path: Path) -> None:
    folder = project.export("weights", tmp_path / "place" / "out")
    assert [path.name for path in (tmp_path / "place").iterdir()] == ["out"]
    files = [path.name for path in (folder / "layers").iterdir()]
    assert "conv_1_unsafe_x_weight.hex" in files and all(re.fullmatch(r"[a-z0-9_]+\.\w+", name) for name in files)
    head = [line for line in (folder / "weights.hex").read_text("ascii").splitlines() if line.startswith("//")]
    assert len(head) == 1 + len(json.loads((folder / "weights.json").read_text())["constants"])


WRONG = [
    ({"word_width": 0}, "word_width is 0, expected a whole number from 1 to 4096"),
    ({"word_width": 4097}, "word_width is 4097"),
    ({"word_width": 8.0}, r"word_width is 8\.0"),
    ({"word_width": True}, "word_width is True"),
    ({"layout": "bitserial"}, "layout is 'bitserial'; did you mean 'bit-serial'"),
    ({"layout": ["dense"]}, "layout is"),
    ({"first": "left"}, "first is 'left'; valid: high, low"),
    ({"order": "ohw"}, "order is 'ohw', expected the letters"),
    ({"order": "oohw"}, "order is 'oohw'"),
    ({"order": 3}, "order is 3"),
    ({"rows": 1}, "rows is 1, expected True or False"),
    ({"align": 0}, "align is 0"),
    ({"formats": "hex"}, "formats is 'hex', expected a list"),
    ({"formats": []}, "formats is"),
    ({"formats": ["hes"]}, "none of the name 'hes'; did you mean 'hex'"),
    ({"formats": [["hex"]]}, "none of the name"),
    ({"per_layer": None}, "per_layer is None"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_impossible_options(project: Project, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        project.export("weights", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_nothing_to_write(tmp_path: Path) -> None:
    net = Net()
    net.call("Flatten", "flat", net.input((2, 3)))
    with pytest.raises(UnsupportedError, match="has no constants"):
        project_of(net.source("flat")).export("weights", tmp_path / "out")


def test_another_model_has_its_own_weights(tmp_path: Path) -> None:
    """Those of the project that is exported, not of the one that was converted first."""
    first = dense(2, 1, np.array([[0.5], [0.25]]), np.array([0.0]), "fixed<8,2>")
    second = dense(2, 1, np.array([[-0.5], [1.25]]), np.array([1.0]), "fixed<8,2>")
    words = [read_hex(p.export("weights", tmp_path / n) / "weights.hex") for n, p in (("a", first), ("b", second))]
    assert words == [[32, 16, 0], [0xE0, 80, 64]]


BENCH = """
module bench;
  reg [{width} - 1:0] memory [0:{words} - 1];
  integer i;
  initial begin
    $readmemh("{path}", memory);
    for (i = 0; i < {words}; i = i + 1) $display("%h", memory[i]);
    $finish;
  end
endmodule
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["hex", "mem"])
def test_a_simulator_reads_the_words(project: Project, tmp_path: Path, suffix: str) -> None:
    """By $readmemh, comments and addresses included."""
    try:
        verilator = find_verilator()
    except ToolError as error:
        pytest.skip(f"no Verilator: {error}")
    folder = project.export("weights", tmp_path / "out", word_width=37)
    wanted = read_bin(folder / "weights.bin", 5)
    text = BENCH.format(width=37, words=len(wanted), path=folder / f"weights.{suffix}")
    (tmp_path / "bench.v").write_text(text)
    command = [
        str(verilator.path),
        "--binary",
        "--Mdir",
        tmp_path / "build",
        tmp_path / "bench.v",
        "--top-module",
        "bench",
    ]
    subprocess.run(
        [*command, "-CFLAGS", "-O0"], check=True, capture_output=True, env=os.environ | verilator.environment
    )
    run = subprocess.run([tmp_path / "build" / "Vbench"], check=True, capture_output=True, text=True)
    assert [int(word, 16) for word in re.findall(r"^[0-9a-f]+$", run.stdout, re.MULTILINE)] == wanted
