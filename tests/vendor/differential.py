"""Evaluate the same C++ cases with the vendor's headers and with hlsgen's, and return both."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hlsgen.ir.types import FixedType
from tests.compiled import VENDOR_PREFIX, program

REPOSITORY = Path(__file__).resolve().parents[2]
EMULATION = REPOSITORY / "hls_templates" / "emulation"
FIRMWARE = REPOSITORY / "hls_templates" / "firmware"
VENDOR_OPTIONS = ["-std=c++14", "-O0", "-DVENDOR", "-w", "-fwrapv"]
EMULATION_OPTIONS = [
    *("-std=c++17", "-O1", "-march=native", "-fwrapv", "-Wall", "-Wextra", "-Werror"),
    *("-Wno-psabi", "-Wno-unknown-pragmas", "-Wno-unused-label", f"-I{EMULATION}", f"-I{FIRMWARE}"),
]


def vendor_headers() -> Path | None:
    """Return the folder of ap_fixed.h, or skip or fail as the environment says."""
    given = os.environ.get("HLSGEN_VENDOR_HEADERS")
    if given:
        folder = Path(given)
        if not (folder / "ap_fixed.h").is_file():
            pytest.fail(f"HLSGEN_VENDOR_HEADERS={given}: no ap_fixed.h there; give the folder that holds it")
        return folder
    spec = importlib.util.find_spec("hls4ml")
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root) / "templates" / "vivado" / "ap_types"
        if (folder / "ap_fixed.h").is_file():
            return folder
    if os.environ.get("HLSGEN_ALLOW_NO_VENDOR") == "1":
        return None
    pytest.fail(
        "the vendor's ap_fixed.h was not found: set HLSGEN_VENDOR_HEADERS to the folder that holds it "
        "(github.com/Xilinx/HLS_arbitrary_Precision_Types, include/), or install hls4ml, which ships it; "
        "HLSGEN_ALLOW_NO_VENDOR=1 compares hlsgen's own executors only"
    )


@dataclass
class Case:
    """One instantiation: C++ text of a ``test_case`` function, and the words it reads."""

    text: str
    first: Sequence[int]
    second: Sequence[int] = ()
    vendor: bool = True
    expected: list[int] = field(default_factory=list)


def base(t: FixedType) -> str:
    """Return the C++ spelling with saturation bits always explicit."""
    name = "ap_fixed" if t.signed else "ap_ufixed"
    return f"{name}<{t.width},{t.integer},AP_{t.rounding.value},AP_{t.overflow.value},{t.saturation_bits}>"


def _pack(values: Sequence[int]) -> bytes:
    words = b"".join((v & ((1 << 128) - 1)).to_bytes(16, "little") for v in values)
    return len(values).to_bytes(8, "little") + words


def _unpack(data: bytes, cases: int) -> list[list[int]]:
    lists, at = [], 0
    for _ in range(cases):
        n = int.from_bytes(data[at : at + 8], "little")
        at += 8
        lists.append([int.from_bytes(data[i : i + 16], "little", signed=True) for i in range(at, at + 16 * n, 16)])
        at += 16 * n
    assert at == len(data)
    return lists


def _program(cases: Sequence[Case], header: str) -> str:
    table = ",\n  ".join(case.text for case in cases)
    return (
        f'#include "{header}"\nstatic const test_case cases[] = {{\n  {table}\n}};\n'
        f"int main(int, char** argv) {{ return run_cases(cases, {len(cases)}, argv); }}\n"
    )


def evaluate(
    cases: Sequence[Case], folder: Path, options: Sequence[str], header: str = "world.h", prefix: str = ""
) -> list[list[int]]:
    """Compile ``cases`` and run them in ``folder``; return the words of every case."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "in.bin").write_bytes(b"".join(_pack(c.first) + _pack(c.second) for c in cases))
    here = f"-I{Path(__file__).parent}"
    built = program({"cases.cpp": _program(cases, header)}, ["cases.cpp"], [here, *options], prefix=prefix)
    ran = subprocess.run([built, folder / "in.bin", folder / "out.bin"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[:2000]
    return _unpack((folder / "out.bin").read_bytes(), len(cases))


def vendor(cases: Sequence[Case], folder: Path, header: str) -> list[list[int]]:
    """The vendor's results; an empty list for every case it does not take or without its headers."""
    headers = vendor_headers()
    taken = [c for c in cases if c.vendor] if headers else []
    options = [*VENDOR_OPTIONS, f"-I{FIRMWARE}", f"-isystem{headers}"]
    results = iter(evaluate(taken, folder / "vendor", options, header, VENDOR_PREFIX) if taken else [])
    return [next(results) if headers and c.vendor else [] for c in cases]


def check(
    cases: Sequence[Case],
    folder: Path,
    *,
    header: str = "world.h",
    options: Sequence[str] = (),
    with_vendor: bool = True,
) -> int:
    """Compare Python's expectation, the emulation and the vendor; return how often the vendor confirmed.

    Without the vendor's headers (allowed explicitly), returns the number of values compared.
    """
    with ThreadPoolExecutor(1) as other:
        emulated = other.submit(evaluate, cases, folder / "emulation", [*EMULATION_OPTIONS, *options], header)
        theirs = vendor(cases, folder, header) if with_vendor else [[] for _ in cases]
        ours = emulated.result()
    confirmed = compared = 0
    for case, mine, reference in zip(cases, ours, theirs, strict=True):
        assert len(mine) == len(case.expected), case.text
        for i, value in enumerate(case.expected):
            what = f"{case.text}, value {i} ({case.first[min(i, len(case.first) - 1)]})"
            if reference:
                assert value == reference[i], f"{what}: Python {value}, vendor {reference[i]}, emulation {mine[i]}"
                confirmed += 1
            assert value == mine[i], f"{what}: Python {value}, emulation {mine[i]}"
            compared += 1
    return confirmed if with_vendor and vendor_headers() else compared
