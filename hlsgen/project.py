"""convert() and the Project it returns: what a user holds in hand."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hlsgen.analysis.accuracy_check import AccuracyCheck
from hlsgen.analysis.clipping import ClippingCheck
from hlsgen.analysis.comparison import Comparison, compare
from hlsgen.analysis.diagnosis.diagnose import diagnose
from hlsgen.analysis.diagnosis.repair import Repair, fixed_settings, repair
from hlsgen.analysis.diagnosis.result import Diagnosis
from hlsgen.analysis.finding import Finding
from hlsgen.analysis.input_check import InputCheck
from hlsgen.analysis.labels import Task
from hlsgen.analysis.overflow import OverflowCounter, OverflowReport
from hlsgen.analysis.precision import PrecisionReport, precision_report
from hlsgen.analysis.profile import Profile, profile
from hlsgen.analysis.sensitivity import Sensitivity
from hlsgen.analysis.sweep import sensitivity
from hlsgen.backends.base import Job, load_backend
from hlsgen.backends.boards import settled
from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.design_schedule import DesignSchedule, schedule_of
from hlsgen.backends.hls.loading import loading_of
from hlsgen.backends.hls.naming import PROJECT_NAMES, Identifiers
from hlsgen.backends.hls.plan import make_plan
from hlsgen.backends.hls.planning import planned
from hlsgen.backends.hls.ports import Interface
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.same_program import check_same_program
from hlsgen.backends.manifest import MANIFEST, manifest_text
from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.backends.verilog.layer_picture import layer_picture
from hlsgen.backends.verilog.picture import circuit_picture
from hlsgen.backends.verilog.plan import plan_circuit
from hlsgen.backends.writer import write_project
from hlsgen.board.about import ends
from hlsgen.board.build import Bitstream, build, build_slower
from hlsgen.board.build import write as write_board
from hlsgen.board.design import DEFAULT_BAUD, BoardDesign, design_for
from hlsgen.board.line import Line
from hlsgen.board.serial_port import SerialPort
from hlsgen.board.session import OnBoard
from hlsgen.config import Config, Granularity, make_config
from hlsgen.design import arrays
from hlsgen.design.array_files import load_array
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.design.opened import opened
from hlsgen.design.reference import evaluate, inner_steps
from hlsgen.emulation.emulator import Emulator
from hlsgen.emulation.stream_check import StreamCheck, check_streams
from hlsgen.errors import ConfigError, InputError, ModelError, TimingError, brief, nearest
from hlsgen.estimation.estimate import Estimate
from hlsgen.estimation.project import estimate_of
from hlsgen.exports.base import exported_files
from hlsgen.frontends import read_model
from hlsgen.frontends.layouts import laid_out
from hlsgen.ir.graph import Graph
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor
from hlsgen.named_files import named_path
from hlsgen.pages.files import page_path, picture_path, write_text
from hlsgen.pages.graph import layer_graph
from hlsgen.pages.notebook import notebook_html
from hlsgen.pages.page import html
from hlsgen.pages.report import report_page
from hlsgen.pipeline import (
    AfterStage,
    counting_design_of,
    counting_design_with,
    design_of,
    inferred_ops,
    rewrite,
    with_weights,
)
from hlsgen.progress import Step, task
from hlsgen.simulation.run import Simulation
from hlsgen.simulation.simulator import Simulator
from hlsgen.simulation.waves import Format, Waves
from hlsgen.summary import Built, as_circuit, as_program, summary
from hlsgen.synthesis.area import Area, estimate
from hlsgen.synthesis.devices import device_of, device_of_part
from hlsgen.synthesis.known import known_tables
from hlsgen.synthesis.resources import family_of, family_of_part
from hlsgen.synthesis.timing import SEED, Timing, place_and_route
from hlsgen.version import VERSION

OnFailure = Literal["raise", "warn", "ignore"]
"""What happens if a circuit does not keep its clock period."""
Inputs = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]

_READ_ONCE = ("model", "config", "weights", "calibration")
"""What ``convert`` reads from files or takes as data: not for ``with_settings``, which reads nothing."""
_CONVERTING = "converting"
_LOG = logging.getLogger(__name__)


class ClippedInputWarning(UserWarning):
    """Inputs lie outside the range of the input type and were saturated (or what else its overflow mode says)."""


class UnexpectedInputWarning(UserWarning):
    """Inputs are much larger than those by which result types were chosen, or so small that it costs accuracy."""


class InaccurateWarning(UserWarning):
    """Inferred types put an output off by more than rounding to their width should; names the layer."""


class TimingWarning(UserWarning):
    """A circuit does not keep its clock period on a device; names the layers on its slowest path."""


def convert(
    model: Any,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    weights: str | Path | None = None,
    example_inputs: Any = None,
    calibration: Inputs | str | Path | None = None,
    output_dir: str | Path | None = None,
    overwrite: bool = False,
    after_pass: AfterStage | None = None,
    **overrides: Any,
) -> Project:
    """Convert a Keras, QKeras, HGQ2, ONNX, PyTorch or scikit-learn model to an HLS project with a bit-exact emulator.

    Args:
        model: a live Keras 3, tf_keras, QKeras or HGQ2 model, an ONNX ModelProto, a ``torch.nn.Module`` or
            ``torch.export.ExportedProgram``, a fitted estimator of scikit-learn, or the path of a ``.keras``, ``.h5``,
            ``.json``, ``.onnx`` or ``.pt2`` file; None takes the path from the configuration.
        config: path of a YAML file, a dict or a Config.
        weights: the ``.h5`` that goes with a ``.json``.
        example_inputs: the tensors that a ``torch.nn.Module`` is traced on: ``(x,)``, as its ``forward()`` takes them,
            with any number of samples.
        calibration: representative inputs (as for predict, or the path of an ``.npy``), by which the
            binary points of inferred types are placed.
        output_dir: where ``write()`` puts the project.
        overwrite: let ``write()`` replace what it finds there.
        after_pass: called with the name of each pass and what it leaves (to print it, for example).
        overrides: model-level settings by their YAML names, such as ``precision="fixed<16,6>"``,
            ``io_type="io_stream"``, ``strategy="resource"``, ``reuse_factor=4``.

    Raises:
        ModelError: the model cannot be read. UnsupportedError: it holds something hlsgen refuses.
        ConfigError: a setting is unknown or impossible. InputError: calibration data do not fit.
    """
    if not isinstance(overwrite, bool):
        raise ConfigError(f"convert(): overwrite is {brief(overwrite)}, expected True or False")
    if not (after_pass is None or callable(after_pass)):
        raise ConfigError(f"convert(): after_pass is {brief(after_pass)}, expected a function of a name and a graph")
    paths: dict[str, Any] = {"output_dir": output_dir, "weights": weights}
    settings = make_config(config, **{k: v for k, v in paths.items() if v is not None}, **overrides)
    source = settings.model if model is None else model
    if source is None:
        raise ConfigError("convert(): no model given, neither as an argument nor as 'model' in the configuration")
    with task(_CONVERTING) as step:
        step.say("reading the model")
        graph = laid_out(read_model(_source(source), settings.weights, example_inputs), settings.input_layout)
        data = calibration if calibration is not None else settings.calibration
        if isinstance(data, str | Path):
            data = load_array(data)
        samples = None if data is None else arrays.checked_calibration(graph.inputs, data)
        return Project(graph, settings, samples, overwrite=overwrite, after_pass=after_pass, source=source)


def _source(model: Any) -> Any:
    """A model as the frontends take it: an object, or a path."""
    return named_path(model, "a model", ModelError) if isinstance(model, os.PathLike) else model


def default_config(model: Any, granularity: Granularity = "model", *, example_inputs: Any = None) -> Config:
    """Return the configuration with the settings that layers have spelt out, for editing.

    ``granularity``: "model" (one set of defaults), "type" (also one per layer type) or "name" (one per layer);
    ``example_inputs``: as for ``convert``.
    """
    levels = get_args(Granularity)
    if not isinstance(granularity, str) or granularity not in levels:
        raise ConfigError(f"default_config(): unknown granularity {brief(granularity)}{nearest(granularity, levels)}")
    graph = read_model(_source(model), None, example_inputs)
    plain = {"precision": {}, "strategy": "auto", "reuse_factor": 1, "storage": "auto", "weight_granularity": "auto"}
    sources = [node.source for node in graph if not node.is_input]
    entries: dict[str, Any] = {"defaults": plain}
    if granularity == "type":
        entries["layer_types"] = {s.class_name: plain for s in sources}
    if granularity == "name":
        entries["layers"] = {s.name: plain for s in sources}
    if isinstance(model, str | Path):
        entries["model"] = model
    return make_config(entries)


class Project:
    """A converted model: its design, its texts, its emulator."""

    def __init__(
        self,
        graph: Graph,
        config: Config,
        calibration: Mapping[str, Array] | None = None,
        *,
        overwrite: bool = False,
        after_pass: AfterStage | None = None,
        source: Any = None,
    ) -> None:
        if calibration is None and config.calibration_method != "max":
            raise ConfigError(
                f"calibration_method '{config.calibration_method}' needs data to work on, and none are given; "
                "give calibration=, or leave the method out"
            )
        backend = load_backend(config.backend)  # a misspelt one is refused before any work
        config = settled(config)
        Interface.of(config)  # and so are ports that cannot be
        graph = laid_out(graph, config.input_layout)
        self._overwrite, self._source = overwrite, source
        with task(_CONVERTING):
            rewritten = rewrite(graph, config, calibration, after_pass)
            design = backend.balanced(design_of(rewritten, config, calibration is not None, after_pass), config)
            self._hold(graph, config, calibration, rewritten, design)
        _LOG.info("%s: %d operations, backend %s, %s", self.name, len(design), config.backend, config.io_type)

    def _hold(
        self,
        graph: Graph,
        config: Config,
        calibration: Mapping[str, Array] | None,
        rewritten: Graph,
        design: Design,
        typed_by: Project | None = None,
    ) -> None:
        """Take what a project is made of; ``typed_by``: the project whose types and program it has, if not its own."""
        self.graph, self.config = graph, config
        """The model's graph as it was read, which stays so; and the settings."""
        self._calibration, self._rewritten = calibration, rewritten
        self._typed_by = self if typed_by is None else typed_by
        self.design: Design = _with_measured(design, config, calibration)
        """What was made of the graph: every operation with its shape and types; print it."""
        self.overflows: OverflowReport | None = None
        """What the last ``predict(count_overflows=True)`` counted; print it."""
        self._said: set[Finding] = set()
        wish = config.project_name or graph.name or "model"
        self.name = Identifiers(PROJECT_NAMES).make(wish)
        load_backend(config.backend).check(self._job)

    def __repr__(self) -> str:
        return f"<hlsgen project {self.name}: {len(self.design)} operations, {self.config.io_type}>"

    @property
    def source(self) -> Any:
        """What the model was read from: the live model, or the path of its file."""
        return self._source

    @property
    def calibration(self) -> Mapping[str, NDArray[Any]] | None:
        """The data by which inferred types were placed, by input name, as the design holds them; None without."""
        return self._calibration

    def with_settings(self, **overrides: Any) -> Self:
        """The same model with other settings (as for ``convert``), without reading it again: for sweeps.

        Calibration data stay what they are. Raises ConfigError for a setting that is unknown or impossible.
        """
        for key in _READ_ONCE:
            if key in overrides:
                raise ConfigError(f"with_settings(): '{key}' is read with the model and stays; call convert() again")
        config = make_config(self.config, "with_settings()", **overrides)
        return type(self)(self.graph, config, self._calibration, overwrite=self._overwrite, source=self._source)

    def with_weights(self, model: Any, weights: str | Path | None = None, *, example_inputs: Any = None) -> Project:
        """The same architecture with other weights, on the very program of this project: nothing is compiled.

        Every type stays what it is here, for inputs, weights, biases, accumulators, sums, results and tables; the new
        constants are cast to their types as a conversion does it (rounded to nearest even and saturating, where the
        configuration says nothing else; ``summary()`` says what saturates). Layers keep the names they have here.
        Weights come and go in any order: a project rests on the types of the one that was converted, not on the
        weights of those between. ``with_settings`` of the project finds types anew.

        Args:
            model: a model or a path, as for ``convert``, with the layers of this one.
            weights: the ``.h5`` that goes with a ``.json``.
            example_inputs: as for ``convert``.

        Raises:
            WeightsError: another structure (operations, options, shapes, what is fused), or numbers with which a type
                would no longer do what was proved: names the layer, what was found and what was expected.
            ModelError, UnsupportedError: as ``convert`` does.
        """
        typed = self._typed_by
        named = None if weights is None else named_path(weights, "weights", ModelError)
        given = laid_out(read_model(_source(model), named, example_inputs), self.config.input_layout)
        graph, rewritten, design = with_weights(
            given, typed.graph, typed._rewritten, typed.design, typed._inferred, self.config, self._calibration
        )
        project = Project.__new__(type(self))
        project._overwrite, project._source = self._overwrite, model
        project._hold(graph, self.config, self._calibration, rewritten, design, typed)
        check_same_program(typed.plan, project.plan)
        return project

    @cached_property
    def _inferred(self) -> tuple[Op, ...]:
        return inferred_ops(self._rewritten, self.config, self._calibration is not None)

    # -- the program ------------------------------------------------------------------------

    @cached_property
    def plan(self) -> Plan:
        """The kernel calls of the C++ program that the emulator is compiled from."""
        return planned(self.design, self.config, self.name)

    @cached_property
    def schedule(self) -> DesignSchedule:
        """How often a sample can enter the design (``interval``), which call sets that (``bottleneck``), how long a
        sample takes (``latency``), and the steps and multipliers of every call (``calls``); print it."""
        if self._is_circuit:
            raise ConfigError("schedule is that of a C++ program; of backend verilog, project.circuit has all clocks")
        return schedule_of(bordered(self.plan))

    @cached_property
    def circuit(self) -> Circuit:
        """The modules of backend verilog, the words between them, and their clocks; print it.

        Raises ConfigError for a project of another backend.
        """
        if not self._is_circuit:
            raise ConfigError(
                f"circuit: this is a project of backend '{self.config.backend}', of which no circuit is made here; "
                'convert with backend="verilog", or take with_settings(backend="verilog")'
            )
        return plan_circuit(self._job)

    @property
    def _is_circuit(self) -> bool:
        return self.config.backend == "verilog"

    @property
    def _job(self) -> Job:
        return Job(self.name, self.design, self.config, self._source)

    @cached_property
    def files(self) -> dict[str, str]:
        """All texts of the project by path, before anything is written: what the backend makes of the design."""
        texts = load_backend(self.config.backend).files(self._job)
        return texts | {MANIFEST: self._manifest(texts)}

    def _manifest(self, texts: Mapping[str, str]) -> str:
        facts = {
            "hlsgen": VERSION,
            "project": self.name,
            "config": self.config.model_dump(mode="json"),
            **({"interface": str(self.plan.interface)} if _is_cpp(texts) else {}),
            "types": {tensor.name: str(tensor.type) for tensor in self.design.tensors},
        }
        exponents = {tensor.name: tensor.exponents for tensor in self.design.inputs if tensor.exponents}
        if exponents:
            facts["exponents"] = exponents
        loading = loading_of(self.plan) if _is_cpp(texts) else None
        if loading is not None:
            facts["weights"] = loading.layout
        return manifest_text(facts, texts)

    def write(self, overwrite: bool | None = None) -> Path:
        """Write the HLS project to ``output_dir`` and return the folder.

        A former project there is replaced as a whole, or stays as it was; what hlsgen did not write stays. Raises
        OutputDirError if the folder holds something that is not an hlsgen project, if files of the project were
        changed since (``overwrite`` allows both), or if the system does not let it be written; InputError for an
        ``overwrite`` that is a folder.
        """
        if isinstance(overwrite, str | Path):
            raise InputError(f"write(): overwrite is {brief(overwrite)}; the folder is a setting: output_dir=")
        _check_switches("write()", overwrite=False if overwrite is None else overwrite)
        folder = self.config.output_dir or Path(f"{self.name}_hls")
        with task("writing"):
            write_project(Path(folder), self.files, overwrite=self._overwrite if overwrite is None else overwrite)
        return Path(folder).resolve()

    def export(self, kind: str, folder: str | Path, *, overwrite: bool | None = None, **options: Any) -> Path:
        """Write the design as files for other machines than Vitis HLS, and return the folder (docs/exports.md).

        Args:
            kind: a name of :data:`hlsgen.exports.base.EXPORTS`: "config-table", "weights", "test-vectors", ...
            folder: where the files go: a new folder, an empty one, or one with an export of this kind, which is
                replaced as a whole.
            overwrite: as for :meth:`write`.
            options: those of the kind, such as ``word_width=32`` of "weights".

        Raises ConfigError for a kind or an option that there is not, UnsupportedError for what this kind cannot say of
        the design, InputError for data that do not fit the model, OutputDirError as :meth:`write`, and for a folder
        that holds a project or an export of another kind.
        """
        _check_switches("export()", overwrite=False if overwrite is None else overwrite)
        place = named_path(folder, "a folder", InputError)
        with task("exporting"):
            files = exported_files(self._job, kind, options)
            write_project(place, files, overwrite=self._overwrite if overwrite is None else overwrite)
        return place.resolve()

    def synthesize(self, **options: Any) -> Any:
        """Write the project, run the backend's tool on it and return its report.

        Options of Vitis HLS: ``csim=False, csynth=True, cosim=False, export=False, vsynth=False``, ``log`` and
        ``timeout`` (s); it returns all reports in one structure (docs/vitis_reports.md). ``vsynth``: Vivado synthesizes
        the RTL. Raises ToolError if the tool is missing or fails, MismatchError if a simulation computed another
        integer than the emulator.
        """
        with task("synthesizing"):
            return load_backend(self.config.backend).run(self._job, self.write, **options)

    def simulate(
        self,
        x: Inputs,
        *,
        gaps: float = 0.0,
        stalls: float = 0.0,
        seed: int = 0,
        trace: str | Path | None = None,
    ) -> Simulation:
        """Run the circuit of the backend verilog clock by clock, compiled by Verilator (or taken from the cache).

        Args:
            x: (samples, *shape), as for predict.
            gaps: the share of clocks, from 0 up to below 1, in which no word is offered to the circuit.
            stalls: the share of clocks in which none is taken from it; both at random, from ``seed``.
            trace: a file for waveforms, ``.fst`` or ``.vcd``, which is replaced; for them the circuit is compiled anew.

        Returns integers, clocks, and how full each FIFO was (:class:`hlsgen.simulation.run.Simulation`).
        Raises ToolError without Verilator, ConfigError for a project of another backend, InputError as predict does,
        OutputDirError if ``trace`` cannot be written.
        """
        shares = {"gaps": gaps, "stalls": stalls}
        for name, share in shares.items():
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
                raise InputError(f"simulate(): {name} is {brief(share)}, expected a number from 0 up to below 1")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise InputError(f"simulate(): seed is {brief(seed)}, expected a whole number from 0 on")
        waves = None if trace is None else Waves.of(trace)
        inputs = arrays.checked_inputs(self.design.inputs, x)
        arrays.refuse_nan(inputs)
        values = list(arrays.mantissas(self.design.inputs, inputs).values())
        if not len(values[0]):
            raise InputError("simulate(): x has no samples, expected one at least")
        simulator = self._simulator(None if waves is None else waves.format)
        with task("simulating the circuit"):
            run = simulator.run(values, gaps=float(gaps), stalls=float(stalls), seed=seed, trace=waves)
        shaped = (arrays.shaped(r, tensor.shape) for r, tensor in zip(run.results, self.design.outputs, strict=True))
        return replace(run, results=tuple(shaped))

    def board_design(self, board: str, *, baud: int = DEFAULT_BAUD, allow_slow: bool = False) -> BoardDesign:
        """The circuit on a board (docs/circuit_boards.md): ``verilog``, ``pins()``; ``SimulatedBoard`` runs it.

        The clock is the board's own, or that of ``clock_period`` where the configuration sets one (``allow_slow``: or
        a slower one). Raises ConfigError for a board, a clock or a rate that cannot be.
        """
        if isinstance(baud, bool) or not isinstance(baud, int) or baud < 1:
            raise ConfigError(f"baud: found {brief(baud)}, expected a whole number of bits a second")
        said = "clock_period" in self.config.model_fields_set
        wish = 1000 / self.config.clock_period if said else None
        return design_for(self.circuit, board, wish, baud, allow_slow=allow_slow)

    def bitstream(
        self,
        board: str,
        *,
        baud: int = DEFAULT_BAUD,
        folder: str | Path | None = None,
        allow_slow: bool = False,
        overwrite: bool | None = None,
        log: Callable[[str], None] | None = None,
    ) -> Bitstream:
        """Build the bitstream of a board with yosys and nextpnr; print what is returned.

        Args:
            board: a name of :data:`hlsgen.board.table.BOARDS`.
            baud: bits a second of the serial line.
            folder: where all files go; ``<output_dir>_<board>`` if not said.
            allow_slow: take a slower clock where the wished one is not met.
            overwrite: as for :meth:`write`.
            log: called with each line that the tools print.

        Raises ConfigError for a board, a clock or a rate that cannot be and for a circuit that is too large,
        TimingError for a clock that is not met, ToolError if a tool is missing or fails, OutputDirError as
        :meth:`write`.
        """
        _check_switches("bitstream()", allow_slow=allow_slow, overwrite=False if overwrite is None else overwrite)
        design = self.board_design(board, baud=baud, allow_slow=allow_slow)
        place = Path(folder) if folder is not None else Path(f"{self.config.output_dir or f'{self.name}_hls'}_{board}")
        write_board(design, place, overwrite=self._overwrite if overwrite is None else overwrite)
        with task("building the bitstream") as step:
            return (build_slower if allow_slow else build)(design, place.resolve(), _told(step, log))

    def connect(self, line: str | Line, *, baud: int = DEFAULT_BAUD, timeout: float = 2.0) -> OnBoard:
        """This network on a board at a serial port (``/dev/ttyUSB0``, by pyserial), or at any other line.

        ``timeout``: seconds in which an answer has to come, beyond those that it takes at this rate. Raises LinkError
        if the port cannot be opened, nobody answers, or another design is on the board; ConfigError without pyserial.
        """
        ends(self.circuit)
        port = SerialPort(line, baud) if isinstance(line, str) else line
        return OnBoard(self.design, self.circuit, port, baud=baud, timeout=timeout)

    def _simulator(self, waves: Format | None) -> Simulator:
        """Compiled once for each format of waveforms."""
        circuit = self.circuit
        if waves not in self._simulators:
            self._simulators[waves] = Simulator(circuit, waves)
        return self._simulators[waves]

    @cached_property
    def _simulators(self) -> dict[Format | None, Simulator]:
        return {}

    def plot_circuit(self, path: str | Path, layer: str | None = None) -> Path:
        """Write a picture of the circuit of backend verilog as SVG, and return its path.

        Modules with latency and interval, streams with widths and words a sample, FIFOs with depths; what is as slow as
        the slowest is marked. ``layer``: of this one alone, by its name, down to operations and registers.

        Raises ConfigError for a project of another backend, UnknownNameError for a layer that is none of the circuit,
        UnsupportedError for one of too many operations, InputError for a path that does not end in ``.svg``,
        OutputDirError if it cannot be written.
        """
        file = picture_path(path, "plot_circuit()")
        text = circuit_picture(self.circuit) if layer is None else layer_picture(self.circuit, layer)
        return write_text(file, text, "plot_circuit()")

    def area(self, family: str | None = None, *, log: Callable[[str], None] | None = None) -> Area:
        """What the circuit of backend verilog takes of a device, module by module: an estimate of yosys.

        Each module is synthesized by itself, several at once, and what comes out is kept in the cache.

        Args:
            family: of devices: "xc7" (7 series), "xcu" (UltraScale), "xcup" (UltraScale+), "ecp5"; by default that of
                ``part``.
            log: called with a line for each module that was synthesized.

        Raises ToolError without yosys, ConfigError for a family or a part that is not known, or another backend.
        """
        circuit = self.circuit
        found = family_of_part(self.config.part) if family is None else family_of(family)
        with task("synthesizing") as step:
            return estimate(circuit, found, _told(step, log))

    def timing(
        self,
        device: str | None = None,
        *,
        clock_period: float | None = None,
        seed: int = SEED,
        on_failure: OnFailure = "raise",
        log: Callable[[str], None] | None = None,
    ) -> Timing:
        """How fast the circuit of backend verilog is on a device, placed and routed by nextpnr, without pins.

        Args:
            device: "ecp5-12k", "ecp5-25k", "ecp5-45k" or "ecp5-85k", of the slowest speed grade; by default ``part``
                if that is one of them, else the largest.
            clock_period: what is to be kept, in ns; by default that of the configuration, for which the circuit was
                made.
            seed: from which nextpnr places: another one gives another result.
            on_failure: what happens if the period is not kept: "raise", "warn" or "ignore"; the result is in the cache
                in any case.
            log: called with a line for each step.

        Raises TimingError, which names the layers on the slowest path, if the period is not kept; ToolError without
        yosys and nextpnr; ConfigError for a device that is not known or too small, or another backend; InputError for
        an option of another kind.
        """
        _check_timing_options(clock_period, seed, on_failure)
        period = self.config.clock_period if clock_period is None else float(clock_period)
        found = device_of_part(self.config.part) if device is None else device_of(device)
        with task("placing and routing") as step:
            timing = place_and_route(self.circuit, found, period, seed, _told(step, log))
        if not timing.met and on_failure != "ignore":
            text = _missed(timing)
            if on_failure == "raise":
                raise TimingError(text, timing.fmax)
            warnings.warn(text, TimingWarning, stacklevel=2)
        return timing

    def summary(self) -> str:
        """Describe types, ranges, ports, schedule, what was fused or renamed, and how constants were rounded.

        Of a circuit also area and timing, if they were found before: see :meth:`area`.
        """
        built = self.built
        if self._is_circuit:
            found = known_tables(self.circuit, self.config.clock_period)
            built = replace(built, tables=[*built.tables, *found])
        return summary(self.name, self.design, self.config, built)

    @cached_property
    def built(self) -> Built:
        """What the backend makes of the design: in a few words (``kind``), and the tables that ``summary`` shows."""
        if self._is_circuit:
            return as_circuit(self.design, self.circuit)
        return as_program(self.design, self.plan, self.schedule)

    @cached_property
    def precision(self) -> PrecisionReport:
        """Every type, who chose it, the proved and the expected range and the margin; print it, or read its fields."""
        return precision_report(self.design)

    def __str__(self) -> str:
        return str(self.design)

    # -- looking: pictures and the report ---------------------------------------------------

    def plot(self, path: str | Path) -> Path:
        """Write a picture of the layers as SVG (shapes, types, strategies), and return its path.

        Raises InputError for a path that does not end in ``.svg``, OutputDirError if it cannot be written.
        """
        file = picture_path(path, "plot()")
        return write_text(file, layer_graph(self.design), "plot()")

    def report(
        self,
        path: str | Path,
        x: Inputs | None = None,
        y: ArrayLike | None = None,
        *,
        reference: Any = None,
        sensitivity: bool = False,
        overwrite: bool | None = None,
    ) -> Path:
        """Write one page of HTML with all that is known of the design, and return its path (docs/report.md).

        Args:
            path: ``.html``; a report that is there is replaced.
            x: (samples, *shape), as for predict; without it the page has what the design alone tells.
            y: labels or wanted outputs of those samples.
            reference: the model to compare with, as for diagnose; None: what the project was read from.
            sensitivity: also vary the width of every tensor, which runs many designs.
            overwrite: replace a file that is no report, too.

        Raises InputError for data that do not fit, ModelError for a reference that cannot be run, OutputDirError for a
        file that is no report or cannot be written, ToolError without a working compiler.
        """
        _check_switches("report()", sensitivity=sensitivity, overwrite=False if overwrite is None else overwrite)
        file = page_path(path, "report()", self._overwrite if overwrite is None else overwrite)
        page = report_page(self, x, y, reference=reference, with_sensitivity=sensitivity)
        return write_text(file, html(page), "report()")

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        return notebook_html(self.name, self.design, self.config)

    # -- looking: the estimate --------------------------------------------------------------

    def estimate(self, part: str | None = None, multipliers: str = "auto") -> Estimate:
        """What Vitis HLS is expected to report of the design, with intervals: print it, or read its figures.

        Args:
            part: another device than the configuration's.
            multipliers: ``dsp`` or ``lut``, as ``config_op mul -impl dsp`` or ``fabric`` say; or ``auto``.

        Raises ConfigError for a circuit, whose area() and timing() are measured; InputError for other ``multipliers``.
        """
        if self._is_circuit:
            raise ConfigError(
                "estimate() is of C++ for an HLS tool; of backend verilog, area() and timing() are measured"
            )
        return estimate_of(self.plan, self.design, self.config, part, multipliers)

    # -- the emulator -----------------------------------------------------------------------

    @cached_property
    def emulator(self) -> Emulator:
        if self._typed_by is self:
            return Emulator(self.plan)
        return Emulator.of(self.plan, self._typed_by.emulator.module)

    def compile(self) -> Emulator:
        """Build the emulator, or take it from the cache. Raises ToolError without a working compiler."""
        return self.emulator

    def predict(self, x: Inputs, raw: bool = False, threads: int | None = None, count_overflows: bool = False) -> Any:
        """Run the emulator on a batch.

        Args:
            x: (samples, *shape) of real values or integers; a list or a dict by input name for several inputs.
            raw: return integer mantissas instead of real values.
            threads: default: one for each processor that this process may use.
            count_overflows: also count, per layer, the values that saturated or wrapped; see ``overflows``.

        Returns:
            (samples, *output shape), float32 or float64 as the type needs (int64 if ``raw``); a list of
            these for several outputs.

        Raises:
            InputError: wrong names, shapes or dtypes, or NaN.
        """
        _check_switches("predict()", raw=raw, count_overflows=count_overflows)
        inputs = arrays.checked_inputs(self.design.inputs, x)
        held = arrays.as_held(self.design.inputs, inputs)
        results, clipped = _run(self.emulator, held, raw, threads)
        self._warn(self._clipping_check.told(inputs, clipped), self._findings(held, results, raw))
        if count_overflows:
            self.overflows = self._overflow_counter.count(held)
        shaped = [arrays.shaped(r, t.shape) for r, t in zip(results, self.design.outputs, strict=True)]
        return shaped[0] if len(shaped) == 1 else shaped

    def check_streams(self, x: Inputs | None = None) -> StreamCheck:
        """Run the design with streams of their depths, every kernel call a process: does it come to its end?

        ``x``: a few samples, as for predict; by default one of zeros, since no value decides where words go. Returns
        how many words each stream held; print it.

        Raises DeadlockError, with the stream and the depth it needs, where processes wait for each other for ever;
        ConfigError for a project without streams; InputError as predict does.
        """
        if not self.plan.stream:
            raise ConfigError("check_streams(): this design of io_parallel computes on arrays and has no streams")
        given = {t.name: np.zeros((1, *arrays.given_shape(t))) for t in self.design.inputs} if x is None else x
        inputs = arrays.as_held(self.design.inputs, arrays.checked_inputs(self.design.inputs, given))
        arrays.refuse_nan(inputs)
        check, _ = check_streams(self.plan, list(inputs.values()))
        return check

    @cached_property
    def _overflow_counter(self) -> OverflowCounter:
        calibrated = self._calibration is not None
        if self._typed_by is self:
            design = counting_design_of(self._rewritten, self.config, calibrated)
        else:
            design = counting_design_with(self._rewritten, self._typed_by._rewritten, self.config, calibrated)
        return OverflowCounter(design, self.name)

    def trace(self, x: Inputs, raw: bool = False, inner: bool = False) -> dict[str, Array]:
        """Return every layer's output by its name in the source model, computed by the emulator.

        A layer that was fused away has the values of what it was fused into. ``inner``: also what the steps of a
        sequence hold inside of a loop, as ``lstm_sum``: (samples, steps, *shape), in the order of computation.
        """
        _check_switches("trace()", raw=raw, inner=inner)
        inputs = arrays.as_held(self.design.inputs, arrays.checked_inputs(self.design.inputs, x))
        keys = self._inside[1] | self.trace_keys() if inner else self.trace_keys()
        results, _ = _run(self._inner_tracer if inner else self._tracer, inputs, raw)
        traced = dict.fromkeys(keys.values())
        known = {t: arrays.shaped(r, t.shape) for t, r in zip(traced, results, strict=True)}
        if not raw:
            known = {tensor: arrays.in_model_units(values, tensor) for tensor, values in known.items()}
        return {key: known[tensor] for key, tensor in keys.items()}

    @cached_property
    def _tracer(self) -> Emulator:
        plan = self._tracing(self.design, self.trace_keys())
        return Emulator(plan) if self._typed_by is self else Emulator.of(plan, self._typed_by._tracer.module)

    @cached_property
    def _inner_tracer(self) -> Emulator:
        design, inside = self._inside
        plan = self._tracing(design, inside | self.trace_keys())
        return Emulator(plan) if self._typed_by is self else Emulator.of(plan, self._typed_by._inner_tracer.module)

    @cached_property
    def _inside(self) -> tuple[Design, dict[str, Tensor]]:
        return opened(self.design)

    def _tracing(self, design: Design, keys: Mapping[str, Tensor]) -> Plan:
        return make_plan(design, "io_parallel", self.name, list(dict.fromkeys(keys.values())))

    def trace_keys(self) -> dict[str, Tensor]:
        """Trace keys and the tensors they stand for: the source model's layers, then inner steps."""
        return dict(self.design.trace_keys)

    def evaluate(self, x: Inputs, raw: bool = False, inner: bool = False) -> dict[str, Array]:
        """The same as trace, by exact integer arithmetic in NumPy: slow, needs no compiler, defines what is right.

        ``inner``: also what layers that round inside hold on the way, as ``softmax.exponential``, and what the steps of
        a sequence do inside of a loop (:meth:`trace`).
        """
        _check_switches("evaluate()", raw=raw, inner=inner)
        inputs = arrays.checked_inputs(self.design.inputs, x)
        arrays.refuse_nan(inputs)
        known = evaluate(self.design, arrays.mantissas(self.design.inputs, inputs))
        steps = inner_steps(self.design, known) if inner else {}
        inside = {tensor.name: tensor for tensor in self.design.tensors if inner and self.design.is_inside(tensor)}
        keys = inside | self.trace_keys()
        if raw:
            return {key: known[tensor] for key, tensor in keys.items()} | {k: v.mantissas for k, v in steps.items()}
        values = {k: arrays.in_model_units(arrays.real(known[t], t.type), t) for k, t in keys.items()}
        return values | {k: arrays.real(*step) for k, step in steps.items()}

    # -- looking: distributions, agreement, widths -----------------------------------------------

    def profile(self, x: Inputs) -> Profile:
        """Weights and values of every layer on data, against what their types hold; print or plot it.

        ``x``: (samples, *shape), as for predict; of many, some thousand are looked at, evenly. Raises InputError as
        predict does, and for no samples.
        """
        return profile(self, x)

    def compare(
        self,
        model: Any,
        x: Inputs,
        y: Any = None,
        *,
        task: Task | None = None,
        threshold: float | None = None,
    ) -> Comparison:
        """Source model and emulator side by side: agreement, accuracy, AUC, errors; print or plot it.

        Args:
            model: a live model, an ONNX file, or outputs of it as an array (several: a list, or a dict by name). None:
                what the project was read from, and where that cannot be run, its real numbers computed by hlsgen.
            x: (samples, *shape), as for predict.
            y: class numbers (samples,), one-hot rows, or numbers in the shape of the output; several outputs: a list,
                or a dict by name.
            task: "classification" or "regression", where labels and outputs do not say it (docs/looking.md).
            threshold: above which an output of one value is class 1; by default 0.5 of probabilities, else 0.

        Raises InputError for data, labels or outputs that do not fit, and for a model that cannot be run.
        """
        return compare(self, model, x, y, task=task, threshold=threshold)

    def sensitivity(self, x: Inputs, y: Any = None, **options: Any) -> Sensitivity:
        """Accuracy against the width of weights, results and inputs, one at a time; print or plot it.

        Each point is what ``with_settings`` makes with that type for that layer, run by the emulator or, where that is
        sooner done, by the reference, which gives the same integers.

        Args:
            x: (samples, *shape), as for predict.
            y: class numbers (samples,), one-hot rows, or numbers in the shape of the output. Without it, decisions (or
                numbers) are held against those of the model itself.
            options: ``widths=range(2, 17)``; ``layers`` and ``kinds`` ("input", "weight", "result"): all by default;
                ``output``: the name of one of several; ``task`` ("classification", "regression") and ``threshold`` (of
                an output of one value) where they are not as docs/looking.md says; ``engine`` ("auto", "emulator",
                "reference"); ``progress``: called with how many designs are done, and of how many.

        Raises InputError for data, labels or options that do not fit.
        """
        return sensitivity(self, x, y, **options)

    # -- looking: diagnosis ---------------------------------------------------------------

    def diagnose(self, x: Inputs, reference: Any = None, y: ArrayLike | None = None) -> Diagnosis | None:
        """Find the first layer that diverges from the source model beyond what rounding explains, why, and the cure.

        Args:
            x: samples as for predict; of many, those that say most are looked at layer by layer (docs/diagnose.md).
            reference: the model to compare with, live or a path; None: what the project was read from; "graph": its
                graph in real numbers, for which no framework is needed.
            y: class numbers from 0 (samples,), or one of each (samples, classes), of the first output, by which wrong
                data are found; for classifiers only, whose output is one value or one a class.

        Returns the layer, the cause in words and numbers, and the setting that cures it; None where nothing is wrong.
        Raises InputError as predict does, and for infinities and labels that are no classes; ModelError for a reference
        that cannot be run: says what to install.
        """
        return diagnose(self, x, reference, y)

    def with_fix(self, fix: str | Diagnosis) -> Self:
        """The same model with a fix (of a diagnosis, or its YAML) merged into the configuration; reads nothing again.

        Raises ConfigError for what is no configuration of this model, or a diagnosis that has no fix.
        """
        return self.with_settings(**fixed_settings(self.config, fix))

    def repair(self, x: Inputs, reference: Any = None, y: ArrayLike | None = None) -> Repair:
        """Diagnose and apply the fix, again until nothing is wrong or nothing helps; arguments as of ``diagnose``.

        Returns every step, the settings to be merged, and the repaired project; this one stays as it is.
        """
        return repair(self, x, reference, y)

    def _findings(self, held: Mapping[str, Array], results: Sequence[Array], raw: bool) -> list[Finding]:
        """What is to be said of inputs that are not as expected, or of results that are not as they should be."""
        outputs = results
        if raw:
            first = [result[: self._input_check.samples] for result in results]
            outputs = [arrays.real(some, t.type) for some, t in zip(first, self.design.outputs, strict=True)]
        found = self._input_check.findings(held, outputs)
        inaccurate = None if found else self._accuracy_check.finding(held, results)
        return found if inaccurate is None else [inaccurate]

    def _warn(self, clipped: Mapping[str, str], findings: Sequence[Finding]) -> None:
        """Warn of what each call clips, with what that costs, and of every other cause once."""
        if not clipped and not findings:
            return
        costs = dict(finding.clipped for finding in findings if finding.clipped is not None)
        for name, text in clipped.items():
            cost = f" ({costs[name]})" if name in costs else ""
            warnings.warn(
                f"input '{name}': {text}{cost}; give calibration= or a wider input_precision=",
                ClippedInputWarning,
                stacklevel=3,
            )
        for finding in findings:
            told = finding.clipped is not None and finding.clipped[0] in clipped
            if not told and finding not in self._said:
                category = InaccurateWarning if finding.of_types else UnexpectedInputWarning
                warnings.warn(finding.text, category, stacklevel=3)
                self._said.add(finding)

    @cached_property
    def _clipping_check(self) -> ClippingCheck:
        return ClippingCheck(self.design, self.config)

    @cached_property
    def _input_check(self) -> InputCheck:
        return InputCheck(self.design)

    @cached_property
    def _accuracy_check(self) -> AccuracyCheck:
        return AccuracyCheck(self.design, _budget(self.config))


