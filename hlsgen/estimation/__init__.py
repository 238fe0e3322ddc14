"""What a design of an HLS tool will cost, before the tool has seen it."""
