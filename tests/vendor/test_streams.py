"""The emulation's hls::stream, under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.compiled import program
from tests.vendor.differential import EMULATION_OPTIONS


def test_streams() -> None:
    text = Path(__file__).with_name("streams.cpp").read_text(encoding="utf-8")
    sanitize = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-pthread"]
    built = program({"streams.cpp": text}, ["streams.cpp"], [*EMULATION_OPTIONS, *sanitize])
    ran = subprocess.run([built], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"failed at line {ran.returncode - 1} (mod 250): {ran.stderr[:3000]}"
