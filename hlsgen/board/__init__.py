"""Circuits on boards, with open tools: what is built around a network, bitstreams, and the host's end of the line."""
