"""The typed, immutable hand-over: everything behind it reads a Design and never a graph."""
