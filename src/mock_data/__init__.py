"""Simulator: weather, generation, injected events and their answer key.

It writes raw files and reads nothing but the fleet.
"""
