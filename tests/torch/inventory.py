"""Modules and functions of PyTorch, line by line of docs/pytorch.md. Nothing of PyTorch is imported for the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Shapes = tuple[tuple[int, ...], ...]
VECTOR, SERIES, IMAGE, VOLUME = (6,), (3, 8), (2, 8, 6), (2, 4, 4, 4)
STEPS = (5, 6)
"""Positions with channels last."""
MARK = "## Modules and functions\n"


@dataclass(frozen=True)
class Row:
    """``make(nn, torch)`` gives a module, or a function of the inputs; ``words`` are of the error of one that is refused."""

    text: str
    make: Callable[[Any, Any], Any]
    shapes: Shapes
    words: str | None = None


class Section(list[Row]):
    """A heading and its rows."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title

    def right(self, text: str, make: Callable[[Any, Any], Any], *shapes: tuple[int, ...]) -> None:
        self.append(Row(text, make, shapes))

    def refused(self, text: str, make: Callable[[Any, Any], Any], words: str, *shapes: tuple[int, ...]) -> None:
        self.append(Row(text, make, shapes, words))


_weights = Section("Layers with weights")
_weights.right("Linear", lambda nn, t: nn.Linear(6, 4), VECTOR)
_weights.right("Linear(bias=False)", lambda nn, t: nn.Linear(6, 4, bias=False), STEPS)
_weights.right("Conv1d", lambda nn, t: nn.Conv1d(3, 4, 3, stride=2, padding=1), SERIES)
_weights.right("Conv2d", lambda nn, t: nn.Conv2d(2, 4, 3), IMAGE)
_weights.right("Conv2d(padding='same', dilation)", lambda nn, t: nn.Conv2d(2, 4, 3, padding="same", dilation=2), IMAGE)
_weights.right("Conv2d(groups)", lambda nn, t: nn.Conv2d(2, 4, 3, groups=2), IMAGE)
_weights.right(
    "Conv2d(padding_mode='reflect')", lambda nn, t: nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"), IMAGE
)
_weights.right("Conv3d", lambda nn, t: nn.Conv3d(2, 3, 2), VOLUME)
_weights.right("ConvTranspose1d", lambda nn, t: nn.ConvTranspose1d(3, 4, 3, stride=2), SERIES)
_weights.right(
    "ConvTranspose2d", lambda nn, t: nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1), IMAGE
)
_weights.right("Embedding", lambda nn, t: nn.Embedding(16, 4), (5,))

_normal = Section("Normalisation")
_normal.right("BatchNorm1d", lambda nn, t: nn.BatchNorm1d(6), VECTOR)
_normal.right("BatchNorm2d", lambda nn, t: nn.BatchNorm2d(2), IMAGE)
_normal.right("BatchNorm3d", lambda nn, t: nn.BatchNorm3d(2), VOLUME)
_normal.right("LayerNorm", lambda nn, t: nn.LayerNorm(6), STEPS)
_normal.right("GroupNorm", lambda nn, t: nn.GroupNorm(2, 4), (4, 6, 6))
_normal.right("InstanceNorm2d", lambda nn, t: nn.InstanceNorm2d(2, affine=True), IMAGE)
_normal.refused("RMSNorm", lambda nn, t: nn.RMSNorm(6), "Sqrt", STEPS)

_functions = Section("Activations")
for _name in (
    "ReLU ReLU6 LeakyReLU PReLU ELU SELU CELU GELU SiLU Mish Sigmoid LogSigmoid Tanh Hardsigmoid Hardswish Hardtanh "
    "Softplus Tanhshrink Threshold"
).split():
    _functions.right(
        _name,
        lambda nn, t, name=_name: nn.Threshold(0.5, 0.25) if name == "Threshold" else getattr(nn, name)(),
        VECTOR,
    )
_functions.right("GELU(approximate='tanh')", lambda nn, t: nn.GELU(approximate="tanh"), VECTOR)
_functions.right("Softplus(beta=2)", lambda nn, t: nn.Softplus(beta=2), VECTOR)
_functions.refused("Hardshrink", lambda nn, t: nn.Hardshrink(), "LessOrEqual", VECTOR)
_functions.refused("Softshrink", lambda nn, t: nn.Softshrink(), "Greater", VECTOR)
_functions.refused("Softsign", lambda nn, t: nn.Softsign(), "Div", VECTOR)
_functions.right("GLU", lambda nn, t: nn.GLU(), VECTOR)
_functions.right("Softmax", lambda nn, t: nn.Softmax(dim=-1), VECTOR)
_functions.right("Softmax of another axis", lambda nn, t: nn.Softmax(dim=1), IMAGE)
_functions.right("Softmin", lambda nn, t: nn.Softmin(dim=-1), VECTOR)
_functions.right("LogSoftmax", lambda nn, t: nn.LogSoftmax(dim=-1), VECTOR)
_functions.refused("F.rrelu(training=True)", lambda nn, t: lambda x: nn.functional.rrelu(x, training=True), "", VECTOR)

