"""Project: what goes into predict and comes out, two designs at once, writing, the summary, default_config."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import warnings
from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest
import yaml

import hlsgen
from hlsgen.backends.hls import texts as codegen
from hlsgen.errors import ConfigError, InputError, OutputDirError
from hlsgen.project import ClippedInputWarning
from tests.passes.builders import Net, graph_of, grid, project_of

EXAMPLES = Path(__file__).parents[1] / "example-models"


def dense(seed: int = 0, n_in: int = 4, n_out: int = 3, io_type: str = "io_parallel", **settings):
    net = Net(seed)
    net.dense("fc", net.input((n_in,)), n_in, n_out)
    return project_of(net.source("fc"), io_type=io_type, **settings)


def two_inputs(**settings):
    net = Net(3)
    a, b = net.input((4,), "left"), net.input((2, 3), "right side")
    flat = net.call("Flatten", "flat", b)
    joined = net.call("Concatenate", "joined", [a, flat], axis=-1)
    net.dense("sum", joined, 10, 2)
    net.dense("side", a, 4, 5)
    return project_of(net.source("sum", "side", "flat"), **settings)


@pytest.fixture(scope="module")
def one():
    return dense()


@pytest.fixture(scope="module")
def several():
    return two_inputs()


# -- forms of input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x,
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.float16),
        lambda x: x.tolist(),
        lambda x: [x],
        lambda x: (x,),
        lambda x: {"x": x},
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: np.repeat(x, 3, axis=1)[:, ::3],
        lambda x: x[::-1][::-1],
        lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
        lambda x: np.broadcast_to(x[:, :, None], (*x.shape, 2))[:, :, 1],
        lambda x: x.astype(">f4"),
        lambda x: x.astype(">f8"),
        lambda x: _read_only(x),
        lambda x: list(x),
    ],
)
def test_forms_of_real_inputs(one, form):
    x = grid((4,), samples=21)
    wanted = one.evaluate(x, raw=True)["fc"]
    np.testing.assert_array_equal(one.predict(form(x), raw=True), wanted)


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool", ">i2", ">i4"]
)
def test_integers_are_values_not_mantissas(one, dtype):
    x = np.random.default_rng(0).integers(0, 20, (17, 4)).astype(dtype)
    wanted = one.predict(x.astype(np.float64), raw=True)
    np.testing.assert_array_equal(one.predict(x, raw=True), wanted)
    np.testing.assert_array_equal(one.evaluate(x, raw=True)["fc"], wanted)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint64"])
def test_integers_out_of_range_saturate(one, dtype):
    ends = np.iinfo(dtype)
    x = np.array([[ends.min] * 4, [ends.max] * 4], dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(one.predict(x, raw=True), one.evaluate(x, raw=True)["fc"])


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("samples", [0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1000])
def test_batches_that_fill_no_lanes(io_type, samples):
    project = dense(io_type=io_type)
    x = grid((4,), samples=max(samples, 2))[:samples]
    got = project.predict(x, raw=True)
    assert got.shape == (samples, 3)
    np.testing.assert_array_equal(got, project.evaluate(x, raw=True)["fc"])
    assert project.predict(x).shape == (samples, 3)
    assert project.trace(x)["fc"].shape == (samples, 3)


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
def test_threads_do_not_matter(one, threads):
    x = grid((4,), samples=999)
    np.testing.assert_array_equal(one.predict(x, raw=True, threads=threads), one.evaluate(x, raw=True)["fc"])


def test_large_magnitudes_tiny_values_and_infinities(one):
    x = np.array([[1e300, -1e300, 5e-324, -5e-324], [np.inf, -np.inf, 0.0, -0.0], [2**-40, -(2**-40), 1e-3, 31.999999]])
    with pytest.warns(ClippedInputWarning):
        got = one.predict(x, raw=True)
    np.testing.assert_array_equal(got, one.evaluate(x, raw=True)["fc"])
    with np.errstate(over="ignore"):
        small = x.astype(np.float32)
    with pytest.warns(ClippedInputWarning):
        np.testing.assert_array_equal(one.predict(small, raw=True), one.evaluate(small, raw=True)["fc"])


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_ties_and_neighbours_of_the_input_grid(one, kind):
    """Halves of a step and the numbers next to them, where rounding decides."""
    step = 2.0**-10
    ties = (np.arange(-40, 40) + 0.5) * step
    x = np.concatenate([np.nextafter(ties.astype(kind), kind(side)) for side in (-99, 99)] + [ties.astype(kind)])
    x = np.repeat(x[:, None], 4, axis=1).astype(kind)
    np.testing.assert_array_equal(one.predict(x, raw=True), one.evaluate(x, raw=True)["fc"])


def test_infinities_saturate(one):
    x = np.array([[np.inf, -np.inf, 0, 0]])
    ends = np.array([[1e9, -1e9, 0, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(one.predict(x), one.predict(ends))


def test_infinities_saturate_even_where_the_type_wraps():
    project = dense(input_precision="fixed<8,4,TRN,WRAP>")
    x = np.array([[np.inf, -np.inf, 0, 1], [9.0, -9.5, 100.3, -1000.7]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["fc"])


@pytest.mark.parametrize(
    "modes",
    ["TRN,WRAP", "TRN_ZERO,SAT", "RND,SAT", "RND_ZERO,SAT_ZERO", "RND_INF,SAT_SYM", "RND_MIN_INF,SAT", "RND_CONV,WRAP"],
)
def test_input_modes(modes):
    project = dense(input_precision=f"fixed<6,3,{modes}>")
    x = np.random.default_rng(5).uniform(-9, 9, (500, 4))
    x[:100] = np.round(x[:100] * 16) / 16  # ties
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["fc"])


def test_clipping_is_reported_with_its_number():
    project = dense(input_precision="ufixed<8,0>")
    with pytest.warns(
        ClippedInputWarning, match=r"input 'x': 2 of 8 values are outside of ufixed<8,0,RND,SAT>"
    ) as caught:
        project.predict(np.array([[0.5, 1.5, 0.25, -1.0], [0, 0.1, 0.2, 0.3]]))
    assert caught[0].filename == __file__, "the warning points at the caller"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        project.predict(np.full((3, 4), 0.5))
        project.predict(np.full((3, 4), 1 - 2.0**-8))


# -- several inputs and outputs --------------------------------------------------------------------


def pair(samples: int = 9):
    return grid((4,))[:samples], grid((2, 3), seed=2)[:samples]


def test_several_inputs_and_outputs(several):
    a, b = pair()
    reference = several.evaluate([a, b], raw=True)
    for x in ([a, b], (a, b), {"left": a, "right side": b}, {"right side": b, "left": a}):
        got = several.predict(x, raw=True)
        assert isinstance(got, list) and [g.shape for g in got] == [(9, 2), (9, 5), (9, 6)]
        for key, values in zip(("sum", "side", "flat"), got, strict=True):
            np.testing.assert_array_equal(values, reference[key], err_msg=key)
        traced = several.trace(x, raw=True)
        assert set(traced) >= {"left", "right side", "flat", "joined", "sum", "side"}
        np.testing.assert_array_equal(traced["joined"], reference["joined"])


def test_the_clipped_input_is_named_whatever_the_order_of_the_dict():
    project = two_inputs(input_precision={"left": "fixed<8,4>", "right side": "fixed<8,6>"})
    a, b = pair()
    with pytest.warns(ClippedInputWarning) as caught:
        project.predict({"right side": b, "left": a * 10})
    assert len(caught) == 1 and "input 'left'" in str(caught[0].message)


def test_one_sample_of_several_inputs_is_not_taken_for_one_input(several):
    a, b = pair(1)
    assert [r.shape for r in several.predict([a, b])] == [(1, 2), (1, 5), (1, 6)]


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_an_output_that_is_an_input_and_one_given_twice(io_type):
    net = Net()
    x = net.input((3,))
    y = net.dense("fc", x, 3, 3)
    project = project_of(net.source(y, x, y), io_type=io_type)
    data = grid((3,), samples=20)
    first, second, third = project.predict(data)
    np.testing.assert_array_equal(second, data)
    np.testing.assert_array_equal(first, third)
    np.testing.assert_array_equal(first, project.evaluate(data)["fc"])


def test_one_sample_as_a_list_of_one_array():
    net = Net()
    net.call("Flatten", "flat", net.input((2, 3)))
    project = project_of(net.source("flat"))
    x = grid((2, 3))[:1]
    for form in (x, [x], list(x), x.tolist()):
        np.testing.assert_array_equal(project.predict(form), x.reshape(1, 6))


# -- results ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "dtype"),
    [
        ("fixed<16,6,RND,SAT>", np.float32),
        ("fixed<24,10>", np.float32),
        ("fixed<25,10>", np.float32),
        ("ufixed<24,1>", np.float32),
        ("fixed<26,10>", np.float64),
        ("ufixed<25,10>", np.float64),
        ("fixed<8,-119,RND,SAT>", np.float64),
    ],
)
def test_dtype_of_the_result(result, dtype):
    """Rule 7: float32 where its 24 bits hold the type."""
    project = dense(layers={"fc": {"precision": {"result": result}}})
    x = grid((4,))
    got = project.predict(x)
    assert got.dtype == dtype and project.trace(x)["fc"].dtype == dtype and project.evaluate(x)["fc"].dtype == dtype
    raw = project.predict(x, raw=True)
    assert raw.dtype == np.int64
    fixed = project.design.outputs[0].type
    np.testing.assert_array_equal(got.astype(np.float64), raw * 2.0**-fixed.frac)


def test_results_beyond_64_bits_are_objects():
    project = dense(layers={"fc": {"precision": {"result": "fixed<90,30>"}}})
    x = grid((4,))
    raw = project.predict(x, raw=True)
    assert raw.dtype == object and isinstance(raw[0, 0], int)
    np.testing.assert_array_equal(raw, project.evaluate(x, raw=True)["fc"].astype(object))
    real = project.predict(x)
    assert real.dtype == np.float64
    np.testing.assert_array_equal(real, project.evaluate(x)["fc"])


def test_results_do_not_share_memory(one):
    x = grid((4,))
    first = one.predict(x)
    kept = first.copy()
    second = one.predict(-x)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, kept)
    first[:] = 0
    np.testing.assert_array_equal(one.predict(x), kept)


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(4), r"input 'x': shape \(4,\), expected \(samples, 4\); add a batch axis: x\[None\]"),
        (np.zeros((2, 5)), r"input 'x': shape \(2, 5\), expected \(samples, 4\)"),
        (np.zeros((2, 4, 1)), r"shape \(2, 4, 1\), expected \(samples, 4\)"),
        (np.float64(3), r"shape \(\), expected \(samples, 4\)"),
        ([[1, 2, 3, 4], [1, 2]], "input 'x': not an array"),
        ([["a", "b", "c", "d"]], r"dtype <U1 holds no real numbers"),
        (np.zeros((2, 4), dtype=complex), "dtype complex128 holds no real numbers"),
        (np.zeros((2, 4), dtype=object), "dtype object holds no real numbers"),
        (np.zeros((2, 4), dtype="datetime64[s]"), "holds no real numbers"),
        (None, "input 'x'"),
        (np.array([[0, 1, np.nan, 2]]), r"input 'x': NaN at index \[0, 2\]"),
        (np.array([[0, 1, np.nan, 2]], dtype=np.float16), r"NaN at index \[0, 2\]"),
        ({"y": np.zeros((2, 4))}, "the model has no input 'y'"),
        ({}, "no data for input 'x'"),
        ({"x": np.zeros((2, 4)), "z": np.zeros((2, 4))}, "the model has no input 'z'"),
    ],
)
def test_bad_input(one, x, message):
    for method in (one.predict, one.trace, one.evaluate):
        with pytest.raises(InputError, match=message):
            method(x)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (lambda a, b: a, "has 2 inputs"),
        (lambda a, b: [a], "has 2 inputs"),
        (lambda a, b: [a, b, b], "has 2 inputs"),
        (lambda a, b: [b, a], r"input 'left': shape \(9, 2, 3\), expected \(samples, 4\)"),
        (lambda a, b: [a, b[:5]], r"inputs differ in their number of samples: \{'left': 9, 'right side': 5\}"),
        (lambda a, b: {"left": a}, "no data for input 'right side'"),
        (lambda a, b: {"left": a, "right_side": b}, "no input 'right_side'; did you mean 'right side'"),
        (lambda a, b: [a, np.where(b == b[0, 0, 0], np.nan, b)], "input 'right side': NaN at index"),
    ],
)
def test_bad_inputs_of_several(several, x, message):
    with pytest.raises(InputError, match=message):
        several.predict(x(*pair()))


def test_lists_without_end(one):
    endless: list = []
    endless.append(endless)
    deep: object = 1.0
    for _ in range(5000):
        deep = [deep]
    for x in (endless, deep, {"x": endless}, [endless]):
        for method in (one.trace, one.evaluate):
            with pytest.raises(InputError, match="input 'x': not an array"):
                method(x)


@pytest.mark.parametrize("value", [np.ones(2), "no", None, 1])
def test_switches_are_true_or_false(one, value):
    calls = {"raw": (one.predict, one.trace, one.evaluate), "inner": (one.evaluate,), "count_overflows": (one.predict,)}
    for name, methods in calls.items():
        for method in methods:
            with pytest.raises(InputError, match=rf"{name} is .*, expected True or False"):
                method(grid((4,)), **{name: value})


@pytest.mark.parametrize("folder", ["somewhere", Path("somewhere")])
def test_a_folder_is_no_switch(one, folder, tmp_path, monkeypatch):
    """Else ``write("somewhere")`` would write elsewhere, over what is there."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="output_dir="):
        one.write(folder)
    with pytest.raises(InputError, match="overwrite is 1, expected True or False"):
        one.write(1)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("threads", [0, -1, "two", 2.0, True, 10**30, 10**5000], ids=range(7))
