"""The table of docs/quantizers.md, cell by cell, against the library that is installed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hlsgen.errors import HlsgenError
from hlsgen.quantizers import Quantizer
from hlsgen.quantizers.qkeras import Library, parse_quantizer
from hlsgen.quantizers.qkeras.signatures import SIGNATURES
from tests.quantizers.checks import check_activation, check_weights_exact
from tests.quantizers.reference import SHAPES, call, installed_library, weights

PAGE = Path(__file__).parents[2] / "docs" / "quantizers.md"
LIBRARY = installed_library()
ROW = re.compile(r"\| `([^`]+)` \|.*\| (\S+) \| (\S+) \| (\S+) \| (\S+) \|")
ROWS = [match.groups() for match in map(ROW.fullmatch, PAGE.read_text().splitlines()) if match]
LIBRARIES: tuple[Library, ...] = ("qkeras", "qkeras-v3")
CELLS = [(row[0], library, row[1 + i], row[3 + i]) for row in ROWS for i, library in enumerate(LIBRARIES)]


def test_complete() -> None:
    assert {row[0].partition("(")[0] for row in ROWS} == set(SIGNATURES)
    assert {cell for row in ROWS for cell in row[1:]} == {"exact", "bounded", "refused", "-"}


@pytest.mark.parametrize(("text", "library", "constants", "data"), CELLS)
def test_refusals(text: str, library: Library, constants: str, data: str) -> None:
    """What the table calls refused is, in words; everything else is not. No framework needed."""
    w = weights((16, 8), text)
    assert _refuses(text, library, lambda q: q.quantize_weights(w)) == (constants in ("refused", "-"))
    assert _refuses(text, library, lambda q: q.activation()) == (data in ("refused", "-"))


def _refuses(text: str, library: Library, use: object) -> bool:
    assert callable(use)
    try:
        use(_parsed(text, library))
    except HlsgenError as error:
        assert len(str(error)) > 20
        return True
    return False


@pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")
@pytest.mark.parametrize(("text", "constants"), [(t, c) for t, lib, c, _ in CELLS if lib == LIBRARY])
def test_weights(text: str, constants: str) -> None:
    assert LIBRARY is not None
    if constants == "exact":
        check_weights_exact(text, "dense", LIBRARY)
    elif constants == "bounded":
        w = weights(SHAPES["dense"], text)
        ours, theirs = _parsed(text, LIBRARY).quantize_weights(w).values(), call(text, w)
        assert (np.abs(ours - theirs) <= 2.0**-22 * np.maximum(np.abs(w), np.abs(ours))).all()


@pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")
@pytest.mark.parametrize(("text", "data"), [(t, d) for t, lib, _, d in CELLS if lib == LIBRARY])
def test_data(text: str, data: str) -> None:
    assert LIBRARY is not None
    if data == "exact":
        check_activation(text, LIBRARY, 10, 6)
    elif data == "bounded":
        act = _parsed(text, LIBRARY).activation()
        mantissas = np.arange(-512, 512)
        x = mantissas / 64
        ours = act.type.to_float(act.apply(mantissas, 6)) * float(act.scale or 1)
        step = 0.0 if act.exact else float(act.type.step)
        bound = np.maximum(2.0**-22 * np.maximum(np.abs(x), np.abs(ours)), step) + (2.0**-64) * ("po2" in text)
        assert (np.abs(ours - call(text, x)) <= bound).all()


def _parsed(text: str, library: Library) -> Quantizer:
    quantizer = parse_quantizer(text, library=library)
    assert quantizer is not None
    return quantizer
