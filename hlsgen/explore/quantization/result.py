"""What a quantisation found: the project, its configuration, and what was done, as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hlsgen.config import Config
from hlsgen.design.bits import Bits
from hlsgen.explore.quantization.goal import Metric
from hlsgen.explore.standalone import relative, yaml_path
from hlsgen.ir.text import table
from hlsgen.pages.files import write_text
from hlsgen.project import Project
from hlsgen.strict_yaml import written
from hlsgen.tables import html_table
from hlsgen.version import VERSION


@dataclass(frozen=True)
class Row:
    """One tensor, or the weights of one layer."""

    layer: str
    what: str
    """``weights``, ``input``, ``result``, or the name of an inner step."""
    bits: int
    """Of a word as it is stored, of several the widest. Where channels have binary points of their own, ``done`` says
    how many of them a channel has."""
    type: str
    """Of that word; several, where weights of one layer lie in different places."""
    done: str
    """How it was placed, and what else was done."""
    loss: float | None
    """What it costs by itself, in the measure by which bits were given; None where its width was not searched."""


@dataclass(frozen=True)
class Quantized:
    """A design that decides as its float model does, and how it was found. Print it."""

    project: Project = field(repr=False)
    """The design; ``project.predict(x)`` is exact to the bit."""
    rows: tuple[Row, ...] = field(repr=False)
    metric: Metric
    target: float
    wanted: float
    """What had to be measured: the target and a margin for other data."""
    value: float
    """What was measured, on samples that nothing was chosen by but when to stop."""
    agreement: float
    accuracy: float | None
    """Against labels, of the design; None without."""
    float_accuracy: float | None
    """The same of the float model."""
    samples: int
    """How many samples were held out for that."""
    bits: Bits
    numbers: bool
    """Whether outputs are numbers: agreement then is the share of their variance that is met."""
    designs: int
    """How many designs were measured."""
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether the target was reached."""
        return self.value >= self.target

    @property
    def config(self) -> Config:
        """The configuration that is this design, without any data."""
        return self.project.config

    @property
    def yaml(self) -> str:
        """The configuration as a file has it; the path of the model, where it was read from a file, is absolute."""
        return written(self._entries)

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the configuration; the model's path in it is relative to the file. Returns the path of the file.

        ``hlsgen.convert(None, path)`` (or a live model in place of None) is this design again, without any data. Such a
        file that is there is replaced, another only with ``overwrite``. Raises OutputDirError for one that is not, and
        if it cannot be written.
        """
        file = output_path(path, overwrite=overwrite)
        entries = self._entries
        entries |= {key: str(Path(entries[key]).absolute()) for key in _FILES if key in entries}
        first = f"# {self._title.lower()}, by hlsgen {VERSION}"
        return write_text(file, f"{first}\n{written(relative(entries, file.resolve().parent))}", "write()")

    @property
    def _entries(self) -> dict[str, Any]:
        said: dict[str, Any] = _pruned(self.config.model_dump(mode="json", exclude_unset=True))
        source = self.project.source
        model = said.pop("model", None) if not isinstance(source, str | Path) else str(Path(source).resolve())
        return said if model is None else {"model": model} | said

    @property
    def _title(self) -> str:
        of = "variance met" if self.numbers else self.metric
        share = "" if self.metric == "agreement" else " of the float model's"
        end = "" if self.met else ": NOT MET"
        return f"Quantised for {of} of {100 * self.target:g} %{share} or more{end}"

    def _totals(self) -> list[str]:
        lines = [
            f"weights: {self.bits.weights} bits a weight; results: {self.bits.results}; inputs: {self.bits.inputs}",
            f"{'variance met' if self.numbers else 'agreement'} with the float model: {100 * self.agreement:.2f} % of "
            f"{self.samples} held-out samples (wanted, with a margin: {100 * self.wanted:.2f} %)"
            if self.metric == "agreement"
            else f"agreement with the float model: {100 * self.agreement:.2f} % of {self.samples} held-out samples",
        ]
        if self.accuracy is not None and self.float_accuracy is not None:
            lines.append(f"accuracy: {100 * self.accuracy:.2f} %, of the float model {100 * self.float_accuracy:.2f} %")
        cost = self.project.estimate() if self.project.config.backend == "vitis" else None
        if cost is not None:
            lines.append(f"estimated: {cost.dsp.value:.0f} DSP, {cost.lut.value:.0f} LUT")
        lines.append(f"{self.designs} designs measured, {self.seconds:.0f} s")
        return [*lines, *self.notes]

    def _cells(self) -> list[list[str]]:
        return [
            [r.layer, r.what, str(r.bits), r.type, r.done, "" if r.loss is None else f"{r.loss:.1e}"] for r in self.rows
        ]

    def __str__(self) -> str:
        return "\n".join([self._title, table(list(_HEADER), self._cells()), *self._totals()])

    def _repr_html_(self) -> str:
        return html_table(". ".join([self._title, *self._totals()]), _HEADER, self._cells())


def output_path(path: str | Path, *, overwrite: bool) -> Path:
    """Where a configuration may be written. Raises OutputDirError as :meth:`Quantized.write` does, before anything is
    computed."""
    return yaml_path(path, overwrite, _FIRST, "a quantisation")


_FIRST = re.compile(rb"# quantised for [^\n]*, by hlsgen ")
"""How such a file begins: what may be replaced by another one."""
_HEADER = ("layer", "what", "bits", "type", "done", "loss")
_FILES = ("model", "weights", "output_dir")


def _pruned(value: Any) -> Any:
    """Without what says nothing."""
    if not isinstance(value, dict):
        return value
    pruned = {key: _pruned(v) for key, v in value.items()}
    return {key: v for key, v in pruned.items() if v is not None and v != {}}
