"""The C++ of a project as far as pragmas need it: functions, loops and pragmas with the scope that they stand in.

No compiler is asked: the text of kernels and generated files follows docs/kernels.md, and what is read of it are
braces, heads of blocks and preprocessor lines. Offsets and lines are those of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

_NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_PRAGMA = re.compile(r"\s*#\s*pragma\s+(?P<tool>\w+)\b(?P<rest>.*)", re.DOTALL)
_OPERATOR = re.compile(r'\b_Pragma\s*\(\s*"(?P<text>(?:[^"\\\n]|\\.)*)"\s*\)|\b_Pragma\s*\(\s*#(?P<of>)')
"""``_Pragma("HLS ...")``; or of a macro's argument, ``_Pragma(#text)``."""
_LABEL = re.compile(r"\s*(\w+)\s*:(?!:)")
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)\s*")
_CALLED = re.compile(r"(operator\s*[^\s\w(]+|operator\s*\(\)|~?\w+)\s*\(")
_CONSTANT = re.compile(r"\bstatic const [^;={}()]+? (\w+)\[")
_WORD = re.compile(r"[A-Za-z_]\w*")


class Kind(Enum):
    """What a pair of braces encloses."""

    FILE = "file"
    NAMESPACE = "namespace"
    TYPE = "type"
    FUNCTION = "function"
    LOOP = "loop"
    BRANCH = "branch"
    BLOCK = "block"
    VALUES = "values"


@dataclass(frozen=True)
class Opened:
    """What a brace opens, as a compiler says, and the offset of its head."""

    kind: Kind
    start: int


@dataclass(eq=False)
class Scope:
    """A pair of braces. ``start`` is the offset of its head, ``body`` and ``end`` are those of its braces."""

    kind: Kind
    head: str
    start: int
    body: int
    end: int
    parent: Scope | None
    pragmas: list[Pragma] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of a function: its own name."""
        called = _CALLED.search(without_template(self.head))
        return re.sub(r"\s+", "", called.group(1)) if called else ""

    @property
    def parameters(self) -> str:
        """Of a function: the text between its parentheses."""
        plain = without_template(self.head)
        called = _CALLED.search(plain)
        return _inside(plain, called.end() - 1) if called else ""

    def enclosing(self, *kinds: Kind) -> Scope | None:
        """The innermost scope of these kinds that is this one or encloses it."""
        scope: Scope | None = self
        while scope is not None and scope.kind not in kinds:
            scope = scope.parent
        return scope


@dataclass(frozen=True, eq=False)
class Pragma:
    """``#pragma HLS directive options``. ``at_head``: only other pragmas stand between it and the scope's brace."""

    line: int
    start: int
    end: int
    directive: str
    options: tuple[tuple[str, str | None], ...]
    scope: Scope
    at_head: bool

    def option(self, name: str) -> str | None:
        """The value of ``name=value``; an option without a value has an empty one; None if it is not there."""
        for key, value in self.options:
            if key.lower() == name:
                return value or ""
        return None

    def has(self, *words: str) -> bool:
        """Whether one of the words stands there, as an option or as the value of one."""
        return any(key.lower() in words or (value or "").lower() in words for key, value in self.options)

    @property
    def variables(self) -> list[str]:
        """What it is about, by ``variable=``, ``port=`` or ``ports=``."""
        return [
            name.strip()
            for key, value in self.options
            if key.lower() in ("variable", "port", "ports") and value
            for name in value.split(",")
        ]


