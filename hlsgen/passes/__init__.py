"""Structural rewrites of the graph, before any type is known. ``hlsgen/pipeline.py`` puts them in order."""
