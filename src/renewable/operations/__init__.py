"""Keeping it running: what is there, what is left to do, upgrade, backup and restore."""
