"""What is written where a user says: a file of the same kind is replaced, another only where that is said."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen import data
from hlsgen.errors import OutputDirError
from tests.explore.quantization.networks import perceptron, samples
from tests.explore.studies import stored, study
from tests.test_cli import call  # noqa: F401  (a fixture)

X = np.random.default_rng(1).normal(size=(50, 3))
TYPE = "fixed<16,6,RND,SAT>"


@cache
def quantized() -> hlsgen.Quantized:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hlsgen.quantize(perceptron(), samples(count=100), None, 0.5, weight_bits=6, result_bits=8)


def pipeline(scale: float = 1.0) -> data.FittedPipeline:
    return data.Pipeline(data.ZScore()).fit(X * scale).typed(TYPE)


WRITERS: dict[str, tuple[str, Callable[..., object]]] = {
    "write_c": ("prepare.h", lambda path, **more: pipeline().write_c(path, **more)),
    "write_c of integers": ("prepare.h", lambda path, **more: pipeline().write_c(path, raw="int16", **more)),
    "write_python": ("prepare.py", lambda path, **more: pipeline().write_python(path, **more)),
    "save": ("pipeline.yml", lambda path, **more: pipeline().save(path.parent, **more)),
    "quantize": ("quantized.yml", lambda path, **more: quantized().write(path, **more)),
    "sweep best": ("best.yml", lambda path, **more: study(5).write_yaml(study(5).trials[0], path, **more)),
    "sweep page": ("sweep.html", lambda path, **more: study(5).page(path, **more)),
    "sweep table": ("sweep.csv", lambda path, **more: study(5).to_csv(path, **more)),
}


@pytest.mark.parametrize(("name", "write"), WRITERS.values(), ids=WRITERS)
def test_what_is_no_such_file_stays(name: str, write: Callable[..., object], tmp_path: Path) -> None:
    file = tmp_path / name
    write(file)
    ours = file.read_bytes()
    write(file)  # again, without a word
    assert file.read_bytes() == ours
    for content in (b"", b"mine\n", b"\xff" * 5000, b"mine\n" * 50 + ours):
        file.write_bytes(content)
        with pytest.raises(OutputDirError, match="is there already and is no .*; give another name, or overwrite"):
            write(file)
        assert file.read_bytes() == content
    write(file, overwrite=True)
    assert file.read_bytes() == ours
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("name", "write"), WRITERS.values(), ids=WRITERS)
def test_nobody_waits_for_a_pipe(name: str, write: Callable[..., object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(OutputDirError, match="is there already and is no "):
        write(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(OutputDirError, match=r"cannot be written \(Is a directory\)"):
        write(tmp_path / name)


def test_arrays_beside_a_pipeline(tmp_path: Path) -> None:
    """Those that were written with it are replaced, also by a save that has others; what was put there is not."""
    pipe, test = pipeline(), data.Data(X, np.arange(50) % 2, part="test")
    pipe.save(tmp_path, test=test)
    pipe.save(tmp_path)
    pipeline(2.0).save(tmp_path, test=test, samples=20)
    assert len(np.load(tmp_path / "x.npy")) == 20 and data.load_pipeline(tmp_path) == pipeline(2.0)
    assert "# Written with it: integers.npy, raw.npy, x.npy, y.npy\n" in (tmp_path / "pipeline.yml").read_text()
    (tmp_path / "other").mkdir()
    pipe.save(tmp_path / "other")
    np.save(tmp_path / "other" / "raw.npy", X)
    with pytest.raises(OutputDirError, match=r"raw\.npy' is there already and is no array of this pipeline; give"):
        pipe.save(tmp_path / "other", test=test, samples=5)
    assert np.array_equal(np.load(tmp_path / "other" / "raw.npy"), X)
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["pipeline.yml", "raw.npy"]
    pipe.save(tmp_path / "other", test=test, samples=5, overwrite=True)
    assert len(np.load(tmp_path / "other" / "raw.npy")) == 5


def test_split_and_show_from_a_shell(call, tmp_path: Path) -> None:  # noqa: F811
    np.save(tmp_path / "x.npy", X)
    words = ["data", "split", tmp_path / "x.npy", tmp_path / "parts", "--part", "train=0.5"]
    assert call(*words).status == call(*words).status == 0
    (tmp_path / "parts" / "pipeline.yml").write_text("mine\n")
    refused = call(*words)
    assert refused.status == 1 and "pipeline.yml' is there already and is no pipeline; give" in refused.err
    assert (tmp_path / "parts" / "pipeline.yml").read_text() == "mine\n"
    assert call(*words, "--overwrite").status == 0
    db, table = stored(study(5), tmp_path / "sweep.db"), tmp_path / "jets.csv"
    table.write_text("pt,eta\n1,2\n")
    refused = call("sweep", "show", db, "--csv", table)
    assert refused.status == 1 and "is there already and is no table of a sweep" in refused.err
    assert table.read_text() == "pt,eta\n1,2\n"
    assert call("sweep", "show", db, "--csv", table, "--overwrite").status == 0 and "trial,state" in table.read_text()
