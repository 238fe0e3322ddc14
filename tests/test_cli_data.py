"""``hlsgen data`` as a user calls it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hlsgen import data
from tests.test_cli import call  # noqa: F401  (a fixture)


@pytest.fixture
def jets(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    rows = zip(random.normal(50, 20, 200), random.normal(0, 1, 200), random.choice(["g", "q"], 200), strict=True)
    path = tmp_path / "jets.csv"
    path.write_text("pt,eta,label\n" + "".join(f"{pt},{eta},{name}\n" for pt, eta, name in rows), encoding="utf-8")
    return path


def test_show(call, jets, tmp_path):  # noqa: F811
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    result = call("data", "show", jets, "--y", "label", "--plot", tmp_path / "jets.png")
    assert result.status == 0 and "jets.csv: 200 samples of 2, float64" in result.out and "'g'" in result.out
    assert f"drawn to {tmp_path / 'jets.png'}" in result.out
    one = call("data", "show", jets, "--x", "eta")
    assert one.status == 0 and "pt" not in one.out


def test_split(call, jets, tmp_path):  # noqa: F811
    words = [
        "--part",
        "train=0.6",
        "--part",
        "test=0.4",
        "--seed",
        "3",
        "--stratify",
        "--scale",
        "zscore",
        "--clip=-2:2",
    ]
    result = call("data", "split", jets, tmp_path / "parts", "--y", "label", *words)
    assert result.status == 0 and "written to" in result.out
    parts = data.load(jets, y="label").split(train=0.6, test=0.4, seed=3, stratify=True)
    pipe = data.Pipeline(data.ZScore(), data.Clip(-2, 2)).fit(parts.train)
    assert data.load_pipeline(tmp_path / "parts") == pipe
    for name, part in parts.items():
        assert np.array_equal(np.load(tmp_path / "parts" / f"{name}_x.npy"), pipe(part.x))
        assert np.array_equal(np.load(tmp_path / "parts" / f"{name}_y.npy"), part.y)
    assert call("data", "split", jets, tmp_path / "raw", "--x", "pt", "--part", "first=0.5").status == 0
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == ["first_x.npy", "pipeline.yml"]


def test_parts_of_another_split_do_not_stay(call, jets, tmp_path):  # noqa: F811
    def split(*words: object):
        return call("data", "split", jets, tmp_path / "parts", *words)

    assert split("--y", "label", "--part", "train=0.5", "--part", "test=0.5").status == 0
    assert split("--y", "label", "--part", "train=0.6", "--part", "test=0.4").status == 0
    held = {path.name: path.read_bytes() for path in (tmp_path / "parts").iterdir()}
    for words, named in (
        (("--y", "label", "--part", "train=0.6"), "test_x.npy, test_y.npy"),
        (("--x", "pt", "--part", "train=0.6", "--part", "test=0.4"), "test_y.npy, train_y.npy"),
    ):
        result = split(*words)
        assert result.status == 1 and f"parts: holds {named} of another split" in result.err
    assert {path.name: path.read_bytes() for path in (tmp_path / "parts").iterdir()} == held


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--part", "train"], "--part: found 'train', expected such as 'train=0.6'"),
        (["--part", "a=0.5", "--part", "a=0.5"], "--part: found 'a=0.5', expected a name of its own"),
        (["--part", "../a=0.5"], "--part: found '../a=0.5', expected a name of its own"),
        (["--part", "a=0.5", "--scale", "zscore"], "fitted on the part train, which is not there"),
        (["--part", "train=0.5", "--clip", "8"], "--clip: found '8', expected such as '-8:8'"),
        (["--part", "train=1.5"], "the share of part 'train' is 1.5"),
    ],
)
def test_what_cannot_be_split(call, jets, tmp_path, words, message):  # noqa: F811
    result = call("data", "split", jets, tmp_path / "parts", "--x", "pt", *words)
    assert result.status in (1, 2) and message in result.err and not (tmp_path / "parts").exists()