_pools = Section("Pooling, padding, resizing")
_pools.right("MaxPool1d", lambda nn, t: nn.MaxPool1d(2), SERIES)
_pools.right("MaxPool2d", lambda nn, t: nn.MaxPool2d(3, stride=2, padding=1), IMAGE)
_pools.right("MaxPool2d(ceil_mode)", lambda nn, t: nn.MaxPool2d(3, stride=2, ceil_mode=True), IMAGE)
_pools.right("MaxPool3d", lambda nn, t: nn.MaxPool3d(2), VOLUME)
_pools.right("AvgPool1d", lambda nn, t: nn.AvgPool1d(2), SERIES)
_pools.right("AvgPool2d", lambda nn, t: nn.AvgPool2d(2), IMAGE)
_pools.right(
    "AvgPool2d(padding, count_include_pad=False)",
    lambda nn, t: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
    IMAGE,
)
_pools.right("AdaptiveAvgPool1d", lambda nn, t: nn.AdaptiveAvgPool1d(3), SERIES)
_pools.right("AdaptiveAvgPool2d(1)", lambda nn, t: nn.AdaptiveAvgPool2d(1), IMAGE)
_pools.right("AdaptiveAvgPool2d of any size", lambda nn, t: nn.AdaptiveAvgPool2d((3, 4)), IMAGE)
_pools.right("AdaptiveMaxPool2d(1)", lambda nn, t: nn.AdaptiveMaxPool2d(1), IMAGE)
_pools.right("ZeroPad2d", lambda nn, t: nn.ZeroPad2d((1, 2, 0, 1)), IMAGE)
_pools.right("ConstantPad2d", lambda nn, t: nn.ConstantPad2d(1, 0.5), IMAGE)
_pools.right("ReflectionPad2d", lambda nn, t: nn.ReflectionPad2d(1), IMAGE)
_pools.right("ReplicationPad2d", lambda nn, t: nn.ReplicationPad2d(1), IMAGE)
_pools.right("Upsample(mode='nearest')", lambda nn, t: nn.Upsample(scale_factor=2), IMAGE)
_pools.right("Upsample(mode='bilinear')", lambda nn, t: nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE)
_pools.right("PixelShuffle", lambda nn, t: nn.PixelShuffle(2), (4, 4, 4))
_pools.right("PixelUnshuffle", lambda nn, t: nn.PixelUnshuffle(2), IMAGE)
_pools.right("ChannelShuffle", lambda nn, t: nn.ChannelShuffle(2), (4, 4, 4))

_sequences = Section("Sequences and attention")
for _kind in ("RNN", "LSTM", "GRU"):
    _sequences.right(_kind, lambda nn, t, kind=_kind: _first(nn, getattr(nn, kind)(6, 4, batch_first=True)), STEPS)
    _sequences.right(
        f"{_kind}(num_layers, bidirectional)",
        lambda nn, t, kind=_kind: _first(
            nn, getattr(nn, kind)(6, 4, num_layers=2, bidirectional=True, batch_first=True)
        ),
        STEPS,
    )
_sequences.right("MultiheadAttention", lambda nn, t: _itself(nn, nn.MultiheadAttention(6, 2, batch_first=True)), STEPS)
_sequences.right(
    "F.scaled_dot_product_attention",
    lambda nn, t: lambda x, y: nn.functional.scaled_dot_product_attention(x, y, y),
    *((2, 5, 6), (2, 4, 6)),
)
_sequences.right("TransformerEncoderLayer", lambda nn, t: nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), STEPS)

