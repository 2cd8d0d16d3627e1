"""Blocks of true and found events, on a dozen intervals each."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from renewable.scorecard.judge import Frames, blocks, covered, dirt, exposure
from renewable.scorecard.lines import CONTRADICTED, Line, lines

pytestmark = pytest.mark.unit
START = datetime(2025, 1, 1, tzinfo=UTC)
LINES = {line.kind: line for line in lines()}
NO_SPANS = {
    "asset_id": pl.String(),
    "kind": pl.String(),
    "channel": pl.String(),
    "start_utc": pl.Datetime("us", "UTC"),
    "end_utc": pl.Datetime("us", "UTC"),
    "value": pl.Float64(),
}
Span = tuple[str, str | None, float, float, float | None]


def _at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def _spans(rows: Sequence[Span]) -> pl.DataFrame:
    told = [("a", kind, channel, _at(start), _at(end), value) for kind, channel, start, end, value in rows]
    return pl.DataFrame(told, schema=NO_SPANS, orient="row")


def _frames(
    true: str = "",
    found: str = "",
    *,
    unmeasured: Sequence[int] = (),
    spans: Sequence[Span] = (),
    published: Sequence[Span] = (),
    flags: str = "",
    dark: Sequence[int] = (),
    days: Sequence[tuple[date, float | None, float | None]] = (),
    true_days: Sequence[tuple[date, str, float, float]] = (),
) -> Frames:
    """Hours of one turbine: d is downtime in `true` and `found`, c contradicted and f frozen in `flags`."""
    hours = max(len(true), len(found), len(flags))
    names = {"d": "downtime", "c": "contradicted", "f": "frozen"}

    def told(letters: str, nothing: str | None) -> list[str | None]:
        return [names.get(letter, nothing) for letter in letters.ljust(hours)]

    is_unmeasured = [hour in unmeasured for hour in range(hours)]
    intervals = pl.DataFrame(
        {
            "asset_id": ["a"] * hours,
            "technology": ["wind"] * hours,
            "start_utc": [_at(hour) for hour in range(hours)],
            "hours": [1.0] * hours,
            "date_local": [_at(hour).date() for hour in range(hours)],
            "potential_kwh": [0.0 if hour in dark else 10.0 for hour in range(hours)],
            "lost_kwh": [10.0 if letter == "d" else 0.0 for letter in true.ljust(hours)],
            "true_kind": told(true, "none"),
            "found_kind": told(found, "none"),
            "is_unmeasured": is_unmeasured,
            **{
                f"{line.kind}_kwh": [
                    9.0 if names.get(letter) == line.kind else 0.0 for letter in found.ljust(hours)
                ]
                for line in LINES.values()
                if line.has_energy and line.grain == "interval"
            },
            "wind_speed_ms_arrived": [not missing for missing in is_unmeasured],
            "wind_speed_ms_flag": pl.Series(told(flags, None), dtype=pl.String),
        },
        schema_overrides={"start_utc": pl.Datetime("us", "UTC")},
    )
    told_days = pl.DataFrame(
        [("a", "wind", day, ratio, lost, 0.0) for day, ratio, lost in days],
        schema={
            "asset_id": pl.String,
            "technology": pl.String,
            "date_local": pl.Date,
            "soiling_ratio": pl.Float64,
            "soiling_kwh": pl.Float64,
            "underperformance_kwh": pl.Float64,
        },
        orient="row",
    )
    keyed_days = pl.DataFrame(
        [("a", *row) for row in true_days],
        schema={
            "asset_id": pl.String,
            "date_local": pl.Date,
            "kind": pl.String,
            "loss_ratio": pl.Float64,
            "lost_kwh": pl.Float64,
        },
        orient="row",
    )
    return Frames(intervals, _spans(spans), _spans(published).drop("channel", "value"), told_days, keyed_days)


def _sums(frames: Frames, line: Line, *names: str) -> tuple[float, ...]:
    made = blocks(frames, [line])
    return tuple(made[name].sum() for name in names)


def test_spans_that_overlap_or_touch_are_one_and_an_end_is_outside() -> None:
    rows = pl.DataFrame({"asset_id": ["a"] * 6, "start_utc": [_at(hour) for hour in range(6)]}).cast(
        {"start_utc": pl.Datetime("us", "UTC")}
    )
    found = covered(rows, _spans([("x", None, 1, 2, None), ("x", None, 2, 3, None), ("x", None, 4, 5, None)]))
    assert found.is_not_null().to_list() == [False, True, True, False, True, False]
    assert found[1] == found[2] != found[4]
    assert (
        covered(rows.with_columns(pl.lit("b").alias("asset_id")), _spans([("x", None, 0, 9, None)]))
        .is_null()
        .all()
    )


def test_intervals_spans_and_events_of_a_loss_are_counted_each_in_its_own_way() -> None:
    # True 2 to 5; found 3 to 6; published 3 to 8, as a span bridges what is no downtime; another span is false.
    frames = _frames(
        "  ddd       ",
        "   ddd    d ",
        published=[("downtime", None, 3, 8, None), ("downtime", None, 10, 11, None)],
    )
    line = LINES["downtime"]
    assert _sums(frames, line, "true_h", "found_h", "true_found_h", "found_true_h") == (3, 4, 2, 2)
    assert _sums(frames, line, "span_h", "span_true_h", "true_span_h") == (6, 2, 2)
    assert _sums(frames, line, "true_events", "true_events_found") == (1, 1)
    assert _sums(frames, line, "found_events", "found_events_true") == (2, 1)
    assert _sums(frames, line, "true_kwh", "found_kwh") == (30, 36)
    assert blocks(frames, [line]).height == 2


def test_nobody_can_see_an_event_in_intervals_without_a_reading() -> None:
    frames = _frames("dddd", "", unmeasured=[0, 1, 2, 3])
    assert blocks(frames, [LINES["downtime"]]).is_empty()
    gap = LINES["communication_gap"]
    keyed = _frames(
        "    ",
        unmeasured=[1, 2],
        spans=[("link_loss", "active_power_kw", 1, 3, None)],
        published=[("unmeasured", None, 1, 3, None)],
    )
    assert _sums(keyed, gap, "true_h", "found_h", "true_found_h", "span_true_h", "true_events_found") == (
        2,
    ) * 4 + (1,)


def test_an_iced_cup_that_is_flagged_as_frozen_was_noticed_and_beside_another_fault_nothing_is_false() -> (
    None
):
    spans: list[Span] = [
        ("iced_anemometer", "wind_speed_ms", 0, 4, -0.6),
        ("sensor_drift", "wind_speed_ms", 6, 8, 0.1),
        ("iced_anemometer", "air_temperature_c", 10, 12, 0.9),
    ]
    frames = _frames(flags="cf    c   c ", spans=spans)
    line = LINES[CONTRADICTED]
    assert _sums(frames, line, "true_h", "true_found_h") == (4, 2)
    assert _sums(frames, line, "found_h", "found_true_h") == (3, 2)
    assert _sums(frames, line, "found_events", "found_events_true", "true_events") == (3, 2, 1)


def test_a_dead_sensor_is_a_frozen_one_and_a_lost_link_a_gap() -> None:
    dead = _frames(flags="ff  ", spans=[("dead_sensor", "wind_speed_ms", 0, 3, 0.0)])
    assert _sums(dead, LINES["frozen_sensor"], "true_h", "true_found_h", "found_true_h") == (3, 2, 2)
    lost = _frames(found="    ", unmeasured=[1, 2], spans=[("link_loss", None, 1, 3, None)])
    assert _sums(lost, LINES["communication_gap"], "true_h", "true_found_h", "found_true_h") == (2, 2, 2)


def test_readings_that_are_hardly_wrong_or_of_no_use_need_not_be_contradicted_but_may() -> None:
    slight = _frames(flags="c   ", spans=[("iced_anemometer", "wind_speed_ms", 0, 4, 0.19)])
    line = LINES[CONTRADICTED]
    assert _sums(slight, line, "true_h", "found_h", "found_true_h") == (0, 1, 1)
    calm = _frames(flags="    ", spans=[("iced_anemometer", "wind_speed_ms", 0, 4, 0.2)], dark=[0, 1])
    assert _sums(calm, line, "true_h", "true_found_h") == (2, 0)


def test_each_fault_of_the_key_has_a_line_also_where_nothing_looks_for_it() -> None:
    assert {"level_shift", "scale_change", "sensor_drift", "clock_shift", "clipping", "high_wind"} <= set(
        LINES
    )
    shifted = _frames(flags="    ", spans=[("clock_shift", None, 0, 3, 60.0)])
    assert _sums(shifted, LINES["clock_shift"], "true_h", "true_found_h", "true_events") == (3, 0, 1)
    assert not LINES["iced_anemometer"].is_judged and LINES["level_shift"].is_judged


def test_a_fault_that_lasts_over_a_night_in_which_nobody_needs_the_reading_is_one_event() -> None:
    night = range(8, 22)
    frames = _frames(flags=" " * 30, spans=[("iced_anemometer", "wind_speed_ms", 0, 30, -0.6)], dark=night)
    assert _sums(frames, LINES["iced_anemometer"], "true_h", "true_events") == (16, 1)
    assert _sums(frames, LINES[CONTRADICTED], "true_h", "true_events") == (16, 2)


def test_days_of_dirt_are_judged_by_published_days_and_counted_where_no_ratio_is_known() -> None:
    first, second, third = (date(2025, 1, day) for day in (1, 2, 3))
    frames = _frames(
        " " * 72,
        published=[("soiling", None, 24, 48, None)],
        days=[(first, None, None), (second, 0.95, 50.0), (third, 1.0, 0.0)],
        true_days=[
            (first, "soiling", 0.05, 40.0),
            (second, "soiling", 0.04, 45.0),
            (third, "soiling", 0.005, 4.0),
        ],
    )
    line = LINES["soiling"]
    assert _sums(frames, line, "true_h", "found_h", "true_found_h") == (48, 24, 24)
    # Where the marts tell no loss its energy is not compared.
    assert _sums(frames, line, "true_kwh", "found_kwh") == (49, 50)
    told = dirt(frames).row(0, named=True)
    assert (told["dirty_days"], told["unknown_days"], told["known_days"]) == (2, 1, 2)
    assert told["error_sum"] == pytest.approx(0.01 + 0.005)
    assert exposure(frames).rows() == [("wind", 3.0)]
