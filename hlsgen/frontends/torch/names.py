"""Names of layers: those of the modules, as ``named_modules()`` spells them.

Each operator of ONNX comes from one call of PyTorch, which may have become several operators. The call of a module
that makes one (``Conv2d``, ``Linear``, ``LSTM``) is named by the module, ``features.0``; those of others by the call
behind the module, ``attention.softmax``, and by the call alone in the outermost one, ``relu``. What comes again gets a
number. A module of Brevitas is named by the quantiser of its result, if it has one; that of its weights is
``conv.weight_quant``.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir

_SCOPES, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
"""Where the exporter notes the modules from the outermost on, and the call last."""
_WITH_WEIGHTS = frozenset("Conv ConvTranspose Gemm MatMul LSTM GRU RNN BatchNormalization LayerNormalization".split())
_OF_SHAPES = frozenset(
    "Shape Reshape Transpose Squeeze Unsqueeze Flatten Slice Gather Concat Expand Identity Cast CastLike Constant "
    "ConstantOfShape Size Split".split()
)
_QUANTISER = "@quantiser"
Call = tuple[str, str]
"""The module in which a call of PyTorch stands, and the call."""


def name_by_modules(model: onnx_ir.Model) -> None:
    """Name a model by its outermost class, and every operator by its module and its call."""
    calls: defaultdict[Call, list[onnx_ir.Node]] = defaultdict(list)
    layers: set[str] = set()
    for node in model.graph:
        scopes, classes = (_list(node.metadata_props.get(key)) for key in (_SCOPES, _CLASSES))
        if len(scopes) < 2 or len(classes) != len(scopes) or scopes[0] != "":
            continue  # what belongs to no module: numbers of samples
        module, call = _quantiser(scopes, classes) or (scopes[-2], scopes[-1])
        calls[module, call].append(node)
        model.graph.name = classes[0].rpartition(".")[2]
        if classes[-2].startswith("torch.nn."):
            layers.add(module)
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for (module, call), nodes in calls.items():
        if any(node.op_type not in _OF_SHAPES for node in nodes):
            kinds[module].append(_kind(call))
    named = Counter[str]()
    for (module, call), nodes in calls.items():
        found = kinds[module]
        is_layer = len(found) < 2 or (module in layers and len(set(found)) == 1)
        is_whole = (is_layer and (not found or _kind(call) in found)) or _kind(call) == _QUANTISER
        name = ".".join(filter(None, (module, "" if module and is_whole else _kind(call))))
        named[name] += 1
        if named[name] > 1:  # a module, or a function, that is called again
            name = f"{name}_{named[name] - 1}"
        main = _main(nodes)
        for node in nodes:
            node.name = name if node is main else f"{name}.{node.op_type.lower()}"


def _quantiser(scopes: list[str], classes: list[str]) -> Call | None:
    """The call of what is inside of a module of Brevitas: its function, or a quantiser, which is called like nothing of
    PyTorch."""
    place = next((place for place, name in enumerate(classes[:-1]) if name.startswith("brevitas.nn.")), None)
    if place is None or place + 2 >= len(scopes):
        return None
    inner = scopes[place + 1]
    module = scopes[place] if inner.endswith((".act_quant", ".input_quant", ".output_quant", ".trunc_quant")) else inner
    number = re.search(r"_[0-9]+$", scopes[-1])
    is_quantiser = classes[-1].startswith("onnx_symbolic")
    return module, f"{_QUANTISER}{number.group() if number else ''}" if is_quantiser else scopes[-1]


def _kind(call: str) -> str:
    """A call without its number: ``relu`` of ``relu_2``."""
    return re.sub(r"_[0-9]+$", "", call)


def _list(text: str | None) -> list[str]:
    """The words of a list as Python writes it."""
    try:
        found = ast.literal_eval(text or "[]")
    except (ValueError, SyntaxError):
        return []
    return [str(word) for word in found] if isinstance(found, list) else []


def _main(nodes: list[onnx_ir.Node]) -> onnx_ir.Node:
    """The operator that a call is known by: the last one that has weights or could, else the last that computes."""
    weighted = [node for node in nodes if node.op_type in _WITH_WEIGHTS]
    computing = [node for node in nodes if node.op_type not in _OF_SHAPES]
    return (weighted or computing or nodes)[-1]