_tensors = Section("Tensors")
_tensors.right("x + y, x - y, x * y", lambda nn, t: lambda x, y: (x + y) * (x - y), VECTOR, VECTOR)
_tensors.right("x / constant", lambda nn, t: lambda x: x / 4 + 1.5, VECTOR)
_tensors.right("x ** 2, x.square()", lambda nn, t: lambda x: x**2 + x.square(), VECTOR)
_tensors.right("abs, neg, clamp", lambda nn, t: lambda x: t.clamp(-x.abs(), -2.0, -0.5), VECTOR)
_tensors.right("maximum, minimum", lambda nn, t: lambda x, y: t.maximum(x, y) - t.minimum(x, y), VECTOR, VECTOR)
_tensors.right("cat, stack", lambda nn, t: lambda x, y: t.cat([t.stack([x, y], 1).flatten(1), x], 1), VECTOR, VECTOR)
_tensors.right("chunk, split, unbind", lambda nn, t: lambda x: x.chunk(2, 1)[0] * x.split([3, 3], 1)[1], VECTOR)
_tensors.right("slices, select, narrow", lambda nn, t: lambda x: x[:, :, 1:5:2, -1] + x.narrow(2, 0, 2)[..., 0], IMAGE)
_tensors.right("flip", lambda nn, t: lambda x: x.flip(-1) + x, VECTOR)
_tensors.right("roll", lambda nn, t: lambda x: t.roll(x, 2, 1), VECTOR)
_tensors.right("view, reshape, flatten", lambda nn, t: lambda x: x.view(-1, 2, 48).flatten(1) + 1.0, IMAGE)
_tensors.right("permute, transpose", lambda nn, t: lambda x: x.permute(0, 2, 3, 1).transpose(1, 2) + 1.0, IMAGE)
_tensors.right("squeeze, unsqueeze", lambda nn, t: lambda x: x.unsqueeze(1).squeeze(1) + 1.0, VECTOR)
_tensors.right("mean, sum", lambda nn, t: lambda x: x.mean(1, keepdim=True) + x.sum((2, 3), keepdim=True), IMAGE)
_tensors.right("amax, amin", lambda nn, t: lambda x: x.amax((2, 3)) - x.amin((2, 3)), IMAGE)
_tensors.right("argmax", lambda nn, t: lambda x: x.argmax(1, keepdim=True), VECTOR)
_tensors.right("matmul, bmm", lambda nn, t: lambda x, y: t.bmm(x, y) + x @ y, (3, 4), (4, 2))
_tensors.right("einsum", lambda nn, t: lambda x, y: t.einsum("nij,njk->nik", x, y), (3, 4), (4, 2))
_tensors.right("exp, tanh, sigmoid", lambda nn, t: lambda x: x.tanh().exp() * x.sigmoid(), VECTOR)
_tensors.right("erf, softplus", lambda nn, t: lambda x: t.erf(x) + nn.functional.softplus(x), VECTOR)
_tensors.right("dropout(training=False)", lambda nn, t: lambda x: nn.functional.dropout(x, 0.5, False) + 1, VECTOR)
_tensors.refused("x / y", lambda nn, t: lambda x, y: x / (y.abs() + 1), "Div", VECTOR, VECTOR)
_tensors.refused("sin, cos", lambda nn, t: lambda x: x.sin(), "Sin", VECTOR)
_tensors.refused("where", lambda nn, t: lambda x, y: t.where(x > y, x, y), "", VECTOR, VECTOR)
_tensors.right("sort, topk", lambda nn, t: lambda x: x.sort(1)[0] + x.topk(1)[0], VECTOR)

SECTIONS = (_weights, _normal, _functions, _pools, _sequences, _tensors)
ROWS = tuple(row for section in SECTIONS for row in section)


def _first(nn: Any, layer: Any) -> Any:
    """A recurrent layer without its states."""

    class First(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Any) -> Any:
            return self.layer(x)[0]

    return First()


def _itself(nn: Any, layer: Any) -> Any:
    """Attention of a sequence to itself."""

    class Itself(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Any) -> Any:
            return self.layer(x, x, x, need_weights=False)[0]

    return Itself()


def document() -> str:
    """The part of docs/pytorch.md behind its ``MARK``."""
    parts = [
        "\nEach line is a module or a function in `tests/torch/inventory.py`, compared with PyTorch in double precision: within\n"
        "2^-10 of the largest value with 16 bits. *refused*: an error that names the layer.\n"
    ]
    for section in SECTIONS:
        parts.append(f"\n### {section.title}\n\n| | |\n|---|---|\n")
        parts += [f"| {row.text} | {'refused' if row.words is not None else 'right'} |\n" for row in section]
    return "".join(parts)
