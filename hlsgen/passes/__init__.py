"""The ordered pipeline from a frontend's graph to one in which every type is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hlsgen.config import Config
from hlsgen.passes.apply_config import ApplyConfig, CheckReuseFactors
from hlsgen.passes.base import Pass, run_pipeline
from hlsgen.passes.expect_ranges import ExpectRanges
from hlsgen.passes.fuse_batchnorm import FuseBatchnorm
from hlsgen.passes.fuse_exact_scales import FuseExactScales
from hlsgen.passes.fuse_padding import FusePadding
from hlsgen.passes.fuse_quantizers import FuseQuantizers
from hlsgen.passes.fuse_thresholds import FuseThresholds
from hlsgen.passes.infer_types import InferTypes
from hlsgen.passes.leave_off_modes import LeaveOffModes
from hlsgen.passes.narrow_types import NarrowTypes
from hlsgen.passes.place_inputs import PlaceInputs
from hlsgen.passes.remove_identities import RemoveIdentities
from hlsgen.passes.state_deviations import StateDeviations
from hlsgen.passes.state_losses import StateLosses

__all__ = ["Pass", "pipeline", "run_pipeline"]


def pipeline(config: Config, calibration: Mapping[str, NDArray[np.float64]] | None = None) -> tuple[Pass, ...]:
    """Return the passes in the order in which they run."""
    return (
        ApplyConfig(config),
        RemoveIdentities(),
        FusePadding(),
        ExpectRanges(calibration, config.calibration_method, config.percentile),
        FuseExactScales(),
        FuseBatchnorm(config.fuse_quantized),
        FuseThresholds(),
        FuseQuantizers(),
        CheckReuseFactors(),
        PlaceInputs(config.default_width, calibrated=calibration is not None),
        InferTypes(config.default_width, config.max_width),
        NarrowTypes(),
        LeaveOffModes(),
        StateLosses(),
        StateDeviations(),
    )
