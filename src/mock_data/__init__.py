"""Simulator: weather and generation of a fleet as daily raw files. It writes what a real fleet would deliver and reads only the registry."""
