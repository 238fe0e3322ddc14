"""Types, value ranges and the graph."""