class Source:
    """One file. ``path`` is what findings name, ``opened`` what is known of its braces (offset -> what opens)."""

    def __init__(self, path: str, text: str, opened: Mapping[int, Opened] | None = None) -> None:
        self.path, self.text, self.opened = path, text, opened or {}
        self._operators = list(_OPERATOR.finditer(_without_comments(text)))
        self.code = _blanked(text, self._operators)
        """The text with spaces for comments, strings, preprocessor lines and pragmas."""
        self.file = Scope(Kind.FILE, "", 0, 0, len(text), None)
        self.scopes: list[Scope] = []
        self.others: list[tuple[int, str]] = []
        """Lines of pragmas that are not HLS, and whose."""
        self.in_macros: list[int] = []
        """Lines of macros that hold pragmas."""
        self._read_scopes()
        self._read_pragmas()

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    @cached_property
    def pragmas(self) -> list[Pragma]:
        found = [pragma for scope in (self.file, *self.scopes) for pragma in scope.pragmas]
        return sorted(found, key=lambda pragma: pragma.start)

    @property
    def constants(self) -> list[str]:
        """Arrays that are constants of the whole file."""
        found = _CONSTANT.finditer(self.code)
        return [match.group(1) for match in found if self.scope_at(match.start()).kind in (Kind.FILE, Kind.NAMESPACE)]

    def functions(self, name: str | None = None) -> list[Scope]:
        """The functions that are defined here, of this name if one is given."""
        return [s for s in self.scopes if s.kind is Kind.FUNCTION and (name is None or s.name == name)]

    def scope_at(self, offset: int) -> Scope:
        """The innermost scope around an offset."""
        inner = self.file
        for scope in self.scopes:
            if scope.body < offset < scope.end and scope.body >= inner.body:
                inner = scope
        return inner

    def declares(self, name: str, scope: Scope, before: int) -> bool:
        """Whether ``name`` is declared where a pragma at ``before`` could name it."""
        kind = r"(?:(?<![\w.>])(?!return\b|else\b|new\b)[\w>]+[\s&*]+|\bdecltype\s*\([^;{}]*\)\s*)"
        shape = re.compile(rf"{kind}{re.escape(name)}\s*(?:[\[;=({{,)]|$)")
        inner: Scope | None = scope
        while inner is not None:
            if inner.kind is Kind.FUNCTION and shape.search(inner.parameters):
                return True
            if shape.search(self.code, inner.body, before):
                return True
            inner = inner.parent
        return False

    def _read_scopes(self) -> None:
        open_scopes, start, depth = [self.file], 0, 0
        for place, char in _marks(self.code):
            if char in "()":
                depth += 1 if char == "(" else -1
            elif char == "{":
                scope = self._scope(start, place, depth, open_scopes[-1])
                self.scopes.append(scope)
                open_scopes.append(scope)
                start = place + 1
            elif char == "}" and len(open_scopes) > 1:
                open_scopes.pop().end = place
                start = place + 1
            elif char == ";" and depth == 0:
                start = place + 1

    def _scope(self, start: int, place: int, depth: int, parent: Scope) -> Scope:
        """What opens at a brace; the text between it and ``start`` is its head, if no compiler knows better."""
        known = self.opened.get(place)
        if known is not None:
            head = self.code[known.start : place].strip()
            return Scope(known.kind, head, known.start, place, len(self.text), parent)
        head, begin = self._head(start, place)
        return Scope(_kind(head, depth, parent), head, begin, place, len(self.text), parent)

    def _head(self, start: int, place: int) -> tuple[str, int]:
        """The text before a brace, without labels and ``public:``, and where it begins."""
        while (label := _LABEL.match(self.code, start, place)) and "(" not in self.code[start : label.end()]:
            start = label.end()
        start += len(self.code[start:place]) - len(self.code[start:place].lstrip())
        return self.code[start:place].strip(), start

    def _read_pragmas(self) -> None:
        directives = list(_DIRECTIVE.finditer(_uncommented(self.text)))
        for directive in directives:
            found = _PRAGMA.fullmatch(directive.group().replace("\\\n", " "))
            if found is not None:
                self._read_pragma(directive.start(), directive.end(), found["tool"], found["rest"])
        for operator in self._operators:
            if any(directive.start() <= operator.start() < directive.end() for directive in directives):
                self.in_macros.append(self.line(operator.start()))
                continue
            tool, _, rest = operator["text"].strip().partition(" ")
            self._read_pragma(operator.start(), operator.end(), tool, rest)

    def _read_pragma(self, start: int, end: int, tool: str, rest: str) -> None:
        line = self.line(start)
        if tool.upper() != "HLS":
            self.others.append((line, tool))
            return
        words = _words(rest)
        scope = self.scope_at(start)
        head = not self.code[scope.body + 1 : start].strip() if scope is not self.file else False
        name = words[0][0].upper() if words else ""
        scope.pragmas.append(Pragma(line, start, end, name, tuple(words[1:]), scope, head))


def identifiers(text: str) -> Iterator[str]:
    """Every word of a text that could be a name, in order."""
    return (match.group() for match in _WORD.finditer(text))


def arguments(text: str) -> list[str]:
    """The parts of a list of arguments: commas within brackets divide nothing."""
    parts, depth, part = [], 0, ""
    for char in text:
        depth += (char in "([{<") - (char in ")]}>")
        if char == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    return [*parts, part.strip()] if part.strip() or parts else []


def without_template(head: str) -> str:
    """A head without attributes and without ``template <...>``."""
    head = _ATTRIBUTE.sub("", head).strip()
    while head.startswith("template"):
        depth = 0
        for place, char in enumerate(head):
            depth += (char == "<") - (char == ">")
            if char == ">" and depth == 0:
                head = head[place + 1 :].strip()
                break
        else:
            return head
    return head


def _blanked(text: str, operators: Iterable[re.Match[str]]) -> str:
    """Comments, strings, preprocessor lines and pragmas become spaces; lines stay."""
    code = _DIRECTIVE.sub(_spaces, _uncommented(text))
    for operator in operators:
        code = code[: operator.start()] + _spaces(operator) + code[operator.end() :]
    return code


def _without_comments(text: str) -> str:
    """Comments become spaces, strings stay."""
    return _NOT_CODE.sub(lambda found: _spaces(found) if found.group().startswith("/") else found.group(), text)


def _uncommented(text: str) -> str:
    return _NOT_CODE.sub(_spaces, text)


def _spaces(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found.group())


def _marks(code: str) -> Iterator[tuple[int, str]]:
    return ((found.start(), found.group()) for found in re.finditer(r"[(){};]", code))


def _inside(text: str, opening: int) -> str:
    """What is between a parenthesis and the one that closes it."""
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return text[opening + 1 : place]
    return text[opening + 1 :]


def _kind(head: str, depth: int, parent: Scope) -> Kind:
    """What a brace behind this head opens."""
    plain = without_template(head)
    first = next(identifiers(plain), "")
    if depth > 0 or plain.endswith(("=", ",", "return")) or parent.kind is Kind.VALUES:
        return Kind.VALUES
    if first in ("for", "while", "do"):
        return Kind.LOOP
    if first in ("if", "else", "switch"):
        return Kind.BRANCH
    if first in ("namespace", "extern") and "(" not in plain:
        return Kind.NAMESPACE
    if first in ("struct", "class", "union", "enum"):
        return Kind.TYPE
    if "(" in plain and parent.kind in (Kind.FILE, Kind.NAMESPACE, Kind.TYPE):
        return Kind.FUNCTION
    return Kind.BLOCK if not plain else Kind.VALUES


def _words(rest: str) -> list[tuple[str, str | None]]:
    """The words of a pragma: ``word`` or ``word=value``, spaces around ``=`` and ``,`` apart."""
    text = re.sub(r"\s*([=,])\s*", r"\1", rest.strip())
    words: list[tuple[str, str | None]] = []
    for word in text.split():
        key, equals, value = word.partition("=")
        words.append((key, value if equals else None))
    return words
