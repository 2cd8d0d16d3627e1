"""Measurements. Each prints a ratio to a reference that is timed in the same run; absolute times are the machine's."""
