"""Graphs that were searched for long are read the next time, and what is read is proved again."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from hlsgen.adders import Options, Source, kept, optimise, product_graph, why_none
from hlsgen.ir.types import FixedType
from hlsgen.native import store

MATRIX = np.random.default_rng(1).integers(-128, 128, (6, 5))
SOURCES = [Source(-8, 7)] * 6


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache in which every graph is kept; the search itself is compiled already."""
    kept.search_module()
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(kept, "WORTH_KEEPING", 0.0)
    return tmp_path


def graphs(folder):
    return sorted(path.name for path in folder.glob("graph_*"))


def test_read_the_next_time(cache, monkeypatch):
    found = kept.optimised(MATRIX, SOURCES, Options())
    (name,) = graphs(cache)
    monkeypatch.setattr(kept, "optimise", None)  # no second search
    assert kept.optimised(MATRIX, SOURCES, Options()) == found
    assert store.entries(cache) == [cache / name]


def test_another_question_is_another_file(cache):
    for matrix, sources, options in (
        (MATRIX, SOURCES, Options()),
        (MATRIX.T[:5].T, SOURCES, Options(slack=1)),
        (MATRIX, [Source(-8, 6)] * 6, Options()),
        (MATRIX + 1, SOURCES, Options()),
        (MATRIX.reshape(5, 6)[:, :5].copy(), SOURCES[:5], Options()),
    ):
        np.testing.assert_array_equal(kept.optimised(matrix, sources, options).matrix(), matrix)
    assert len(graphs(cache)) == 5


def test_quick_ones_are_not_kept(cache, monkeypatch):
    monkeypatch.setattr(kept, "WORTH_KEEPING", 1000.0)
    assert kept.optimised(MATRIX, SOURCES, Options()) == optimise(MATRIX, SOURCES, Options())
    assert not graphs(cache)


def test_damaged_ones_are_not_read(cache):
    found = kept.optimised(MATRIX, SOURCES, Options())
    (name,) = graphs(cache)
    (cache / name).write_bytes(b"[[], []]" + bytes(32))
    assert kept.optimised(MATRIX, SOURCES, Options()) == found


def test_a_graph_of_another_matrix_is_found_out(cache):
    kept.optimised(MATRIX, SOURCES, Options())
    (name,) = graphs(cache)
    wrong = cache / "made"
    wrong.write_text(json.dumps([[], [[None, 0, False]] * 5]))
    store.keep(wrong, cache / name)
    with pytest.raises(AssertionError, match="another matrix"):
        kept.optimised(MATRIX, SOURCES, Options())


def test_of_a_type():
    """The least word of a symmetric type counts, too."""
    symmetric = FixedType.parse("fixed<4,2,RND,SAT_SYM>")
    assert product_graph(MATRIX, symmetric, 2).sources == tuple(SOURCES)
    assert product_graph(MATRIX, FixedType(4, 9, False), 2).sources == (Source(0, 15),) * 6


@pytest.mark.parametrize(
    ("matrix", "text"),
    [
        (np.ones((130, 128), int), r"16,640 constants other than zero .* at most 16,384"),
        (np.array([[2**57 + 1]]), "constants of 58 bits.* at most 56"),
        (np.full((16000, 1), 85), r"64000 signed digits; expected at most 6250"),
    ],
)
def test_why_none(matrix, text):
    assert re.search(text, why_none(matrix, FixedType(8, 4)))


def test_why_none_of_one_that_is_there():
    assert why_none(MATRIX, FixedType(8, 4)) is None
    assert why_none(np.array([[2**57]], dtype=object), FixedType(8, 4)) is None
