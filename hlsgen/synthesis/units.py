"""A circuit as units that are synthesized by themselves: its top, every module that this holds, and within those
every core and every module that stands several times.

Of a module that is a unit of its own, the unit around it has the ports alone. Units are spelt alike if they are alike,
whatever layers and projects are called: so one that was synthesized once is known wherever it is met again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

TOP = "hlsgen_unit"
"""The module of a unit. No signal and no module of a circuit bears that name."""
_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
_HEADER = re.compile(r"^module .*?^\);\n", re.MULTILINE | re.DOTALL)
_INSTANCE = re.compile(r"^\s*(\w+) (?:#\(|\w+ \()", re.MULTILINE)
_GENERATED = re.compile(r"^\s*generate\n.*?^\s*endgenerate\n", re.MULTILINE | re.DOTALL)
_WITHOUT_DSP = '(* use_dsp = "no" *)'
_WITH_DSP = '(* use_dsp = "yes" *)'

Parameters = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Unit:
    """``texts``: the Verilog of the module ``TOP`` and of all below it. ``parameters``: those of ``TOP``. ``holds``:
    the modules below it of which there are only ports."""

    texts: tuple[str, ...]
    parameters: Parameters = ()
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
    """A module within a unit."""

    name: str
    module: str
    parameters: Parameters = ()


@dataclass(frozen=True)
class Spelt:
    """A unit, and what its words stand for: the modules that it holds, and what signals begin with, where that is the
    name of a layer."""

    unit: Unit
    modules: Mapping[str, str]
    beginnings: Mapping[str, str] = field(default_factory=dict)

    def original(self, name: str) -> str:
        """What a signal or an instance of the unit is called in the Verilog."""
        beginning, mark, rest = name.partition("__")
        return self.beginnings.get(beginning, beginning) + mark + rest


@dataclass(frozen=True)
class Modules:
    """The Verilog of every module of a circuit, by its name. ``cores``: those that other cores start."""

    texts: Mapping[str, str]
    cores: frozenset[str] = frozenset()

    def plain(self, name: str) -> str:
        """The text of a module without the comments above its lines, which name layers."""
        return _COMMENT.sub("", self.texts[name])

    def ports(self, name: str) -> str:
        """A module without its inside."""
        header = _HEADER.search(self.texts[name])
        assert header is not None, "the header of a module ends with a line of its own"
        return f"(* blackbox *)\n{_COMMENT.sub('', header[0])}endmodule\n"

    def held(self, name: str) -> Counter[str]:
        """The modules that a module has in its text, and how often: what is generated counts as several."""
        text = self.plain(name)
        found = Counter(_INSTANCE.findall(text + "".join(_GENERATED.findall(text))))
        return Counter({module: count for module, count in found.items() if module in self.texts})


def top_unit(name: str, modules: Modules) -> Spelt:
    """The module ``name`` alone: of those that it holds, only the ports."""
    inside = sorted(modules.held(name))
    own = re.sub(rf"^module {name}\b", f"module {TOP}", modules.plain(name), flags=re.MULTILINE)
    unit = Unit((own, *(modules.ports(module) for module in inside)), holds=frozenset(inside))
    return Spelt(unit, {module: module for module in inside})


def unit_of(module: str, modules: Modules, parameters: Parameters = ()) -> Spelt:
    """A module with all below it; of cores, and of what stands several times in one of its texts, only the ports."""
    names, held = _divided(module, modules)
    own = re.compile(rf"\b{module}(?=\b|__)")
    texts = [own.sub(TOP, modules.plain(name)) for name in names]
    ports = [own.sub(TOP, modules.ports(name)) for name in held]
    inner, beginnings = _renamed(texts[0], modules.cores.intersection(held))
    holds = {inner.get(name) or own.sub(TOP, name): name for name in held}
    spelt = [_spelt(text, inner, beginnings) for text in (*texts, *ports)]
    unit = Unit((*spelt[: len(texts)], *sorted(spelt[len(texts) :])), parameters, frozenset(holds))
    return Spelt(unit, holds, {new: former for former, new in beginnings.items()})


def _divided(module: str, modules: Modules) -> tuple[list[str], list[str]]:
    """The modules that a unit is made of, and those that it holds."""
    names, held = [module], dict[str, None]()
    for name in names:
        for inside, count in sorted(modules.held(name).items()):
            if inside in modules.cores or count > 1:
                held[inside] = None
            elif inside not in names:
                names.append(inside)
    return [name for name in names if name not in held], list(held)


def _renamed(text: str, cores: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """What the cores in a module, and what its words of several parts begin with, are called in a unit: they are
    numbered as they appear. Nothing without cores, as only their signals have names of layers."""
    if not cores:
        return {}, {}
    words = dict.fromkeys(re.findall(r"\w+", text))
    inner = {word: f"{TOP}__core{k}" for k, word in enumerate(word for word in words if word in cores)}
    first = dict.fromkeys(word.partition("__")[0] for word in words if "__" in word and word not in inner)
    return inner, {word: f"part{k}" for k, word in enumerate(word for word in first if word != TOP)}


def _spelt(text: str, inner: Mapping[str, str], beginnings: Mapping[str, str]) -> str:
    def spell(word: re.Match[str]) -> str:
        beginning, mark, rest = word[0].partition("__")
        return inner.get(word[0]) or (beginnings.get(beginning, beginning) if mark else beginning) + mark + rest

    return re.sub(r"\w+", spell, text) if inner else text


def in_order(instances: Iterable[Instance], text: str) -> list[Instance]:
    """Instances as they stand in the text that holds them; those that it generates in front of all."""
    return sorted(instances, key=lambda instance: text.find(f" {instance.name} ("))
