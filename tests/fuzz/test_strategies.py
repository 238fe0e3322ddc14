"""Properties of types and of sound networks, by hypothesis, in this process."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsgen.design.design import Design
from hlsgen.errors import HlsgenError, TypeSpecError
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Tensor
from tests.fuzz import strategies
from tests.fuzz.cases import case_of
from tests.fuzz.damage import stages
from tests.fuzz.damage.base import Damage
from tests.fuzz.describe import description, source_of
from tests.fuzz.files import LAYOUTS, Stages, write_model
from tests.passes.builders import project_of
from tests.vendor.reference import cast_mantissa


@settings(max_examples=150)
@given(strategies.type_texts())
def test_types_are_read_as_they_are_spelt(spelt):
    text, fixed = spelt
    assert FixedType.parse(text) == fixed == FixedType.parse(str(fixed)) == FixedType.parse(fixed.cpp)


@settings(max_examples=100)
@given(strategies.broken_texts())
def test_what_is_no_type_is_refused(text):
    try:
        fixed = FixedType.parse(text)
    except TypeSpecError as error:
        assert str(error)
    else:
        assert FixedType.parse(str(fixed)) == fixed


@settings(max_examples=150)
@given(strategies.wild_types(), st.integers(-(2**80), 2**80), st.integers(-60, 60))
def test_casts_are_those_of_rational_arithmetic(fixed, mantissa, shift):
    found = fixed.cast(np.array([mantissa], dtype=object), fixed.frac + shift)
    assert int(found[0]) == cast_mantissa(fixed, mantissa, fixed.frac + shift)


@settings(max_examples=25)
@given(strategies.configured_networks(5))
def test_settings_are_kept_or_refused_or_said_to_have_no_effect(configured):
    source, chosen = configured
    try:
        project = project_of(source, **chosen)
    except HlsgenError:
        return
    keys = project.trace_keys()
    for name, layer in chosen["layers"].items():
        wished = layer.get("precision", {}).get("result")
        said = any(note.startswith(f"warning: {name}: its ") for note in project.design.notes if "no effect" in note)
        if (
            wished is not None
            and not said
            and name in keys
            and keys[name] in (op.output for op in project.design if op.name == name)
        ):
            assert any(_same_grid(t.type, FixedType.parse(wished)) for t in _moved(project.design, keys[name], name)), (
                name
            )


def _moved(design: Design, tensor: Tensor, layer: str) -> list[Tensor]:
    """A result of a layer, and what it was before the layer only moved it: that may take no more bits than it needs."""
    op = design.producer(tensor)
    before = _moved(design, op.inputs[0], layer) if op.layer.structural and op.source.name == layer else []
    return [tensor, *before]


def _same_grid(found: FixedType, wished: FixedType) -> bool:
    """Modes without an effect may have been left off."""
    return (found.frac, found.width) == (wished.frac, wished.width) and found.signed == wished.signed


@settings(max_examples=15)
@given(strategies.files())
def test_a_case_is_what_it_is_stored_as(case):
    again = case_of(json.dumps(case.to_json()))
    assert json.dumps(again.to_json()) == json.dumps(case.to_json())
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        first, second = case.prepare(Path(one))[0], again.prepare(Path(two))[0]
        assert first.read_bytes() == second.read_bytes()


@settings(max_examples=10)
@given(strategies.networks(5))
def test_a_description_holds_all_of_a_network(source):
    again = source_of(description(source))
    assert description(again) == description(source)
    assert [call.class_name for call in again.calls] == [call.class_name for call in source.calls]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_damage_that_has_lost_its_place_is_left_undone(tmp_path, layout):
    source = source_of(_TINY)
    damages = [
        Damage("set", (["config", "nothing", 3], 1)),
        Damage("delete", (["nowhere"],)),
        Damage("remove", ("no/group",)),
        Damage("attribute", ("no/group", "x", 1)),
        Damage("member missing", ("none",)),
    ]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    damaged = write_model(source, tmp_path / "a", layout, stages(damages))[0]
    assert len(damaged.read_bytes()) == len(write_model(source, tmp_path / "b", layout, Stages())[0].read_bytes())


_TINY = {
    "name": "tiny",
    "flavour": "keras2",
    "inputs": [["x", [2]]],
    "calls": [{"class": "Dense", "name": "fc", "config": {"units": 1}, "inputs": ["x"], "weights": {"kernel": [[1.0], [2.0]], "bias": [0.5]}}],
    "outputs": ["fc"],
}  # fmt: skip
