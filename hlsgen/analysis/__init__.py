"""Looking at a converted model: overflow counters, synthesis reports."""
