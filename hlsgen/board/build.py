"""From a design to its bitstream: yosys, nextpnr, and what packs its result. As files, as a Makefile, and done here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from hlsgen.backends.manifest import MANIFEST, manifest_text
from hlsgen.backends.verilog.text import render
from hlsgen.backends.writer import write_project
from hlsgen.board.design import TOP, BoardDesign, design_for
from hlsgen.errors import ConfigError, TimingError, ToolError
from hlsgen.ir.text import table
from hlsgen.tools import Completed, Synthesizer, find_loader, find_nextpnr, find_packer, find_yosys, run
from hlsgen.version import VERSION

Log = Callable[[str], None]
_SLOWER, _MARGIN = 3, 0.95
"""How often a slower clock is tried, and how much slower than what was met: placement differs each time."""
_USED = re.compile(r"Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%")
_IN_NETWORK = re.compile(r"\bnetwork\.([A-Za-z0-9]+(?:_[A-Za-z0-9]+)*)")
"""The instance of a module of the network: its name has single underscores."""


@dataclass(frozen=True)
class Step:
    """A program, and what it makes of what. ``variable``: what a Makefile calls the program."""

    program: str
    arguments: tuple[str, ...]
    takes: tuple[str, ...]
    makes: str

    @property
    def variable(self) -> str:
        return self.program.upper().replace("-", "_")


@dataclass(frozen=True)
class Bitstream:
    """What was built. ``fmax``: MHz that nextpnr says are met; ``cells``: of each kind, used and there."""

    path: Path
    design: BoardDesign
    fmax: float
    cells: Mapping[str, tuple[int, int]]
    seconds: Mapping[str, float]

    def __str__(self) -> str:
        design = self.design
        rows = [[kind, f"{used:,}", f"{there:,}", f"{used / there:.1%}"] for kind, (used, there) in self.cells.items()]
        times = ", ".join(f"{program} {seconds:.0f} s" for program, seconds in self.seconds.items())
        return "\n".join(
            [
                f"{self.path}",
                f"{design.board.device.part}, clock {design.clock.megahertz:g} MHz of at most {self.fmax:.1f}, "
                f"{design.baud} baud; {times}",
                table(["cells", "used", "there", ""], rows),
            ]
        )


def steps(design: BoardDesign) -> tuple[Step, ...]:
    """What is run, in order, in the folder of :func:`files`."""
    name, device = design.circuit.name, design.board.device
    family, netlist, report = device.family, f"{name}.json", f"{name}.report.json"
    placed, bits = (f"{name}.config", f"{name}.bit") if device.family == "ecp5" else (f"{name}.asc", f"{name}.bin")
    sources, script = sorted(design.verilog), f"{name}.ys"
    pins = "--lpf" if device.family == "ecp5" else "--pcf"
    result = "--textcfg" if device.family == "ecp5" else "--asc"
    place = (
        *(*device.arguments, "--json", netlist, pins, design.pins_file, result, placed),
        *("--freq", f"{design.clock.megahertz:g}", "--timing-allow-fail", "--report", report, "--quiet"),
        *("--router", "router2", "--log", f"{name}.nextpnr.log"),
    )
    pack = ("--compress", placed, "--bit", bits) if device.family == "ecp5" else (placed, bits)
    return (
        Step("yosys", ("-q", script), (script, *sources), netlist),
        Step(f"nextpnr-{family}", place, (netlist, design.pins_file), placed),
        Step("ecppack" if device.family == "ecp5" else "icepack", pack, (placed,), bits),
    )


def files(design: BoardDesign) -> dict[str, str]:
    """All texts by path: Verilog, constraints of pins, yosys' script, a Makefile."""
    name, device, run_steps = design.circuit.name, design.board.device, steps(design)
    synth = f"synth_{device.family}"
    script = render(
        "board/synthesis.ys.j2",
        name=name,
        part=device.part,
        paths=sorted(design.verilog),
        command=f"{synth} -dsp" if "--up5k" in device.arguments else synth,
        top=TOP,
        netlist=run_steps[0].makes,
    )
    make = render(
        "board/Makefile.j2",
        name=name,
        board=design.board_name,
        bitstream=run_steps[-1].makes,
        programs=[*((step.variable, step.program) for step in run_steps), ("OPENFPGALOADER", "openFPGALoader")],
        steps=run_steps,
        loader=design.board.loader,
    )
    return {**design.verilog, design.pins_file: design.pins(), f"{name}.ys": script, "Makefile": make}