def _told(step: Step, log: Callable[[str], None] | None) -> Callable[[str], None]:
    """What tells a line of a tool to whoever watches, and to ``log``."""

    def tell(line: str) -> None:
        step.say(line)
        if log is not None:
            log(line)

    return tell


def _check_timing_options(clock_period: float | None, seed: int, on_failure: str) -> None:
    """Raise InputError for what timing() cannot take."""
    number = isinstance(clock_period, int | float) and not isinstance(clock_period, bool)
    if clock_period is not None and not (number and 0 < clock_period < float("inf")):
        raise InputError(f"timing(): clock_period is {brief(clock_period)}, expected nanoseconds above 0")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 < seed < 2**31:
        raise InputError(f"timing(): seed is {brief(seed)}, expected a whole number from 1 to 2^31 - 1")
    ways = get_args(OnFailure)
    if on_failure not in ways:
        raise InputError(f"timing(): on_failure is {brief(on_failure)}{nearest(on_failure, ways)}")


def _missed(timing: Timing) -> str:
    """Which clock was not kept, where, and what to do."""
    layers = ", ".join(f"'{layer}'" for layer in timing.layers)
    where = f"layer {layers}" if layers else "what is between layers"
    hops = "; ".join(f"{hop.module} from {hop.first} to {hop.last}" for hop in timing.path)
    return (
        f"the circuit keeps no clock of {timing.clock_period:g} ns: it reaches {timing.reached}. Its slowest path is "
        f"in {where} ({hops}). Convert with a shorter clock_period, which puts more registers into it, and give the "
        f"one that is to be kept to timing(clock_period=); or accept {timing.least_period:.2f} ns"
    )


