"""Whether somebody looks: a terminal, or a notebook with widgets."""

from __future__ import annotations

import functools
import importlib.util
import multiprocessing
import sys
from dataclasses import dataclass

from hlsgen.errors import InputError, brief
from hlsgen.tools import wants_progress


@dataclass
class _Setting:
    """What :func:`show_progress` said last."""

    wanted: bool = True


_SETTING = _Setting()


def show_progress(wanted: bool) -> None:
    """Show progress on terminals and in notebooks (True, as it is from the start), or nowhere (False).

    The environment variable ``HLSGEN_PROGRESS=off`` does the same from outside. Raises InputError for anything else
    than True and False.
    """
    if not isinstance(wanted, bool):
        raise InputError(f"show_progress(): found {brief(wanted)}, expected True or False")
    _SETTING.wanted = wanted


def visible() -> bool:
    """Whether a task that begins now is to be shown."""
    return _SETTING.wanted and (in_notebook() or on_terminal()) and wants_progress() and not _is_worker()


def on_terminal() -> bool:
    """Whether standard error is a terminal that no other display of rich's writes on."""
    stream = sys.stderr
    try:
        return stream is not None and stream.isatty() and not hasattr(stream, "rich_proxied_file")
    except (AttributeError, OSError, ValueError):  # closed, or no real stream
        return False


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook, and has ipywidgets."""
    shell = sys.modules.get("IPython.core.getipython")
    return shell is not None and type(shell.get_ipython()).__name__ in _KERNELS and _has_widgets()


_KERNELS = {"ZMQInteractiveShell", "Shell"}
"""The class of IPython's shell in a kernel of Jupyter's, and of Google's Colab."""


@functools.cache
def _has_widgets() -> bool:
    return importlib.util.find_spec("ipywidgets") is not None


def _is_worker() -> bool:
    """Whether another process started this one to share its work: that one has the terminal."""
    return multiprocessing.parent_process() is not None
