"""Vitis HLS."""

from __future__ import annotations

from hlsgen.backends.vitis.backend import BACKEND

__all__ = ["BACKEND"]
