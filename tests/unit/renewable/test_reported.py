"""What people report: one strict reader, clocks that are stated, and the days that a row touches."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewable.errors import FleetError
from renewable.fleet import load_fleet, registry_files
from renewable.reported import Reported, Span, instant_of_stamp, reported_by_day, spans_of
from tests.conftest import SEEDS

pytestmark = pytest.mark.unit
EVENTS = ("asset_id", "site_id", "technology", "start", "end", "clock", "kind", "note")
BAD = ("asset_id", "channel", "from", "to", "clock", "note")
BERLIN, WIND = ZoneInfo("Europe/Berlin"), "nordermarsch-w-01"


def _file(place: Path, name: str, header: Iterable[str], *rows: Iterable[str]) -> None:
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([list(header), *map(list, rows)])
    (place / name).write_text(lines.getvalue())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("assets.csv", "power_curves.csv"):
        (tmp_path / name).write_bytes((SEEDS / name).read_bytes())
    return tmp_path


def _reported(place: Path, *events: Iterable[str]) -> Reported:
    _file(place, "events.csv", EVENTS, *events)
    return load_fleet(place).reported


def _faults(place: Path) -> list[str]:
    with pytest.raises(FleetError) as raised:
        load_fleet(place)
    return [line.removeprefix("  - ") for line in str(raised.value).splitlines() if line.startswith("  - ")]


def test_files_that_are_absent_or_have_a_header_alone_report_nothing(place: Path) -> None:
    absent = load_fleet(place)
    _file(place, "events.csv", EVENTS)
    _file(place, "bad_readings.csv", BAD)
    headers = load_fleet(place)
    for fleet in (absent, headers):
        assert fleet.reported.events.is_empty() and fleet.reported.bad_readings.is_empty()
        assert spans_of(fleet.reported) == ()
    assert registry_files(absent) == registry_files(headers)


def test_the_same_time_by_any_clock_is_the_same_event(place: Path) -> None:
    told = [
        ("2025-07-01 12:00", "2025-07-01 14:30", "local"),
        ("2025-07-01T10:00", "2025-07-01T12:30", "utc"),
        ("2025-07-01T10:00Z", "2025-07-01 12:30:00Z", ""),
        ("2025-07-01T12:00+02:00", "2025-07-01T05:30-0700", ""),
        ("2025-07-01T12:00+02:00", "2025-07-01 14:30", "local"),
    ]
    found = [
        _reported(place, (WIND, "", "", start, end, clock, "grid_outage", "")).events.rows()
        for start, end, clock in told
    ]
    start = datetime(2025, 7, 1, 10, tzinfo=UTC)
    expected = [(WIND, start, start + timedelta(hours=2.5), "grid_outage", None)]
    assert found == [expected] * len(told)


def test_a_day_of_a_clock_change_has_its_own_length(place: Path) -> None:
    for day, hours in (("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)):
        after = date.fromisoformat(day) + timedelta(days=1)
        row = (WIND, "", "", f"{day} 00:00", f"{after} 00:00", "local", "force_majeure", "")
        ((_, start, end, *_),) = _reported(place, row).events.rows()
        assert end - start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "clock", "said"),
    [
        ("2025-03-30 02:30", "local", "went forward over it"),
        ("2025-10-26 02:30", "local", "2025-10-26T02:30\\+02:00 or 2025-10-26T02:30\\+01:00"),
        ("2025-10-26T02:30+03:00", "local", "has another offset than the clock local"),
        ("2025-10-26T02:30+01:00", "utc", "has another offset than the clock utc"),
        ("2025-10-26 02:30", None, "column clock"),
        ("2025-10-26", "utc", "is no time"),
        ("26.10.2025 02:30", "utc", "is no time"),
        ("2025-10-26T25:00", "utc", "is no time"),
        ("2205-10-26T02:30", "utc", "outside of the years 1970 to 2200"),
        ("0205-10-26T02:30", "utc", "outside of the years 1970 to 2200"),
    ],
)
def test_a_stamp_that_means_no_instant_or_two_is_refused_with_the_next_step(
    text: str, clock: str | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        instant_of_stamp(text, clock, BERLIN)


def test_an_hour_that_came_twice_can_be_told_by_its_offset() -> None:
    for offset, hour in (("+02:00", 0), ("+01:00", 1)):
        at = instant_of_stamp(f"2025-10-26T02:30{offset}", "local", BERLIN)
        assert at == datetime(2025, 10, 26, hour, 30, tzinfo=UTC)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)))
def test_every_instant_is_read_from_its_own_local_clock_and_offset(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC, microsecond=0)
    for zone in (BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/St_Johns")):
        text = at.astimezone(zone).isoformat()
        assert instant_of_stamp(text, None, zone) == at == instant_of_stamp(text, "local", zone)


def test_a_row_of_a_site_is_the_same_row_for_each_of_its_assets(place: Path) -> None:
    time = ("2025-01-01 00:00", "2025-01-02 00:00", "local", "grid_outage", "line")
    fleet = load_fleet(place)
    for technology in ("", "wind"):
        of_site = _reported(place, ("", "prairie_ridge", technology, *time)).events
        named = [
            asset["asset_id"]
            for asset in fleet.assets.iter_rows(named=True)
            if asset["site_id"] == "prairie_ridge" and technology in ("", asset["technology"])
        ]
        assert len(named) > 1
        assert of_site.equals(_reported(place, *((name, "", "", *time) for name in named)).events)


def test_columns_may_be_left_out_and_others_may_be_there(place: Path) -> None:
    _file(
        place,
        "events.csv",
        ("ticket", "kind", "asset_id", "end", "start"),
        ("7", "snow", WIND, "2025-01-02T00:00Z", "2025-01-01T00:00Z"),
    )
    _file(place, "bad_readings.csv", BAD[:4], (WIND, "*", "2025-01-01T00:00Z", "2025-01-02T00:00Z"))
    reported = load_fleet(place).reported
    assert reported.events["kind"].to_list() == ["snow"]
    assert reported.bad_readings["channel"].to_list() == ["*"]


def test_one_error_lists_every_fault_of_all_files_with_file_row_and_column(place: Path) -> None:
    day = ("2025-01-01T00:00Z", "2025-01-02T00:00Z")
    _file(
        place,
        "events.csv",
        EVENTS,
        ("nobody", "", "", *day, "", "downtime", ""),
        ("", "nowhere", "", *day, "", "downtime", ""),
        (WIND, "nordermarsch", "", *day, "", "downtime", ""),
        ("", "", "", *day, "", "downtime", ""),
        ("", "nordermarsch", "solar", *day, "", "downtime", ""),
        (WIND, "", "", *day, "", "planned_maintenence", ""),
        (WIND, "", "", *day, "", "unmeasured", ""),
        (WIND, "", "", *day, "", "soiling", ""),
        (WIND, "", "", *day, "", "", ""),
        (WIND, "", "", *reversed(day), "", "downtime", ""),
        (WIND, "", "", day[0], day[0], "", "downtime", ""),
        (WIND, "", "", "", "", "", "downtime", ""),
        (WIND, "", "", "2025-01-01 00:00", day[1], "", "downtime", ""),
        (WIND, "", "", *day, "GMT", "downtime", ""),
        (WIND, "", "", *day, "", "icing", "the first"),
        (WIND, "", "", *day, "", "icing", "told twice"),
    )
    _file(
        place,
        "bad_readings.csv",
        BAD,
        ("nobody", "ghi_wm2", *day, "", ""),
        (WIND, "wind_speed", *day, "", ""),
        ("", "", *day, "", ""),
        (WIND, "ghi_wm2", *reversed(day), "", ""),
    )
    assets = (place / "assets.csv").read_text()
    found = _faults(place)
    for row, column, said in [
        (2, "asset_id", "'nobody' is not known"),
        (3, "site_id", "'nowhere' is not known"),
        (4, "asset_id, site_id", "names an asset and a site: fill one"),
        (5, "asset_id, site_id", "names neither"),
        (6, "technology", "nordermarsch has no 'solar'"),
        (7, "kind", "known are planned_maintenance"),
        (8, "kind", "'unmeasured' is not known"),
        (9, "kind", "'soiling' is not known"),
        (10, "kind", "is empty"),
        (11, "end", "does not lie after start"),
        (12, "end", "does not lie after start"),
        (13, "start", "is empty"),
        (13, "end", "is empty"),
        (14, "start", "does not say whose clock"),
        (15, "clock", "'GMT' is none of local, utc"),
        (17, "says the same as row 16", ""),
    ]:
        assert [f for f in found if f"events.csv, row {row}" in f and column in f and said in f], (row, said)
    for row, column, said in [
        (2, "asset_id", "'nobody' is not known"),
        (3, "channel", "known are wind_speed_ms"),
        (4, "asset_id", "is empty"),
        (4, "channel", "is empty"),
        (5, "to", "does not lie after from"),
    ]:
        assert [f for f in found if f"bad_readings.csv, row {row}, {column}" in f and said in f], (row, said)
    assert len(found) == 16 + 5
    # Names of a registry that is itself at fault are not held against these files.
    (place / "assets.csv").write_text(assets.replace(",wind,", ",wnd,", 1))
    both = _faults(place)
    assert any("assets.csv, row 2" in fault for fault in both)
    assert any("events.csv, row 10, kind" in fault for fault in both)
    assert not any("events.csv, row 2" in fault for fault in both)


def test_a_file_that_is_no_table_is_one_fault(place: Path) -> None:
    _file(place, "events.csv", ("asset_id", "begin", "end"), (WIND, "x", "y"))
    (place / "bad_readings.csv").write_bytes(b"\xff\xfe")
    first, second = _faults(place)
    assert "events.csv: missing column(s) start, kind" in first and "bad_readings.csv" in second


def test_dbt_reads_the_instants_that_python_read(place: Path) -> None:
    _file(
        place,
        "events.csv",
        EVENTS,
        (WIND, "", "", "2025-03-29 23:00:31.5", "2025-03-30 04:00", "local", "grid_outage", 'a "b", c'),
    )
    fleet = load_fleet(place)
    name = "reported_events.csv"
    (place / name).write_text(registry_files(fleet)[name])
    types = {c: "timestamptz" if c.endswith("_utc") else "varchar" for c in fleet.reported.events.columns}
    read = duckdb.sql(
        f"select * from read_csv('{place / name}', header = true, auto_detect = false, quote = '\"', escape = '\"',"
        f" nullstr = '', columns = {types})"
    )
    assert [(row[0], *(at.astimezone(UTC) for at in row[1:3]), *row[3:]) for row in read.fetchall()] == (
        fleet.reported.events.rows()
    )


def _span(start: str, end: str, what: str = "x", asset_id: str = "a") -> Span:
    return Span(asset_id, datetime.fromisoformat(start), datetime.fromisoformat(end), what)


def test_a_time_touches_the_utc_days_that_it_holds_a_moment_of() -> None:
    first, last = date(2025, 1, 1), date(2025, 1, 9)
    found = reported_by_day([_span("2025-01-02T23:59:59Z", "2025-01-05T00:00Z")], first, last)
    assert sorted(found) == [date(2025, 1, 2), date(2025, 1, 3), date(2025, 1, 4)]
    assert found[date(2025, 1, 3)] == found[date(2025, 1, 4)], "the whole of either day"
    assert found[date(2025, 1, 2)] != found[date(2025, 1, 3)]
    assert reported_by_day([_span("2024-01-01T00:00Z", "2026-01-01T00:00Z")], first, last).keys() == {
        first + timedelta(days=number) for number in range(9)
    }


def test_what_is_said_of_other_days_and_assets_leaves_a_day_as_it_is() -> None:
    def of(*spans: Span) -> dict[date, dict[str, str]]:
        return reported_by_day(spans, date(2025, 1, 1), date(2025, 1, 9))

    short, long = (
        _span("2025-01-02T12:00Z", "2025-01-04T00:00Z"),
        _span("2025-01-02T12:00Z", "2025-01-05T06:00Z"),
    )
    other, second = _span("2025-01-03T00:00Z", "2025-01-03T01:00Z", asset_id="b"), date(2025, 1, 2)
    third, fourth = date(2025, 1, 3), date(2025, 1, 4)
    assert of(short)[second] == of(long)[second] and of(short)[third] == of(long)[third]
    assert fourth not in of(short) and fourth in of(long)
    assert of(short, other)[third]["a"] == of(short)[third]["a"] and "b" in of(other, short)[third]
    assert of(short, long) == of(long, short)
    for changed in (
        _span("2025-01-02T12:00Z", "2025-01-04T00:00Z", "y"),
        _span("2025-01-02T11:00Z", "2025-01-04T00:00Z"),
    ):
        assert of(changed)[second] != of(short)[second]
