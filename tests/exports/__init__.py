"""Tests of hlsgen.exports."""
