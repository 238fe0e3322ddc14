"""Circuits of the backend verilog, run clock by clock by Verilator."""
