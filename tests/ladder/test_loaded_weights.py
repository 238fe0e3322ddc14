"""Weights that are loaded at run time: the bits of those that were loaded last, in memories that no guard stands before.

The test bench runs folder behind folder in one process: with weights of the model, with others, and with none, which
leaves those that are there.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.loading import FILE, loading_of
from hlsgen.backends.hls.texts import firmware_files, project_files
from hlsgen.errors import ConfigError
from hlsgen.linter.lint import lint_texts
from hlsgen.linter.products import stated_products
from hlsgen.linter.source import Source
from hlsgen.project import Project
from hlsgen.tools import find_compiler, run, vendor_headers
from tests import sanitized
from tests.compiled import VENDOR_PREFIX, program, write_files
from tests.ladder.harness import (
    SANITIZED_FLAGS,
    STAND_INS,
    VENDOR_FLAGS,
    Reference,
    Variant,
    check_predict,
    dyadic_weights,
    flat,
    grid_input,
    rows,
)
from tests.ladder.test_synthesizable import check_symbols
from tests.ladder.test_weights_at_ports import mlp
from tests.linter.native import the_clang

INPUT = "fixed<8,4>"
SAMPLES = 6


def cnn(seed: int = 1) -> Any:
    """Two convolutions that meet, and a dense layer whose positions are several packs."""
    x = keras.Input((5, 6, 2), name="image")
    near = kl.Conv2D(3, 3, padding="same", activation="relu", name="near")(x)
    far = kl.Conv2D(3, 3, padding="same", name="far")(near)
    h = kl.Flatten(name="flat")(kl.Add(name="sum")([near, far]))
    model = keras.Model(x, kl.Dense(4, name="fc")(h))
    dyadic_weights(model, seed)
    return model


def convert(model: Any, io_type: str = "io_stream", settings: Any = None, **defaults: Any) -> Project:
    config = {"defaults": {"weights": "axi", "reuse_factor": 6, "precision": {"bias": "fixed<5,3>"}} | defaults}
    return hlsgen.convert(model, config, input_precision=INPUT, io_type=io_type, project_name="dut", **(settings or {}))


def simulate(project: Project, folders: dict[str, tuple[Project, bool]], x: Any) -> None:
    """Run the test bench once over folders, each with what its project expects and, if told, with its weights."""
    headers, files = vendor_headers(), {}
    for name, (of, loads) in folders.items():
        found = of.evaluate(x, raw=True)
        keys = {tensor: key for key, tensor in of.trace_keys().items()}
        inputs = [flat(found[keys[tensor]]) for tensor in of.design.inputs]
        files[f"{name}/inputs.dat"] = rows(inputs)
        files[f"{name}/expected.dat"] = rows([flat(found[keys[tensor]]) for tensor in of.design.outputs])
        if loads:
            files[f"{name}/weights.dat"] = of.files[FILE]
    bench = program(
        project_files(project.plan, {}),
        ["dut_test.cpp", "firmware/dut.cpp"],
        [
            *(SANITIZED_FLAGS if sanitized.enabled else VENDOR_FLAGS),
            *("-I.", "-Ifirmware", f"-isystem{headers}", f"-isystem{STAND_INS}"),
        ],
        prefix=VENDOR_PREFIX,
    )
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), files)
        done = run([str(bench), *folders], cwd=Path(folder), timeout=300)
    agreed = f"{len(x)} samples, 0 differ from tb_data/expected.dat"
    assert done.output.splitlines() == [agreed] * len(folders)


DESIGNS = {
    # model, io_type, settings, reuse_factor
    "dense, streams, a word a row": (mlp, "io_stream", {}, 6),
    "dense, arrays": (mlp, "io_parallel", {}, 12),
    "dense, memory, rows of several words": (mlp, "io_parallel", {"interface": "axi_master", "port_width": 32}, 3),
    "convolutions, streams, turns over rows": (cnn, "io_stream", {"tlast": True}, 36),
    "convolutions, arrays": (cnn, "io_parallel", {"control": "ap_ctrl_chain"}, 9),
}
SLOW = {"dense, streams, a word a row", "dense, arrays"}
"""Of which the others have everything, some seconds each."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in DESIGNS])
def test_what_was_loaded_last_is_used(name: str) -> None:
    make, io_type, settings, factor = DESIGNS[name]
    project = convert(make(), io_type, settings, reuse_factor=factor)
    other = project.with_weights(make(7))
    x = grid_input(project.design.inputs[0].shape, bound=16, samples=SAMPLES)
    check_predict(project, Variant("loaded", io_type), Reference(project, x))
    assert not np.array_equal(project.predict(x, raw=True), other.predict(x, raw=True))
    simulate(
        project,
        {"first": (project, True), "stay": (project, False), "other": (other, True), "still": (other, False)},
        x,
    )


