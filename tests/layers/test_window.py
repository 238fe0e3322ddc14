"""Windows: which cells of them lie on the image."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hlsgen.frontends.keras.extents import window_of
from hlsgen.layers.shape_ops import ZeroPadding
from hlsgen.layers.window import Window, framed

extents = st.tuples(st.integers(1, 5), st.integers(1, 5))
small = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=200, deadline=None)
@given(extents, small, small, small, st.sampled_from(["valid", "same"]))
def test_masks_are_the_largest_sets_of_cells_inside(extent, size, stride, dilation, padding):
    shape = (*extent, 1)
    window = window_of(shape, size, stride, dilation, padding)
    assume(min(window.output_extent(shape)) >= 1)
    patches = window.patches(np.ones((1, *shape), dtype=np.int64))[0].reshape(-1, *size).astype(bool)
    every = {patch.tobytes(): patch for patch in patches}.values()
    found = window.masks(shape)
    assert len({mask.tobytes() for mask in found}) == len(found)
    for mask in found:
        assert mask.tobytes() in {patch.tobytes() for patch in every}, "it occurs"
    for patch in every:
        assert any((mask | patch == mask).all() for mask in found), "it is part of one that was found"
    for mask in found:
        assert not any(o is not mask and (o | mask == o).all() for o in found)


def test_padding_of_integers_of_any_size():
    """What stands beside the image adds up with what is in it."""
    large = 1 << 62
    image = np.full((1, 2, 2, 1), large, dtype=object)
    for fill in (0, -(1 << 70)):
        edge = framed(image, (1, 0, 2, 1), fill)
        assert edge.shape == (1, 3, 5, 1) and edge.sum() == 4 * large + 11 * fill
    window = Window((2, 2), padding=(1, 1, 1, 1))
    assert window.patches(image).sum() == 16 * large
    assert framed(np.ones((1, 1, 1, 1), dtype=np.int64), (1, 1, 1, 1)).dtype == np.int64


@settings(max_examples=200, deadline=None)
@given(extents, small, small, small, st.sampled_from(["valid", "same"]), st.integers(0, 5))
def test_counts_and_the_way_axis_by_axis(extent, size, stride, dilation, padding, more):
    shape = (*extent, 2)
    window = window_of(shape, size, stride, dilation, padding).with_padding((more, 0, 0, more))
    assume(min(window.output_extent(shape)) >= 1)
    ones = np.ones((1, *extent, 1), dtype=np.int64)
    counts = window.patches(ones).sum(axis=(3, 4, 5))[0]
    assert window.counts(shape).tolist() == counts.tolist()
    assert window.distinct_counts(shape) == np.unique(counts).tolist()
    x = np.random.default_rng(0).integers(-9, 10, (3, *shape))
    rows, columns = window.by_axis()
    for reduce, fill in ((np.sum, 0), (np.max, -99)):
        whole = reduce(window.patches(x, fill), axis=(3, 4))
        tall = reduce(rows.patches(x, fill), axis=(3, 4))
        assert reduce(columns.patches(tall, fill), axis=(3, 4)).tolist() == whole.tolist()


def test_counts_of_large_windows_take_no_memory():
    window = window_of((16, 2**20, 1), (1, 65_535), (1, 1), (1, 1), "same")
    assert window.distinct_counts((16, 2**20, 1)) == list(range(32_768, 65_536))
    assert len(window.masks((16, 2**20, 1))) == 1


def test_zeros_beside_wide_integers_are_integers_of_python():
    """Among others, NumPy's of 64 bits would wrap in sums, or refuse them."""
    x = np.full((1, 2, 3, 1), 2**62, dtype=object)
    window = window_of((2, 3, 1), (3, 3), (1, 1), (1, 1), "same")
    for found in (window.patches(x), ZeroPadding((1, 0, 0, 1)).move(x)):
        assert {type(value) for value in found.ravel()} == {int}
    assert window.patches(x).sum(axis=(3, 4)).max() == 6 * 2**62
