"""Local days against Python's zoneinfo, for every time zone and every change of a clock since 2000."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import polars as pl
import pytest

from renewable.time_zones import utc_offsets
from tests.dbt_macros import rendered

pytestmark = pytest.mark.integration
MINUTES = 15
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def offsets() -> pl.DataFrame:
    return utc_offsets(available_timezones())


@pytest.fixture(scope="module")
def changes(offsets: pl.DataFrame) -> pl.DataFrame:
    """Each change of a clock since 2000, in one of the zones that share it."""
    before = pl.col("utc_offset_minutes").shift(1).over("timezone").alias("before")
    since_2000 = (pl.col("since_utc") > datetime(2000, 1, 1, tzinfo=UTC)) & (
        pl.col("since_utc") < datetime(2030, 1, 1, tzinfo=UTC)
    )
    return (
        offsets.with_columns(before)
        .filter(since_2000)
        .unique(["since_utc", "before", "utc_offset_minutes"], keep="first", maintain_order=True)
    )


def lengths(days: pl.DataFrame, offsets: pl.DataFrame) -> pl.DataFrame:
    """What mart_asset_daily works out: days (timezone, date_local) with start_utc and the number of intervals."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.register("days", days)
    connection.register("utc_offsets", offsets)
    counted = rendered("interval_starts", "start_utc", "end_utc", MINUTES)
    found: pl.DataFrame = connection.sql(
        f"""select timezone, date_local, min(start_utc) as start_utc, max(end_utc) as end_utc,
            cast(sum({counted}) as bigint) as intervals
        from ({rendered("stretches_of_local_days", "days")}) group by all order by all"""
    ).pl()
    return found


def test_every_local_day_is_as_long_as_zoneinfo_says(offsets: pl.DataFrame, changes: pl.DataFrame) -> None:
    """Counted by going through the quarter hours around each change; days without any come out of neither."""
    expected: dict[tuple[str, date], list[datetime]] = {}
    for name, change in changes.select("timezone", "since_utc").iter_rows():
        zone = ZoneInfo(name)
        first = datetime.combine(change.date() - 2 * DAY, datetime.min.time(), UTC)
        local = [
            (at.astimezone(zone).date(), at)
            for at in (first + timedelta(minutes=MINUTES * i) for i in range(5 * 24 * 60 // MINUTES))
        ]
        for day, at in local:
            # The first and the last day are cut off.
            if local[0][0] < day < local[-1][0]:
                expected.setdefault((name, day), []).append(at)
    days = pl.DataFrame(list(expected), {"timezone": pl.String(), "date_local": pl.Date()}, orient="row")
    skipped = pl.DataFrame({"timezone": ["Pacific/Apia"], "date_local": [date(2011, 12, 30)]})
    found = lengths(pl.concat([days, skipped]), offsets)
    assert len(changes) > 1000
    assert {(zone, day): count for zone, day, _, _, count in found.iter_rows()} == {
        key: len(instants) for key, instants in expected.items()
    }
    for zone, day, start, end, _ in found.iter_rows():
        instants = expected[zone, day]
        quarter = timedelta(minutes=MINUTES)
        assert instants[0] - quarter < start <= instants[0] and instants[-1] < end <= instants[-1] + quarter


def test_every_instant_has_the_local_date_that_zoneinfo_says(
    offsets: pl.DataFrame, changes: pl.DataFrame
) -> None:
    minute = timedelta(minutes=1)
    instants = [
        (name, change + shift, (change + shift).astimezone(ZoneInfo(name)).date())
        for name, change in changes.select("timezone", "since_utc").iter_rows()
        for shift in (-DAY, -minute, timedelta(), minute, DAY)
    ]
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.register("utc_offsets", offsets)
    connection.register(
        "instants",
        pl.DataFrame(
            instants,
            {"timezone": pl.String(), "instant": pl.Datetime("us", "UTC"), "expected": pl.Date()},
            orient="row",
        ),
    )
    wrong = connection.sql(
        f"""select * from instants left join utc_offsets
        on instants.timezone = utc_offsets.timezone and {rendered("in_offset_period", "instant")}
        where expected is distinct from {rendered("local_date", "instant", "utc_offset_minutes")}"""
    )
    assert wrong.fetchall() == []


def test_no_change_of_a_clock_is_missed(offsets: pl.DataFrame) -> None:
    """No zone changed twice within the days between two looks."""
    first, looks = datetime(2000, 1, 1, tzinfo=UTC), 30 * 365 // 6
    instants = [first + timedelta(days=6) * i for i in range(looks)]
    for (name,), periods in offsets.group_by("timezone"):
        zone, minute = ZoneInfo(str(name)), timedelta(minutes=1)
        seen = pl.Series([(at.astimezone(zone).utcoffset() or timedelta()) // minute for at in instants])
        place = (
            periods["since_utc"].search_sorted(pl.Series(instants, dtype=periods["since_utc"].dtype), "right")
            - 1
        )
        assert periods["utc_offset_minutes"].gather(place).equals(seen), name


def test_the_periods_of_a_zone_leave_no_gap_and_change_where_zoneinfo_does(offsets: pl.DataFrame) -> None:
    follows = pl.col("until_utc").shift(1).over("timezone") == pl.col("since_utc")
    assert offsets.filter(~follows).is_empty()
    for zone, since, offset in (
        offsets.filter(pl.col("since_utc").dt.year() >= 2000)
        .select("timezone", "since_utc", "utc_offset_minutes")
        .iter_rows()
    ):
        now, before = (
            at.astimezone(ZoneInfo(zone)).utcoffset() for at in (since, since - timedelta(seconds=1))
        )
        assert now == timedelta(minutes=offset) != before