def test_any_weights_of_their_types_can_be_loaded() -> None:
    """All at the ends of their types, of convolutions too: sums are proved for them."""
    project = convert(cnn(), precision={"weight": "fixed<4,2>", "bias": "fixed<5,3>"})
    extreme = cnn()
    extreme.set_weights([np.full_like(w, 1.75 if w.ndim > 1 else 3.75) for w in extreme.get_weights()])
    loaded = project.with_weights(extreme)
    x = grid_input((5, 6, 2), frac=4, bound=127, samples=SAMPLES)
    np.testing.assert_array_equal(loaded.predict(x, raw=True), loaded.evaluate(x, raw=True)["fc"])


def by_hand(project: Project) -> list[int]:
    """The words of a project's constants, bit by bit from the numbers of the layers."""
    loading, found = loading_of(project.plan), []
    assert loading is not None
    for array in loading.arrays:
        constant = array.constant.array
        numbers, mask = [int(v) for v in constant.words], (1 << constant.width) - 1
        turns = constant.row or 1
        for t in range(turns):
            row = sum((number & mask) << constant.width * m for m, number in enumerate(numbers[t::turns]))
            for _ in range(array.words_of_row):
                found.append(row & (1 << loading.bits) - 1)
                row >>= loading.bits
            assert row == 0
    return found


