"""Detections compared with the simulator's answer key. Nothing else may read `data/truth`."""
