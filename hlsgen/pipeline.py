"""The way from a frontend's graph to a design, in the order in which it is walked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from hlsgen import progress
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, nearest
from hlsgen.ir.graph import Graph
from hlsgen.ir.op import Op
from hlsgen.ir.same_architecture import check_same, with_constants_of
from hlsgen.passes.apply_config import ApplyConfig
from hlsgen.passes.base import Pass, Stage, run_passes
from hlsgen.passes.cancel_permutes import CancelPermutes
from hlsgen.passes.choose_hardware import ChooseHardware
from hlsgen.passes.choose_weight_grids import ChooseWeightGrids
from hlsgen.passes.correct_biases import CorrectBiases
from hlsgen.passes.equalise_channels import EqualiseChannels
from hlsgen.passes.fuse_batchnorm import FuseBatchnorm
from hlsgen.passes.fuse_exact_scales import FuseExactScales
from hlsgen.passes.fuse_padding import FusePadding
from hlsgen.passes.fuse_quantizers import FuseQuantizers
from hlsgen.passes.fuse_thresholds import FuseThresholds
from hlsgen.passes.hold_channels import HoldChannels
from hlsgen.passes.keep_choices import KeepHardware, KeepHeld
from hlsgen.passes.remove_identities import RemoveIdentities
from hlsgen.passes.scale_inputs import ScaleInputs
from hlsgen.precision.check_widths import CheckWidths
from hlsgen.precision.draft import Draft, Step
from hlsgen.precision.expect_moved_ranges import ExpectMovedRanges
from hlsgen.precision.expect_ranges import ExpectRanges
from hlsgen.precision.infer_types import InferTypes
from hlsgen.precision.keep_types import KeepTypes
from hlsgen.precision.leave_off_modes import LeaveOffModes
from hlsgen.precision.narrow_types import NarrowTypes
from hlsgen.precision.note_demands import NoteDemands
from hlsgen.precision.state_deviations import StateDeviations
from hlsgen.precision.state_losses import StateLosses
from hlsgen.precision.state_rounding import StateRounding
from hlsgen.precision.state_unequal_channels import StateUnequalChannels

Calibration = Mapping[str, NDArray[np.float64]]
AfterStage = Callable[[str, Graph | Draft], None]
_LOG = logging.getLogger(__name__)


def passes(config: Config, calibration: Calibration | None = None) -> tuple[Pass, ...]:
    """The rewrites of the graph, in the order in which they run."""
    ranges = (calibration, config.calibration_method, config.percentile, config.default_width)
    held = frozenset(name for name, settings in config.layers.items() if settings.hold is not None)
    return (
        ScaleInputs(config, calibration is not None),
        ApplyConfig(config),
        CorrectBiases(config),
        RemoveIdentities(),
        CancelPermutes(),
        FusePadding(),
        ExpectRanges(*ranges),
        FuseExactScales(),
        FuseBatchnorm(config.fuse_quantized),
        FuseThresholds(),
        FuseQuantizers(),
        HoldChannels(config),
        EqualiseChannels(config.default_width, calibration is not None and config.input_granularity == "channel", held),
        ExpectMovedRanges(*ranges),
        ChooseWeightGrids(config.default_width, config.max_width),
        ChooseHardware(config.io_type == "io_stream", config.default_width),
    )


def steps(config: Config, calibrated: bool = False) -> tuple[Step, ...]:
    """The steps of inference, in the order in which they run; they leave the graph as it is."""
    return (
        InferTypes(config.default_width, config.max_width, calibrated),
        NarrowTypes(),
        LeaveOffModes(),
        CheckWidths(),
        StateLosses(),
        StateRounding(min(config.default_width, config.max_width or config.default_width)),
        StateUnequalChannels(),
        StateDeviations(),
    )


def stages(config: Config) -> tuple[Stage, ...]:
    """The passes and the steps, in the order in which they run."""
    return (*passes(config), *steps(config))


def make_design(
    graph: Graph, config: Config, calibration: Calibration | None = None, after: AfterStage | None = None
) -> Design:
    """Rewrite a copy of a frontend's graph, infer its types, and return the design; ``graph`` stays as it is.

    ``after`` is called with the name of each stage and what it leaves. Raises ConfigError for a configuration that
    does not fit the graph, UnsupportedError for what has no type, GraphError for a pass that broke the graph.
    """
    return design_of(rewrite(graph, config, calibration, after), config, calibration is not None, after)


def rewrite(
    graph: Graph, config: Config, calibration: Calibration | None = None, after: AfterStage | None = None
) -> Graph:
    """A copy of a frontend's graph as all passes leave it: what types are inferred of."""
    _check_skipped(config)
    rewritten = graph.copy()
    run_passes(rewritten, passes(config, calibration), config.skip_passes, after)
    return rewritten


