"""Constants in words of exactly their bits, as synthesis sees them, give what native words give.

Vitis HLS defines ``__SYNTHESIS__``, which the vendor's headers read too; ``HLSGEN_EXACT_WORDS`` is what it means to ours.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hlsgen.tools import find_compiler, run, templates_dir
from tests.compiled import write_files
from tests.ladder.harness import Reference, Variant, check_vendor, convert, grid_input
from tests.ladder.test_kernels import CASES
from tests.ladder.test_settings import every_kind

EXACT = "-DHLSGEN_EXACT_WORDS"
VARIANT = Variant("resource", "io_stream")


def arithmetic() -> tuple[Any, Any, dict[str, Any]]:
    return every_kind(), grid_input((4, 4, 2), samples=8), {}


def by_hand(name: str) -> tuple[Any, Any, dict[str, Any]]:
    hand = CASES[name]()
    return hand.graph, hand.data(8), dict(hand.settings)


BUILT = {"arithmetic": arithmetic, "pieces": partial(by_hand, "piecewise"), "steps": partial(by_hand, "thresholds")}


@pytest.mark.parametrize("name", BUILT)
def test_exact_words_change_nothing(name: str):
    model, x, settings = BUILT[name]()
    project = convert(model, VARIANT, **settings)
    check_vendor(project, VARIANT, Reference(project, x), options=[EXACT])


@pytest.mark.parametrize(("flags", "bits"), [((), 8), (("-D__SYNTHESIS__",), 4)])
def test_words_are_exact_in_synthesis_alone(tmp_path: Path, flags: tuple[str, ...], bits: int):
    """A constant of 4 bits is a byte but where the tool makes a circuit."""
    text = (
        "#include <hlsgen/arith.h>\n"
        "constexpr int bits(signed char) { return 8; }\n"
        "constexpr int bits(ap_int<4>) { return 4; }\n"
        f'static_assert(bits(hlsgen::mantissa<4, true>(0)) == {bits}, "the width of a word");\n'
    )
    write_files(tmp_path, {"word.cpp": text})
    headers = [f"-isystem{Path(__file__).parent / 'stubs'}", f"-I{templates_dir() / 'firmware'}"]
    run([*find_compiler().command, "-std=c++14", "-fsyntax-only", *flags, *headers, "word.cpp"], cwd=tmp_path)
