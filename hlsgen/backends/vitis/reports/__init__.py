"""The vendor's own reports of a build: read, printed, and compared with another build's."""

from __future__ import annotations

from hlsgen.backends.vitis.reports.comparison import Change, Comparison, against, compare
from hlsgen.backends.vitis.reports.cosim import Cosimulation
from hlsgen.backends.vitis.reports.csynth import Estimates, Module
from hlsgen.backends.vitis.reports.figures import Performance
from hlsgen.backends.vitis.reports.folder import read_reports
from hlsgen.backends.vitis.reports.hardware import Hardware
from hlsgen.backends.vitis.reports.layers import LayerFigures
from hlsgen.backends.vitis.reports.report import Report

__all__ = [
    "Change",
    "Comparison",
    "Cosimulation",
    "Estimates",
    "Hardware",
    "LayerFigures",
    "Module",
    "Performance",
    "Report",
    "against",
    "compare",
    "read_reports",
]