def test_bad_number_of_threads(one, threads):
    with pytest.raises(InputError, match=r"^threads is .+, expected a whole number from 1"):
        one.predict(grid((4,)), threads=threads)


# -- calibration -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 4)), "calibration.*no samples"),
        (np.array([[np.inf, 0, 0, 0]]), "calibration.*infinit"),
        (np.array([[np.nan, 0, 0, 0]]), "NaN"),
        (np.zeros((3, 5)), r"shape \(3, 5\)"),
    ],
)
def test_bad_calibration(data, message):
    with pytest.raises(InputError, match=message):
        hlsgen.convert(EXAMPLES / "iris_mlp" / "model.keras", calibration=data)


def test_calibration_from_a_file(tmp_path):
    x = np.load(EXAMPLES / "iris_mlp" / "x.npy")
    project = hlsgen.convert(EXAMPLES / "iris_mlp" / "model.keras", calibration=EXAMPLES / "iris_mlp" / "x.npy")
    given = hlsgen.convert(EXAMPLES / "iris_mlp" / "model.keras", calibration=x)
    assert str(project.design) == str(given.design)
    for content in (b"", b"no numpy", b"\x93NUMPY\x01\x00"):
        (tmp_path / "bad.npy").write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.npy: cannot be read as an \.npy array"):
            hlsgen.convert(EXAMPLES / "iris_mlp" / "model.keras", calibration=tmp_path / "bad.npy")
    np.savez(tmp_path / "several.npz", x=x)
    with pytest.raises(InputError, match=r"several\.npz: holds several arrays"):
        hlsgen.convert(EXAMPLES / "iris_mlp" / "model.keras", calibration=tmp_path / "several.npz")
    np.save(tmp_path / "pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"pickle\.npy"):
        hlsgen.convert(EXAMPLES / "iris_mlp" / "model.keras", calibration=tmp_path / "pickle.npy")
    with pytest.raises(InputError, match=r"missing\.npy"):
        hlsgen.convert(EXAMPLES / "iris_mlp" / "model.keras", calibration=tmp_path / "missing.npy")


# -- several designs, several threads --------------------------------------------------------------


def test_same_structure_other_weights():
    """One extension may serve both; the weights may not."""
    fixed = {"precision": "fixed<16,6,RND,SAT>", "layers": {"fc": {"precision": {"accum": "fixed<40,20>"}}}}
    x = grid((4,), samples=50)
    first, second = dense(1, **fixed), dense(2, **fixed)
    wanted = [p.evaluate(x, raw=True)["fc"] for p in (first, second)]
    assert (wanted[0] != wanted[1]).any()
    for _ in range(3):
        for project, right in zip((first, second), wanted, strict=True):
            np.testing.assert_array_equal(project.predict(x, raw=True), right)
    results: dict[int, bool] = {}

    def work(index: int) -> None:
        project, right = (first, second)[index % 2], wanted[index % 2]
        results[index] = all((project.predict(x, raw=True, threads=2) == right).all() for _ in range(50))

    run_threads(work, 6)
    assert all(results.values()) and len(results) == 6


def test_same_weights_other_types():
    x = grid((4,), samples=50)
    projects = [
        dense(1, layers={"fc": {"precision": {"result": t}}})
        for t in ("fixed<8,5,RND,SAT>", "fixed<8,4,TRN,WRAP>", "fixed<5,5>")
    ]
    for project in projects + projects[::-1]:
        np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["fc"])


