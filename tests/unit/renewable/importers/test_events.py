"""Laws of event logs: each interval has the state that held longest in it, and nothing is told where nobody knows."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from renewable.errors import MappingError
from renewable.importers.around import rows_around
from renewable.importers.convert import ImportSummary, import_files
from renewable.importers.event_log import add_events, proposed_events
from renewable.importers.event_states import with_event_states
from renewable.importers.mapping import load_mapping
from renewable.importers.notes import Notes
from renewable.reported import read_reported
from renewable.windows import Window

pytestmark = pytest.mark.unit
START = datetime(2024, 6, 1, tzinfo=UTC)
PRIORITY = ("maintenance", "fault", "running")
CLOCK = {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": "Europe/Berlin"}
HOURS = [f"{START + timedelta(hours=2, minutes=30 * n):%Y-%m-%d %H:%M};1" for n in range(96)]


def log_mapping(place: Path, events: dict[str, Any], **changes: Any) -> Path:
    log = {
        "source": {"files": "log.csv", "delimiter": ";"},
        "timestamp": CLOCK | {"column": "from"},
        "asset": {"constant": "T1"},
        "events": {"end": "to", "code": "code", "states": {"F": "fault", "/^M/": "maintenance", "I": None}}
        | events,
    }
    content = {
        "source": {"files": "x.csv", "delimiter": ";"},
        "timestamp": CLOCK | {"interval_minutes": 30},
        "asset": {"constant": "T1"},
        "generation": {"active_power_kw": {"column": "P", "unit": "kW"}},
        "also": [log | changes],
    }
    (place / "mapping.yaml").write_text(yaml.safe_dump(content))
    return place / "mapping.yaml"


def states(place: Path, mapping: Path, log: list[str]) -> tuple[dict[datetime, str], ImportSummary]:
    (place / "x.csv").write_text("\n".join(["t;P", *HOURS]) + "\n")
    (place / "log.csv").write_text("\n".join(["from;to;code", *log]) + "\n")
    summary = import_files(mapping, place / "raw", None, {"T1": 30})
    found = pl.concat(pl.read_parquet(p) for p in sorted(place.glob("raw/generation/*.parquet")))
    assert found.height == 96
    return dict(found.select("timestamp", "operating_state").drop_nulls().iter_rows()), summary


def at(*hours: float) -> list[datetime]:
    return [START + timedelta(hours=hour) for hour in hours]


def test_an_event_fills_the_intervals_that_it_takes_for_the_most_part_over_midnight(tmp_path: Path) -> None:
    mapping = log_mapping(tmp_path, {})
    # 01:40 to 03:20 local of the second day: 23:40 to 01:20 UTC.
    found, _ = states(tmp_path, mapping, ["2024-06-02 01:40;2024-06-02 03:20;F"])
    assert found == dict.fromkeys(at(23.5, 24, 24.5, 25), "fault")


def test_overlapping_events_count_by_priority_and_silent_or_unknown_codes_are_counted(tmp_path: Path) -> None:
    log = [
        "2024-06-01 04:00;2024-06-01 07:00;F",
        "2024-06-01 05:00;2024-06-01 06:00;M 12",
        "2024-06-01 05:00;2024-06-01 06:00;I",
        "2024-06-01 05:00;2024-06-01 06:00;?",
        "2024-06-01 05:00;2024-06-01 05:00;F",
    ]
    found, summary = states(tmp_path, log_mapping(tmp_path, {}), log)
    expected = dict.fromkeys(at(2, 2.5, 4, 4.5), "fault") | dict.fromkeys(at(3, 3.5), "maintenance")
    assert found == expected
    assert sorted(summary.notes.values()) == [1, 1, 1]
    turned, _ = states(tmp_path, log_mapping(tmp_path, {"priority": ["fault", "maintenance"]}), log)
    assert turned == dict.fromkeys(expected, "fault")


@pytest.mark.parametrize(
    ("rule", "hours", "note"),
    [("set_aside", [], 1), ("lasts", [n / 2 for n in range(6, 96)], 0), ("until_next", [3, 3.5], 0)],
)
def test_an_event_without_an_end_goes_as_far_as_the_mapping_says(
    tmp_path: Path, rule: str, hours: list[float], note: int
) -> None:
    log = ["2024-06-01 05:00;;F", "2024-06-01 06:00;2024-06-01 07:00;M1"]
    found, summary = states(tmp_path, log_mapping(tmp_path, {"without_end": rule}), log)
    assert [t for t, state in found.items() if state == "fault"] == [
        t for t in at(*hours) if t not in at(4, 4.5)
    ]
    assert sum(summary.notes.values()) == note


@pytest.mark.parametrize(
    ("events", "changes", "said"),
    [
        ({"states": {"F": "broken"}}, {}, "broken: no such state"),
        ({"states": {"/(/": "fault"}}, {}, "no pattern"),
        ({"priority": ["fault"]}, {}, "name each state"),
        ({"end": None}, {}, "end is missing"),
        ({"kinds": {"F": "party"}}, {}, "party: no such kind"),
        ({}, {"timestamp": CLOCK | {"column": "from", "interval_minutes": 10}}, "begins when its stamp says"),
        ({}, {"generation": {"operating_state": {"column": "code"}}}, "a source of its own"),
    ],
)
def test_a_fault_of_an_event_source_is_named_with_its_line(
    tmp_path: Path, events: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(MappingError, match=said) as raised:
        load_mapping(log_mapping(tmp_path, events, **changes))
    assert "line " in str(raised.value)


def test_an_event_source_alone_is_told_where_it_belongs(tmp_path: Path) -> None:
    content = yaml.safe_load(log_mapping(tmp_path, {}).read_text())["also"][0]
    (tmp_path / "alone.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(MappingError, match=r"line .*under also"):
        load_mapping(tmp_path / "alone.yaml")


events_of = st.lists(
    st.tuples(st.integers(0, 300), st.none() | st.integers(1, 200), st.sampled_from(PRIORITY)), max_size=8
)


def logged(events: list[tuple[int, int | None, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "asset_id": ["T1"] * len(events),
            "timestamp": [START + timedelta(minutes=start) for start, _, _ in events],
            "name": [f"event {number}" for number in range(len(events))],
            "end_utc": [None if n is None else START + timedelta(minutes=s + n) for s, n, _ in events],
            "operating_state": [state for _, _, state in events],
        },
        schema={
            "asset_id": pl.String,
            "timestamp": pl.Datetime("us", "UTC"),
            "name": pl.String,
            "end_utc": pl.Datetime("us", "UTC"),
            "operating_state": pl.String,
        },
    )


@settings(max_examples=40, deadline=None)
@given(events=events_of, phase=st.sampled_from([0, 10]))
def test_states_are_those_of_a_count_minute_by_minute(
    events: list[tuple[int, int | None, str]], phase: int
) -> None:
    starts = [START + timedelta(minutes=phase + 20 * step) for step in range(20)]
    rows = pl.DataFrame(
        {"asset_id": "T1", "timestamp": starts}, schema_overrides={"timestamp": pl.Datetime("us", "UTC")}
    )
    found = with_event_states(rows, logged(events), PRIORITY, {"T1": 1200}, {"T1": phase})
    expected: list[str | None] = []
    for start in range(phase, phase + 400, 20):
        counts: dict[str, int] = {}
        for minute in range(start, start + 20):
            now = [PRIORITY.index(s) for f, n, s in events if f <= minute and (n is None or minute < f + n)]
            if now:
                state = PRIORITY[min(now)]
                counts[state] = counts.get(state, 0) + 1
        longest = max(counts, key=lambda s: (counts[s], -PRIORITY.index(s))) if counts else None
        expected.append(longest if 2 * sum(counts.values()) >= 20 else None)
    assert found["operating_state"].to_list() == expected


@settings(max_examples=20, deadline=None)
@given(events=events_of)
def test_events_that_do_not_touch_a_window_change_nothing_in_it(
    events: list[tuple[int, int | None, str]],
) -> None:
    rows = pl.DataFrame(
        {"asset_id": "T1", "timestamp": [START + timedelta(minutes=20 * step) for step in range(72)]}
    )
    log = logged([(10 * start, length and 10 * length, state) for start, length, state in events])
    window = Window.of_day(date(2024, 6, 2))
    inside = rows.filter(pl.col("timestamp") >= window.start_utc)
    whole = with_event_states(rows, log, PRIORITY, {"T1": 1200}, {})
    alone = with_event_states(inside, rows_around("events", log, window), PRIORITY, {"T1": 1200}, {})
    assert whole.filter(pl.col("timestamp") >= window.start_utc).equals(alone)


def test_an_event_told_open_and_later_with_its_end_ends() -> None:
    open_and_ended = logged([(0, None, "fault"), (0, 20, "fault")]).with_columns(name=pl.lit("same"))
    rows = pl.DataFrame({"asset_id": "T1", "timestamp": [START, START + timedelta(minutes=20)]})
    found = with_event_states(rows, open_and_ended, PRIORITY, {"T1": 1200}, {})
    assert found["operating_state"].to_list() == ["fault", None]


def test_categories_of_iec_61400_26_are_known_by_name(tmp_path: Path) -> None:
    path = log_mapping(tmp_path, {})
    content = yaml.safe_load(path.read_text())
    del content["also"][0]["events"]["states"]
    path.write_text(yaml.safe_dump(content))
    log = [
        "2024-06-01 05:00;2024-06-01 06:00;Forced outage",
        "2024-06-01 07:00;2024-06-01 08:00;Scheduled Maintenance",
    ]
    found, _ = states(tmp_path, path, log)
    assert found == dict.fromkeys(at(3, 3.5), "fault") | dict.fromkeys(at(5, 5.5), "maintenance")


def test_rows_of_events_csv_are_proposed_once_and_written_behind_those_that_are_there(tmp_path: Path) -> None:
    mapping = log_mapping(tmp_path, {"kinds": {"G": "grid_outage"}, "note": "text"}, asset={"column": "who"})
    log = [
        "from;to;code;text;who",
        "2024-06-01 05:00;2024-06-01 06:00;F;pitch, left;T1",
        "2024-06-01 07:00;2024-06-01 08:00;G;;T1",
        "2024-06-01 09:00;;F;;T1",
        "2024-06-01 09:00;2024-06-01 10:00;I;;T1",
        "2024-06-01 09:00;2024-06-01 10:00;M1;;T9",
    ]
    (tmp_path / "log.csv").write_text("\n".join(log) + "\n")
    assets = pl.DataFrame(
        {"asset_id": "T1", "site_id": "S", "technology": "wind", "timezone": "Europe/Berlin"}
    )
    written = "start,end,kind,asset_id,note,mine\n2024-05-01T00:00Z,2024-05-02T00:00Z,icing,T1,seen,x"
    (tmp_path / "events.csv").write_text(written)
    notes = Notes()
    found = proposed_events(tmp_path / "log.csv", mapping, assets, tmp_path, notes)
    assert found.rows() == [
        ("T1", *at(3, 4), "downtime", "F: pitch, left"),
        ("T1", *at(5, 6), "grid_outage", "G"),
    ]
    assert sorted(count for count in notes.counts.values() if count) == [1, 1, 1]
    add_events(found, tmp_path)
    assert (tmp_path / "events.csv").read_text().startswith(written + "\n")
    faults: list[str] = []
    assert read_reported(tmp_path, assets, faults).events.height == 3
    assert not faults
    assert proposed_events(tmp_path / "log.csv", mapping, assets, tmp_path, Notes()).is_empty()


def test_a_mapping_without_an_event_source_says_what_to_add(tmp_path: Path) -> None:
    path = log_mapping(tmp_path, {})
    content = yaml.safe_load(path.read_text())
    del content["also"]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(MappingError, match="add one under also"):
        proposed_events(tmp_path / "log.csv", path, pl.DataFrame(), tmp_path, Notes())
