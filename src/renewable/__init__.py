"""Shared vocabulary: settings, registry, raw-file contract, windows, errors. No step of the pipeline is done here."""
