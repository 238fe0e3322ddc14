"""Attention of every kind, and other products of computed tensors: Dot, matmul, einsum, EinsumDense."""

from __future__ import annotations

from typing import Any

from tests.fuzz.layers.base import Drawing, Shape, Step


class Products(Drawing):
    def product_steps(self, shape: Shape) -> list[Step]:
        found: list[Step] = []
        if len(shape) == 2:
            found += [self.attended, self.multiplied, self.contracted]
            found += [self.attended_by_heads] * 2 + [self.attended_by_groups] * self.keras3
        if 2 <= len(shape) <= 3:
            found.append(self.dot_of_axes)
        return found

    def asked(self) -> dict[str, Any]:
        """Arguments of an attention's call."""
        masked = {"use_causal_mask": True} if self.chance(0.3) else {}
        return masked | ({"return_attention_scores": True} if self.chance(0.15) else {})

    def attended(self, name: str, shape: Shape) -> None:
        (queries, channels), kind = shape, self.pick("Attention", "AdditiveAttention")
        other, (keys, _) = self.pick(*self.like(shape, 1))
        scaled, arguments = self.chance(0.5), self.asked()
        weights = {"scale": self.values(*(channels,) * (kind == "AdditiveAttention"))} if scaled else {}
        made = self.call(kind, self.fresh("look"), [name, other], weights, arguments=arguments, use_scale=scaled)
        if "return_attention_scores" in arguments:
            self.add(f"{made}:1", (queries, keys))
        self.add(made, shape)

    def attended_by_heads(self, name: str, shape: Shape) -> None:
        (queries, channels), arguments = shape, self.asked()
        other, (keys, rest) = self.pick((name, shape), *self._lines())
        heads, size, width = (int(self.rng.integers(1, 3)) for _ in range(3))
        outputs, biased = self.pick(channels, channels, 3), self.chance(0.7)
        shapes = {
            "query": (channels, heads, size), "key": (rest, heads, size), "value": (rest, heads, width),
            "output": (heads, width, outputs),
        }  # fmt: skip
        shown = {"query_shape": [None, *shape], "key_shape": [None, keys, rest], "value_shape": [None, keys, rest]}
        made = self.call(
            "MultiHeadAttention", self.fresh("heads"), [name, other], self._projections(shapes, biased),
            arguments=arguments, num_heads=heads, key_dim=size, value_dim=width, use_bias=biased, output_shape=[outputs],
            **({} if self.keras3 else shown),
        )  # fmt: skip
        if "return_attention_scores" in arguments:
            self.add(f"{made}:1", (heads, queries, keys))
        self.add(made, (queries, outputs))

    def attended_by_groups(self, name: str, shape: Shape) -> None:
        (_, channels), groups, size = shape, self.pick(1, 2), int(self.rng.integers(1, 3))
        other, (_, rest) = self.pick((name, shape), *self._lines())
        shapes = {
            "query": (channels, 2, size), "key": (rest, groups, size), "value": (rest, groups, size),
            "output": (2, size, channels),
        }  # fmt: skip
        made = self.call(
            "GroupQueryAttention", self.fresh("groups"), [name, other], self._projections(shapes, True), head_dim=size,
            num_query_heads=2, num_key_value_heads=groups, use_bias=True,
        )  # fmt: skip
        self.add(made, shape)

    def _lines(self) -> list[tuple[str, Shape]]:
        return [(n, s) for n, s in self.tensors if len(s) == 2]

    def _projections(self, shapes: dict[str, Shape], biased: bool) -> dict[str, Any]:
        weights = {f"{role}/kernel": self.values(*extents) for role, extents in shapes.items()}
        if biased:
            weights |= {
                f"{role}/bias": self.values(*extents[1:]) for role, extents in shapes.items() if role != "output"
            }
            weights["output/bias"] = self.values(shapes["output"][-1])
        return weights

    # -- two tensors ------------------------------------------------------------------------

    def dot_of_axes(self, name: str, shape: Shape) -> None:
        """Over one axis of each tensor."""
        other, extents = self.pick(*[(n, s) for n, s in self.tensors if 1 <= len(s) <= 3])
        pairs = [(a, b) for a in range(len(shape)) for b in range(len(extents)) if shape[a] == extents[b]]
        if not pairs:
            return
        a, b = self.pick(*pairs)
        made = self.call("Dot", self.fresh("dot"), [name, other], axes=[a + 1, b + 1], normalize=False)
        rest = tuple(n for i, n in enumerate(shape) if i != a) + tuple(n for i, n in enumerate(extents) if i != b)
        self.add(made, rest)

    def multiplied(self, name: str, shape: Shape) -> None:
        """A product of matrices, or a contraction by an equation."""
        other, (rows, _) = self.pick(*self.like(shape, 1))
        if self.keras3:
            made = self.function([name, other], ("numpy.Einsum", {"subscripts": "abc,adc->abd"}), ("", {}))
        else:
            made = self.function([name, other], ("", {}), ("linalg.matmul", {"transpose_b": True}))
        self.add(made, (shape[0], rows))

    def contracted(self, name: str, shape: Shape) -> None:
        """An EinsumDense; its sizes are ``t`` steps, ``c`` channels and ``u`` of its own."""
        (t, c), u = shape, int(self.rng.integers(1, 4))
        equation, kernel, result, biases = self.pick(
            ("abc,cd->abd", (c, u), (None, u), "d"), ("abc,bd->adc", (t, u), (u, None), "c"),
            ("abc,bcd->ad", (t, c, u), (u,), None), ("abc,bce->aeb", (t, c, u), (u, t), "b"),
        )  # fmt: skip
        extents = tuple(
            given or {"b": t, "c": c}[label]
            for given, label in zip(result, equation.partition("->")[2][1:], strict=True)
        )
        weights = {"kernel": self.values(*kernel)}
        if biases:
            weights["bias"] = self.values(
                *(n for n, label in zip(extents, equation[-len(extents) :], strict=True) if label == biases)
            )
        made = self.call(
            "EinsumDense", self.fresh("einsum"), name, weights, equation=equation, output_shape=list(result),
            bias_axes=biases,
        )  # fmt: skip
        self.add(made, extents)
