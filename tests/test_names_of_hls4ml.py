"""Who writes what hls4ml calls something is told what it is called here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from hlsgen.config import Config, LayerSettings, Precision, make_config
from hlsgen.errors import ConfigError
from hlsgen.names_of_hls4ml import KEYS, KEYS_OF_PRECISION, VALUES

ROOT = Path(__file__).resolve().parents[1]
OURS = {*Config.model_fields, *LayerSettings.model_fields, *Precision.model_fields, "x", "y"}
WORDS = {
    word
    for model in (Config, LayerSettings)
    for field in model.model_fields.values()
    for literal in (field.annotation, *get_args(field.annotation))
    for word in get_args(literal)
    if isinstance(word, str)
} | {"auto"}
PEERS = {"Model", "LayerType", "LayerName"}


def refusal(**settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        make_config(settings)
    return str(caught.value)


@pytest.mark.parametrize("advice", [*KEYS.values(), *KEYS_OF_PRECISION.values()])
def test_advice_names_what_there_is(advice: str) -> None:
    named = set(re.findall("'([^']+)'", advice))
    assert named <= OURS | WORDS | PEERS, f"unknown here: {named - OURS - WORDS - PEERS}"
    assert named or advice.startswith("leave it out"), "says neither what to write nor that it can be left out"


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("spelt", [str, str.lower, lambda name: re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()])
def test_a_key_is_answered_wherever_it_stands(name: str, spelt: Any) -> None:
    key = spelt(name)
    if key not in Config.model_fields:  # 'model' is a key of ours
        assert f"unknown key '{key}'; if it is hls4ml's: {KEYS[name]}" in refusal(**{key: 4})
    for place in ({"defaults": {key: 4}}, {"layers": {"fc1": {key: 4}}}, {"layer_types": {"Dense": {key: 4}}}):
        assert f"{key}'; if it is hls4ml's: {KEYS[name]}" in refusal(**place)


@pytest.mark.parametrize("name", KEYS_OF_PRECISION)
def test_a_role_is_answered_below_precision_alone(name: str) -> None:
    key = name.lower()
    below = refusal(layers={"fc1": {"precision": {key: "fixed<8,1>"}}})
    assert f"'layers.fc1.precision.{key}'; if it is hls4ml's: {KEYS_OF_PRECISION[name]}" in below
    assert "hls4ml" not in refusal(**{key: "fixed<8,1>"})


@pytest.mark.parametrize(("key", "value"), VALUES)
def test_a_value_is_answered_with_one_that_is_taken(key: str, value: str) -> None:
    ours = VALUES[key, value]
    assert f"; did you mean '{ours}'?" in refusal(**_placed(key, value.title()))
    make_config(_placed(key, ours))


@pytest.mark.parametrize(
    ("key", "value"),
    [("strategy", "Resource"), ("strategy", "UNROLLED"), ("storage", "BRAM"), ("io_type", "IO_Stream")],
)
def test_a_value_may_look_otherwise(key: str, value: str) -> None:
    assert f"; did you mean '{value.lower()}'?" in refusal(**_placed(key, value))


@pytest.mark.parametrize("value", ["io_serial", "da", ""])
def test_no_value_is_made_up(value: str) -> None:
    assert "did you mean" not in refusal(**_placed("strategy", value))


@pytest.mark.parametrize("key", ["clock_uncertainty", "percentile"])
def test_a_percentage_has_no_sign(key: str) -> None:
    assert f"{key}: expected the number without its '%', found '12.5%'" in refusal(**{key: "12.5%"})


def test_a_name_that_is_nearly_ours_is_found_without_a_line() -> None:
    for name in KEYS | KEYS_OF_PRECISION:
        plain = name.replace("_", "").lower()
        assert name == "Model" or plain not in {key.replace("_", "") for key in OURS}


def test_the_page_has_them_all() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = page.partition("## Coming from hls4ml")[2].partition("\n## ")[0].lower()
    for key in ("HLSConfig", "PipelineStyle", "BramFactor", "ConvImplementation", "TargetCycles", "SkipOptimizers"):
        assert key in KEYS and f"`{key.lower()}" in section


def _placed(key: str, value: str) -> dict[str, Any]:
    return {"defaults": {key: value}} if key in LayerSettings.model_fields else {key: value}
