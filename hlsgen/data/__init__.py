"""From files to integers on the chip: load, split, scale, and the same again in host code (docs/data.md).

from hlsgen import data

parts = data.load("jets.parquet", x=["pt", "eta"], y="label").split(train=0.6, test=0.4, seed=1)
pipe = data.Pipeline(data.ZScore(), data.Clip(-8, 8)).fit(parts.train)
"""

from __future__ import annotations

from hlsgen.data.dataset import Data
from hlsgen.data.loading import load
from hlsgen.data.pipeline import FittedPipeline, Pipeline, load_pipeline
from hlsgen.data.splitting import Parts
from hlsgen.data.steps import Clip, Log2, MinMax, Robust, ZScore

__all__ = [
    "Clip",
    "Data",
    "FittedPipeline",
    "Log2",
    "MinMax",
    "Parts",
    "Pipeline",
    "Robust",
    "ZScore",
    "load",
    "load_pipeline",
]
