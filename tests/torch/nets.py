"""Modules of PyTorch, small and with every habit of writing them; the project skips them where PyTorch is missing."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra torch; make test-torch)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra torch; make test-torch)")

nn, functional = torch.nn, torch.nn.functional


class Residual(nn.Module):
    """BatchNormalization in its own state, a Sequential, functional calls, a sum of branches, a flatten."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.normal = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4 * 4 * 3, 5)
        for normal in (self.features[1], self.normal):
            normal.running_mean.copy_(torch.randn(4) / 4)
            normal.running_var.copy_(torch.rand(4) + 0.5)

    def forward(self, x: Any) -> Any:
        x = self.features(x)
        y = functional.relu(self.normal(self.second(x))) + x
        return self.head(self.drop(torch.flatten(y, 1)))


class Functional(nn.Module):
    """Nothing but functions behind the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(2, 3, 3), nn.Linear(18, 4)

    def forward(self, x: Any) -> Any:
        x = functional.max_pool2d(functional.relu(self.conv(x)), 2)
        return functional.softmax(self.head(x.view(x.size(0), -1)), dim=1)


class Branches(nn.Module):
    """Two inputs, joined and chunked."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(4, 6), nn.Linear(3, 6)

    def forward(self, x: Any, y: Any) -> Any:
        a, b = torch.cat([self.left(x), torch.tanh(self.right(y))], dim=1).chunk(2, dim=1)
        return a * b - a.mean(dim=1, keepdim=True)


class Recurrent(nn.Module):
    """A recurrent layer, and what is made of its last step or of all."""

    def __init__(self, kind: str, batch_first: bool = True, every: bool = False, **options: Any) -> None:
        super().__init__()
        self.steps = getattr(nn, kind)(3, 4, batch_first=batch_first, **options)
        self.head = nn.Linear(8 if options.get("bidirectional") else 4, 2)
        self.batch_first, self.every = batch_first, every

    def forward(self, x: Any) -> Any:
        y, _ = self.steps(x)
        return self.head(y if self.every else y[:, -1] if self.batch_first else y[-1])


class Attention(nn.Module):
    """nn.MultiheadAttention; with weights it is written in other operators."""

    def __init__(self, weights: bool) -> None:
        super().__init__()
        self.attention, self.normal = nn.MultiheadAttention(8, 2, batch_first=True), nn.LayerNorm(8)
        self.weights = weights

    def forward(self, x: Any) -> Any:
        return self.normal(x + self.attention(x, x, x, need_weights=self.weights)[0])


class Heads(nn.Module):
    """scaled_dot_product_attention by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        q, k, v = (f(x).view(x.size(0), 5, 2, 4).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = functional.scaled_dot_product_attention(q, k, v)
        return y.transpose(1, 2).reshape(x.size(0), 5, 8)


class Twice(nn.Module):
    """A layer that is called again."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return self.shared(functional.relu(self.shared(functional.relu(x))))


class LastNormal(nn.Module):
    """A normalisation of channels, which are turned to the end for it and back."""

    def __init__(self, pool: Any) -> None:
        super().__init__()
        self.normal, self.pool = nn.LayerNorm(2), pool

    def forward(self, x: Any) -> Any:
        return self.pool(self.normal(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)).flatten(1)


MODULES: dict[str, tuple[Any, list[tuple[int, ...]]]] = {
    "chain": (lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), [(6,)]),
    "residual": (Residual, [(2, 8, 6)]),
    "functional": (Functional, [(2, 8, 6)]),
    "branches": (Branches, [(4,), (3,)]),
    "twice": (Twice, [(4,)]),
    "lstm": (lambda: Recurrent("LSTM"), [(6, 3)]),
    "lstm, all steps of two layers": (
        lambda: Recurrent("LSTM", every=True, num_layers=2, bidirectional=True),
        [(6, 3)],
    ),
    "rnn": (lambda: Recurrent("RNN"), [(6, 3)]),
    "rnn of two layers": (
        lambda: Recurrent("RNN", every=True, num_layers=2, bidirectional=True, nonlinearity="relu", bias=False),
        [(6, 3)],
    ),
    "gru": (lambda: Recurrent("GRU"), [(6, 3)]),
    "averages of parts": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.AdaptiveAvgPool2d((4, 3)), nn.Flatten()),
        [(2, 8, 6)],
    ),
    "average of all": (lambda: LastNormal(nn.AdaptiveAvgPool2d(1)), [(2, 8, 6)]),
    "average of windows": (lambda: LastNormal(nn.AdaptiveAvgPool2d((4, None))), [(2, 8, 6)]),
    "averages of a series": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3), nn.AdaptiveAvgPool1d(4)), [(2, 9)]),
    "attention": (lambda: Attention(False), [(5, 8)]),
    "attention with weights": (lambda: Attention(True), [(5, 8)]),
    "heads": (Heads, [(5, 8)]),
    "encoder": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), [(5, 8)]),
}
"""A module, and the shapes of its inputs without the samples."""


def made(name: str) -> tuple[Any, list[tuple[int, ...]]]:
    """A module with seeded weights, and its shapes."""
    torch.manual_seed(7)
    make, shapes = MODULES[name]
    with torch.no_grad():
        return make(), shapes
