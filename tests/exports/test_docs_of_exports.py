"""docs/exports.md: its example runs as shown, and it names every column, key and option."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.exports.base import EXPORTS, load_export


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "exports.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shown(page: str, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the blocks of Python leave, in a folder that looks like the repository."""
    folder = tmp_path_factory.mktemp("exports")
    (folder / "example-models").symlink_to(repository / "example-models")
    scope: dict[str, Any] = {"folder": folder / "build"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
            exec(block, scope)
    return scope


def test_what_is_read_back_are_the_weights(shown: dict[str, Any]) -> None:
    checked = 0
    for op in shown["project"].design:
        for role, constant in op.layer.constants().items():
            found = shown["weights"][op.name, role]
            if role == "weight":
                found = found[:, 0, 0, :].T  # o, h, w, i to the (inputs, outputs) of a dense layer
            np.testing.assert_array_equal(found, constant.fixed[0])
            checked += 1
    assert checked == 6


def keys(value: object) -> Iterator[str]:
    """All keys of nested JSON but roles of constants and options of layers."""
    if isinstance(value, dict):
        yield from value
        for key, item in value.items():
            if key != "options":
                yield from keys(list(item.values()) if key == "constants" and isinstance(item, dict) else item)
    if isinstance(value, list):
        for item in value:
            yield from keys(item)


@pytest.mark.parametrize("name", ["table/config_table", "weights/weights", "vectors/test_vectors"])
def test_every_key_is_named(page: str, shown: dict[str, Any], name: str) -> None:
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", prose))))
    found = set(keys(json.loads((shown["folder"] / f"{name}.json").read_text("utf-8"))))
    assert len(found) > 10
    assert not found - named, found - named


def test_every_column_is_named(page: str, shown: dict[str, Any]) -> None:
    with (shown["folder"] / "table" / "config_table.csv").open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    section = page.partition("In CSV, a cell")[2].partition("## weights")[0]
    named = re.findall(r"`(\w+)`", section)
    named += [name.replace("input", other) for name in named if name.startswith("input_") for other in _CASTS]
    named += [name.replace("weight", "bias") for name in named if name.startswith("weight_")]
    assert not set(columns) - set(named) and {"groups", "bias_bytes"} <= set(columns)
    assert (
        not {name for name in named if "_" in name}
        - set(columns)
        - {"accumulator_shape", "output_", "accumulator_", "bias_"}
    )


_CASTS = ("output", "accumulator")


def test_every_kind_and_option_is_named(page: str) -> None:
    listed = dict(re.findall(r"^\| \[`([\w-]+)`\]\([^)]*\) \| (.*) \|$", page, re.MULTILINE))
    assert {kind: text.replace("`", "") for kind, text in listed.items()} == {
        kind: load_export(kind).summary for kind in EXPORTS
    }
    for kind in ("config-table", "weights", "test-vectors"):
        options = {field.name for field in fields(load_export(kind).options)}
        assert options <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
