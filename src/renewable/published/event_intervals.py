"""The intervals around each event, thinned, for people who look at an event; published beside the marts."""

import polars as pl

EVENT_INTERVALS = "event_intervals"
EVENT_INTERVALS_SCHEMA = pl.Schema(
    [
        ("asset_id", pl.String),
        ("event_id", pl.String),
        ("timestamp_utc", pl.Datetime("us", "UTC")),
        ("active_power_kw", pl.Float64),
        ("expected_power_kw", pl.Float64),
        ("shown_from_utc", pl.Datetime("us", "UTC")),
        ("shown_to_utc", pl.Datetime("us", "UTC")),
    ]
)
PARTS = 48
THINNING = (
    f"Each event is shown with a quarter of its length before and after, between 2 and 24 hours. Its time is cut into "
    f"{PARTS} parts of equal length; of each part the first and the last interval and those of lowest and highest "
    "measured and expected power are kept, so that no peak is lost. Power is rounded to 1 W."
)
