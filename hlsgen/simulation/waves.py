"""Waveforms of a simulation: the two formats, and the file that takes its place when it is complete."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsgen.errors import InputError, OutputDirError, brief
from hlsgen.files import unfinished_prefix, workspace
from hlsgen.ir.text import is_storable
from hlsgen.named_files import named_path
from hlsgen.tools import templates_dir


@dataclass(frozen=True)
class Format:
    """How Verilator writes waveforms: its options, the class and the sources of its library, and what is linked."""

    name: str
    options: tuple[str, ...]
    writer: str
    source: str
    defines: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    @property
    def header(self) -> str:
        """The header that declares the writer."""
        return self.source.replace(".cpp", ".h")


_COMMON = ("--trace-max-width", "65536", "--timescale", "1ns/1ns")
"""A word of a stream is wider than the 256 bits up to which Verilator traces a signal by itself."""
FST = Format(
    "fst",
    ("--trace-fst", *_COMMON),
    "VerilatedFstC",
    "verilated_fst_c.cpp",
    ("-DVM_TRACE=1", "-DVM_TRACE_FST=1", "-DVM_TRACE_VCD=0"),
    ("-lz",),
)
VCD = Format(
    "vcd",
    ("--trace", *_COMMON),
    "VerilatedVcdC",
    "verilated_vcd_c.cpp",
    ("-DVM_TRACE=1", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=1"),
)
FORMATS: Mapping[str, Format] = {".fst": FST, ".vcd": VCD}


@dataclass(frozen=True)
class Waves:
    """A file that is to hold waveforms, and its format."""

    path: Path
    format: Format

    @classmethod
    def of(cls, path: str | Path) -> Waves:
        """From a path that ends in ``.fst`` or ``.vcd``.

        Raises InputError for another, OutputDirError for one at which no file can be.
        """
        file = named_path(path, "a file for waveforms", InputError)
        found = FORMATS.get(file.suffix.lower())
        if found is None:
            raise InputError(f"trace: {file} ends in {file.suffix or 'nothing'}, expected .fst or .vcd")
        if not is_storable(str(file)):
            raise InputError(f"trace: {brief(str(file))} is no path; give another")
        if file.is_dir():
            raise OutputDirError(f"trace: {file} is a folder; give the name of a file")
        if not file.parent.is_dir():
            raise OutputDirError(f"trace: {file.parent} is no folder; make it first, or give another")
        return cls(file, found)

    @contextlib.contextmanager
    def written(self) -> Iterator[Path]:
        """Where to write; it takes the place of the file when the block ends well, else that stays as it was.

        Raises OutputDirError if nothing can be written there.
        """
        target = self.path.resolve()
        try:
            with workspace(target.parent, unfinished_prefix("file", target)) as folder:
                aside = folder / f"waves.{self.format.name}"
                yield aside
                aside.replace(target)
        except OSError as error:
            raise OutputDirError(
                f"trace: {self.path} cannot be written ({error.strerror}); give another name, or make room"
            ) from error


def writer_folder() -> Path:
    """What a writer needs and Verilator's package comes without."""
    return templates_dir() / "verilog" / "waves"
