"""Backends: what is particular to one HLS tool."""
