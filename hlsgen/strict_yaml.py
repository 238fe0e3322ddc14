"""YAML in which no word means two things, nothing is said twice, and everything knows its line.

PyYAML reads the syntax. What a plain word means is decided here: numbers are decimal, ``true`` and ``false`` are the
only booleans. What YAML 1.1 takes for something else than text (``yes``, ``010``, ``1_000``, ``1:30``, a date), or
YAML 1.2 does (``0o10``), is refused until it is quoted: two readers would not agree on it. Numbers with an exponent
(``1e3``) are taken as YAML 1.2 does, though to YAML 1.1 they are text unless they have a point and a sign: nobody who
writes one means anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

import yaml

from hlsgen.errors import ConfigError, brief
from hlsgen.ir.text import is_whole

MAX_BYTES = 1 << 20
"""Size of a file: a setting for each of ten thousand layers fits."""
_MAX_DEPTH = 32
_MAX_ENTRIES = 200_000
"""Keys and values, each counted as often as aliases repeat it."""
_WORDS: dict[str, bool | None] = {"": None, "~": None}
for _word, _meaning in (("null", None), ("true", True), ("false", False)):
    _WORDS |= dict.fromkeys((_word, _word.capitalize(), _word.upper()), _meaning)
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_REAL = re.compile(r"[-+]?((0|[1-9][0-9]{0,17})(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,3})?|[-+]?\.inf|\.nan")
_NUMBER_ELSEWHERE = re.compile(
    r"[-+]?[0-9][0-9_]*|0o[0-7]+|[-+]?0x[0-9a-fA-F_]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
)

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """What a YAML text says, and where: lines and columns of keys and values by their path."""

    data: Any
    keys: dict[Path, yaml.Mark] = field(default_factory=dict)
    values: dict[Path, yaml.Mark] = field(default_factory=dict)

    def place(self, path: Path, *, of_key: bool = False) -> str:
        """``line 3, column 5`` of the value (or the key) at a path; of what holds it, where it is not there."""
        marks = self.keys if of_key else self.values
        for end in range(len(path), -1, -1):
            if path[:end] in marks:
                return _spell(marks[path[:end]])
            marks = self.values
        return "line 1, column 1"


def parse(text: str, where: str) -> Document:
    """Read one document; ``where`` begins the messages. Raises ConfigError that names line and column."""
    document = Document(None)
    try:
        return replace(document, data=_value(_composed(text), (), document))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(f"{where}, {_spell(mark)}: not valid YAML: {_problem(error)}") from error
    except yaml.YAMLError as error:  # of the characters themselves
        raise ConfigError(f"{where}: not valid YAML: {error}") from error


def _composed(text: str) -> yaml.Node | None:
    """The one document as PyYAML's nodes. Raises YAMLError."""
    composer = _Composer(text)
    try:
        return composer.get_single_node()
    except (ValueError, OverflowError) as error:  # PyYAML's of numbers in escapes and directives
        raise _refused(str(error), composer.get_mark()) from error


def _spell(mark: yaml.Mark | None) -> str:
    return "line 1, column 1" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"


def _problem(error: yaml.MarkedYAMLError) -> str:
    return " ".join(part for part in (error.context, error.problem) if part)


