"""PyTorch models run by PyTorch, the results of their modules seen by hooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hlsgen.frontends.values import Array, SourceValues, cannot_run, real_outputs


def run_module(module: Any, inputs: Mapping[str, Array]) -> SourceValues:
    """The values of a batch, as :func:`hlsgen.frontends.reference.source_values` gives them."""
    import torch

    from hlsgen.frontends.torch.exporting import inference

    what, found, called = f"the PyTorch model {type(module).__name__}", dict[str, Array](), Counter[str]()

    def keeper(name: str) -> Callable[..., None]:
        def keep(_module: Any, _inputs: Any, output: Any) -> None:
            value = output[0] if isinstance(output, tuple | list) and output else output
            if isinstance(value, torch.Tensor):
                number = called[name]
                called[name] += 1
                found[f"{name}_{number}" if number else name] = value.detach().numpy().astype(np.float64)

        return keep

    kind = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    tensors = [torch.as_tensor(np.asarray(x)).to(kind) for x in inputs.values()]
    hooks = [part.register_forward_hook(keeper(name)) for name, part in module.named_modules() if name]
    try:
        with inference(module), torch.no_grad():
            result = module(*tensors)
    except Exception as error:  # a module's own code runs here
        raise cannot_run(what, f"{type(error).__name__}: {error}", "see that it takes the data by itself") from error
    finally:
        for hook in hooks:
            hook.remove()
    samples = len(tensors[0])
    return SourceValues("PyTorch", real_outputs(what, _flat(result), samples), _of_samples(found, samples))


def run_program(program: Any, what: str, inputs: Mapping[str, Array]) -> SourceValues:
    """The same of a program of ``torch.export``, of which the outputs alone can be seen."""
    import torch

    tensors = [torch.as_tensor(np.asarray(x, dtype=np.float32)) for x in inputs.values()]
    try:
        with torch.no_grad():
            result = program.module()(*tensors)
    except Exception as error:  # the program's own code runs here
        raise cannot_run(what, f"{type(error).__name__}: {error}", "see that it takes the data by itself") from error
    return SourceValues("PyTorch", real_outputs(what, _flat(result), len(tensors[0])))


def _of_samples(found: Mapping[str, Array], samples: int) -> dict[str, Array]:
    return {name: value for name, value in found.items() if value.ndim > 1 and len(value) == samples}


def _flat(result: Any) -> list[Any]:
    """The tensors of a result, which may be nested."""
    if isinstance(result, Mapping):
        result = list(result.values())
    if isinstance(result, tuple | list):
        return [tensor for part in result for tensor in _flat(part)]
    return [result.detach().numpy()]
