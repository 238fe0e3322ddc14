"""Build a part with both headers, run it, compare all witnesses, and keep the counts."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from hlsgen.ir import types
from hlsgen.ir.types import Ints
from tests.compiled import program
from tests.vendor import reference
from tests.vendor.differential import EMULATION, FIRMWARE, REPOSITORY, vendor_headers
from tests.vendor.proof import values
from tests.vendor.proof.plan import Part
from tests.vendor.proof.probes import Probe

RESULTS = REPOSITORY / "build" / "proof"
HERE = Path(__file__).parent
NAIVE_SAMPLES = 24  # values of a large probe that the rational reference computes too
SLOW_SAMPLES = 2000  # values of a large probe beyond int64 that Python computes
MOST_LANES = 64

SHARED = ["-fwrapv", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{HERE}"]
VENDOR_OPTIONS = ["-std=c++14", "-DVENDOR", "-w", f"-I{FIRMWARE}"]
EMULATION_OPTIONS = [
    *("-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-Wno-unknown-pragmas", "-Wno-unused-label"),
    *(f"-I{EMULATION}", f"-I{FIRMWARE}"),
]


@cache
def machines() -> tuple[tuple[str, ...], ...]:
    """This processor, and on x86 the instruction sets before it, with other numbers of lanes: parts take turns."""
    native = ("-march=native",)
    if platform.machine() != "x86_64":
        return (native,)
    avx2 = "avx2" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    older = ("-march=x86-64-v3" if avx2 else "-march=x86-64",)
    return (native, older, ("-march=x86-64",), ("-march=x86-64", "-DHLSGEN_LANES=16"))


@dataclass
class Tally:
    """How many probes and operations, and how many of these each witness took part in."""

    probes: int = 0
    operations: int = 0
    vendor: int = 0
    emulation: int = 0
    python: int = 0
    rational: int = 0


class _Entry(ctypes.Structure):
    _fields_ = (
        ("run", ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_long)),
        *((name, ctypes.c_int) for name in ("width", "integer", "is_signed")),
    )


def compile_probes(probes: Sequence[Probe], options: Sequence[str]) -> dict[int, _Entry]:
    """Return the entries of ``probes`` by the probe's identity."""
    lines = ",\n".join(f"entry<{p.text}, {'wide_word' if p.wide else 'int64_t'}>::value()" for p in probes)
    table = 'extern "C" __attribute__((visibility("default"))) const probe probes[] = {'
    text = f'#include "probe.h"\n{table}\n{lines}}};\n'
    library = program({"probes.cpp": text}, ["probes.cpp"], [*SHARED, *options])
    entries = (_Entry * len(probes)).in_dll(ctypes.CDLL(str(library)), "probes")
    return {id(p): e for p, e in zip(probes, entries, strict=True)}


def _words(mantissas: Ints, wide: bool) -> np.ndarray:
    """One row a value, of one or two 64-bit words."""
    if not wide:
        array = np.ascontiguousarray(mantissas if mantissas.dtype != object else values.as_words(mantissas.tolist()))
        return array.view(np.int64).reshape(-1, 1)
    low = values.as_words(int(v) for v in mantissas)
    high = values.as_words(int(v) >> 64 for v in mantissas)
    return np.stack([low, high], axis=1)


def _padded(words: np.ndarray, n: int) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate([words, np.repeat(words[-1:], n - len(words), axis=0)]))


