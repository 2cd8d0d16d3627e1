"""Orchestration: thin Dagster assets over src/. No logic of the pipeline belongs here."""
