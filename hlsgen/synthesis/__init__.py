"""Circuits of the backend verilog by open synthesis tools: what they take of a device, and how fast they are."""
