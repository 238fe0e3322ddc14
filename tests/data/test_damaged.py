"""Damaged files of data and pipelines: refused with an error of ours, or read; never anything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hlsgen import data
from hlsgen.data.operations import Affine, Clamp, Logarithm
from hlsgen.errors import HlsgenError

PIECES = b",;\n\"'\0:-[]{}#&*!|>%@`9eE._\xff"


def sources(folder: Path) -> dict[str, bytes]:
    random = np.random.default_rng(1)
    x = random.normal(size=(30, 3))
    np.save(folder / "x.npy", x)
    np.savez(folder / "x.npz", x=x, y=np.arange(30))
    rows = "".join(f"{a},{b},{c},{'gq'[place % 2]}\n" for place, (a, b, c) in enumerate(x.tolist()))
    (folder / "x.csv").write_text("a,b,c,y\n" + rows)
    pipe = data.FittedPipeline(
        (Clamp((-1.0,), (2.5,)), Logarithm((0.1, 0.2, 0.3)), Affine((1.0, 2.0, 3.0), (0.1, 0.2, 0.3))),
        3,
        ("a", "b", "c"),
    )
    pipe.typed("fixed<16,6,RND,SAT>").save(folder)
    (folder / "pipeline.yml").rename(folder / "x.yml")
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    found = bytearray(content)
    for _ in range(int(random.integers(1, 6))):
        at = int(random.integers(len(found)))
        match int(random.integers(4)):
            case 0:
                found[at] = int(random.integers(256))
            case 1:
                del found[at : at + int(random.integers(1, 30))]
            case 2:
                found[at:at] = random.bytes(int(random.integers(1, 9)))
            case _:
                found[at] = PIECES[int(random.integers(len(PIECES)))]
    return bytes(found)


@pytest.mark.filterwarnings("ignore")  # of NumPy, about the strange numbers that come out
@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv", ".yml"])
def test_damaged_files(ending: str, tmp_path: Path) -> None:
    (tmp_path / "sound").mkdir()
    sound, random = sources(tmp_path / "sound")[ending], np.random.default_rng(5)
    read, refused, path = 0, 0, tmp_path / f"x{ending}"
    for _ in range(200):
        path.write_bytes(damaged(sound, random))
        try:
            if ending == ".yml":
                assert str(data.load_pipeline(path))
            else:
                found = data.load(path, y=None if ending == ".npy" else "y")
                assert str(found) and len(found) == len(found.x)
            read += 1
        except HlsgenError as error:
            assert str(error)
            refused += 1
    assert refused > 50 and read + refused == 200
