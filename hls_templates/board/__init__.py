"""The design on its board, and what its ports carry. Written by hlsgen."""
