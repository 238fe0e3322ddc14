"""A circuit as units that are synthesized by themselves: its top, and every module that this holds.

Units are spelt alike if they are alike, whatever layers and projects are called: so one that was synthesized once is
known wherever it is met again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TOP = "hlsgen_unit"
"""The module of a unit. No signal and no module of a circuit bears that name."""
_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
_HEADER = re.compile(r"^module .*?^\);\n", re.MULTILINE | re.DOTALL)
_WITHOUT_DSP = '(* use_dsp = "no" *)'
_WITH_DSP = '(* use_dsp = "yes" *)'


@dataclass(frozen=True)
class Unit:
    """``texts``: the Verilog of the module ``TOP`` and of all below it. ``parameters``: those of ``TOP``. ``holds``:
    the modules below it of which there are only ports."""

    texts: tuple[str, ...]
    parameters: tuple[tuple[str, int], ...] = ()
    holds: frozenset[str] = frozenset()

    @property
    def refuses_dsp(self) -> bool:
        """Whether its products are to be built of logic."""
        return any(_WITHOUT_DSP in text for text in self.texts)

    @property
    def wants_dsp(self) -> bool:
        """Whether all of its products are to be built of multipliers."""
        return any(_WITH_DSP in text for text in self.texts)


@dataclass(frozen=True)
class Instance:
    """A module within the top of a circuit."""

    name: str
    module: str
    parameters: tuple[tuple[str, int], ...] = ()


def top_unit(name: str, texts: Mapping[str, str]) -> Unit:
    """The module ``name`` alone: of those that it holds, only the ports. ``texts``: all modules by their names."""
    inside = _mentioned(name, texts)
    own = re.sub(rf"^module {name}\b", f"module {TOP}", _plain(texts[name]), flags=re.MULTILINE)
    return Unit((own, *(_ports_of(texts[module]) for module in sorted(inside))), holds=frozenset(inside))


def unit_of(instance: Instance, texts: Mapping[str, str]) -> Unit:
    """The module of an instance with all that it holds."""
    names = [instance.module]
    for name in names:
        names += sorted(_mentioned(name, texts) - set(names))
    own = re.compile(rf"\b{instance.module}(?=\b|__)")
    return Unit(tuple(own.sub(TOP, _plain(texts[name])) for name in names), instance.parameters)


def _mentioned(name: str, texts: Mapping[str, str]) -> set[str]:
    """The other modules that a module has in its text."""
    return {word for word in re.findall(r"\w+", _plain(texts[name])) if word in texts and word != name}


def _plain(text: str) -> str:
    """A text without the comments above its lines, which name layers."""
    return _COMMENT.sub("", text)


def _ports_of(text: str) -> str:
    """A module without its inside."""
    header = _HEADER.search(text)
    assert header is not None, "the header of a module ends with a line of its own"
    return f"(* blackbox *)\n{_plain(header[0])}endmodule\n"


def in_order(instances: Iterable[Instance], text: str) -> list[Instance]:
    """Instances as they stand in the text that holds them."""
    return sorted(instances, key=lambda instance: text.index(f" {instance.name} ("))
