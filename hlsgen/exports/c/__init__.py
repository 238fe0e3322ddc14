"""A design as a library of C99 without dependencies: for microcontrollers, and as a golden model in test benches."""

from hlsgen.exports.c.library import EXPORT

__all__ = ["EXPORT"]
