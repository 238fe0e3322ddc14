"""Files of PyTorch: pickles are refused with what to do instead, whether PyTorch is installed or not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import hlsgen
from hlsgen.errors import ModelError


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".PT"])
def test_pickles_are_refused(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"net{suffix}"
    file.write_bytes(b"\x80\x02cos\nabort\n(tR.")  # would end the process if it were read
    with pytest.raises(ModelError, match=r"is a pickle, .*example_inputs=\(x,\).*torch\.onnx\.export\("):
        hlsgen.convert(file)


def test_exported_programs_need_pytorch(tmp_path: Path) -> None:
    if importlib.util.find_spec("torch") is not None:
        pytest.skip("PyTorch is installed")
    for source in ({"model": tmp_path / "net.pt2"}, {"model": None, "config": {"model": str(tmp_path / "net.pt2")}}):
        with pytest.raises(ModelError, match=r"install the extra: pip install 'hlsgen\[torch\]'"):
            hlsgen.convert(**source)


def test_example_inputs_go_with_a_module() -> None:
    with pytest.raises(ModelError, match="example_inputs= goes with a torch.nn.Module"):
        hlsgen.convert("net.onnx", example_inputs=(1,))
    with pytest.raises(ModelError, match="weights= goes with a .json"):
        hlsgen.convert("net.pt2", weights="net.h5")
