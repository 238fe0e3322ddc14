"""What every figure has: a canvas without a window, colours that are told apart by all, a file at the end."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hlsgen.errors import ConfigError, InputError, brief
from hlsgen.named_files import named_path, write_named

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00"),
    *("#CC79A7", "#56B4E9", "#F0E442", "#000000"),
)
"""Okabe and Ito's colours, "Color Universal Design" (2008): told apart with any kind of colour vision."""
LINES = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK)
MARKERS = "osD^vPX"
GREY, FRAME = "#D9D9D9", "#666666"
_ENDINGS = (".png", ".svg", ".pdf")
_STYLE = {
    "font.size": 10.0,
    "axes.edgecolor": FRAME,
    "axes.axisbelow": True,
    "svg.hashsalt": "hlsgen",
    "svg.fonttype": "none",
}


def save(draw: Callable[[Any], None], size: tuple[float, float], path: str | Path) -> Path:
    """Write what ``draw`` puts on a ``matplotlib.figure.Figure`` of ``size`` (inches); returns the path.

    The same drawing gives the same file. Raises ConfigError without matplotlib, InputError for an ending that is no
    picture's, OutputDirError if it cannot be written.
    """
    file = named_path(path, "a picture", InputError)
    if file.suffix.lower() not in _ENDINGS:
        raise InputError(
            f"plot(): {brief(str(file))} ends in {file.suffix or 'nothing'}, expected {', '.join(_ENDINGS)}"
        )
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError('plot(): matplotlib is not installed; pip install "hlsgen[plot]"') from error
    kind, content = file.suffix.lower()[1:], io.BytesIO()
    with matplotlib.rc_context(_STYLE):  # of this call alone: a user's own figures keep their style
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        made = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(content, format=kind, dpi=130, metadata=made[kind])
    return write_named(file, content.getvalue(), "plot()")
