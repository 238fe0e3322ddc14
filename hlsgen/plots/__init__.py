"""Figures by matplotlib, of plain numbers: no state that others share, the same on every screen."""
