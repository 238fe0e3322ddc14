"""docs/hgq.md names every layer of HGQ2, and says of each whether it is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hlsgen.frontends.keras.readers  # noqa: F401  (registers them)
from hlsgen.frontends.keras.call import READERS
from hlsgen.frontends.keras.variables import TABLES
from tests.hgq.nets import INSTALLED

PAGE = Path(__file__).parents[2] / "docs" / "hgq.md"


def listed(word: str) -> set[str]:
    """The classes in the table's rows that say ``word``."""
    rows = re.findall(r"^\| (`.*?`) \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for names, said in rows if said == word for name in re.findall(r"`(\w+)`", names)}


def test_layers_that_are_read() -> None:
    read = {name.removeprefix("hgq>") for name in READERS if name.startswith("hgq>")}
    assert listed("exact") == read
    assert {f"hgq>{name}" for name in read} == {name for name in TABLES if name.startswith("hgq>")}
    assert not listed("refused") & read


@pytest.mark.skipif(not INSTALLED, reason="HGQ2 is not installed (extra hgq; make test-hgq)")
def test_every_layer_is_listed() -> None:
    from hgq import layers

    classes = {getattr(layers, name).__name__ for name in layers.__all__}
    assert classes <= listed("exact") | listed("refused")
