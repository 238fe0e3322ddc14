"""Exports: a design as files for other machines than an HLS tool."""
