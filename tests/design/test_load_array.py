"""Stored arrays: read, or refused whatever their bytes are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hlsgen.design.array_files import load_array
from hlsgen.errors import InputError


def test_what_is_read(tmp_path: Path) -> None:
    for array in (
        np.arange(6.0).reshape(2, 3),
        np.zeros((0, 4)),
        np.array(3),
        np.asfortranarray(np.eye(3, dtype=">f4")),
    ):
        np.save(tmp_path / "x.npy", array)
        found = load_array(tmp_path / "x.npy")
        assert np.array_equal(found, array) and found.dtype == array.dtype
        found[...] = 1  # a copy, not the file


def test_paths_that_name_no_array(tmp_path: Path) -> None:
    for path, reason in (
        ("a\0", "it is no path"),
        ("a" * 300, "File name too long"),
        (tmp_path, "it is a directory"),
        (3, ""),
    ):
        with pytest.raises(InputError, match=f"{reason}.*expected"):
            load_array(path)  # type: ignore[arg-type]
    np.savez(tmp_path / "x.npz", a=np.zeros(2))
    with pytest.raises(InputError, match="several arrays"):
        load_array(tmp_path / "x.npz")


def test_damaged_bytes(tmp_path: Path) -> None:
    """Headers that promise other things than follow; a terabyte that is not there is never made."""
    path, rng = tmp_path / "x.npy", np.random.default_rng(0)
    np.save(path, np.arange(12, dtype=np.float32).reshape(3, 4))
    data, read = path.read_bytes(), 0
    texts = [
        data.replace(b"(3, 4)", shape)
        for shape in (b"(3, 9" + b"9" * 12 + b")", b"(-1, 4)", b"(3, 4", b"((3, 4)", b"[3, 4]")
    ]
    texts += [data.replace(b"<f4", dtype) for dtype in (b"|O ", b"<f9", b"xyz", b"|S4")] + [
        data[:n] for n in (0, 5, 60, 100, 150)
    ]
    for _ in range(300):
        bad = bytearray(data)
        for at in rng.integers(0, len(bad), 3):
            bad[at] = rng.integers(0, 256)
        texts.append(bytes(bad))
    for text in texts:
        path.write_bytes(text)
        try:
            load_array(path)
            read += 1
        except InputError as error:
            assert "cannot be read as an .npy array" in str(error)
    assert 0 < read < len(texts)


def test_files_of_other_kinds(tmp_path: Path) -> None:
    """NumPy's own words for them are how to run what a pickle holds."""
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="it does not begin as one; 'hlsgen data split' makes such of CSV") as caught:
        load_array(tmp_path / "x.csv")
    assert "allow_pickle" not in str(caught.value)