def run_threads(work, count: int) -> None:
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def test_many_threads_at_once(one):
    inputs = [grid((4,), samples=100 + i, seed=i) for i in range(8)]
    wanted = [one.evaluate(x, raw=True)["fc"] for x in inputs]
    results: dict[int, bool] = {}

    def work(index: int) -> None:
        results[index] = all((one.predict(inputs[index], raw=True) == wanted[index]).all() for _ in range(30))

    run_threads(work, 8)
    assert len(results) == 8 and all(results.values())


def test_first_use_from_many_threads_at_once():
    """compile() races with itself."""
    project = dense(99, n_in=4, n_out=7)
    x = grid((4,), samples=40)
    wanted = project.evaluate(x, raw=True)["fc"]
    results: dict[int, bool] = {}

    def work(index: int) -> None:
        results[index] = bool((project.predict(x, raw=True) == wanted).all())

    run_threads(work, 6)
    assert len(results) == 6 and all(results.values())


def test_the_gil_is_released(one):
    """Another Python thread makes progress during one long predict."""
    x = np.tile(grid((4,), samples=1000), (2000, 1))
    ticks, done = [0], threading.Event()

    def tick() -> None:
        while not done.wait(0.0005):
            ticks[0] += 1

    thread = threading.Thread(target=tick)
    thread.start()
    one.predict(x, threads=1)
    before = ticks[0]
    one.emulator.run([x], raw=True, threads=1)
    during = ticks[0] - before
    done.set()
    thread.join()
    assert during >= 1


