"""Frontends: walk a foreign model and describe it, or build a Graph from it."""
