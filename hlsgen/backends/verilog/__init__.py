"""Verilog: circuits of our own, without an HLS tool."""

from __future__ import annotations

from hlsgen.backends.verilog.backend import BACKEND

__all__ = ["BACKEND"]
