"""Windows: which cells of them lie on the image."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hlsgen.frontends.keras.extents import window_of

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
