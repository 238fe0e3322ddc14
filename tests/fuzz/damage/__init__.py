"""Damage: what a hostile or broken file may have in place of what Keras wrote.

There is a table of damages for each stage at which a file is made (:class:`tests.fuzz.files.Stages`): to the tree of
the architecture, to its text, to the open HDF5 file, to the members of the archive, to the bytes of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import h5py

from tests.fuzz.damage.archive import ARCHIVE, BYTES, damaged_archive
from tests.fuzz.damage.base import Damage, chosen
from tests.fuzz.damage.hdf5 import HDF5
from tests.fuzz.damage.tree import CONFIGURATION, TEXT
from tests.fuzz.files import Stages

__all__ = ["Damage", "stages"]


def stages(damages: Sequence[Damage]) -> Stages:
    """The stages of a file with these damages."""
    on_archive = [damage for damage in damages if damage.name in ARCHIVE]
    return Stages(
        config=partial(_damaged, CONFIGURATION, damages),
        text=partial(_damaged, TEXT, damages),
        weights=partial(_damage_weights, damages),
        archive=partial(damaged_archive, on_archive) if on_archive else None,
        data=partial(_damaged, BYTES, damages),
    )


def _damaged(table: Mapping[str, Callable[..., Any]], damages: Sequence[Damage], subject: Any) -> Any:
    for done in chosen(table, damages):
        subject = done(subject)
    return subject


def _damage_weights(damages: Sequence[Damage], file: h5py.File) -> None:
    for done in chosen(HDF5, damages):
        done(file)