def design_of(rewritten: Graph, config: Config, calibrated: bool = False, after: AfterStage | None = None) -> Design:
    """The design of a rewritten graph, which stays as it is; ``calibrated``: whether it was rewritten by data."""
    return infer(rewritten, steps(config, calibrated), config.skip_passes, after)


def with_weights(
    given: Graph,
    former: Graph,
    rewritten: Graph,
    design: Design,
    inferred: tuple[Op, ...],
    config: Config,
    calibration: Calibration | None = None,
) -> tuple[Graph, Graph, Design]:
    """Other weights in a design: the graph of ``given`` under the names of ``former``, rewritten, and its design.

    ``rewritten`` and ``design`` are what was made of ``former`` by this configuration and calibration, ``inferred`` is
    what :func:`inferred_ops` says of it. What they chose by their weights stays: how channels are held, strategies,
    reuse factors, which scales are fused, and every type. Raises WeightsError where that cannot be.
    """
    graph = with_constants_of(former, given)
    again = graph.copy()
    run_passes(again, _keeping_passes(config, calibration, rewritten, design), config.skip_passes)
    check_same(rewritten, again, _FUSED_OTHERWISE)
    keep = KeepTypes(design.ops, inferred, config.default_width, config.max_width)
    return graph, again, infer(again, (keep, *(step for step in steps(config) if step.pass_name() in _STATEMENTS)))


def inferred_ops(rewritten: Graph, config: Config, calibrated: bool = False) -> tuple[Op, ...]:
    """The operations of a design as inference leaves them, before anything is narrowed to what readers can tell."""
    inference, *_ = steps(config, calibrated)
    return infer(rewritten, (inference,)).ops


_FUSED_OTHERWISE = "what can be fused follows from the numbers; convert the model anew"
_STATEMENTS = {step.pass_name() for step in (StateLosses, StateRounding, StateUnequalChannels, StateDeviations)}


def _keeping_passes(config: Config, calibration: Calibration | None, former: Graph, design: Design) -> list[Pass]:
    """The passes, but for those that choose by the weights: what they chose is kept."""
    kept: dict[type[Pass], list[Pass]] = {
        FuseBatchnorm: [FuseBatchnorm(config.fuse_quantized, staying=frozenset(node.name for node in former))],
        HoldChannels: [],
        EqualiseChannels: [KeepHeld(former)],
        ChooseWeightGrids: [],
        ChooseHardware: [KeepHardware(design.ops)],
    }
    every = passes(config, calibration)
    return [found for step in every for found in kept.get(type(step), [step])]


def counting_design_of(rewritten: Graph, config: Config, calibrated: bool = False) -> Design:
    """The design by which overflows of :func:`design_of`'s are counted, whatever exact passes that left out.

    Results are the same to the bit. Inside of layers nothing is narrowed to what its readers can tell apart, so that a
    result meets what it saturates at; what they cannot tell apart is noted (``Typing.demand``).
    """
    inference, *_ = steps(config, calibrated)
    return infer(rewritten, (inference, NoteDemands(), LeaveOffModes()))


def counting_design_with(again: Graph, rewritten: Graph, config: Config, calibrated: bool = False) -> Design:
    """The same for other weights (``again``) in the types of the design of ``rewritten``."""
    inference, *_ = steps(config, calibrated)
    former = infer(rewritten, (inference, LeaveOffModes()))
    return infer(again, (KeepTypes(former.ops, (), config.default_width, config.max_width), NoteDemands()))


def infer(graph: Graph, steps: Collection[Step], skip: Collection[str] = (), after: AfterStage | None = None) -> Design:
    """Infer the types of a graph, which stays as it is: twice gives the same design twice."""
    draft = Draft(graph)
    for step in steps:
        if step.pass_name() not in skip:
            progress.say(step.pass_name())
            began = time.monotonic()
            step.run(draft)
            _LOG.debug("%s: %.3f s", step.pass_name(), time.monotonic() - began)
            if after is not None:
                after(step.pass_name(), draft)
    tensors = draft.tensors
    return Design(
        graph.name,
        tuple(draft.op(node) for node in graph),
        tuple(tensors[value] for value in graph.outputs),
        graph.output_names,
        {key: tensors[value] for key, value in graph.aliases.items()},
        (*graph.notes, *draft.notes, *(estimate.note for estimate in draft.estimates)),
        tuple(draft.estimates),
    )


def _check_skipped(config: Config) -> None:
    names = {stage.pass_name() for stage in stages(config) if stage.optional}
    for name in config.skip_passes:
        if name not in names:
            raise ConfigError(f"skip_passes: no pass '{name}' that can be skipped{nearest(name, names)}")
