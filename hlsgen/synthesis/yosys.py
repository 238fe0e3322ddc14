"""Units through yosys, each once: what came out is kept by the digest of all that went in."""

from __future__ import annotations

import functools
import json
import re
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.errors import ToolError
from hlsgen.files import locked
from hlsgen.native import store
from hlsgen.native.compilation import digest_of
from hlsgen.synthesis.resources import Family
from hlsgen.synthesis.units import TOP, Instance, Unit
from hlsgen.tools import Synthesizer, cache_dir, processors, run

Log = Callable[[str], None]
_FORM = "1"
"""Of what is stored: another one is not read."""
_PATIENCE = 1800.0
"""Seconds to wait for another process in which a tool compiles itself."""
_NO_MEMORY = re.compile("thrown Wasm exception|bad_alloc|out of memory", re.IGNORECASE)
"""What is printed where memory is short: the first by WebAssembly, which says nothing else of it."""
_WITHOUT_MEMORY = (
    "memory seems to be short, of which WebAssembly has 4 GB; give its layer a larger reuse_factor, or multipliers in "
    "place of logic (dsp), or set HLSGEN_YOSYS to a yosys of the system; "
)


@dataclass(frozen=True)
class Synthesized:
    """What yosys made of a unit: how many cells of each type, and the modules that it left as they are."""

    cells: Mapping[str, int]
    instances: tuple[Instance, ...]


class Synthesis:
    """Yosys for a family of devices, and what the cache has of it: how many cells, and what is placed, itself."""

    def __init__(self, yosys: Synthesizer, family: Family) -> None:
        self.family, self._yosys, self._is_started = family, yosys, False

    @property
    def tool(self) -> str:
        """What it is by."""
        return self._yosys.title

    def known(self, unit: Unit) -> Synthesized | None:
        """A unit that was synthesized before."""
        found = stored(self.place(unit, "cells"))
        if found is None:
            return None
        return Synthesized(found["cells"], tuple(_instance(*entry) for entry in found["instances"]))

    def netlist(self, unit: Unit) -> Mapping[str, Any]:
        """The module that yosys made of a unit, as it writes it. Raises ToolError if the cache has lost it."""
        found: Mapping[str, Any] | None = stored(self.place(unit, "netlist"))
        if found is None:
            raise ToolError(f"{cache_dir()}: what yosys made was removed meanwhile; try again")
        return found

    def all_of(self, units: Mapping[str, Unit], log: Log | None) -> dict[Unit, Synthesized]:
        """Synthesize what is not known, as many at once as there are processors. ``units``: by what they are called.

        ``log`` is told when one is done. Raises ToolError.
        """
        names = {unit: name for name, unit in reversed(list(units.items()))}
        missing = [unit for unit in dict.fromkeys(units.values()) if not self._has(unit)]
        if missing:
            prepare(self._yosys, None if self._is_started else log)
            self._is_started = True
            self._make(missing, names, log)
            store.bound()
        found = {unit: self.known(unit) for unit in names}
        if None in found.values():
            raise ToolError(f"{cache_dir()}: what yosys made was removed meanwhile; try again")
        return {unit: cells for unit, cells in found.items() if cells is not None}

    def place(self, unit: Unit, kind: str) -> Path:
        """Where the cache has what yosys makes of a unit."""
        parameters = [f"{name}={value}" for name, value in unit.parameters]
        facts = [_FORM, self._yosys.version, *script(unit, self.family), *parameters, *unit.texts]
        return cache_dir() / f"{kind}_{digest_of(*facts)}.json.z"

    def _has(self, unit: Unit) -> bool:
        return self.known(unit) is not None and (
            not self.family.is_placed or store.read(self.place(unit, "netlist")) is not None
        )

    def _make(self, units: Sequence[Unit], names: Mapping[Unit, str], log: Log | None) -> None:
        running = _Running()
        with ThreadPoolExecutor(min(len(units), processors())) as pool:
            began = {pool.submit(self._run, unit, names[unit], running.add): unit for unit in units}
            try:
                _follow(began, names, log)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                running.end()
                raise

    def _run(self, unit: Unit, name: str, started: Callable[[Callable[[], None]], None]) -> float:
        """Synthesize one; returns the seconds it took."""
        began = time.monotonic()
        target = self.place(unit, "cells")
        log_file = target.with_name(target.name.partition(".")[0] + ".failed.log")
        with store.building() as folder:
            for number, text in enumerate(unit.texts):
                (folder / f"{number}.v").write_text(text, encoding="utf-8")
            (folder / "unit.ys").write_text("\n".join(script(unit, self.family)) + "\n", encoding="utf-8")
            command = [*self._yosys.command, "-q", "-s", "unit.ys"]
            said: list[str] = []
            try:
                run(
                    command,
                    cwd=folder,
                    log=said.append,
                    log_file=log_file,
                    env=self._yosys.environment,
                    started=started,
                )
            except ToolError as error:
                advice = _WITHOUT_MEMORY if any(_NO_MEMORY.search(line) for line in said) else ""
                raise ToolError(f"yosys does not synthesize module {name}: {advice}{error}") from error
            log_file.unlink(missing_ok=True)
            module = json.loads((folder / "unit.json").read_bytes())["modules"][TOP]
            keep({"cells": _counts(module), "instances": _inside(module, unit)}, folder, target)
            if self.family.is_placed:
                keep(module, folder, self.place(unit, "netlist"))
        return time.monotonic() - began


