"""Canonical dataflow of a project, as UG1399 asks for it.

In a region, the body of a function or of a loop with DATAFLOW, stand declarations of channels and calls of processes,
nothing else. Every channel has one producer and behind it one consumer; every port one process. Where two ways lead
from one process to another, the shorter one passes others by and has to hold what those take time for. A loop with
DATAFLOW counts from 0 by 1 to a constant or a scalar argument, and is alone in its function: else that would be a
sequence of steps, and no process of the region that calls it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from hlsgen.linter.finding import Finding, Severity
from hlsgen.linter.source import Kind, Scope, Source, arguments, identifiers

_CALL = re.compile(r"(?:[\w]+::)*(\w+)\s*(?:<.*>)?\s*\((.*)\)", re.DOTALL)
_NO_FUNCTION = ("if", "for", "while", "switch", "return", "sizeof")
_ARRAY = re.compile(r"(?:static\s+|const\s+)*[\w:]+(?:<.*>)?\s+(\w+)\s*((?:\[[^\]]*\])+)", re.DOTALL)
_STREAM = re.compile(r"hls::stream\s*<.*>\s*(\w+)\s*(?:\(.*\)|\{.*\})?", re.DOTALL)
_COUNTING = re.compile(r"for\s*\(\s*int\s+(\w+)\s*=\s*0\s*;\s*\1\s*<\s*(\w+)\s*;\s*(?:\1\s*\+\+|\+\+\s*\1)\s*\)")
_LABEL = re.compile(r"\s*\w+\s*:\s*")
_NOTHING = re.compile(r"typedef\b.*|using\b.*|static_assert\b.*", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A process: the function's name, its arguments, and the lines it is called on."""

    line: int
    last: int
    function: str
    arguments: tuple[str, ...]
    step: str
    """The name in the text: what the config struct is called after, else the function's; a process that holds weights
    for a kernel is called as that is."""


@dataclass(frozen=True)
class Region:
    """What becomes processes: ``body`` is ``function`` itself, or a loop in it."""

    function: Scope
    body: Scope

    @property
    def ports(self) -> list[str]:
        """The names of what comes in from outside and is no scalar."""
        parameters = arguments(self.function.parameters)
        return [_last_word(p) for p in parameters if any(mark in p for mark in ("stream", "[", "*", "&"))]


@dataclass
class Channel:
    """An array or a stream within a region."""

    name: str
    line: int
    is_stream: bool
    producers: list[int] = field(default_factory=list)
    consumers: list[int] = field(default_factory=list)


def top_function(source: Source) -> Scope | None:
    """The top function of a project: the one that has the name of its file."""
    return next(iter(source.functions(source.path.rpartition("/")[2].removesuffix(".cpp"))), None)


def regions_of(source: Source) -> list[Region]:
    """All functions and loops with DATAFLOW."""
    found = []
    for scope in source.scopes:
        function = scope.enclosing(Kind.FUNCTION)
        wanted = any(pragma.directive == "DATAFLOW" for pragma in scope.pragmas)
        if wanted and function is not None and scope.kind in (Kind.FUNCTION, Kind.LOOP):
            found.append(Region(function, scope))
    return found


def calls_of(source: Source) -> list[Call]:
    """The kernels that are called, in the order of the text: by regions, or by a top function that is one pipeline."""
    top, regions = top_function(source), regions_of(source)
    inner = {region.function.name for region in regions}
    bodies = [region.body for region in regions] or ([] if top is None else [top])
    return [call for body in bodies for call in _calls(source, body) if call.function not in inner]


def _calls(source: Source, body: Scope) -> list[Call]:
    return [found for line, text in _statements(source, body) if (found := _call(line, text)) is not None]


def check_dataflow(source: Source, sources: Mapping[str, Source]) -> Iterator[Finding]:
    """All that is not canonical in the regions of a file; nothing where the top function is one pipeline."""
    writes = written_parameters(sources)
    for region in regions_of(source):
        if region.body is not region.function:
            yield from _of_loop(source, region)
        yield from _of_region(source, region, writes)


