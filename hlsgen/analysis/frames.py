"""Results as records: a table of pandas, where it is installed, or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hlsgen.errors import ConfigError, InputError
from hlsgen.named_files import named_path, write_named


def data_frame(records: Sequence[Mapping[str, Any]]) -> Any:
    """A ``pandas.DataFrame`` of rows that have the same columns. Raises ConfigError without pandas."""
    try:
        import pandas
    except ImportError as error:
        raise ConfigError("to_pandas(): pandas is not installed; pip install pandas") from error
    return pandas.DataFrame(list(records))


def write_csv(records: Sequence[Mapping[str, Any]], path: str | Path) -> Path:
    """Write rows that have the same columns, one at least, with a line of names; returns the path.

    Raises OutputDirError if it cannot be written.
    """
    file = named_path(path, "a table", InputError)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return write_named(file, text.getvalue().encode(), "to_csv()")
