"""The configuration: levels, errors, paths, round trips."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import hlsgen
from hlsgen.config import Config, make_config
from hlsgen.errors import ConfigError, HlsgenError
from hlsgen.ir.spelling import WrittenType
from hlsgen.ir.types import FixedType, Overflow, Rounding


def load(folder: Path, text: str) -> Config:
    path = folder / "c.yml"
    path.write_text(text, encoding="utf-8")
    return hlsgen.load_config(path)


# -- reading -------------------------------------------------------------------------------------


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, "model: a/m.keras\noutput_dir: ../out\ntest_vectors: {x: x.npy, y: /abs/y.npy}\n")
    assert config.model == tmp_path / "a" / "m.keras"
    assert config.output_dir == tmp_path / ".." / "out"
    assert config.test_vectors is not None
    assert (config.test_vectors.x, config.test_vectors.y) == (tmp_path / "x.npy", Path("/abs/y.npy"))


def test_the_most_specific_level_wins() -> None:
    config = make_config(
        {
            "defaults": {"reuse_factor": 2, "strategy": "resource"},
            "layer_types": {"Dense": {"reuse_factor": 4}},
            "layers": {"fc1": {"reuse_factor": 8}},
        }
    )
    found = [
        config.lookup(*layer, "reuse_factor", 1) for layer in (("fc1", "Dense"), ("fc2", "Dense"), ("c", "Conv2D"))
    ]
    assert found == [8, 4, 2]
    assert config.lookup("fc1", "Dense", "strategy", "latency") == "resource", "a level that is silent is passed over"
    assert make_config().lookup("fc1", "Dense", "reuse_factor", 1) == 1


@pytest.mark.parametrize(
    "given", ["fixed<16,6>", {"weight": "fixed<16,6>", "bias": "fixed<16,6>", "result": "fixed<16,6>"}]
)
def test_a_bare_precision_is_weight_bias_and_result(given: Any) -> None:
    precision = make_config(precision=given).defaults.precision
    assert precision.weight == precision.bias == precision.result == WrittenType.parse("fixed<16,6>")
    assert precision.accum is None


@pytest.mark.parametrize("given", ["auto", None])
def test_auto_precision_fixes_nothing(given: Any) -> None:
    precision = make_config({"defaults": {"precision": given}}).defaults.precision
    assert {precision.weight, precision.bias, precision.accum, precision.result} == {None}


def test_inputs_round_and_saturate_unless_spelt_otherwise() -> None:
    plain = make_config(input_precision="fixed<8,2>").input_type("x")
    assert plain is not None
    assert (plain.rounding, plain.overflow) == (Rounding.RND, Overflow.SAT)
    assert make_config(input_precision="fixed<8,2,TRN>").input_type("x") == FixedType.parse("fixed<8,2,TRN,SAT>")
    spelt = make_config(input_precision={"x": "fixed<8,2,TRN,WRAP>"})
    assert spelt.input_type("x") == FixedType.parse("fixed<8,2,TRN,WRAP>")
    assert spelt.input_type("z") is None


@pytest.mark.parametrize(
    "text", ["fixed<8,1>", "ufixed<8,1,RND>", "fixed<8,1,TRN,WRAP>", "fixed<8,1,TRN,WRAP,2>", "auto"]
)
def test_types_are_kept_as_they_are_written(tmp_path: Path, text: str) -> None:
    """Through YAML, copies and what is printed of a configuration."""
    config = load(tmp_path, f"{{input_precision: '{text}', defaults: {{precision: {{weight: '{text}'}}}}}}")
    for again in (
        make_config(config),
        make_config(config.model_dump(mode="json")),
        make_config(config, strategy="latency"),
    ):
        assert again.defaults.precision == config.defaults.precision
        assert again.model_dump(mode="json")["defaults"]["precision"]["weight"] == text
        assert again.model_dump(mode="json")["input_precision"] == text


# -- overrides -----------------------------------------------------------------------------------


def test_overrides_keep_the_rest() -> None:
    base = {"clock_period": 3, "defaults": {"strategy": "resource", "reuse_factor": 2}}
    config = make_config(base, reuse_factor=4, io_type="io_stream")
    assert (config.clock_period, config.io_type) == (3, "io_stream")
    assert (config.defaults.strategy, config.defaults.reuse_factor) == ("resource", 4)


@pytest.mark.parametrize("form", ["config", "dict", "path"])
def test_every_form_gives_the_same(tmp_path: Path, form: str) -> None:
    data = {
        "model": str(tmp_path / "m.keras"),
        "input_precision": "ufixed<5,1>",
        "layers": {"fc1": {"precision": {"weight": "fixed<8,1>"}, "reuse_factor": 2}},
        "test_vectors": {"x": str(tmp_path / "x.npy")},
    }
    forms = {"config": make_config(data), "dict": data, "path": tmp_path / "c.yml"}
    (tmp_path / "c.yml").write_text(yaml.safe_dump(data), encoding="utf-8")
    config = make_config(forms[form], strategy="resource")
    assert config == make_config({**data, "defaults": {"strategy": "resource"}})


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle: x", "unknown key 'modle'; did you mean 'model'"),
        ("defaults: {reuse_facto: 3}", "unknown key 'defaults.reuse_facto'; did you mean 'reuse_factor'"),
        ("layers: {fc1: {strategi: latency}}", "unknown key 'layers.fc1.strategi'; did you mean 'strategy'"),
        (
            "layer_types: {Dense: {precision: {wieght: auto}}}",
            "'layer_types.Dense.precision.wieght'; did you mean 'weight'",
        ),
        ("test_vectors: {x: a.npy, z: b.npy}", "unknown key 'test_vectors.z'"),
        ("io_type: io_serial", "io_type: .*io_parallel.*found 'io_serial'"),
        ("clock_period: -1", "clock_period: .*greater than 0.*found -1"),
        ("defaults: {reuse_factor: 0}", "defaults.reuse_factor: .*found 0"),
        ("precision: fixed<16,6>", "unknown key 'precision'; it is a setting of layers: put it below 'defaults:'"),
        ("defaults: {precision: {accum: fixed<20,8>}}", "'fixed<20' .* ends before its '>'; .*put it into quotes"),
        ("defaults: {precision: 'fixd<16,6>'}", "'fixd<16,6>' is not a fixed-point type"),
        ("- a list", "expected a mapping of settings, found list"),
        ("a: [", "not valid YAML"),
        ("", "expected a mapping of settings, found NoneType"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "c.yml") in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nope.yml: cannot be read"):
        hlsgen.load_config(tmp_path / "nope.yml")


def test_unknown_override() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'io_typ'; did you mean 'io_type'"):
        make_config(io_typ="io_stream")


# -- files of the project ------------------------------------------------------------------------


def test_stored_configurations_are_valid(repository: Path) -> None:
    files = sorted((repository / "configs").glob("*.yml"))
    assert {file.stem for file in files} >= {"iris_mlp", "digits_mlp", "mnist_qcnn", "mnist_cnn_bn", "residual_cnn"}
    for file in files:
        config = hlsgen.load_config(file)
        assert config.model is not None
        assert config.model.is_file()
        assert config.test_vectors is not None
        assert config.test_vectors.x.is_file()


@pytest.mark.parametrize("granularity", ["model", "type", "name"])
def test_default_config_can_be_edited_and_read_back(examples: Path, tmp_path: Path, granularity: str) -> None:
    model = examples / "iris_mlp" / "model.keras"
    config = hlsgen.default_config(model, granularity)
    data = {key: value for key, value in config.model_dump(mode="json").items() if value is not None}
    again = load(tmp_path, yaml.safe_dump(data))
    assert again.layers == config.layers
    assert again.layer_types == config.layer_types
    assert bool(config.layers) == (granularity == "name")
    assert bool(config.layer_types) == (granularity == "type")


def test_schema_lists_every_key() -> None:
    assert set(Config.model_json_schema()["properties"]) == set(Config.model_fields)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"calibration_method": "median"}, "calibration_method"),
        ({"percentile": 0}, "percentile"),
        ({"percentile": 100.5}, "percentile"),
        ({"percentile": float("nan")}, "percentile"),
        ({"weight_granularity": "row"}, "weight_granularity"),
        ({"layers": {"fc": {"weight_granularty": "channel"}}}, "did you mean 'weight_granularity'"),
        ({"max_width": 1}, "max_width"),
    ],
)
def test_settings_of_type_inference_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(settings)


def test_settings_of_type_inference_survive_a_file(tmp_path: Path) -> None:
    text = "{calibration_method: percentile, percentile: 99.5, max_width: 20, defaults: {weight_granularity: channel}}"
    config = load(tmp_path, text)
    assert (config.calibration_method, config.percentile, config.max_width) == ("percentile", 99.5, 20)
    assert config.lookup("any", "Dense", "weight_granularity", "tensor") == "channel"
    assert make_config(config.model_dump(mode="json")) == config


# -- whatever is given ---------------------------------------------------------------------------

ANYTHING: list[Any] = [
    None, True, False, 0, 1, -1, 2.5, float("nan"), float("inf"), 10**400, 10**5000, "x", "", "\0", "a" * 5000, "\ud800",
    b"x", [], [1], {}, {"a": 1}, {1: 2}, {None: 1}, {"\ud800": 1}, {"b" * 5000: 1}, (1, 2), {1, 2}, 3 + 4j, range(3), Path("x\0"),
    np.int64(3), np.float32(2), np.bool_(True), np.zeros(3), np.array(3), object(), int, "auto", "fixed<16,6>", {"x": True},
]  # fmt: skip


def read_or_refused(settings: Any, **overrides: Any) -> None:
    try:
        config = make_config(settings, **overrides)
    except ConfigError as error:
        assert len(str(error)) < 2500
        return
    config.model_dump(mode="json")


@pytest.mark.parametrize(
    "key", [*Config.model_fields, "precision", "strategy", "reuse_factor", "weight_granularity", "fifo_depth", ""]
)
def test_anything_for_a_setting_is_read_or_refused(key: str) -> None:
    for value in ANYTHING:
        read_or_refused(None, **{key: value})
        read_or_refused({key: value})
        read_or_refused({"defaults": value}, strategy="latency")
        for level in (
            {"defaults": {key: value}},
            {"layers": {"x": {key: value}}},
            {"layer_types": {"x": {key: value}}},
        ):
            read_or_refused(level)
            read_or_refused({"layers": {"x": {"precision": {key: value}}}})


def test_anything_for_a_configuration_is_read_or_refused() -> None:
    for value in ANYTHING:
        read_or_refused(value)
        with pytest.raises(ConfigError):
            hlsgen.load_config(value)


WHOLE_NUMBERS = ["reuse_factor", "fifo_depth", "default_width", "max_width"]


@pytest.mark.parametrize("value", [True, False, "4", 4.0, 4.5, "many", np.bool_(True), [4]], ids=repr)
@pytest.mark.parametrize("key", WHOLE_NUMBERS)
def test_whole_numbers_are_whole_numbers(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"configuration: (defaults.)?{key}: expected a whole number, found"):
        make_config(**{key: value})
    assert make_config(**{key: np.int64(4)}) == make_config(**{key: 4})


@pytest.mark.parametrize("value", [True, "5", [5], None, 3j], ids=repr)
@pytest.mark.parametrize("key", ["clock_period", "percentile"])
def test_numbers_are_numbers(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"configuration: {key}: expected a number, found"):
        make_config(**{key: value})
    assert make_config(**{key: np.float32(5)}) == make_config(**{key: 5})


@pytest.mark.parametrize("value", [True, "5", [5], 3j], ids=repr)
def test_a_number_that_may_be_left_out(value: Any) -> None:
    with pytest.raises(ConfigError, match="configuration: clock_uncertainty: expected a number, found"):
        make_config(clock_uncertainty=value)
    assert make_config(clock_uncertainty=None) == make_config()


@pytest.mark.parametrize("value", [1, 0, "true", "yes", None, 1.0], ids=repr)
def test_a_switch_is_true_or_false(value: Any) -> None:
    with pytest.raises(ConfigError, match="fuse_quantized"):
        make_config(fuse_quantized=value)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("project_name: a\ndefaults: {reuse_factor: true}", "line 2, column 26", "expected a whole number, found True"),
        (
            "layers:\n  fc1:\n    strategi: latency",
            "line 3, column 5",
            "unknown key 'layers.fc1.strategi'; did you mean",
        ),
        ("layers:\n  fc1:\n    precision: {weight: fixd}", "line 3, column 25", "'fixd' is not a fixed-point type"),
        ("clock_period: 'fast'", "line 1, column 15", "expected a number, found 'fast'"),
        ("input_precision: {x: 12}", "line 1, column 22", "a type is text"),
        ("skip_passes: [a, 2]", "line 1, column 18", "skip_passes.1"),
    ],
)
def test_files_name_the_line(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'c.yml'}, {place}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["fixed<16,2000>", "fixed<16,-2000>", "fixed<121,60>", "ufixed<1,257>", "int<1024>", "fixed<2,-255>"]
)
def test_types_that_nothing_computes_with(text: str) -> None:
    """The largest value and the finest step are within the reach of float32."""
    for settings in ({"precision": text}, {"input_precision": text}, {"input_precision": {"x": text}}):
        with pytest.raises(ConfigError, match=r"cannot be computed with; supported are up to 120 bits, from 2\^256"):
            make_config(settings if "precision" not in settings else {"defaults": settings})
    for near in ("fixed<120,0>", "fixed<120,120>", "ufixed<1,-255>", "ufixed<1,256>"):
        make_config(precision=near)


def test_paths_that_name_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (
        ("a" * 300, "File name too long"),
        ("a\0b", "it is no path"),
        ("\ud800", "it (is no path|does not exist)"),
        (tmp_path, "it is a directory"),
        (tmp_path / "pipe", "it is a device or a pipe"),
        (tmp_path / "none", "it does not exist"),
    ):
        with pytest.raises(ConfigError, match=rf"cannot be read \({reason}") as caught:
            hlsgen.load_config(path)
        assert len(str(caught.value)) < 400
        str(caught.value).encode()
    for given in (DirectoryEntry(b"none"), DirectoryEntry("none")):
        with pytest.raises(ConfigError, match=r"none: cannot be read \(it does not exist\)"):
            hlsgen.load_config(given)  # type: ignore[arg-type]
    for given in (DirectoryEntry(3), b"none", 3, None):
        with pytest.raises(ConfigError, match="expected the path of a YAML configuration, found"):
            hlsgen.load_config(given)  # type: ignore[arg-type]


class DirectoryEntry:
    """As os.scandir yields them: their paths are text or bytes."""

    def __init__(self, path: Any) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


def test_a_model_may_be_named_by_whatever_has_a_path(tmp_path: Path) -> None:
    for given in (b"none.keras", "none.keras"):
        with pytest.raises(HlsgenError, match=r"none\.keras"):
            hlsgen.convert(DirectoryEntry(given))
    with pytest.raises(HlsgenError, match="expected the path of a model"):
        hlsgen.convert(DirectoryEntry(3))


# -- however settings are given ------------------------------------------------------------------


def deep() -> Any:
    made: list[Any] = []
    for _ in range(100_000):
        made = [made]
    return made


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("part", 5, "part: Input should be a valid string, found 5"),
        ("part", deep(), "part: Input should be a valid string, found <list>"),
        ("part", "\ud800", "half"),
        ("parts", "x", "unknown (key|setting) 'parts'; did you mean 'part'"),
        ("clock_period", -1, "clock_period: Input should be greater than 0"),
        ("default_width", 10**5000, "default_width: expected a whole number of up to 18 digits, found <int>"),
        ("defaults", {"reuse_factor": 0}, r"defaults\.reuse_factor: .*greater than or equal to 1, found 0"),
        (
            "layers",
            {"fc": {"reuse": 1}},
            r"unknown key 'layers\.fc\.reuse'; valid: bias_correction, dsp, fifo_depth, hold, inner, parallelization_factor, precision, recurrence, reuse",
        ),
        ("input_precision", {"x": "fixd"}, r"input_precision\.x: .*'fixd' is not a fixed-point type"),
    ],
    ids=range(9),
)
def test_what_is_wrong_is_said_alike_however_it_is_given(key: str, value: Any, message: str) -> None:
    config = hlsgen.Config()
    for give in (
        lambda: make_config({key: value}),
        lambda: make_config(**{key: value}),
        lambda: hlsgen.Config(**{key: value}),
        lambda: setattr(config, key, value),
    ):
        with pytest.raises(ConfigError, match=message):
            give()
    assert config == hlsgen.Config() and not config.model_fields_set


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: setattr(config.defaults, "reuse_factor", 0), "LayerSettings: reuse_factor: .*found 0"),
        (lambda config: setattr(config.defaults, "reuse_facto", 1), "unknown key 'reuse_facto'; did you mean"),
        (lambda config: setattr(config.defaults.precision, "accum", 5), "Precision: accum: .*a type is text"),
        (lambda config: setattr(config.layers["fc"], "strategy", "fast"), "NamedSettings: strategy: .*found 'fast'"),
    ],
)
def test_parts_of_a_configuration_are_changed_as_strictly(change: Any, message: str) -> None:
    config = make_config({"layers": {"fc": {}}})
    with pytest.raises(ConfigError, match=message):
        change(config)


def test_a_reuse_factor_of_any_size_is_refused(tmp_path: Path) -> None:
    for text in ("9" * 19, "1" + "0" * 5000):
        with pytest.raises(ConfigError, match="reuse_factor|number"):
            load(tmp_path, f"defaults: {{reuse_factor: {text}}}")
        with pytest.raises(ConfigError, match="up to 18 digits"):
            make_config(reuse_factor=10 ** len(text))


def test_paths_that_get_too_long_by_the_folder_of_their_file(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(5):
        folder = folder / ("d" * 200)
    folder.mkdir(parents=True)
    for text in ("model: x", "test_vectors: {x: x}"):
        with pytest.raises(ConfigError, match="up to 1000 characters"):
            load(folder, text)
