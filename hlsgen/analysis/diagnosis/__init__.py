"""Which layer of a design diverges from its model beyond what rounding explains, why, and which setting cures it."""
