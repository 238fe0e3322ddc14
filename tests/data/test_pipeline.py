"""Pipelines: what steps are fitted to, what becomes of numbers, and that all of it comes back from its files."""

from __future__ import annotations

import copy
import math
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import hlsgen
from hlsgen import data
from hlsgen.backends.base import Job
from hlsgen.backends.vectors import vectors
from hlsgen.data.operations import Affine, Clamp, Logarithm
from hlsgen.data.ports import InputPort
from hlsgen.data.saved import yaml_text
from hlsgen.design.arrays import mantissas
from hlsgen.errors import ConfigError, HlsgenError, InputError, OutputDirError
from hlsgen.ir.types import FixedType
from tests.passes.builders import Net, project_of
from tests.passes.test_input_features import SIZES, first_layer
from tests.passes.unequal_networks import converted, normal_data

TYPE = "fixed<16,6,RND,SAT>"


def raw(samples: int = 500, features: int = 3) -> np.ndarray:
    random = np.random.default_rng(4)
    return random.normal(5, 2, (samples, features)) * 10.0 ** np.arange(features)


# -- statistics ------------------------------------------------------------------------------------


def test_zscore_is_mean_and_deviation() -> None:
    x = raw()
    pipe = data.Pipeline(data.ZScore()).fit(x)
    z = pipe(x)
    assert np.abs(z.mean(axis=0)).max() < 1e-12 and np.abs(z.std(axis=0) - 1).max() < 1e-12
    together = data.Pipeline(data.ZScore(of="all")).fit(x)(x)
    assert abs(together.mean()) < 1e-12 and abs(together.std() - 1) < 1e-12 and together.std(axis=0)[0] < 0.1


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1.0, 1e150, 1e300])
def test_no_square_leaves_float64(scale: float) -> None:
    x = raw(100, 1) * scale
    (affine,) = data.Pipeline(data.ZScore()).fit(x).operations
    exact = [Fraction(float(number)) for number in x[:, 0]]
    mean = sum(exact) / 100
    variance = sum((number - mean) ** 2 for number in exact) / 100
    assert abs(Fraction(affine.offset[0]) / mean - 1) < 1e-14
    assert abs(Fraction(affine.scale[0]) ** 2 * variance - 1) < 1e-13


def test_deviations_far_from_zero_are_kept() -> None:
    x = 1e9 + np.array([[0.0], [1.0]] * 500)
    (affine,) = data.Pipeline(data.ZScore()).fit(x).operations
    assert affine == Affine((1e9 + 0.5,), (2.0,))


def test_minmax_and_robust() -> None:
    x = np.array([[0.0, 10.0], [1.0, 20.0], [2.0, 30.0], [3.0, 40.0], [100.0, 50.0]])
    assert data.Pipeline(data.MinMax(-1, 1)).fit(x)(x)[:, 1].tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    (robust,) = data.Pipeline(data.Robust()).fit(x).operations
    assert robust == Affine((2.0, 30.0), (0.5, 0.05))
    (wide,) = data.Pipeline(data.Robust(low=0, high=1)).fit(x).operations
    assert wide.scale == (1 / 100, 1 / 40)


def test_what_does_not_vary_is_moved_and_said() -> None:
    x = np.array([[3.5, 1.0], [3.5, 2.0], [3.5, 3.0]])
    for step, expected in ((data.ZScore(), 0.0), (data.MinMax(0.25, 1.0), 0.25), (data.Robust(), 0.0)):
        pipe = data.Pipeline(step).fit(data.Data(x, features=("gain", "pt"), source="jets.csv"))
        assert pipe(x)[:, 0].tolist() == [expected] * 3
        assert "jets.csv: feature 'gain' is the same (3" in str(pipe) and "'pt' is the same" not in str(pipe)
    tenth = np.full((1000, 1), 0.1)  # of which sums are not exact
    assert data.Pipeline(data.ZScore()).fit(tenth).operations == (Affine((0.1,), (1.0,)),)


