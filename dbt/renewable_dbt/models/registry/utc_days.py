"""The UTC days of the fleet's calendar, and where the data of the last one end."""

from renewable.data_calendar import data_calendar, read_edges


def model(dbt, session):  # noqa: ARG001 (dbt's signature)
    dbt.config(materialized="table")
    assets = dbt.ref("assets")
    ends = "case when count(*) = count(decommissioned_on) then max(decommissioned_on) end"
    ((begins, last),) = assets.aggregate(f"min(greatest(commissioned_on, data_from)), {ends}").fetchall()
    loaded = dbt.source("raw", "load_log").filter("rows_loaded > 0 and day is not null")
    calendar = data_calendar({day for (day,) in loaded.select("day").fetchall()}, begins, last)
    readings = [dbt.source("raw", "weather"), dbt.source("raw", "generation")]
    minutes = dict(assets.select("asset_id, interval_minutes").fetchall())
    return calendar.table(read_edges(calendar, readings, minutes))
