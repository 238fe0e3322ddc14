"""Graphs whose search took long, kept in the cache of compiled code: who asks again does not wait again."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import astuple

from hlsgen.adders.graph import Adder, AdderGraph, Output, Source
from hlsgen.adders.optimise import Options, optimise, proved
from hlsgen.adders.search import search_module
from hlsgen.ir.types import Ints
from hlsgen.native import store
from hlsgen.native.compilation import digest_of
from hlsgen.tools import cache_dir

WORTH_KEEPING = 0.3
"""Seconds of a search, from which on its graph is kept."""


def optimised(matrix: Ints, sources: Sequence[Source], options: Options) -> AdderGraph:
    """As :func:`hlsgen.adders.optimise.optimise`, but searched for once on a machine. What is read is checked as what
    is found: its matrix is the one given."""
    asked = json.dumps([matrix.tolist(), matrix.shape, [astuple(s) for s in sources], astuple(options)])
    target = cache_dir() / f"graph_{digest_of(search_module().__name__, asked)}.json"
    store.mark_used(target)
    content = store.read(target)
    if content is not None:
        return proved(_graph(sources, content), matrix)
    start = time.monotonic()
    graph = optimise(matrix, sources, options)
    if time.monotonic() - start > WORTH_KEEPING:
        with store.building() as folder:
            made = folder / target.name
            made.write_text(_text(graph), encoding="utf-8")
            store.keep(made, target)
        store.bound()
    return graph


def _text(graph: AdderGraph) -> str:
    return json.dumps([[astuple(adder) for adder in graph.adders], [astuple(output) for output in graph.outputs]])


def _graph(sources: Sequence[Source], content: bytes) -> AdderGraph:
    adders, outputs = json.loads(content)
    return AdderGraph(tuple(sources), tuple(Adder(*a) for a in adders), tuple(Output(*o) for o in outputs))
