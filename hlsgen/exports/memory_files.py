"""Words of a memory as files: for ``$readmemh``, for Vivado, as bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from hlsgen.backends.hls.naming import comment
from hlsgen.exports.memory import Bytes

Lines = Iterable[str]


def hex_file(words: Bytes, width: int, head: Lines) -> bytes:
    """For ``$readmemh``: a word a line; the head as comments."""
    return _commented("// ", head) + _digits(words, width, b"\n")


def mem_file(words: Bytes, width: int, head: Lines) -> bytes:
    """For Vivado (UG901, XPM memories, and UG1580): one block from address 0 on. The format has no comments."""
    return b"@0\n" + _digits(words, width, b"\n")


def coe_file(words: Bytes, width: int, head: Lines) -> bytes:
    """For Vivado's memory generators (UG896, "COE File Syntax"); the head as comments."""
    start = b"memory_initialization_radix=16;\nmemory_initialization_vector=\n"
    return _commented("; ", head) + start + _digits(words, width, b",\n")[:-2] + b";\n"


def bin_file(words: Bytes, width: int, head: Lines) -> bytes:
    """Bytes alone: each word in whole bytes, the lowest first."""
    return words.tobytes()


FORMATS: Mapping[str, Callable[[Bytes, int, Lines], bytes]] = {
    "hex": hex_file,
    "mem": mem_file,
    "coe": coe_file,
    "bin": bin_file,
}
"""How words, (words, bytes of a word), of so many bits become a file with that suffix."""


def _commented(mark: str, head: Lines) -> bytes:
    """Comments of one line each: ASCII, since nobody says what else these formats may hold."""
    return "".join(f"{mark}{comment(line)}".rstrip() + "\n" for line in head).encode("ascii", "replace")


def _digits(words: Bytes, width: int, end: bytes) -> bytes:
    """Hexadecimal, the highest digit first, as many digits as the width has."""
    digits = -(-width // 4)
    spelt = np.frombuffer(words[:, ::-1].tobytes().hex().encode(), dtype=np.uint8).reshape(len(words), -1)
    ends = np.broadcast_to(np.frombuffer(end, dtype=np.uint8), (len(words), len(end)))
    return np.concatenate([spelt[:, spelt.shape[1] - digits :], ends], axis=1).tobytes()