def test_no_scale_is_refused_by_name() -> None:
    huge = np.array([[-1.7e308, 0.0], [1.7e308, 1.0]])
    with pytest.raises(InputError, match="MinMax: arrays: feature '0' spreads over inf"):
        data.Pipeline(data.MinMax()).fit(huge)
    tiny = np.array([[0.0], [5e-324]])
    for step in (data.MinMax(), data.ZScore()):
        with pytest.raises(InputError, match="for which float64 has no scale; bring it to other units first"):
            data.Pipeline(step).fit(tiny)


def test_images_have_their_channels_as_features() -> None:
    x = np.random.default_rng(0).integers(0, 256, (20, 5, 6, 3)).astype(np.uint8)
    pipe = data.Pipeline(data.MinMax()).fit(x)
    assert pipe.features == 3 and pipe(x).min() == 0.0 and pipe(x).max() == 1.0
    assert pipe.operations == (Affine(*pipe.operations[0].constants.values()),)


def test_large_files_are_looked_at_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "x.npy", raw(1000, 4).astype(np.float32))
    steps = (data.ZScore(), data.Clip(quantile=0.01), data.MinMax(of="all"), data.Robust(), data.Log2())
    whole = data.Pipeline(*steps[:4]).fit(data.load(tmp_path / "x.npy"))
    monkeypatch.setattr("hlsgen.data.dataset._CELLS", 64)
    pieces = data.Pipeline(*steps[:4]).fit(data.load(tmp_path / "x.npy"))
    x = np.load(tmp_path / "x.npy")
    assert np.allclose(pieces(x), whole(x), rtol=1e-12, atol=1e-12)
    assert np.array_equal(whole.quantized(x, TYPE), FixedType.parse(TYPE).quantize(whole(x)))


def test_each_step_sees_those_before_it() -> None:
    x = np.exp2(raw(200, 2) / 10)
    pipe = data.Pipeline(data.Log2(), data.Clip(-1, 3), None, data.ZScore()).fit(x)
    by_hand = np.clip(np.log2(x), -1, 3)
    assert np.abs(pipe(x) - (by_hand - by_hand.mean(axis=0)) / by_hand.std(axis=0)).max() < 1e-6


# -- operations ------------------------------------------------------------------------------------


def test_logarithms_are_near_and_never_fall() -> None:
    random = np.random.default_rng(1)
    x = np.sort(np.concatenate([np.exp2(random.uniform(-1074, 1023, 20_000)), 1 + random.uniform(0, 1, 20_000)]))
    found = Logarithm((5e-324,)).applied(x[:, None])[:, 0]
    assert np.abs(found - np.log2(x)).max() < 2.0**-27 and (np.diff(found) >= 0).all()
    powers = np.exp2(np.arange(-1074.0, 1024.0))
    assert Logarithm((5e-324,)).applied(powers[:, None])[:, 0].tolist() == list(range(-1074, 1024))
    edges = np.array([[np.inf], [-np.inf], [-1.0], [0.0], [0.5]])
    assert Logarithm((0.25,)).applied(edges)[:, 0].tolist() == [math.inf, -2.0, -2.0, -2.0, -1.0]


