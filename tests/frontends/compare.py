"""Comparing two readings of one model, and saving a model in every format."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.frontends.keras.model import read_keras
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.quantizers.qkeras import parse_quantizer
from hlsgen.quantizers.qkeras.signatures import SIGNATURES
from tests.quantizers.reference import installed_library


def randomize(model: Any, seed: int = 0) -> Any:
    """Give every float variable different values, so that a mix-up cannot pass."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [rng.uniform(0.1, 1, w.shape).astype(w.dtype) if w.dtype.kind == "f" else w for w in model.get_weights()]
    )
    return model


def saved(model: Any, folder: Path) -> dict[str, SourceModel]:
    """Save ``model`` in every format its library writes and read each of them back."""
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(folder / "m.keras")
        model.save(folder / "m.h5")
        model.save_weights(folder / "m.weights.h5")
    (folder / "m.json").write_text(model.to_json(), encoding="utf-8")
    return {
        "keras": read_keras(folder / "m.keras"),
        "h5": read_keras(str(folder / "m.h5")),
        "json + weights.h5": read_keras(folder / "m.json", weights=folder / "m.weights.h5"),
        "json + full h5": read_keras(folder / "m.json", weights=folder / "m.h5"),
    }


def assert_same(one: SourceModel, other: SourceModel) -> None:
    """Assert that two readings agree in everything but what the format does not carry (the module)."""
    assert one.name == other.name
    assert one.flavour == other.flavour
    assert [vars(i) for i in one.inputs] == [vars(i) for i in other.inputs]
    assert one.outputs == other.outputs
    assert one.output_names == other.output_names
    assert [c.name for c in one.calls] == [c.name for c in other.calls]
    for mine, theirs in zip(one.calls, other.calls, strict=True):
        assert (mine.layer_name, mine.class_name, mine.inputs) == (
            theirs.layer_name,
            theirs.class_name,
            theirs.inputs,
        )
        assert _meaning(mine.config) == _meaning(theirs.config), mine.name
        assert list(mine.weights) == list(theirs.weights), mine.name
        for role, array in mine.weights.items():
            np.testing.assert_array_equal(array, theirs.weights[role], err_msg=f"{mine.name} {role}")


def assert_formats_agree(model: Any, folder: Path) -> SourceModel:
    """Assert that every file format gives what the live model gives, and return that."""
    live = read_keras(model)
    for source in saved(model, folder).values():
        assert_same(live, source)
    return live


def _meaning(value: Any) -> Any:
    """A configuration without what only one of the two serialization formats writes."""
    if isinstance(value, dict):
        dropped = ("module", "registered_name", "build_config", "shared_object_id")
        kept = {k: _meaning(v) for k, v in value.items() if k not in dropped}
        if value.get("class_name") in SIGNATURES:  # a live quantiser tells more options than a file holds
            return parse_quantizer(value, library=installed_library() or "qkeras")
        if value.get("class_name") == "DTypePolicy":
            return value["config"]["name"]
        return kept
    if isinstance(value, str) and value.partition("(")[0] in SIGNATURES:
        return parse_quantizer(value, library=installed_library() or "qkeras")
    return [_meaning(v) for v in value] if isinstance(value, list) else value
