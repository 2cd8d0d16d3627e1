"""Own exports to raw files, by a mapping file. Simulated data, the gate and loading live elsewhere."""