def test_operations_check_their_numbers() -> None:
    for make, words in (
        (lambda: Affine((0.0,), (0.0,)), "scale of feature 0 is 0"),
        (lambda: Affine((0.0, 1.0), (1.0, 2.0, 3.0)), "expected one number each"),
        (lambda: Affine((), ()), "expected one number each"),
        (lambda: Affine((math.inf,), (1.0,)), "offset holds inf"),
        (lambda: Clamp((2.0,), (1.0,)), "low is above high for feature 0"),
        (lambda: Logarithm((0.0,)), "least is 0.0, expected a number above 0"),
    ):
        with pytest.raises(ConfigError) as refused:
            make()
        assert words in str(refused.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: data.ZScore(of="every"), "of='every'; did you mean"),
        (lambda: data.MinMax(1, 0), "low=1 is not below high=0"),
        (lambda: data.MinMax(float("nan"), 0), "MinMax: low is nan"),
        (lambda: data.Robust(0.9, 0.1), "expected quantiles from 0 to 1"),
        (lambda: data.Clip(), "give low and high (or one of them), or quantile"),
        (lambda: data.Clip(1, 2, quantile=0.1), "give low and high (or one of them), or quantile"),
        (lambda: data.Clip(quantile=0.5), "quantile is 0.5"),
        (lambda: data.Pipeline(data.ZScore), "is no step; expected ZScore()"),
        (
            lambda: data.Pipeline(data.Clip([1, 2], 4)).fit(raw()),
            "Clip: low is [1, 2], expected a finite number, or one",
        ),
        (lambda: data.Pipeline(data.Clip("a", 4)).fit(raw()), "Clip: low is 'a'"),
        (lambda: data.Pipeline(data.Log2()).fit(-np.ones((3, 1))), "Log2: arrays: feature '0' has no number above 0"),
    ],
)
def test_steps_that_cannot_be(make: Any, words: str) -> None:
    with pytest.raises(HlsgenError) as refused:
        make()
    assert words in str(refused.value) or (words.startswith("of=") and "of='every'" in str(refused.value))


# -- what a pipeline may see -----------------------------------------------------------------------


def test_only_the_training_part_is_seen() -> None:
    parts = data.Data(raw()).split(train=0.5, calibration=0.2, test=0.3, seed=1)
    pipe = data.Pipeline(data.ZScore())
    assert pipe.fit(parts.train) == pipe.fit(parts.train.split(train=1.0, seed=2).train)
    for part in (parts.test, parts.calibration, parts.test.split(train=0.5, seed=1).train):
        with pytest.raises(InputError, match=rf"fit\(\): this is the part '{part.part}' of arrays"):
            pipe.fit(part)


def test_gaps_and_infinities_are_refused_by_row() -> None:
    x = raw(50)
    x[13, 1] = np.nan
    whole = data.Data(x, features=("a", "b", "c"), source="jets.csv")
    with pytest.raises(InputError, match=r"jets.csv, row 13 \(from 0\), feature 'b': NaN, by which no scale"):
        data.Pipeline(data.ZScore()).fit(whole)
    with pytest.raises(InputError, match=r"jets.csv, row 13 \(from 0\), feature 'b': an infinity"):
        data.Pipeline(data.MinMax()).fit(
            data.Data(np.nan_to_num(x, nan=np.inf), features=("a", "b", "c"), source="jets.csv")
        )
    pipe = data.Pipeline(data.ZScore()).fit(whole.take(np.isfinite(x).all(axis=1)))
    with pytest.raises(InputError, match=r"x is NaN at row 13 \(from 0\), feature 'b'"):
        pipe(x)


def test_a_pipeline_that_is_not_fitted_says_so() -> None:
    pipe = data.Pipeline(data.ZScore())
    with pytest.raises(AttributeError, match="a Pipeline has no 'quantized'; fit it first"):
        pipe.quantized(raw(), TYPE)
    with pytest.raises(InputError, match="is not fitted"):
        pipe(raw())
    assert not hasattr(pipe, "colour")


def test_all_of_it_goes_to_other_processes() -> None:
    parts = data.Data(raw(), features=("a", "b", "c")).split(train=0.5, test=0.5, seed=1)
    pipe = data.Pipeline(data.ZScore())
    again, sent, fitted = pickle.loads(pickle.dumps((pipe, parts, pipe.fit(parts.train))))
    assert again == pipe and fitted == pipe.fit(parts.train) and copy.copy(parts).test is parts.test
    assert np.array_equal(sent.train.x, parts.train.x) and sent.test.rows.tolist() == parts.test.rows.tolist()


