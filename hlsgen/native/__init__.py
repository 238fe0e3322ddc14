"""Compiled code of ours: built once on a machine, kept in a cache, loaded as extensions of Python."""
