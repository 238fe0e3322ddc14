"""Where the vendor's headers stop or contradict themselves: hlsgen's meaning there, and that they still do.

docs/fixed_point.md lists these cases; each is here with a test of hlsgen's meaning and, where it can be had, the
vendor's behaviour, so that the list stays true.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hlsgen.errors import InputError, TypeSpecError
from hlsgen.ir.types import FixedType, Overflow, Rounding
from tests.vendor import reference
from tests.vendor.differential import REPOSITORY, vendor_headers
from tests.vendor.proof import run
from tests.vendor.proof.probes import COMPARISONS, Probe, cast, comparison, vendor_casts, vendor_orders


def compile_text(text: str, program: Path, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
    source = program.with_suffix(".cpp")
    source.write_text(text)
    command = ["g++", *options, str(source), "-o", str(program)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def vendor_program(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Compile and run ``text`` with the vendor's headers."""
    headers = vendor_headers()
    if not headers:
        pytest.skip("no vendor's headers")
    built = compile_text(text, folder / "program", [*run.VENDOR_OPTIONS, "-O0", "-isystem", str(headers)])
    assert built.returncode == 0, built.stderr[:3000]
    return subprocess.run([folder / "program"], capture_output=True, text=True, check=False)


def check_ours(probes: Sequence[Probe], samples: int = 2000) -> None:
    """Emulation, Python and, for casts, the rational reference."""
    entries = run.compile_probes(probes, [*run.EMULATION_OPTIONS, "-O1"])
    for i, probe in enumerate(probes):
        run.check_probe(probe, samples, [7, i], None, entries[id(probe)])


def test_rounding_may_drop_more_bits_than_the_source_holds() -> None:
    probes = []
    for rounding in Rounding:
        for source in (FixedType(3, 1), FixedType(3, 1, False), FixedType(16, 6), FixedType(16, 6, False)):
            for beyond in (1, 2, 14, 70):
                target = FixedType(6, 6 - source.frac + source.width + beyond, True, rounding, Overflow.SAT)
                assert vendor_casts(source, target) == (rounding is Rounding.TRN)
                probes.append(cast("cast", "convert", source, target))
    check_ours(probes)


def test_the_vendor_stops_when_rounding_drops_more_bits_than_the_source_holds(tmp_path: Path) -> None:
    text = "#include <ap_fixed.h>\nint main() { ap_fixed<3, 1> a = 0.5; ap_fixed<5, 9, AP_RND> b = a; return b > 0; }\n"
    ran = vendor_program(text, tmp_path)
    assert ran.returncode == -signal.SIGABRT
    assert "beyond MSB" in ran.stderr


MIXED = [
    *((FixedType(8, 8, False), FixedType(w, 8)) for w in (8, 30, 31, 33, 64)),
    *((FixedType(w, 8, False), FixedType(8, 8)) for w in (25, 31, 32, 33, 60)),
    *((FixedType(w, w, False), FixedType(v, v)) for w in (31, 32, 33, 64) for v in (31, 32, 33, 64)),
]


def test_comparisons_of_mixed_signedness_are_those_of_the_values() -> None:
    probes = [comparison(name, *pair) for name in COMPARISONS for a, b in MIXED for pair in ((a, b), (b, a))]
    check_ours(probes, 200)


def test_the_vendor_orders_wide_mixed_signs_as_c_does() -> None:
    """Right where it is said to be (which the proof relies on), and wrong elsewhere."""
    headers = vendor_headers()
    if not headers:
        pytest.skip("no vendor's headers")
    probes = [comparison("less", *pair) for a, b in MIXED for pair in ((a, b), (b, a))]
    options = [*run.VENDOR_OPTIONS, "-O0", f"-isystem{headers}"]
    entries = run.compile_probes(probes, options)
    assert {p.vendor for p in probes} == {True, False}
    for probe in probes:
        if probe.vendor:
            run.check_probe(probe, 2000, [7], entries[id(probe)], None)
        else:
            with pytest.raises(AssertionError, match="vendor and Python"):
                run.check_probe(probe, 2000, [7], entries[id(probe)], None)


def test_same_signs_are_always_comparable() -> None:
    assert all(vendor_orders(FixedType(w, 3, s), FixedType(v, 5, s)) for w in (1, 40) for v in (1, 40) for s in (0, 1))


@pytest.mark.parametrize("overflow", list(Overflow))
def test_infinities_saturate_in_every_mode(overflow: Overflow) -> None:
    """The vendor's double constructor gives 0 for AP_WRAP, as if infinity were 2**1024."""
    t = FixedType(8, 4, True, Rounding.RND, overflow)
    assert t.quantize([np.inf, -np.inf, 1.0]).tolist() == [t.max_mantissa, t.min_mantissa, 16]


def test_nan_is_refused() -> None:
    """The vendor warns and takes it for infinity."""
    with pytest.raises(InputError, match="NaN"):
        FixedType(8, 4).quantize(np.nan)


def test_subnormal_doubles_are_exact(tmp_path: Path) -> None:
    """The vendor adds the leading bit that a subnormal number does not have; seen from 2**-1022 downwards only."""
    t = FixedType.parse("fixed<16,-1055,TRN,SAT>")
    x = [5e-324, 1e-320, -1e-320, 3e-319]
    assert t.quantize(x).tolist() == [reference.cast(t, Fraction(v)) for v in x] == [0, 253, -253, 7590]
    text = "#include <ap_fixed.h>\nint main() { return %s(1e-320).range(15, 0).to_int() == 253; }\n"
    assert vendor_program(text % t.cpp, tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("text", "cpp", "reason"),
    [
        ("ufixed<8,4,TRN,WRAP_SM>", "ap_ufixed<8, 4, AP_TRN, AP_WRAP_SM>", "signed types only"),
        ("fixed<4,4,TRN,WRAP,6>", "ap_fixed<4, 4, AP_TRN, AP_WRAP, 6>", "saturation bits"),
    ],
)
def test_types_that_the_vendor_refuses_at_run_time(tmp_path: Path, text: str, cpp: str, reason: str) -> None:
    """Refused before anything is compiled, and by the emulation's headers."""
    with pytest.raises(TypeSpecError, match=reason):
        FixedType.parse(text)
    program = f"#include <ap_fixed.h>\nint main() {{ {cpp} x = ap_fixed<9, 5>(1); return x.V[0]; }}\n"
    built = compile_text(program, tmp_path / "program", run.EMULATION_OPTIONS)
    assert built.returncode != 0
    assert reason in built.stderr


def test_no_kernel_computes_with_ap_int() -> None:
    """The vendor's ap_int drops a fraction towards zero; the emulation's is ap_fixed without one and rounds down."""
    users = [
        path.name
        for path in sorted((REPOSITORY / "hls_templates" / "firmware").rglob("*.h"))
        if "ap_int<" in path.read_text(encoding="utf-8") or "ap_uint<" in path.read_text(encoding="utf-8")
    ]
    of_ports = {"axis_packet_port.h", "axis_port.h", "memory_port.h", "words.h", "byte_rows.h", "loading.h"}
    assert set(users) == {"arith.h", *of_ports}, "raw bits: of values, and of the words of ports"