def _of_loop(source: Source, region: Region) -> Iterator[Finding]:
    """What else a loop needs to be a pipeline of its iterations."""
    function, loop = region.function, region.body
    counting = _COUNTING.fullmatch(" ".join(loop.head.split()))
    scalars = {_last_word(p) for p in arguments(function.parameters)} - set(region.ports)
    if counting is None or not (counting.group(2).isdigit() or counting.group(2) in scalars):
        yield _finding(
            source, source.line(loop.start), f"a loop with DATAFLOW is '{' '.join(loop.head.split())[:60]}'",
            "make it count from 0 by 1 to a constant or to a scalar argument of its function",
        )  # fmt: skip
    before, behind = source.code[function.body + 1 : loop.start], source.code[loop.end + 1 : function.end]
    if loop.parent is not function or _LABEL.sub("", before).strip() or behind.strip():
        yield _finding(
            source, source.line(loop.start), f"a loop with DATAFLOW is not alone in '{function.name}'",
            "beside it, the function is a sequence of steps, whose calls do not overlap: give it a function of its own",
        )  # fmt: skip


def _of_region(source: Source, region: Region, writes: Mapping[tuple[str, int, int], bool]) -> Iterator[Finding]:
    channels, calls = _channels(source, region.body), _calls(source, region.body)
    for line, text in _statements(source, region.body):
        if not _NOTHING.fullmatch(text) and not _declared(text) and _call(line, text) is None:
            yield _finding(
                source, line, f"'{' '.join(text.split())[:60]}' is no call and no declaration",
                "where DATAFLOW is said stand only these: move it into a process",
            )  # fmt: skip
    used: dict[str, list[Call]] = {name: [] for name in region.ports}
    for number, call in enumerate(calls):
        for place, argument in enumerate(call.arguments):
            if argument in channels:
                channel = channels[argument]
                writing = writes.get((call.function, len(call.arguments), place))
                (channel.producers if writing else channel.consumers).append(number)
            elif argument in used:
                used[argument].append(call)
    for name, users in used.items():
        if len(users) != 1:
            yield _finding(
                source, users[1].line if users else source.line(region.function.start),
                f"port '{name}' is used by {len(users)} processes",
                "give it to one process, which passes it on to others",
                [user.step for user in users],
            )  # fmt: skip
    for channel in channels.values():
        yield from _of_channel(source, channel, calls)
    yield from _bypasses(source, region.body, list(channels.values()), calls)


def written_parameters(sources: Mapping[str, Source]) -> dict[tuple[str, int, int], bool]:
    """(function, number of parameters, place of one) -> whether it is written: a stream, or an array not constant.

    A stream that is handed on is written if the function that takes it writes it.
    """
    functions = [
        (scope.name, arguments(scope.parameters), source.code[scope.body : scope.end])
        for source in sources.values()
        for scope in source.functions()
    ]
    found: dict[tuple[str, int, int], bool] = {}
    for _ in range(4):  # as deep as streams are handed on
        before = dict(found)
        for name, parameters, body in functions:
            for place, parameter in enumerate(parameters):
                key = (name, len(parameters), place)
                found[key] = found.get(key, False) or _is_written(parameter, body, found)
        if found == before:
            break
    return found


def _is_written(parameter: str, body: str, known: Mapping[tuple[str, int, int], bool]) -> bool:
    name = _last_word(parameter)
    if "stream" not in parameter:
        return ("[" in parameter or "*" in parameter) and not parameter.startswith("const ")
    if re.search(rf"\b{name}\s*\.\s*write\s*\(", body):
        return True
    for call in re.finditer(r"(\w+)\s*(?:<[^;{}()]*>)?\s*\(", body):
        given = arguments(_until_closed(body, call.end()))
        if name in given and known.get((call.group(1), len(given), given.index(name))):
            return True
    return False