@pytest.mark.parametrize("width", [None, 64])
def test_the_file_has_the_words(width: int | None) -> None:
    project = convert(cnn(), settings={"port_width": width} if width else None)
    text = project.files[FILE]
    loading = loading_of(project.plan)
    assert loading is not None
    assert [int(line, 16) for line in text.splitlines()] == by_hand(project)
    assert {len(line) for line in text.splitlines()} == {loading.bits // 4}
    assert loading.bits == (width or 256)
    assert project.with_weights(cnn(7)).files[FILE] != text


def test_wide_weights_are_packed() -> None:
    x = keras.Input((4,), name="x")
    model = keras.Model(x, kl.Dense(3, name="fc", bias_initializer="normal")(x))
    project = convert(model, precision={"weight": "fixed<70,4>", "bias": "ufixed<66,3>"}, reuse_factor=2)
    assert [int(line, 16) for line in project.files[FILE].splitlines()] == by_hand(project)


def test_the_documented_driver_packs_the_same() -> None:
    """The snippet of docs/interface.md, on the layout of hlsgen.json and the numbers of the model."""
    page = (Path(__file__).parents[2] / "docs" / "interface.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(def weights_in_memory.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    project = convert(cnn())
    layout = json.loads(project.files["hlsgen.json"])["weights"]
    numbers = {constant.name: constant.array.words for constant in project.plan.constants}
    packed = names["weights_in_memory"](layout, numbers)
    lines = project.files[FILE].splitlines(keepends=True)
    assert packed == b"".join(int(line, 16).to_bytes(layout["bits"] // 8, "little") for line in lines)
    assert 'b"".join(bytes.fromhex(line)[::-1] for line in open("tb_data/weights.dat"))' in page
    assert packed == b"".join(bytes.fromhex(line)[::-1] for line in lines)


@pytest.mark.parametrize("io_type", ["io_stream", "io_parallel"])
def test_lint_finds_nothing(io_type: str) -> None:
    files = firmware_files(convert(cnn(), io_type).plan)
    report = lint_texts(files, the_clang())
    sources = {name: Source(name, text) for name, text in files.items()}
    assert not report.errors
    counted = {entry.step: entry.count for entry in report.multiplications if entry.count}
    assert counted == {"near_conv2d": 9, "far": 27, "fc": 60}
    assert stated_products(sources, "dut") == counted


def test_one_layer_of_several_with_names_of_ours(tmp_path: Path) -> None:
    """What loads is told from what does not; no name of a model is one of the generated text."""
    x = keras.Input((4,), name="weights")
    h = kl.Dense(4, activation="relu", name="read_weights")(x)
    h = kl.Dense(4, activation="relu", name="fc_words")(h)
    model = keras.Model(x, kl.Dense(3, name="load_weights")(h))
    dyadic_weights(model)
    project = convert(model, weights="constant", settings={"layers": {"fc_words": {"weights": "axi"}}})
    loading = loading_of(project.plan)
    assert loading is not None
    assert [array.constant.owner for array in loading.arrays] == ["layer 'fc_words' (Dense)"] * 2
    assert not lint_texts(firmware_files(project.plan), None).errors
    check_symbols(project.plan, tmp_path)


def test_it_can_be_synthesized(tmp_path: Path) -> None:
    check_symbols(convert(cnn()).plan, tmp_path, ("-DHLSGEN_EXACT_WORDS",))


@pytest.mark.parametrize("compiler", ["g++", "clang"])
def test_no_guard_stands_before_the_memories(compiler: str, tmp_path: Path) -> None:
    """Also with the vendor's ap_int as the words of constants, whose constructors run."""
    write_files(tmp_path, firmware_files(convert(cnn()).plan))
    command = [*find_compiler().command] if compiler == "g++" else [shutil.which("clang") or pytest.skip("no clang")]
    flags = ["-std=c++14", "-O0", "-fno-exceptions", "-DHLSGEN_EXACT_WORDS", "-w", "-I.", f"-isystem{vendor_headers()}"]
    run([*command, *flags, "-c", "dut.cpp", "-o", "dut.o"], cwd=tmp_path, timeout=300)
    symbols = run(["nm", "-C", "dut.o"], cwd=tmp_path).output
    assert len(re.findall(r" b \w+_loaded\(.*::(?:weights|biases)$", symbols, re.MULTILINE)) == 6
    assert "guard variable" not in symbols


def test_ports_are_described() -> None:
    project = convert(mlp())
    files = project.files
    head = [line for line in files["firmware/dut.h"].splitlines() if line.startswith("//")][-6:]
    assert head == [
        "//   load_weights         a register: whether this sample loads weights and biases, which stay from then on",
        "//   weights              13 words of 32 bits in memory, read by an AXI4 master",
        "//     from word 0        hidden_dense_w, output, input of layer 'hidden' (Dense): 48 integers of 4 bits in 6 rows "
        "of 1 word: row t holds the number t + 6 * m in the place m, place 0 in the lowest bits",
        "//     from word 6        hidden_dense_b, output of layer 'hidden' (Dense): 8 integers of 5 bits in a row of 2 "
        "words, place 0 in the lowest bits",
        "//     from word 8        classes_w, output, input of layer 'classes' (Dense): 32 integers of 4 bits in 4 rows of "
        "1 word: row t holds the number t + 4 * m in the place m, place 0 in the lowest bits",
        "//     from word 12       classes_b, output of layer 'classes' (Dense): 4 integers of 5 bits in a row of 1 word, "
        "place 0 in the lowest bits",
    ]
    top = files["firmware/dut.cpp"]
    assert "typedef ap_uint<32> weights_word;" in files["firmware/types.h"]
    assert (
        "#pragma HLS INTERFACE mode=m_axi port=weights offset=slave bundle=weights depth=13 max_read_burst_length=256\n"
        "#pragma HLS INTERFACE mode=s_axilite port=weights bundle=control\n"
        "#pragma HLS INTERFACE mode=s_axilite port=load_weights bundle=control\n" in top
    )
    assert "#pragma HLS INTERFACE mode=s_axilite port=return bundle=control" in top
    assert not [name for name in files if name.startswith("firmware/weights/hidden")]
    facts = json.loads(files["hlsgen.json"])
    assert facts["interface"] == "axis, ap_ctrl_hs on AXI4-Lite"
    assert {k: facts["weights"][k] for k in ("bits", "words")} == {"bits": 32, "words": 13}
    assert [array["first"] for array in facts["weights"]["arrays"]] == [0, 6, 8, 12]
    found = {line.split()[0]: line.split()[1:] for line in project.summary().splitlines() if line.strip()}
    assert found["weights"][:5] == ["in", "word", "1", "32", "13"]
    assert found["load_weights"][0] == "in"
    assert found["classes_words"][:2] == ["32", "5"]


def test_loading_costs_its_words_and_nothing_else() -> None:
    schedule = convert(cnn()).schedule
    constant = convert(cnn(), weights="constant", strategy="resource").schedule
    loading = loading_of(convert(cnn()).plan)
    assert loading is not None
    assert (schedule.loading, constant.loading) == (loading.words, 0)
    assert schedule.interval == constant.interval
    assert f"up to {loading.words} cycles more" in str(schedule)
    assert "loads weights" not in str(constant)


def test_every_sample_under_way_can_be_told() -> None:
    """So many samples can be between the process that reads the memory and a layer as there are processes."""
    hardware = bordered(convert(cnn()).plan)
    loading = loading_of(hardware)
    assert loading is not None
    for layer in loading.layers:
        assert layer.depth > hardware.steps.index(layer.step) + 1


@pytest.mark.parametrize("storage", ["auto", "bram", "lutram", "uram"])
def test_storage_is_that_of_the_memory(storage: str) -> None:
    """UltraRAM too: it holds nothing that has to be there from the start."""
    text = convert(mlp(), storage=storage).files["firmware/dut.cpp"]
    assert text.count(f"#pragma HLS BIND_STORAGE variable=weights type=ram_1p impl={storage}\n") == 2


def test_refused() -> None:
    told = r"layer 'hidden' \(Dense\)"
    with pytest.raises(ConfigError, match=r"layer 'hidden': weights 'axi' are read a word a turn, and strategy 'lat"):
        convert(mlp(), strategy="latency")
    with pytest.raises(ConfigError, match=rf"control: weights 'axi' of {told} are loaded by .* no calls; give ap_ctrl"):
        convert(mlp(), settings={"control": "ap_ctrl_none"})
    with pytest.raises(ConfigError, match=rf"board: weights 'axi' of {told} .* 'pynq-z2' brings inputs and outputs"):
        convert(mlp(), settings={"board": "pynq-z2"})
    with pytest.raises(ConfigError, match=rf"axi_lite: weights 'axi' of {told} .* in registers"):
        convert(mlp(), settings={"axi_lite": False})
    with pytest.raises(ConfigError, match=rf"{told}: pipeline 'flat' .* weights 'axi' are read turn by turn; give"):
        convert(mlp(), "io_parallel", {"pipeline": "flat"}).files  # noqa: B018
    x = keras.Input((128,), name="x")
    wide = keras.Model(x, kl.Dense(32, name="fc")(x))
    with pytest.raises(ConfigError, match=r"4096 weights of \d+ bits a turn, and a row of the memory .* 32768 bits"):
        convert(wide, reuse_factor=1, precision={"weight": "fixed<9,4>"}).files  # noqa: B018
    tall = keras.Model(x, kl.Dense(3000, bias_initializer="normal", name="fc")(x))
    with pytest.raises(ConfigError, match=r"3000 biases of 12 bits in a row, .* biases a type of up to 10 bits, or"):
        convert(tall, reuse_factor=3000, precision={"weight": "fixed<8,4>", "bias": "fixed<12,4>"}).files  # noqa: B018
