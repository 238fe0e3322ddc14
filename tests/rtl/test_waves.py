"""Waveforms: what is refused before anything runs, what the files hold, and the compression that is ours."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hlsgen import tools
from hlsgen.errors import InputError, OutputDirError, ToolError
from hlsgen.project import Project
from hlsgen.simulation.run import Simulation
from hlsgen.simulation.waves import FST, VCD, Waves, writer_folder
from tests.rtl.test_networks import xor

SAMPLES = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (5, 1))


@pytest.mark.parametrize(("name", "found"), [("a.fst", FST), ("a.b.VCD", VCD)])
def test_formats(tmp_path: Path, name: str, found: object):
    assert Waves.of(tmp_path / name).format is found


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("waves", InputError, "ends in nothing, expected .fst or .vcd"),
        ("waves.ghw", InputError, r"ends in \.ghw, expected"),
        ("nowhere/waves.fst", OutputDirError, "nowhere is no folder; make it first"),
        ("folder.vcd", OutputDirError, "folder.vcd is a folder"),
        ("nul\0.fst", InputError, "is no path"),
    ],
)
def test_paths_are_looked_at_first(tmp_path: Path, monkeypatch, name: str, error: type[Exception], said: str):
    (tmp_path / "folder.vcd").mkdir()
    project = xor()
    monkeypatch.setattr(Project, "_simulator", lambda *_: pytest.fail("it was compiled first"))
    with pytest.raises(error, match=said):
        project.simulate(SAMPLES, trace=tmp_path / name)


def test_a_file_that_was_there_stays_until_the_new_one_is_complete(tmp_path: Path):
    target = tmp_path / "waves.vcd"
    target.write_text("former")
    with pytest.raises(ToolError), Waves.of(target).written() as file:
        file.write_text("half")
        raise ToolError("interrupted")
    assert (target.read_text(), [path.name for path in tmp_path.iterdir()]) == ("former", ["waves.vcd"])
    with Waves.of(target).written() as file:
        file.write_text("new")
    assert (target.read_text(), [path.name for path in tmp_path.iterdir()]) == ("new", ["waves.vcd"])


def decompressed(block: bytes) -> bytes:
    """LZ4, as its description of the block format has it."""
    found, place = bytearray(), 0

    def length(bits: int) -> int:
        nonlocal place
        more = bits == 15
        while more:
            bits, more, place = bits + block[place], block[place] == 255, place + 1
        return bits

    while place < len(block):
        lengths, place = block[place], place + 1
        count = length(lengths >> 4)
        found, place = found + block[place : place + count], place + count
        if place == len(block):
            break
        distance, place = int.from_bytes(block[place : place + 2], "little"), place + 2
        assert 0 < distance <= len(found)
        for _ in range(length(lengths & 15) + 4):
            found.append(found[-distance])
    return bytes(found)


def test_lz4(tmp_path: Path):
    """Of every length, of what repeats soon, late or never."""
    (tmp_path / "a.cpp").write_text(
        '#include "lz4.h"\n'
        'extern "C" int bound(int n) { return LZ4_compressBound(n); }\n'
        'extern "C" int pack(const char* in, char* out, int n, int room) {'
        " return LZ4_compress_default(in, out, n, room); }\n"
    )
    compiler = tools.find_compiler()
    command = [*compiler.command, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    tools.run([*command, f"-I{writer_folder()}", "a.cpp", "-o", "a.so"], cwd=tmp_path)
    library = ctypes.CDLL(str(tmp_path / "a.so"))
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, 70000, dtype=np.uint8).tobytes()
    cases = [noise[:n] for n in range(40)] + [bytes(n) for n in (*range(40), 300, 5000)]
    cases += [b"abcabcabd" * n for n in range(1, 60)] + [noise[:300] + noise[:300] * 2, noise + noise[:4000]]
    cases += [rng.integers(0, 2, n, dtype=np.uint8).tobytes() for n in (100, 1000, 100000)]
    for case in cases:
        room = library.bound(len(case))
        block = ctypes.create_string_buffer(room)
        size = library.pack(case, block, len(case), room)
        assert 0 < size <= room
        assert decompressed(block.raw[:size]) == case
    assert library.pack(bytes(5000), block, 5000, library.bound(5000)) < 60
    assert library.pack(bytes(5000), block, 5000, 5000) == 0, "there is not enough room for the worst case"


Reading = Callable[[str, int], int]
"""The value of a signal at a time."""


def words_seen(at: Reading, port: str, clocks: int) -> list[tuple[int, int]]:
    """Clock and word of all that passed on a port; clock n is at 10 n ns."""
    passes = [n for n in range(clocks) if at(f"{port}_valid", 10 * n) and at(f"{port}_ready", 10 * n)]
    return [(n, at(f"{port}_data", 10 * n)) for n in passes]


def check(run: Simulation, at: Reading) -> None:
    """Every word stands where the simulation says that it passed."""
    given, taken = run.passed
    expected = [(int(clock), int(x[0] + 2 * x[1])) for clock, x in zip(given, SAMPLES, strict=True)]
    assert words_seen(at, "bits", run.clocks) == expected
    seen = words_seen(at, "n_out", run.clocks)
    assert [clock for clock, _ in seen] == taken.tolist()
    assert [word != 0 for _, word in seen] == (run.result != 0).ravel().tolist()


def read_vcd(text: str) -> dict[str, list[tuple[int, int]]]:
    names: dict[str, set[str]] = {}
    for code, name in re.findall(r"\$var wire +\d+ (\S+) (\w+)", text):
        names.setdefault(code, set()).add(name)
    changes: dict[str, list[tuple[int, int]]] = {}
    time = 0
    for line in text.partition("$enddefinitions $end")[2].splitlines():
        if line.startswith("#"):
            time = int(line[1:])
        elif line:
            value, code = line[1:].split() if line[0] == "b" else (line[0], line[1:])
            for name in names[code]:
                changes.setdefault(name, []).append((time, int(value, 2)))
    return changes


@pytest.mark.slow
def test_vcd(tmp_path: Path):
    project, target = xor(), tmp_path / "waves.vcd"
    run = project.simulate(SAMPLES, gaps=0.3, stalls=0.4, seed=5, trace=str(target))
    text = target.read_text()
    assert "$timescale" in text and "hidden__core" in text, "modules have the names of layers"
    changes = read_vcd(text)
    check(run, lambda name, time: [value for moment, value in changes[name] if moment <= time][-1])
    assert project.simulate(SAMPLES, gaps=0.3, stalls=0.4, seed=5).clocks == run.clocks


@pytest.mark.slow
def test_fst(tmp_path: Path):
    pywellen = pytest.importorskip("pywellen", reason="reads .fst: pip install pywellen")
    project, target = xor(), tmp_path / "waves.fst"
    run = project.simulate(SAMPLES, gaps=0.3, stalls=0.4, seed=5, trace=target)
    waveform = pywellen.Waveform(str(target))
    found = {var.full_name: var.signal for var in waveform.all_vars()}
    check(run, lambda name, time: found[f"TOP.{name}"].value_at(time))


@pytest.mark.slow
def test_without_zlib(tmp_path: Path, monkeypatch):
    (tmp_path / "zlib.h").write_text("#error zlib.h is not there\n")
    monkeypatch.setenv("HLSGEN_CXX", f"g++ -I{tmp_path}")
    with pytest.raises(ToolError, match=r"compressed by zlib, whose headers are missing: .*zlib1g-dev.*\.vcd"):
        xor().simulate(SAMPLES, trace=tmp_path / "waves.fst")
    assert not (tmp_path / "waves.fst").exists()
