"""The commands for boards, as a user calls them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from hlsgen.board.session import OnBoard
from hlsgen.cli import main


@pytest.fixture
def config(tmp_path: Path, examples: Path) -> Path:
    entries = {
        "model": str(examples / "xor_mlp" / "model.keras"),
        "backend": "verilog",
        "project_name": "odd",
        "output_dir": str(tmp_path / "out"),
        "input_precision": "ufixed<1,1>",
        "defaults": {"precision": "fixed<8,4>"},
        "test_vectors": {"x": str(examples / "xor_mlp" / "x.npy")},
    }
    path = tmp_path / "odd.yml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return path


def call(capsys, *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    text = capsys.readouterr()
    return int(caught.value.code or 0), text.out, text.err


def test_run(config, capsys, tmp_path):
    status, out, _ = call(capsys, "run", config, "--simulated", "ulx3s")
    assert status == 0
    assert out.startswith("odd on the simulated ulx3s: 256 samples, 0 differ, ") and out.endswith(" samples/s\n")
    np.save(tmp_path / "x.npy", np.ones((5, 2)))
    status, out, _ = call(capsys, "run", config, tmp_path / "x.npy", "--simulated", "icebreaker", "--baud", 115200)
    assert status == 0 and "5 samples, 0 differ" in out


def test_differences(config, capsys, monkeypatch):
    """A chip that computes something else: what differs is shown, and the exit status tells."""
    predict = OnBoard.predict

    def disturbed(self, x, raw=False):
        found = predict(self, x, raw)
        found[3] += 1
        found[200] -= 2
        return found

    monkeypatch.setattr(OnBoard, "predict", disturbed)
    status, out, _ = call(capsys, "run", config, "--simulated", "ulx3s")
    first, second, last = out.splitlines()
    assert status == 1
    assert first.startswith("sample 3, element [0]: found ") and second.startswith("sample 200, element [0]: found ")
    assert "256 samples, 2 differ" in last


@pytest.mark.slow
def test_page(repository, monkeypatch):
    """What docs/circuit_boards.md shows is so."""
    monkeypatch.chdir(repository)
    page = (repository / "docs" / "circuit_boards.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    scope: dict[str, object] = {}
    exec(compile(block, "docs/circuit_boards.md", "exec"), scope)
    assert np.shape(scope["y"]) == (256, 1)


def test_wrong_use(config, capsys, tmp_path, examples):
    for words, status, text in (
        (("run", config), 2, "give either --port, of a board, or --simulated, its name"),
        (("run", config, "--port", "/dev/x", "--simulated", "ulx3s"), 2, "give either --port"),
        (("run", config, "--simulated", "ulx4s"), 2, "no board 'ulx4s'; did you mean 'ulx3s'?"),
        (("bitstream", config, "--board", "u50"), 2, "'u50' is built for by Vivado or Vitis"),
        (("bitstream", config, "--board", "ulx3s", "--baud", 9_000_000), 2, "baud: found 9000000, at most 3125000"),
    ):
        found, _, err = call(capsys, *words)
        assert (found, text in err) == (status, True), err
    entries = yaml.safe_load(config.read_text()) | {"backend": "vitis"}
    config.write_text(yaml.safe_dump(entries))
    found, _, err = call(capsys, "bitstream", config, "--board", "ulx3s")
    assert found == 2 and 'backend="verilog"' in err
    del entries["test_vectors"]
    config.write_text(yaml.safe_dump(entries | {"backend": "verilog"}))
    found, _, err = call(capsys, "run", config, "--simulated", "ulx3s")
    assert found == 2 and "run: no samples given; name a .npy behind the configuration, or set test_vectors" in err
