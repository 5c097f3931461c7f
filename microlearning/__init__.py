"""Clips: found by search and used at once."""
