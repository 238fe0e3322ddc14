"""Analyses of projects and of what tools report about them."""
