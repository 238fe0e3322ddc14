"""From wishes to types: expected ranges, inference, narrowing, idle modes, and what is lost."""