def test_other_features_are_refused() -> None:
    pipe = data.Pipeline(data.ZScore()).fit(data.Data(raw(), features=("a", "b", "c")))
    with pytest.raises(InputError, match=r"x has shape \(500, 2\), expected \(samples, ..., 3\)"):
        pipe(raw(features=2))
    with pytest.raises(InputError, match="feature 'd' where the pipeline has 'c'"):
        pipe(data.Data(raw(), features=("a", "b", "d")))
    with pytest.raises(InputError, match=r"integers beyond 2\^53"):
        pipe(np.array([[2**53 + 1, 0, 0]]))
    assert pipe(data.Data(raw(), np.zeros(500, int), ("a", "b", "c"))).y.tolist() == [0] * 500


# -- integers --------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::hlsgen.project.ClippedInputWarning", "ignore::hlsgen.project.InaccurateWarning")
def test_integers_are_those_of_the_design() -> None:
    """Features of very different sizes, each with a binary point of its own at the port."""
    source = first_layer("dense")
    prepared = normal_data(source, 300, 1, SIZES)
    x = np.asarray(prepared, dtype=np.float64) * 8 + 3
    pipe = data.FittedPipeline((Affine((3.0,), (0.125,)),), 4)
    project = converted(source, prepared)
    (port,) = project.design.inputs
    assert port.exponents is not None
    wide = np.concatenate([x, x * 1e3, x * 1e-6])
    found = pipe.quantized(wide, project)
    assert np.array_equal(found, mantissas([port], {"x": pipe(wide)})["x"])
    assert np.array_equal(found, project.evaluate(pipe(wide), raw=True)["x"])
    held = np.ldexp(found.astype(np.float64), -port.type.frac - np.array(port.exponents))
    assert np.array_equal(project.predict(held, raw=True), project.predict(pipe(wide), raw=True))
    assert pipe.typed(project).port == InputPort.of(port) and "times a power of two" in str(pipe.typed(project))


def test_scaling_goes_into_the_first_layer() -> None:
    """With the key ``input_scaling``, a design takes raw numbers: they are not scaled twice."""
    net = Net()
    x = net.input((3,))
    source = net.source(net.dense("fc", x, 3, 2))
    numbers = raw(400)
    pipe = data.Pipeline(data.ZScore()).fit(numbers)
    prepared = project_of(source, {"x": pipe(numbers)}, default_width=24)
    takes_raw = project_of(source, {"x": numbers}, default_width=24, input_scaling=pipe.folded())
    expected = prepared.evaluate(pipe(numbers))["fc"]
    assert np.abs(takes_raw.evaluate(numbers)["fc"] - expected).max() < 1e-3
    with pytest.raises(InputError, match="input 'x' has input_scaling, so it takes raw numbers"):
        pipe.quantized(numbers, takes_raw)
    plain = data.Pipeline().fit(numbers).quantized(numbers, takes_raw)
    assert np.array_equal(plain, takes_raw.evaluate(numbers, raw=True)["x"])


def test_inputs_are_found_by_name() -> None:
    net = Net()
    both = net.call(
        "Add", "sum", [net.dense("a", net.input((3,), "one"), 3, 2), net.dense("b", net.input((2,), "two"), 2, 2)]
    )
    project = project_of(net.source(both))
    pipe = data.FittedPipeline((), 2)
    assert pipe.quantized(np.ones((4, 2)), project, input="two").shape == (4, 2)
    for arguments, words in (
        ({}, "the project has 2 inputs (one, two); name one by input="),
        ({"input": "three"}, "the project has no input 'three'"),
        ({"input": "one"}, "input 'one' has 3 features on its last axis, the pipeline 2"),
    ):
        with pytest.raises(InputError) as refused:
            pipe.quantized(np.ones((4, 2)), project, **arguments)
        assert words in str(refused.value)
    with pytest.raises(InputError, match="expected a project or a type"):
        pipe.quantized(np.ones((4, 2)), 7)
    with pytest.raises(InputError, match=r"samples have the shape \(5, 2\), input 'input' \(2,\)"):
        pipe.quantized(np.ones((4, 5, 2)), TYPE)


