"""Simulator: weather and generation of a fleet as daily raw files. It reads nothing but the registry."""
