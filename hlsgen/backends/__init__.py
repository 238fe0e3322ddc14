"""Backends: what turns a design into files for a tool, and runs that tool."""