# -- writing ---------------------------------------------------------------------------------------


def tree(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}


def test_write_and_rewrite(tmp_path):
    folder = tmp_path / "deep" / "out"
    project = dense(output_dir=folder)
    assert project.write() == folder.resolve()
    assert tree(folder) == project.files
    assert sorted(p.name for p in folder.parent.iterdir()) == ["out"], "no staging folder is left"
    (folder / "reports").mkdir()
    (folder / "reports" / "mine.txt").write_text("keep")
    (folder / "firmware" / "mine.h").write_text("keep")
    other = dense(5, n_out=6, output_dir=folder, project_name="other")
    other.write()
    written = tree(folder)
    assert written.pop("reports/mine.txt") == written.pop("firmware/mine.h") == "keep", "what is not ours stays"
    assert project.files.keys() - other.files.keys(), "the name is in the names of files"
    assert written == other.files, "what is gone from the design is gone from the folder"


def test_the_manifest_lists_all_other_files(tmp_path):
    project = dense(output_dir=tmp_path)
    listed = json.loads((project.write() / "hlsgen.json").read_text())["files"]
    stored = {path: hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() for path in tree(tmp_path)}
    assert {**listed, "hlsgen.json": stored["hlsgen.json"]} == stored


def test_a_file_changed_by_the_user_is_not_replaced(tmp_path):
    project = dense(output_dir=tmp_path)
    script = project.write() / "build.tcl"
    script.write_text(script.read_text() + "# and my own\n")
    other = project.with_settings(part="xc7z020clg400-1")
    for one in (project, other):
        with pytest.raises(OutputDirError, match=r"build\.tcl would be replaced, but was changed"):
            one.write()
    assert script.read_text().endswith("my own\n")
    other.write(overwrite=True)
    assert tree(tmp_path) == other.files