def _refused(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _Extent(NamedTuple):
    """How much a finished node holds, aliases written out."""

    entries: int
    height: int


class _Composer(yaml.SafeLoader):
    """PyYAML's composer within limits, without tags; every plain word is text to it."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  (the base's own way to say it)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.entries = self.depth = self.deepest = 0
        self.extents: dict[int, _Extent] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            node = super().compose_node(parent, index)
            self._count(self._extent(node, event), event)
            return node
        if getattr(event, "tag", None) is not None:
            raise _refused(f"the tag {brief(event.tag)} is not taken; leave it out", event.start_mark)
        entries, outer = self.entries, self.deepest
        self._count(_Extent(1, 1), event)
        self.depth += 1
        self.deepest = self.depth
        node = super().compose_node(parent, index)
        self.depth -= 1
        self.extents[id(node)] = _Extent(self.entries - entries, self.deepest - self.depth)
        self.deepest = max(self.deepest, outer)
        return node

    def _count(self, extent: _Extent, event: Any) -> None:
        self.entries += extent.entries
        self.deepest = max(self.deepest, self.depth + extent.height)
        if self.deepest > _MAX_DEPTH:
            raise _refused(f"nested more than {_MAX_DEPTH} deep", event.start_mark)
        if self.entries > _MAX_ENTRIES:
            raise _refused(f"more than {_MAX_ENTRIES} entries (aliases written out)", event.start_mark)

    def _extent(self, node: yaml.Node | None, event: Any) -> _Extent:
        if id(node) not in self.extents:
            raise _refused(f"the alias {brief('*' + event.anchor)} stands within what it repeats", event.start_mark)
        return self.extents[id(node)]


# -- values ---------------------------------------------------------------------------------------


def _value(node: yaml.Node | None, path: Path, document: Document) -> Any:
    """The value of a node; its place, and those of all in it, are noted in ``document``."""
    if node is None:
        return None
    document.values[path] = node.start_mark
    if isinstance(node, yaml.MappingNode):
        return {key: _value(below, (*path, key), document) for key, below in _entries(node, path, document)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(below, (*path, i), document) for i, below in enumerate(node.value)]
    return _scalar(node)


def _entries(node: yaml.MappingNode, path: Path, document: Document) -> Iterator[tuple[str, yaml.Node]]:
    """The keys of a mapping, which are text and unique, and their nodes."""
    seen: dict[str, yaml.Mark] = {}
    for key_node, below in node.value:
        mark = key_node.start_mark
        key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            found = brief(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
            raise _refused(f"a key has to be text, found {found}; put it into quotes", mark)
        if key in seen:
            raise _refused(f"the key {brief(key)} stands twice, first on {_spell(seen[key])}; remove one of them", mark)
        seen[key] = document.keys[(*path, key)] = mark
        yield key, below


def _scalar(node: yaml.Node) -> Any:
    """What a text, or a plain word, means."""
    text = node.value
    if not is_whole(text):
        raise _refused(f"{brief(text)} holds half of a character, which no file can", node.start_mark)
    if isinstance(node, yaml.ScalarNode) and node.style is not None:  # quoted, or a block of text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))  # which float() knows without the dot
    tag: str = _ELSEWHERE.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    elsewhere = tag.rpartition(":")[2]
    if elsewhere != "str" or _NUMBER_ELSEWHERE.fullmatch(text):
        raise _refused(
            f"{brief(text)} is text to some YAML programs, {_KINDS.get(elsewhere, elsewhere)} to others; put it into "
            "quotes, or write a decimal number, true or false",
            node.start_mark,
        )
    return text


_KINDS = {"str": "a number", "int": "a number", "float": "a number", "bool": "true or false", "timestamp": "a date",
          "merge": "a merge of mappings", "value": "a default value"}  # fmt: skip
_ELSEWHERE = yaml.SafeLoader("")
"""Knows what YAML 1.1 takes a plain word for."""


# -- writing --------------------------------------------------------------------------------------

_PLAIN = re.compile(r"(?:[A-Za-z_/]|\.{1,2}/)[A-Za-z0-9_./<>,+-]*(?: [A-Za-z0-9_./<>,+-]+)*")
"""Texts that need no quotes as a key, or as the value of one."""
_PLAIN_IN_LIST = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WIDE = 120
"""Columns, beyond which a list goes on in the next line."""
_UNPRINTED = re.compile("[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Within quotes: what YAML does not take there, and ends of lines that it would fold."""
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def written(data: Mapping[str, Any], *, ascii_only: bool = False) -> str:
    """A mapping as a text that :func:`parse` reads as the same, and other readers of YAML too; a key a line, but for
    long lists.

    ``data``: mappings with keys of text, lists, texts, numbers, booleans and None. ``ascii_only``: all else is escaped,
    for terminals that have no other characters.
    """
    text = "".join(_lines(data, ""))
    return _NOT_ASCII.sub(_escaped, text) if ascii_only else text  # such characters stand within quotes


def _lines(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_quoted(key, _PLAIN)}:\n"
            yield from _lines(value, f"{indent}  ")
        else:
            text = _quoted(value, _PLAIN) if isinstance(value, str) else in_line(value)
            line = f"{indent}{_quoted(key, _PLAIN)}: {text}\n"
            if len(line) > _WIDE and isinstance(value, list | tuple) and value:
                yield f"{indent}{_quoted(key, _PLAIN)}: [\n"
                items = [in_line(below) for below in value]
                yield from _folded([*(f"{item}," for item in items[:-1]), f"{items[-1]}]"], f"{indent}  ")
            else:
                yield line


def _folded(items: Iterable[str], indent: str) -> Iterator[str]:
    """Items of a list, as many on a line as it takes."""
    line = ""
    for item in items:
        if line and len(indent) + len(line) + 1 + len(item) > _WIDE:
            yield f"{indent}{line}\n"
            line = ""
        line = f"{line} {item}" if line else item
    yield f"{indent}{line}\n"


def in_line(value: Any) -> str:
    """A value as :func:`written` has it within a line, for texts that are laid out otherwise."""
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_quoted(key, _PLAIN_IN_LIST)}: {in_line(below)}" for key, below in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(in_line, value)) + "]"
    if isinstance(value, str):
        return _quoted(value, _PLAIN_IN_LIST)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return _real(value) if isinstance(value, float) else str(value)


def _real(value: float) -> str:
    """YAML 1.1 takes a number with an exponent for text, unless it has a point."""
    text = float.__repr__(value).replace("inf", ".inf").replace("nan", ".nan")
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else text


@cache
def _quoted(text: str, plain: re.Pattern[str]) -> str:
    """A text as itself where it reads as one everywhere, else in quotes."""
    if plain.fullmatch(text) and text not in _WORDS and not _REAL.fullmatch(text):
        tag: str = _ELSEWHERE.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        if tag.endswith(":str") and not _NUMBER_ELSEWHERE.fullmatch(text):
            return text
    return _UNPRINTED.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    """A character, as it is written within quotes."""
    return f"\\U{ord(found[0]):08x}"