@contextmanager
def _silenced() -> Iterator[None]:
    """The vendor's wide numbers print a warning per operation."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _call(entry: _Entry, a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    out = np.zeros((len(a), a.shape[1]), np.int64)
    with _silenced():
        entry.run(a.ctypes.data, b.ctypes.data, out.ctypes.data, len(a))
    return out[:n]


def _agree(probe: Probe, x: Ints, y: Ints, one: np.ndarray, other: np.ndarray, who: str) -> None:
    """Compare words; ``other`` may be shorter."""
    different = np.flatnonzero((one[: len(other)] != other).any(axis=1))
    if different.size:
        i = int(different[0])
        operands = f"{x[i]}" if len(y) == 1 else f"{x[i]}, {y[i]}"
        raise AssertionError(
            f"{probe.kind}: {probe.text} of {operands}: {who}: {one[i].tolist()} and {other[i].tolist()} "
            f"({different.size} of {len(other)} values differ)"
        )


def check_probe(probe: Probe, samples: int, seed: list[int], vendor: _Entry | None, emulated: _Entry | None) -> Tally:
    """Compute one probe with every witness; raise AssertionError at the first difference."""
    rng = np.random.default_rng(seed)
    x, y = probe.draw(samples, rng)
    n = len(x)
    room = -(-n // MOST_LANES) * MOST_LANES
    a = _padded(_words(x, probe.wide), room)
    b = _padded(_words(y, probe.wide), room) if len(y) > 1 else a
    taken = min(n, SLOW_SAMPLES) if probe.slow_in_python else n
    some = y if len(y) == 1 else y[:taken]
    python = _words(probe.expected(x[:taken], some), probe.wide)
    assert len(python) == taken, probe.text
    tally = Tally(1, n, python=taken)
    results = []
    for who, entry in (("vendor", vendor), ("emulation", emulated)):
        if entry is None:
            continue
        if probe.result is not None:
            found = (entry.width, entry.integer, bool(entry.is_signed))
            t = probe.result
            assert found == (t.width, t.integer, t.signed), f"{probe.text}: {who} gives {found}, expected {t}"
        result = _call(entry, a, b, n)
        _agree(probe, x, y, result, python, f"{who} and Python")
        results.append(result)
        setattr(tally, who, n)
    if len(results) == 2:
        _agree(probe, x, y, results[0], results[1], "vendor and emulation")
    if probe.naive is not None:
        picked = range(n) if n <= 2 * NAIVE_SAMPLES else rng.integers(0, taken, NAIVE_SAMPLES).tolist()
        naive = [probe.naive(int(x[i]), int(y[i if len(y) > 1 else 0])) for i in picked]
        rational = _words(np.array(naive, dtype=object), probe.wide)
        _agree(probe, x[list(picked)], y[:1], python[list(picked)], rational, "Python and rational reference")
        tally.rational = len(naive)
    return tally


def run_part(part: Part) -> dict[str, Tally]:
    """Build and compare ``part``; return tallies by kind of operation."""
    probes = part.probes()
    headers = vendor_headers()
    theirs: dict[int, _Entry] = {}
    if headers:
        defined = [p for p in probes if p.vendor]
        level = "-O1" if part.samples else "-O0"  # for few values, compile time counts
        theirs = compile_probes(defined, [*VENDOR_OPTIONS, level, f"-isystem{headers}"])
    emulated = [p for p in probes if p.emulation]
    machine = machines()[part.seed % len(machines())]
    level = "-O3" if part.samples and machine == ("-march=native",) else "-O1"  # -O3: as designs are compiled
    ours = compile_probes(emulated, [*EMULATION_OPTIONS, level, *machine])
    tallies: dict[str, Tally] = {}
    for i, probe in enumerate(probes):
        tally = check_probe(probe, part.samples, [part.seed, i], theirs.get(id(probe)), ours.get(id(probe)))
        add(tallies.setdefault(probe.kind, Tally()), tally)
    return tallies


def add(total: Tally, more: Tally) -> None:
    for name, count in vars(more).items():
        setattr(total, name, getattr(total, name) + count)


@cache
def digest() -> str:
    """Of all that every result depends on: headers, the Python meaning, operations and values, the compiler."""
    files = [
        *vendor_files(),
        *our_files(),
        *(HERE / name for name in ("probe.h", "probes.py", "values.py")),
    ]
    return content_digest([*files, Path(reference.__file__)], compiler())


def content_digest(files: Sequence[Path], start: str = "") -> str:
    """sha256 of the files one after the other."""
    content = hashlib.sha256(start.encode())
    for file in files:
        content.update(relevant(file))
    return content.hexdigest()


def relevant(file: Path) -> bytes:
    """What fixed point depends on in ``file``: all, but of simd.h the conversions only; the rest is for kernels."""
    text = file.read_bytes()
    if file.name != "simd.h":
        return text
    return b"\n".join(line for line in text.splitlines() if re.search(rb"\b(widen_(un)?signed|narrow)\(", line))


def vendor_files() -> list[Path]:
    headers = vendor_headers()
    return sorted(headers.rglob("ap_*.h")) if headers else []


def our_files() -> list[Path]:
    emulation = [EMULATION / "hlsgen" / f"{name}.h" for name in ("arith", "lanes", "scalar_cast", "simd")]
    ours = [EMULATION / "ap_fixed.h", EMULATION / "ap_int.h", FIRMWARE / "hlsgen" / "arith.h", Path(types.__file__)]
    return [*ours, *(file for file in emulation if file.is_file())]


@cache
def compiler() -> str:
    version = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout
    return version.splitlines()[0]


def recorded(part: Part) -> Path:
    return RESULTS / f"{part.name}.json"


def is_done(part: Part) -> bool:
    """Whether this very part was compared with these very headers before."""
    path = recorded(part)
    return path.is_file() and json.loads(path.read_text())["key"] == key(part)


def key(part: Part) -> list[object]:
    """What tells this part's result from others: all that results depend on, and the probes."""
    texts = "\n".join(probe.text for probe in part.probes())
    return [digest(), *vars(part).values(), hashlib.sha256(texts.encode()).hexdigest()]


def prove(part: Part) -> None:
    """Run ``part`` unless it is done, and record its counts."""
    if is_done(part):
        return
    start = time.monotonic()
    kinds = {kind: vars(tally) for kind, tally in run_part(part).items()}
    RESULTS.mkdir(parents=True, exist_ok=True)
    result = {"key": key(part), "seconds": round(time.monotonic() - start, 1), "kinds": kinds}
    temporary = recorded(part).with_suffix(".tmp")
    temporary.write_text(json.dumps(result, indent=1))
    temporary.replace(recorded(part))