def test_the_manifest_holds_the_configuration(tmp_path):
    project = dense(output_dir=tmp_path / "out", input_precision="fixed<9,3,TRN,WRAP>", reuse_factor=1)
    project.write()
    manifest = json.loads((tmp_path / "out" / "hlsgen.json").read_text())
    assert manifest["types"]["fc"] == str(project.design.outputs[0].type)
    again = hlsgen.Config.model_validate(manifest["config"])
    assert again.input_precision == project.config.input_precision
    assert project_of_config(again) == str(project.design)


def project_of_config(config) -> str:
    net = Net(0)
    net.dense("fc", net.input((4,)), 4, 3)
    return str(project_of(net.source("fc"), config=config).design)


def test_foreign_folder_is_refused_and_untouched(tmp_path):
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.txt").write_text("years of work")
    project = dense(output_dir=folder)
    with pytest.raises(OutputDirError, match=r"thesis: holds something that is not an hlsgen project.*overwrite"):
        project.write()
    assert tree(tmp_path) == {"thesis/chapter1.txt": "years of work"}
    project.write(overwrite=True)
    assert tree(folder) == {"chapter1.txt": "years of work", **project.files}


def test_an_empty_folder_is_taken(tmp_path):
    project = dense(output_dir=tmp_path)
    project.write()
    assert tree(tmp_path) == project.files


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("a file")
    for folder in (tmp_path / "out", tmp_path / "out" / "below"):
        for overwrite in (False, True):
            with pytest.raises(OutputDirError, match="out"):
                dense(output_dir=folder).write(overwrite=overwrite)
    assert tree(tmp_path) == {"out": "a file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_parent(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputDirError, match="cannot be written"):
            dense(output_dir=tmp_path / "out").write()
    finally:
        tmp_path.chmod(0o700)


def test_nothing_is_half_written_when_a_text_fails(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    dense(output_dir=folder).write()
    before = tree(tmp_path)
    broken = dense(1, output_dir=folder)

    def fail(plan):
        raise ZeroDivisionError

    monkeypatch.setattr(codegen, "kernel_headers", lambda: fail(None))
    with pytest.raises(ZeroDivisionError):
        broken.write()
    assert tree(tmp_path) == before
    with pytest.raises(ZeroDivisionError):
        dense(2, output_dir=tmp_path / "new").write()
    assert not (tmp_path / "new").exists()


def test_nothing_is_left_when_the_disk_refuses(tmp_path, monkeypatch):
    project = dense(output_dir=tmp_path / "out")
    assert project.files
    written = Path.write_bytes

    def full(self, *args, **kwargs):
        if self.name == "types.h":
            raise OSError(28, "No space left on device")
        return written(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputDirError, match="No space left on device"):
        project.write()
    assert list(tmp_path.iterdir()) == []


def test_default_folder_is_beside_the_caller(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dense(project_name="mine").write() == tmp_path / "mine_hls"
    assert Path.cwd() == tmp_path


# -- summary, printing, default_config -------------------------------------------------------------


def summarised(io_type: str):
    net = Net(4)
    x = net.input((4, 4, 3), "image")
    x = net.conv("conv", x, 3, 2)
    x = net.batchnorm("bn", x, 2)
    x = net.quantize("q", x, 6, 1)
    x = net.call("Flatten", "flat", x)
    net.dense("int", x, 8, 5)
    return project_of(
        net.source("int"),
        io_type=io_type,
        input_precision="ufixed<8,0>",
        layers={"int": {"precision": {"result": "fixed<11,5,RND,SAT>"}}},
    )


@pytest.mark.parametrize(
    ("io_type", "image", "result"),
    [("io_stream", (1, 24, 16), (1, 56, 1)), ("io_parallel", (1, 8 * 48, 1), (5, 11, 1))],
)
def test_summary(io_type, image, result):
    """``image`` and ``result``: how many ports they have, of how many bits, for how many words."""
    project = summarised(io_type)
    text = project.summary()
    ports = text.partition("Ports of the top function")[2].partition("\n\n")[0].splitlines()
    assert ports[-2].split()[:6] == ["image", "in", "ufixed<8,0,RND,SAT>", *map(str, image)]
    assert ports[-1].split()[:6] == ["n_int", "out", "fixed<11,5,RND,SAT>", *map(str, result)]
    assert "bn is fused into conv" in text
    assert "'q'" in text, "a cast that was fused is named with what it became"
    assert "'int'" in text and "n_int" in text, "renamed for C++"
    rounded = text.partition("Constants rounded")[2].partition("Ports")[0]
    assert "conv" in rounded and "weight" in rounded
    for node in project.design:
        assert node.name in text


@pytest.mark.parametrize("granularity", ["model", "type", "name"])
@pytest.mark.parametrize("name", ["iris_mlp", "mnist_qcnn", "residual_cnn", "mnist_cnn_bn", "digits_mlp"])
def test_default_config_converts_to_the_same(name, granularity, tmp_path):
    path = EXAMPLES / name / "model.keras"
    config = hlsgen.default_config(path, granularity)
    plain = hlsgen.convert(path)
    assert str(hlsgen.convert(None, config).design) == str(plain.design)
    text = yaml.safe_dump(config.model_dump(mode="json", exclude_none=True), sort_keys=False)
    (tmp_path / "config.yml").write_text(text)
    assert str(hlsgen.convert(None, tmp_path / "config.yml").design) == str(plain.design)
    if granularity == "name":
        assert set(config.layers) >= {"classes" if "logits" not in plain.design.aliases else "logits"}
    if granularity == "type":
        assert config.layer_types


def test_default_config_of_an_unknown_granularity():
    with pytest.raises(ConfigError, match="unknown granularity 'layer'; valid: model, name, type"):
        hlsgen.default_config(EXAMPLES / "iris_mlp" / "model.keras", "layer")


def test_config_object_is_not_changed_by_overrides():
    config = hlsgen.default_config(EXAMPLES / "iris_mlp" / "model.keras")
    before = config.model_dump(mode="json")
    project = hlsgen.convert(None, config, precision={"result": "fixed<20,8,RND,SAT>"}, io_type="io_stream")
    assert config.model_dump(mode="json") == before
    assert project.config.io_type == "io_stream"


def test_conversions_are_repeatable():
    path = EXAMPLES / "residual_cnn" / "model.keras"
    assert hlsgen.convert(path).files == hlsgen.convert(path).files


# -- the same model with other settings ------------------------------------------------------------

SWEEP = [
    {"precision": "fixed<10,4>"},
    {"precision": "fixed<7,3,RND,SAT>", "io_type": "io_stream"},
    {"precision": {"weight": "fixed<4,2>", "accum": "fixed<14,6>"}},
    {"default_width": 9, "strategy": "resource", "layers": {"fc": {"reuse_factor": 3}}},
    {"max_width": 6, "project_name": "narrow"},
    {"weight_granularity": "channel"},
]


def swept() -> Net:
    net = Net(6)
    y = net.conv("conv", net.input((4, 4, 2)), 2, 3, activation="relu")
    y = net.call("AveragePooling2D", "mean", y, pool_size=[2, 2], strides=[2, 2], padding="valid")
    net.dense("fc", net.call("Flatten", "flat", y), 3, 4)
    return net


@pytest.mark.parametrize("calibrated", [False, True])
def test_with_settings_is_a_fresh_conversion(monkeypatch, calibrated):
    """Texts and predictions, for one setting after the other on one project; the model is read once."""
    source, reads = swept().source("fc"), []

    def read(model, weights=None, example_inputs=None):
        reads.append(model)
        return graph_of(model)

    monkeypatch.setattr("hlsgen.project.read_model", read)
    x = grid((4, 4, 2))
    calibration = x / 3 if calibrated else None
    first = project = hlsgen.convert(
        source, calibration=calibration, project_name="swept", input_precision="fixed<9,4>"
    )
    assert reads == [source]
    texts = dict(first.files)
    for settings in SWEEP:
        project = first.with_settings(**settings)
        assert reads == [source], "the model was read again"
        common = {"project_name": "swept", "input_precision": "fixed<9,4>"}
        fresh = hlsgen.convert(source, calibration=calibration, **{**common, **settings})
        assert reads.pop() is source
        assert project.files == fresh.files != texts
        assert project.summary() == fresh.summary()
        assert project.design.digest == fresh.design.digest
        np.testing.assert_array_equal(project.predict(x), fresh.predict(x))
        np.testing.assert_array_equal(project.predict(x), project.evaluate(x)["fc"])
    assert first.files == texts
    assert first.with_settings().files == texts


def test_with_settings_adds_to_those_that_were_given(one):
    project = one.with_settings(precision="fixed<9,3>").with_settings(io_type="io_stream")
    assert project.config.io_type == "io_stream" and project.config.input_precision == one.config.input_precision
    assert {str(op.output.type) for op in project.design if not op.is_input} == {"fixed<9,3>"}
    assert project.with_settings(precision="fixed<5,3>").config.io_type == "io_stream"
    assert one.config.io_type == "io_parallel", "the first project keeps its own"


@pytest.mark.parametrize("key", ["model", "config", "weights", "calibration"])
def test_with_settings_does_not_ignore_what_only_convert_reads(one, key):
    with pytest.raises(ConfigError, match=rf"'{key}' is read with the model.*convert\(\)"):
        one.with_settings(**{key: "other.npy"})


def test_no_parameter_of_ours_is_taken_for_a_setting(one):
    with pytest.raises(ConfigError, match=r"^with_settings\(\): unknown setting 'caller'"):
        one.with_settings(caller="x")


def test_with_settings_refuses_what_convert_refuses(one):
    with pytest.raises(ConfigError, match=r"unknown setting 'precison'.*did you mean 'precision'\?"):
        one.with_settings(precison="fixed<9,3>")
    with pytest.raises(ConfigError, match="the model has no layer 'fd'"):
        one.with_settings(layers={"fd": {"reuse_factor": 2}})


# -- names in the summary --------------------------------------------------------------------------

SPELT = ["it's 1", 'say "hi"', "both ' and \"", "Größe", "層", "a b", "back\\slash", "`tick`", "x/y:0"]


def test_the_summary_spells_names_as_the_model_does():
    """`it's 1` was once shown as `it`."""
    net = Net()
    y = net.input((3,))
    for name in SPELT:
        y = net.dense(name, y, 3, 3)
    project = project_of(net.source(SPELT[-1]), precision={"result": "fixed<6,3>"})
    table = project.summary().partition("\nNames\n")[2].partition("\n\n")[0]
    cells = [line.strip().rpartition("  ") for line in table.splitlines()]
    rows = {literal_eval(left.strip()): right for left, _, right in cells if left.startswith(("'", '"'))}
    lines = project.summary().splitlines()
    for name in SPELT:
        assert name in rows, f"{name} is not in\n{table}"
        assert any(line.strip().startswith(f"{name}  ") for line in lines), f"{name} is in no table"
        assert project.precision[name].layer == name
    steps = {step.layer: step.name for step in project.plan.steps}
    assert {name: rows[name] for name in SPELT} == {name: steps[name] for name in SPELT}


def test_the_summary_finds_layers_by_their_outputs_not_by_inner_steps():
    """`leaky` stood there as found under the name of its first step."""
    net = Net()
    fc = net.dense("fc", net.input((3,)), 3, 3)
    net.call("QActivation", "leaky", fc, activation="quantized_relu(5,2,negative_slope=0.125)")
    net.dense("it's", "leaky", 3, 2)
    project = project_of(net.source("it's"))
    inner = [op.name for op in project.design if not op.source.final]
    assert inner, "a leaky quantiser saturates first"
    names = project.summary().partition("\nNames\n")[2]
    assert "it_s" in names and "leaky" not in names


def test_with_settings_names_itself(one):
    with pytest.raises(ConfigError, match=r"with_settings\(\): unknown setting 'precison'; did you mean 'precision'\?"):
        one.with_settings(precison="fixed<9,3>")
