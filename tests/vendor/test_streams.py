"""The emulation's hls::stream, under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.vendor.differential import EMULATION_OPTIONS


def test_streams(tmp_path: Path) -> None:
    source = Path(__file__).with_name("streams.cpp")
    program = tmp_path / "streams"
    sanitize = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-pthread"]
    command = ["g++", *EMULATION_OPTIONS, *sanitize, str(source), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[:4000]
    ran = subprocess.run([program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"failed at line {ran.returncode - 1} (mod 250): {ran.stderr[:3000]}"