def _is_cpp(texts: Mapping[str, str]) -> bool:
    """Whether a project is the C++ of the plan, with its ports, or something else that a backend made of the design."""
    return any(name.startswith("firmware/") for name in texts)


def _with_measured(design: Design, config: Config, calibration: Mapping[str, Array] | None) -> Design:
    """A design whose notes say how accurate it is on calibration data, if there are some."""
    if calibration is None:
        return design
    notes = AccuracyCheck(design, _budget(config)).notes(arrays.scaled(design.inputs, calibration))
    return replace(design, notes=notes)


def _budget(config: Config) -> int:
    """The bits of what nobody fixed."""
    return min(config.default_width, config.max_width or config.default_width)


def _check_switches(caller: str, **switches: bool) -> None:
    for name, value in switches.items():
        if not isinstance(value, (bool, np.bool_)):  # no union: each call would make one anew
            raise InputError(f"{caller}: {name} is {brief(value)}, expected True or False")


def _run(
    emulator: Emulator, inputs: Mapping[str, Array], raw: bool, threads: int | None = None
) -> tuple[list[Array], list[int]]:
    try:
        return emulator.run_and_count(list(inputs.values()), raw=raw, threads=threads)
    except InputError:
        arrays.refuse_nan(inputs)  # says the same in the user's terms; looked for only now, as it costs time and memory
        raise