def test_empty_pipelines_leave_numbers_as_they_are() -> None:
    x = raw()
    pipe = data.Pipeline().fit(x)
    assert np.array_equal(pipe(x), x)
    assert np.array_equal(pipe.quantized(x, TYPE), FixedType.parse(TYPE).quantize(x))
    assert pipe.quantized(np.zeros((0, 3)), TYPE).shape == (0, 3)


def test_folded_is_one_offset_and_scale() -> None:
    x = raw()
    pipe = data.Pipeline(data.ZScore(), data.MinMax(-1, 1)).fit(x)
    folded = pipe.folded()
    assert np.allclose((x - folded["offset"]) * folded["scale"], pipe(x), rtol=1e-12, atol=1e-12)
    assert data.Pipeline().fit(x).folded() == {"offset": [0.0] * 3, "scale": [1.0] * 3}
    with pytest.raises(InputError, match="the step 'clamp' .* is no offset and scale"):
        data.Pipeline(data.Clip(0, 1)).fit(x).folded()


# -- files -----------------------------------------------------------------------------------------


def fitted() -> data.FittedPipeline:
    x = np.abs(raw()) + 0.1
    labelled = data.Data(x, np.arange(500) % 2, ('p"t', "*/", "η: yes"), ("no", "0o10"))
    return data.Pipeline(data.Clip(quantile=0.01), data.Log2(), data.ZScore(), data.Clip(-3, 3)).fit(labelled)


def test_files_bring_back_every_bit(tmp_path: Path) -> None:
    port = InputPort("image", (4, 5, 2), FixedType.parse("ufixed<9,3,RND_CONV,SAT>"), (2, -1), (1, 2, 0))
    flat = InputPort("image", (3,), FixedType.parse("fixed<9,3,TRN,WRAP,2>"), (2, -1, 0))
    turned = data.FittedPipeline((), 5, port=port)
    for pipe in (fitted(), fitted().typed(TYPE), fitted().typed(flat), turned, data.FittedPipeline((), 1)):
        assert data.load_pipeline(pipe.save(tmp_path / "prepared")) == pipe
        assert data.load_pipeline(tmp_path / "prepared" / "pipeline.yml") == pipe
    extreme = Affine((5e-324, -1.7976931348623157e308, 0.1), (1 / 3, 1e-300, 123456789012345680.0))
    pipe = data.FittedPipeline((extreme,), 3)
    assert data.load_pipeline(pipe.save(tmp_path / "prepared")) == pipe


def test_test_vectors_are_saved_beside(tmp_path: Path) -> None:
    x = np.abs(raw()).astype(np.float32) + 1
    test = data.Data(x, np.arange(500) % 2, part="test")
    pipe = data.Pipeline(data.ZScore()).fit(x)
    folder = pipe.save(tmp_path / "prepared", test=test, target=TYPE, samples=20)
    assert sorted(path.name for path in folder.iterdir()) == [
        "integers.npy",
        "pipeline.yml",
        "raw.npy",
        "x.npy",
        "y.npy",
    ]
    assert np.array_equal(np.load(folder / "x.npy"), pipe(x[:20])) and np.load(folder / "raw.npy").dtype == np.float32
    assert np.array_equal(np.load(folder / "integers.npy"), pipe.quantized(x[:20], TYPE))
    assert np.load(folder / "y.npy").tolist() == [0, 1] * 10
    assert data.load_pipeline(folder).port == InputPort("input", (3,), FixedType.parse(TYPE))


