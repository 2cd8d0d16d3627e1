"""Shared vocabulary: settings, fleet registry, raw-file contract, time windows, errors. Nothing here does a pipeline step."""
