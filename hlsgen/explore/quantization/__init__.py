"""Post-training quantisation: the types with which a float model still decides alike, found from data alone."""