def test_configurations_name_what_was_saved(tmp_path: Path) -> None:
    """As ``test_vectors``: the test bench gets the integers that stand beside."""
    net = Net()
    source = net.source(net.dense("fc", net.input((3,)), 3, 2))
    x = raw()
    pipe = data.Pipeline(data.ZScore()).fit(x)
    folder = pipe.save(tmp_path / "prepared", test=data.Data(x, part="test"), target=project_of(source))
    project = project_of(source, test_vectors={"x": str(folder / "x.npy")})
    (port,) = project.design.inputs
    bench = vectors(Job("dut", project.design, project.config))[port]
    assert len(bench) == 10 and np.array_equal(bench, np.load(folder / "integers.npy")[:10])


def test_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputDirError, match="cannot be written"):
        fitted().save(tmp_path / "file" / "prepared")
    with pytest.raises(InputError, match="samples is 0"):
        fitted().save(tmp_path, test=data.Data(np.ones((3, 3))), samples=0)
    with pytest.raises(InputError, match="holds what no file takes"):
        data.FittedPipeline((), 1, ("\ud800",))


def test_any_reader_of_yaml_reads_the_same(tmp_path: Path) -> None:
    """Also numbers with an exponent, and names that a text of YAML cannot hold as they are."""
    names = ("\x7f", "\x85", "\u2028", "yes", "1e3")
    pipe = data.FittedPipeline((Affine((1e-05, -2.5, 0.0, 1e22, 1e-300), (1e-07,)),), 5, names)
    pipe.save(tmp_path)
    assert data.load_pipeline(tmp_path) == pipe
    read = yaml.safe_load((tmp_path / "pipeline.yml").read_bytes())
    assert tuple(read["names"]) == names
    assert read["steps"] == [{"affine": {"offset": [1e-05, -2.5, 0.0, 1e22, 1e-300], "scale": [1e-07]}}]


CHANGES = {
    ("version: 1", "version: 2"): "line 3, column 10: version is 2, expected 1",
    ("version: 1\n", ""): "version is None, expected 1",
    ("features: 3", "features: 2"): "a pipeline of 2 features has constants of [3]",
    ("features: 3", "features: three"): "line 4, column 11: features is 'three', expected how many",
    ("steps:", "stages:"): "unknown key 'stages'; did you mean 'steps'?",
    ("  - log2:", "  - log3:"): "there is no step 'log3'; did you mean 'log2'?",
    ("      low:", "      lower:"): "unknown key 'lower'",
    ("low: [", "low: [text, "): "found 'text', expected numbers",
    ("low: [", "low: [.nan]  # ["): "low holds nan, expected finite numbers",
    ("low: [", "low: [1.0, "): "expected one number each",
    ('type: "fixed', 'type: "float'): "is not a fixed-point type",
    ("shape: [3]", "shape: [3.5]"): "shape is [3.5], expected a list of whole numbers",
    ("shape: [3]", "shape: [4]"): "input 'input' has 4 features on its last axis, the pipeline 3",
    ("version: 1", "version: 1\nversion: 1"): "the key 'version' stands twice",
}


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_files_that_were_changed_say_where(change: tuple[str, str], tmp_path: Path) -> None:
    text = yaml_text(fitted().typed(TYPE))
    assert change[0] in text
    (tmp_path / "pipeline.yml").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        data.load_pipeline(tmp_path)
    assert CHANGES[change] in str(refused.value) and str(tmp_path) in str(refused.value)


def test_folders_without_a_pipeline(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pipeline.yml: cannot be read \(it does not exist\)"):
        data.load_pipeline(tmp_path)
    (tmp_path / "pipeline.yml").write_bytes(b"\xff")
    with pytest.raises(InputError, match="is no text in UTF-8"):
        data.load_pipeline(tmp_path)


def test_hlsgen_has_it_when_it_is_asked_for() -> None:
    assert hlsgen.data is data
    with pytest.raises(AttributeError, match="module 'hlsgen' has no attribute 'date'"):
        hlsgen.date  # noqa: B018
