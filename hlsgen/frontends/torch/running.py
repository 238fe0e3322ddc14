"""PyTorch models run by PyTorch, the results of their modules seen by hooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hlsgen.frontends.samples import samples_axis
from hlsgen.frontends.values import Array, Batch, NotRunError, SourceValues, failure, flat_outputs, in_order_of


def run_module(module: Any, batch: Batch) -> SourceValues:
    """The values of a batch, as :func:`hlsgen.frontends.reference.source_values` gives them. Raises NotRunError."""
    import torch

    from hlsgen.frontends.torch.exporting import inference, may_begin_with_steps

    what, found, called = f"the PyTorch model {type(module).__name__}", dict[str, Array](), Counter[str]()
    if may_begin_with_steps(module):
        reason = "its samples may be another axis than the first (batch_first=False)"
        raise NotRunError(what, reason, "make it of layers with batch_first=True")

    def keeper(name: str) -> Callable[..., None]:
        def keep(_module: Any, _inputs: Any, output: Any) -> None:
            value = output[0] if isinstance(output, tuple | list) and output else output
            if isinstance(value, torch.Tensor):
                number = called[name]
                called[name] += 1
                found[f"{name}_{number}" if number else name] = value.detach().numpy().astype(np.float64)

        return keep

    tensors = _tensors(module, batch)
    named = [(name, part) for name, part in module.named_modules() if name and batch.layers]
    hooks = [part.register_forward_hook(keeper(name)) for name, part in named]
    try:
        with inference(module), torch.no_grad():
            result = module(*tensors)
    except Exception as error:  # a module's own code runs here
        raise failure(what, error) from error
    finally:
        for hook in hooks:
            hook.remove()
    layers = {name: value for name, value in found.items() if value.ndim > 1 and len(value) == batch.samples}
    return _values(what, result, batch, layers)


def run_program(program: Any, what: str, batch: Batch) -> SourceValues:
    """The same of a program of ``torch.export``, of which the outputs alone can be seen."""
    import torch

    nodes = {node.name: node for node in program.graph.nodes}
    ports = [nodes[name].meta["val"] for name in program.graph_signature.user_inputs if isinstance(name, str)]
    if len(ports) != len(batch.inputs):
        reason = f"it has {len(ports)} inputs, the design {len(batch.inputs)}"
        raise NotRunError(what, reason, "give the model that was converted")
    tensors = []
    for port, x in zip(ports, batch.inputs.values(), strict=True):
        extents = [extent if type(extent) is int else str(extent) for extent in port.shape]
        if samples_axis(what, extents, x.shape[1:]) != 0:
            reason = "its samples are another axis than the first (batch_first=False)"
            raise NotRunError(what, reason, "make it of layers with batch_first=True")
        tensors.append(torch.as_tensor(np.asarray(x)).to(port.dtype))
    try:
        with torch.no_grad():
            result = program.module()(*tensors)
    except Exception as error:  # the program's own code runs here
        raise failure(what, error) from error
    return _values(what, result, batch, {})


def _tensors(module: Any, batch: Batch) -> list[Any]:
    """Data as a module takes them: of its own real type, whole numbers as indices if it looks up tables."""
    import torch

    real = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    looks_up = any(isinstance(part, torch.nn.Embedding | torch.nn.EmbeddingBag) for part in module.modules())
    arrays = [np.asarray(x) for x in batch.inputs.values()]
    return [torch.as_tensor(x).to(torch.int64 if looks_up and x.dtype.kind in "iu" else real) for x in arrays]


def _values(what: str, result: Any, batch: Batch, layers: Mapping[str, Array]) -> SourceValues:
    import torch

    outputs = [tensor.detach().numpy() for tensor in flat_outputs(what, result)]
    return SourceValues("PyTorch", f"torch {torch.__version__}", in_order_of(what, outputs, batch), layers)
