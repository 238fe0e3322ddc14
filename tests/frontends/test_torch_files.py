"""Files of PyTorch are refused with what to do instead, whether PyTorch is installed or not."""

from __future__ import annotations

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


def test_exported_programs_in_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.pt2"
    with pytest.raises(ModelError, match=r"can hold code .*hlsgen\.convert\(torch\.export\.load\('net\.pt2'\)\)"):
        hlsgen.convert(file)
    with pytest.raises(ModelError, match="can hold code"):
        hlsgen.convert(None, {"model": str(file)})


def test_example_inputs_go_with_a_module() -> None:
    with pytest.raises(ModelError, match="example_inputs= goes with a torch.nn.Module"):
        hlsgen.convert("net.onnx", example_inputs=(1,))
    with pytest.raises(ModelError, match="weights= goes with a .json"):
        hlsgen.convert("net.pt2", weights="net.h5")
