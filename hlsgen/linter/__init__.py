"""Checks of a written project, without any HLS tool: ``hlsgen lint``."""
