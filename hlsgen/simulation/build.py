"""Compile a circuit to a library, once: Verilator makes C++ of it, which is cached by the digest of what went in."""

from __future__ import annotations

import contextlib
import ctypes
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from hlsgen.errors import ToolError
from hlsgen.native import store
from hlsgen.native.compilation import digest_of, explained, keep, run_compiler, run_compilers
from hlsgen.native.diagnosis import Toolchain
from hlsgen.native.load import in_memory
from hlsgen.progress import task
from hlsgen.simulation.waves import FST, Format, writer_folder
from hlsgen.tools import Compiler, Verilator, cache_dir, find_compiler, find_verilator, run

EXEMPTED = ("WIDTHEXPAND", "UNUSEDSIGNAL")
"""Warnings of Verilator that circuits may give: operands are extended by their context, which is what signs are for;
and casts leave bits unread. All others are errors."""
_FLAGS = ("-O1", "-std=c++17", "-fPIC")
"""A circuit is compiled more often than it runs for long: with -O2 compiling takes twice as long."""
_OPTIONS = ("--cc", "-O3", "--x-assign", "unique", "--x-initial", "unique", "--output-split", "20000")
"""Registers begin with random numbers, so that what a reset should have set is noticed."""
_RUNTIME = "verilated.cpp", "verilated_random.cpp", "verilated_threads.cpp"
_NO_WAVES = ("-DVM_TRACE=0",)


def build_library(rtl: Mapping[str, str], top: str, driver: str, waves: Format | None = None) -> ctypes.CDLL:
    """The library of a circuit: ``rtl`` (file name -> Verilog, or Verilator's settings), the module ``top``, and the
    C++ that drives it; ``waves``: the waveforms that it can write.

    Raises ToolError without Verilator or a compiler, or if one of them fails.
    """
    verilator, compiler = find_verilator(), find_compiler()
    options = () if waves is None else waves.options
    facts = [verilator.version, *_OPTIONS, *options, *EXEMPTED, *_toolchain(compiler), top, driver]
    target = cache_dir() / f"circuit_{digest_of(*facts, *(part for item in sorted(rtl.items()) for part in item))}.so"
    store.mark_used(target)
    content = store.read(target)
    if content is None:
        with task("compiling the simulator"):
            content = _build(verilator, compiler, rtl, top, driver, target, waves)
    return _loaded(content, target)


def _loaded(content: bytes, target: Path) -> ctypes.CDLL:
    """The library, from memory, or from the cache where the system runs nothing from there."""
    with contextlib.suppress(OSError), in_memory(target.stem, content) as place:
        return ctypes.CDLL(place)
    try:
        return ctypes.CDLL(str(target))
    except OSError as error:
        raise ToolError(
            f"the simulator of a circuit was compiled, but cannot be loaded ({error}); if the cache is on a file "
            "system that runs no programs (noexec), set HLSGEN_CACHE to another folder"
        ) from error


def _toolchain(compiler: Compiler) -> list[str]:
    return [*compiler.command, compiler.version, *_FLAGS, platform.machine()]


def _build(
    verilator: Verilator,
    compiler: Compiler,
    rtl: Mapping[str, str],
    top: str,
    driver: str,
    target: Path,
    waves: Format | None,
) -> bytes:
    runtime = _runtime(verilator, compiler, waves)
    with store.building() as folder:
        for name, text in rtl.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "driver.cpp").write_text(driver, encoding="utf-8")
        exempted = [f"-Wno-{name}" for name in EXEMPTED]
        options = [*_OPTIONS, *(() if waves is None else waves.options)]
        command = [str(verilator.path), *options, "-Wall", *exempted, "--top-module", top, "--prefix", "Vcircuit"]
        env = {**verilator.environment, "TMPDIR": str(folder)}
        log = target.with_suffix(".failed.log")
        _verilate([*command, "--Mdir", "made", *sorted(rtl)], folder, env, log)
        sources = ["driver.cpp", *sorted(str(path) for path in (folder / "made").glob("*.cpp"))]
        objects = [f"{number}.o" for number, _ in enumerate(sources)]
        command = _command(compiler, verilator, waves)
        with explained("the simulator of a circuit", Toolchain(compiler, _FLAGS, folder), target):
            run_compilers([[*command, "-c", s, "-o", o] for s, o in zip(sources, objects, strict=True)], folder)
            libraries = () if waves is None else waves.libraries
            link = [*command, "-shared", *objects, str(runtime), *libraries, "-o", "circuit.so", "-pthread"]
            run_compiler(link, folder, folder / "link.log")
        log.unlink(missing_ok=True)
        content = keep(link, folder / "circuit.so", target)
    store.bound()
    return content


def _verilate(command: Sequence[str], folder: Path, env: Mapping[str, str], log: Path) -> None:
    """Run Verilator. Raises ToolError with what it found first: its last line only counts. ``log`` stays."""
    said: list[str] = []
    try:
        run(command, cwd=folder, env=env, log=said.append, log_file=log)
    except ToolError as error:
        found = next((line for line in said if line.startswith("%")), str(error))
        raise ToolError(
            f"Verilator refuses the circuit: {found}; full log: {log}\nThis is a defect of hlsgen, or of Verilator"
        ) from error


def _runtime(verilator: Verilator, compiler: Compiler, waves: Format | None) -> Path:
    """Verilator's run-time library, compiled once on a machine; one for each format of waveforms."""
    names = [*_RUNTIME, *(() if waves is None else (waves.source,))]
    facts = [verilator.version, str(verilator.root), *_toolchain(compiler), *names]
    target = cache_dir() / f"verilated_{digest_of(*facts)}.o"
    store.mark_used(target)
    if store.read(target) is not None:
        return target
    there = [name for name in names if (verilator.root / "include" / name).is_file()]
    with store.building() as folder:
        (folder / "all.cpp").write_text("".join(f'#include "{name}"\n' for name in there), encoding="utf-8")
        command = [*_command(compiler, verilator, waves), "-c", "all.cpp", "-o", "all.o"]
        try:
            with explained("Verilator's run-time library", Toolchain(compiler, _FLAGS, folder), target):
                run_compiler(command, folder, folder / "all.log")
        except ToolError as error:
            if waves is FST and "zlib.h" in str(error):
                raise ToolError(
                    "waveforms in .fst are compressed by zlib, whose headers are missing: install them (Debian and "
                    "Ubuntu: zlib1g-dev, Fedora: zlib-devel), or give trace= a name that ends in .vcd"
                ) from error
            raise
        keep(command, folder / "all.o", target)
    return target


def _command(compiler: Compiler, verilator: Verilator, waves: Format | None) -> list[str]:
    """The compiler with its options, for what Verilator made in the folder ``made``."""
    include = verilator.root / "include"
    paths = [f"-I{include}", f"-I{include / 'vltstd'}", "-Imade"]
    paths += [] if waves is None else [f"-I{writer_folder()}"]
    defines = ["-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVERILATOR=1"]
    defines += _NO_WAVES if waves is None else waves.defines
    return [*compiler.command, *_FLAGS, *defines, *paths]