def _until_closed(text: str, start: int) -> str:
    depth = 1
    for found in re.finditer(r"[()]", text[start:]):
        depth += 1 if found.group() == "(" else -1
        if depth == 0:
            return text[start : start + found.start()]
    return ""


def _of_channel(source: Source, channel: Channel, calls: list[Call]) -> Iterator[Finding]:
    name, kind = channel.name, "stream" if channel.is_stream else "array"
    for what, users in (("producers", channel.producers), ("consumers", channel.consumers)):
        if len(users) != 1:
            steps = ", ".join(calls[user].step for user in users)
            yield _finding(
                source, channel.line, f"{kind} '{name}' has {len(users)} {what}{f' ({steps})' if steps else ''}",
                "a channel has one of each: copy it for each reader by a process of its own (clone.h)",
                [calls[user].step for user in users],
            )  # fmt: skip
    if channel.producers and channel.consumers and min(channel.consumers) <= max(channel.producers):
        yield _finding(
            source, channel.line, f"{kind} '{name}' is read before it is written",
            "order the calls as data flow: there is no feedback",
        )  # fmt: skip


def _bypasses(source: Source, body: Scope, channels: list[Channel], calls: list[Call]) -> Iterator[Finding]:
    """Channels that pass processes by: at both of their ends begins and ends a longer way."""
    edges = [(c.producers[0], c.consumers[0], c) for c in channels if len(c.producers) == len(c.consumers) == 1]
    for start, end, channel in edges:
        if start >= end:
            continue
        length = _longest(start, end, [(a, b) for a, b, _ in edges])
        streams = [p for p in body.pragmas if p.directive == "STREAM" and channel.name in p.variables]
        if length > 1 and not any(pragma.option("depth") for pragma in streams):
            yield Finding(
                source.path, channel.line, "dataflow",
                f"'{channel.name}' passes {length - 1} processes by between {calls[start].step} and {calls[end].step}",
                "say by STREAM depth=... what it holds meanwhile: without, it has room for two and stalls the others",
                Severity.ERROR if channel.is_stream else Severity.WARNING, (calls[start].step, calls[end].step),
            )  # fmt: skip


def _longest(start: int, end: int, edges: list[tuple[int, int]]) -> int:
    """The most channels on a way from one process to another; processes are numbered in the order of the text."""
    most = {start: 0}
    for a, b in sorted(edges):
        if a in most and a < b:
            most[b] = max(most.get(b, 0), most[a] + 1)
    return most.get(end, 0)


def _statements(source: Source, body: Scope) -> Iterator[tuple[int, str]]:
    place = body.body + 1
    for text in source.code[place : body.end].split(";"):
        if text.strip():
            yield source.line(place + len(text) - len(text.lstrip())), text.strip()
        place += len(text) + 1


def _channels(source: Source, body: Scope) -> dict[str, Channel]:
    found = {}
    for line, text in _statements(source, body):
        name = _declared(text)
        if name:
            found[name] = Channel(name, line, _STREAM.fullmatch(text) is not None)
    return found


def _declared(text: str) -> str:
    found = _STREAM.fullmatch(text) or _ARRAY.fullmatch(text)
    return found.group(1) if found else ""


def _call(line: int, text: str) -> Call | None:
    found = None if _declared(text) else _CALL.fullmatch(text)
    if found is None or found.group(1) in _NO_FUNCTION:
        return None
    config = re.search(r"<\s*(\w+?)_config\b", text)
    step = config.group(1) if config else found.group(1).removesuffix("_loaded")
    return Call(line, line + text.count("\n"), found.group(1), tuple(arguments(found.group(2))), step)


def _last_word(parameter: str) -> str:
    return list(identifiers(parameter.partition("[")[0]))[-1] if parameter else ""


def _finding(source: Source, line: int, found: str, expected: str, steps: Iterable[str] = ()) -> Finding:
    return Finding(source.path, line, "dataflow", found, expected, steps=tuple(dict.fromkeys(steps)))
