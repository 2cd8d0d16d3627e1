"""Offsets of the registry's time zones, by Python's zoneinfo."""

from renewable.time_zones import utc_offsets


def model(dbt, session):  # noqa: ARG001 (dbt's signature)
    dbt.config(materialized="table")
    zones = [zone for (zone,) in dbt.ref("assets").select("timezone").fetchall()]
    return utc_offsets(zones)