def write(design: BoardDesign, folder: Path, *, overwrite: bool = False) -> None:
    """Write all files into a folder of their own. Raises OutputDirError as ``Project.write``."""
    texts = files(design)
    facts = {"hlsgen": VERSION, "project": design.circuit.name, "board": design.board_name, "baud": design.baud}
    write_project(folder, {**texts, MANIFEST: manifest_text(facts, texts)}, overwrite=overwrite)


def build(design: BoardDesign, folder: Path, log: Log | None = None) -> Bitstream:
    """Run the tools in a folder that was written. Raises ToolError, ConfigError (too large), TimingError."""
    family = design.board.device.family
    programs = find_yosys(), find_nextpnr(family), find_packer(family)
    seconds: dict[str, float] = {}
    for step in steps(design):  # of another build: what fails leaves none
        (folder / step.makes).unlink(missing_ok=True)
    for step, program in zip(steps(design), programs, strict=True):
        try:
            done = _run(step, program, folder, log)
        except ToolError as error:
            if step.program.startswith("nextpnr"):
                _refuse_too_large(design, folder, error)
            raise
        seconds[step.program] = done.seconds
        if step.program.startswith("nextpnr"):
            report = json.loads((folder / f"{design.circuit.name}.report.json").read_text(encoding="utf-8"))
            fmax = _met(design, report)
    cells = {kind: (of["used"], of["available"]) for kind, of in report["utilization"].items() if of["used"]}
    return Bitstream(folder / steps(design)[-1].makes, design, fmax, cells, seconds)


def build_slower(design: BoardDesign, folder: Path, log: Log | None = None) -> Bitstream:
    """As :func:`build`; where the clock is not met, again with a slower one, for which the folder is written anew."""
    for _ in range(_SLOWER):
        try:
            return build(design, folder, log)
        except TimingError as error:
            design = design_for(design.circuit, design.board_name, _MARGIN * error.megahertz, design.baud)
            write(design, folder)
    return build(design, folder, log)


def _run(step: Step, program: Synthesizer, folder: Path, log: Log | None) -> Completed:
    command, file = [*program.command, *step.arguments], folder / f"{step.program}.log"
    return run(command, cwd=folder, log=log, log_file=file, env=program.environment)


def load(bitstream: Bitstream, log: Log | None = None) -> None:
    """Put it on the board. Raises ToolError without openFPGALoader, or if it fails."""
    folder = bitstream.path.parent
    run([str(find_loader()), *bitstream.design.board.loader, bitstream.path.name], cwd=folder, log=log)


def _met(design: BoardDesign, report: Mapping[str, Any]) -> float:
    """The MHz that are met. Raises TimingError if these are too few."""
    fmax = min((float(clock["achieved"]) for clock in report["fmax"].values()), default=float("inf"))
    if fmax < design.clock.megahertz:
        where = _slowest(report)
        raise TimingError(
            f"{design.circuit.name} on {design.board_name}: nextpnr finds {fmax:.1f} MHz ({1000 / fmax:.2f} ns), the "
            f"clock is {design.clock.megahertz:g} MHz; the slowest path is in {where}. Set clock_period: "
            f"{ceil(1000 / fmax)} or more, or allow a slower clock (--allow-slow)",
            fmax,
        )
    return fmax


def _slowest(report: Mapping[str, Any]) -> str:
    """Where the critical path is: the module of the network that most of its wires belong to."""
    found: list[str] = []
    for path in report.get("critical_paths", []):
        if path.get("from", "").startswith("posedge") and path.get("to") == path.get("from"):
            found += _IN_NETWORK.findall(json.dumps(path["path"]))
    return f"layer '{max(set(found), key=found.count)}'" if found else "what is around the network"


def _refuse_too_large(design: BoardDesign, folder: Path, error: ToolError) -> None:
    """Raise ConfigError if nextpnr counted more of something than there is."""
    log = folder / f"{design.circuit.name}.nextpnr.log"
    if not log.is_file():
        return
    used = {kind: (int(n), int(there)) for kind, n, there in _USED.findall(log.read_text(encoding="utf-8"))}
    over = [f"{n:,} {kind}, of which there are {there:,}" for kind, (n, there) in used.items() if n > there]
    if over:
        raise ConfigError(
            f"{design.circuit.name} is too large for {design.board_name} ({design.board.device.part}): it takes "
            f"{'; '.join(over)}. Raise reuse_factor (strategy: resource), take narrower types, or a larger board"
        ) from error
