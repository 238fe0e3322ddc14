"""Slices, choices and reductions of elements by functions of the libraries, and rows of tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzz.layers.base import Drawing, Shape, Step


class Chosen(Drawing):
    def choosing_steps(self, shape: Shape) -> list[Step]:
        found: list[Step] = [self.sliced, self.rearranged, self.reduced, self.largest]
        if len(shape) == 1:
            found += [self.looked_up] * 3
        return found

    def sliced(self, name: str, shape: Shape) -> None:
        """``x[:, 1:3]``, ``x[:, ::-1]`` or ``x[:, -1]`` of any axis."""
        axis = int(self.rng.integers(len(shape)))
        parts = [slice(None)] * (axis + 1)
        extent, extents = shape[axis], list(shape)
        if len(shape) > 1 and self.chance(0.4):
            place = int(self.rng.integers(-extent, extent))
            written, left = [*map(self._part, parts), place], extents[:axis] + extents[axis + 1 :]
        else:
            start = int(self.rng.integers(extent))
            part = self.pick(slice(start, None), slice(None, None, -1), slice(start, None, 2), slice(-1, None))
            written, left = [*map(self._part, parts), self._part(part)], extents
            left[axis] = len(range(extent)[part])
        made = self.function(
            name, ("numpy.GetItem", {"1": written}), ("__operators__.getitem", {"slice_spec": written})
        )
        self.add(made, tuple(left))

    def _part(self, part: slice) -> dict[str, Any]:
        """A slice as files hold it."""
        ends = {"start": part.start, "stop": part.stop, "step": part.step}
        return {"class_name": "__slice__", "config": ends} if self.keras3 else ends

    def rearranged(self, name: str, shape: Shape) -> None:
        axis = int(self.rng.integers(len(shape)))
        extents, number = list(shape), axis + 1
        match self.pick("take", "flip", "roll"):
            case "take":
                indices = self.rng.integers(0, shape[axis], self.rng.integers(1, 4)).tolist()
                extents[axis] = len(indices)
                made = self.function(
                    name, ("numpy.Take", {"1": indices, "axis": number}),
                    ("compat.v1.gather", {"indices": indices, "axis": number}),
                )  # fmt: skip
            case "flip":
                made = self.function(name, ("numpy.Flip", {"axis": number}), ("reverse", {"axis": [number]}))
            case _:
                options = {"shift": int(self.rng.integers(-2, 3)), "axis": number}
                made = self.function(name, ("numpy.Roll", options), ("roll", options))
        self.add(made, tuple(extents))

    def reduced(self, name: str, shape: Shape) -> None:
        """A sum, mean or extreme over some axes; a last axis of 1 stays where nothing else would."""
        kind = self.pick("Sum", "Mean", "Max", "Min")
        axes = sorted(self.rng.permutation(len(shape))[: self.rng.integers(1, len(shape) + 1)].tolist())
        kept = len(axes) == len(shape) or self.chance(0.5)
        numbers = [axis + 1 for axis in axes]
        options = {"axis": numbers if len(numbers) > 1 else numbers[0], "keepdims": kept}
        made = self.function(name, (f"numpy.{kind}", options), (f"math.reduce_{kind.lower()}", options))
        extents = [1 if axis in axes else n for axis, n in enumerate(shape) if kept or axis not in axes]
        self.add(made, tuple(extents))

    def largest(self, name: str, shape: Shape) -> None:
        """The largest of the last axis, their numbers, or both."""
        count = int(self.rng.integers(1, shape[-1] + 1))
        if len(shape) > 1 and self.chance(0.3):
            axis = int(self.rng.integers(len(shape)))
            made = self.function(name, ("numpy.Argmax", {"axis": axis + 1}), ("math.argmax", {"axis": axis + 1}))
            self.add(self.as_reals(made), (*shape[:axis], *shape[axis + 1 :]))
            return
        made = self.function(name, ("math.TopK", {"k": count, "sorted": True}), ("math.top_k", {"k": count}))
        if self.chance(0.4):
            self.add(self.as_reals(f"{made}:1"), (*shape[:-1], count))
        self.add(made, (*shape[:-1], count))

    def as_reals(self, name: str) -> str:
        """Whole numbers as what layers compute with."""
        return self.call("Rescaling", self.fresh("real"), name, scale=0.5, offset=-0.25)

    def looked_up(self, name: str, shape: Shape) -> None:
        """Rows of a table; only of an input, where the numbers are as whole as they should be."""
        if name not in [spec.name for spec in self.inputs]:
            return
        rows, outputs = int(self.rng.integers(2, 9)), int(self.rng.integers(1, 4))
        weights = {"embeddings": np.asarray(self.values(rows, outputs))}
        made = self.call("Embedding", self.fresh("row"), name, weights, input_dim=rows, output_dim=outputs)
        self.add(made, (*shape, outputs))
