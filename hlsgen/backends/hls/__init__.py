"""What every HLS backend shares: kernel bindings, the plan of calls, and C++ text."""

from __future__ import annotations