class _Running:
    """Programs that threads wait for: all are ended at once, and so are those that are only being started then."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], None]] = []
        self._ended, self._lock = False, threading.Lock()

    def add(self, end: Callable[[], None]) -> None:
        with self._lock:
            self._ends.append(end)
            if self._ended:
                end()

    def end(self) -> None:
        with self._lock:
            self._ended = True
            for end in self._ends:
                end()


def _follow(began: Mapping[Future[float], Unit], names: Mapping[Unit, str], log: Log | None) -> None:
    for number, done in enumerate(as_completed(began), start=1):
        seconds = done.result()
        if log is not None:
            log(f"{number} of {len(began)}: {names[began[done]]}, {seconds:.1f} s")


def script(unit: Unit, family: Family) -> list[str]:
    """What yosys is told, line by line."""
    synthesize = f"{family.command} -top {TOP}{' -nodsp' if unit.refuses_dsp else ''}"
    lines = [f"read_verilog {number}.v" for number in range(len(unit.texts))]
    lines += [f"chparam -set {name} {value} {TOP}" for name, value in unit.parameters]
    if unit.wants_dsp and family.multipliers is not None:
        lines += [f"{synthesize} -run begin:map_dsp", "memory_dff", "alumacc -macc-only", "maccmap -unmap", "opt_clean"]
        lines += [family.multipliers, f"{synthesize} -run map_dsp:"]
    else:
        lines.append(synthesize)
    return [*lines, f"select -module {TOP}", "write_json -selected unit.json"]


def _counts(module: Mapping[str, Any]) -> dict[str, int]:
    types = Counter(cell["type"] for cell in module["cells"].values())
    return {name: types[name] for name in sorted(types)}


def _inside(module: Mapping[str, Any], unit: Unit) -> list[list[Any]]:
    """The instances of modules whose inside yosys was not given."""
    return [
        [name, cell["type"], [[key, _number(value)] for key, value in sorted(cell["parameters"].items())]]
        for name, cell in module["cells"].items()
        if cell["type"] in unit.holds
    ]


def _number(value: str | int) -> int:
    """A parameter: 32 bits as text."""
    return value if isinstance(value, int) else int(value, 2)


def _instance(name: str, module: str, parameters: Sequence[tuple[str, int]]) -> Instance:
    return Instance(name, module, tuple((key, value) for key, value in parameters))


# -- the cache and the tools, also for nextpnr -------------------------------------------------------


def stored(place: Path) -> Any:
    """What was kept there; None if there is nothing."""
    store.mark_used(place)
    content = store.read(place)
    return None if content is None else json.loads(zlib.decompress(content))


def keep(found: Any, folder: Path, target: Path) -> None:
    """Keep what a tool found; ``folder``: the workspace. Raises ToolError."""
    made = folder / target.name
    made.write_bytes(zlib.compress(json.dumps(found, separators=(",", ":")).encode()))
    store.keep(made, target)


def prepare(tool: Synthesizer, log: Log | None) -> None:
    """Start a tool once by itself: what compiles itself then does so, and not several times at once."""
    if log is not None:
        log(f"starting {tool.name}")
    _prepared(tool.command, tuple(tool.environment.items()))


@functools.cache
def _prepared(command: tuple[str, ...], environment: tuple[tuple[str, str], ...]) -> None:
    try:
        with locked(cache_dir(), _PATIENCE), store.building() as folder:
            run([*command, "--version"], cwd=folder, env=dict(environment))
    except TimeoutError as error:
        raise ToolError(f"{cache_dir()}: {error.strerror}, in which a tool was to be started; try again") from error
