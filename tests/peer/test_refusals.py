"""What is refused is refused by name, and README.md counts it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hlsgen
from hlsgen.errors import HlsgenError
from tests.peer.refusals import REFUSED, Refused
from tests.peer.scenario import QKERAS, kit
from tests.peer.table import document
from tests.qkeras_layers.support import restore_old_names


@pytest.mark.parametrize(("row", "library"), [(row, name) for row in REFUSED for name in row.libraries], ids=str)
def test_refused(row: Refused, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if library == QKERAS:
        restore_old_names(monkeypatch)
    with pytest.raises(HlsgenError) as caught:
        hlsgen.convert(row.build(kit(library)))
    for word in row.words:
        assert word in str(caught.value)


def test_document(repository: Path) -> None:
    """The page is the tables; HLSGEN_UPDATE_GOLDEN=1 writes it anew."""
    path = repository / "tests" / "peer" / "README.md"
    if os.environ.get("HLSGEN_UPDATE_GOLDEN"):
        path.write_text(document())
    assert path.read_text() == document()
