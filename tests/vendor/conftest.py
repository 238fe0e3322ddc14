"""``--proof`` (or HLSGEN_PROOF=1) runs the whole comparison with the vendor's headers: `make proof`."""

from __future__ import annotations

import contextlib
import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    with contextlib.suppress(ValueError):  # another conftest may have it
        parser.addoption(
            "--proof",
            action="store_true",
            help="prove fixed point against the headers of the vendor: 15 minutes of two idle cores",
        )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proof: part of the whole proof; left out unless --proof is given")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--proof", default=False) or os.environ.get("HLSGEN_PROOF", "") not in ("", "0")
    if wanted:
        return
    left_out = [item for item in items if item.get_closest_marker("proof")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
