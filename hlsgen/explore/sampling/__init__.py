"""Which points are tried: each sampler is asked for the next one, and told what became of those before."""
