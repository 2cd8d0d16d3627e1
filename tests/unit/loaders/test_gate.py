"""Laws of the gate: every row is accounted for, and each fault costs exactly what it broke."""

import os
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from loaders.gate import FileInMotionError, Verdict, inspect_file, judge_day, read_rows, refused_by_name
from loaders.pending import Fingerprint, find_pending, fingerprint, ledger_name
from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from renewable.contract import polars_schema
from renewable.fleet import Fleet

pytestmark = pytest.mark.unit
DAY = date(2025, 1, 1)
SCHEMA = polars_schema("generation")
NAME = "generation/generation_2025-01-01.parquet"


@pytest.fixture(scope="module")
def good(fleet: Fleet) -> pl.DataFrame:
    return generation_day(fleet, DAY, 1)


def _judge(fleet: Fleet, *frames: pl.DataFrame) -> Verdict:
    return judge_day("generation", DAY, {f"part{i}": frame for i, frame in enumerate(frames)}, fleet)


def _with(frame: pl.DataFrame, row: int, **values: object) -> pl.DataFrame:
    at_row = pl.int_range(pl.len()) == row
    return frame.with_columns(
        pl.when(at_row).then(pl.lit(value, dtype=SCHEMA[name])).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def test_a_good_day_passes_whole(fleet: Fleet, good: pl.DataFrame) -> None:
    verdict = _judge(fleet, good)
    assert verdict.accepted.equals(good.sort("asset_id", "timestamp"))
    assert verdict.rejected.is_empty() and verdict.set_aside.is_empty()


def test_an_empty_file_is_accepted_as_nothing(fleet: Fleet, good: pl.DataFrame) -> None:
    verdict = _judge(fleet, good.clear())
    assert verdict.accepted.is_empty() and verdict.accepted.schema == SCHEMA


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("null_key", {"asset_id": None}),
        ("null_key", {"timestamp": None}),
        ("unknown_asset", {"asset_id": "nobody"}),
        ("outside_day", {"timestamp": datetime(2025, 1, 2, tzinfo=UTC)}),
        ("outside_day", {"timestamp": datetime(2024, 12, 31, 23, 55, tzinfo=UTC)}),
        ("off_grid", {"timestamp": datetime(2025, 1, 1, 12, 1, tzinfo=UTC)}),
    ],
)
def test_a_bad_row_goes_to_quarantine_alone(
    fleet: Fleet, good: pl.DataFrame, rule: str, values: dict[str, object]
) -> None:
    verdict = _judge(fleet, _with(good, 40, **values))
    assert verdict.rejected.select("file", "row_number", "rule").rows() == [("part0", 41, rule)]
    assert verdict.accepted.height == good.height - 1


@pytest.mark.parametrize(
    ("channel", "value", "rule"),
    [
        ("active_power_kw", 1e6, "above_range"),
        ("active_power_kw", -1e6, "below_range"),
        ("active_power_kw", float("nan"), "not_a_number"),
        ("active_power_kw", float("inf"), "infinite"),
        ("active_power_kw", float("-inf"), "infinite"),
        ("curtailment_limit_kw", 1e6, "above_range"),
        ("operating_state", "dreaming", "unknown_state"),
    ],
)
def test_a_bad_value_is_set_aside_and_its_row_stays(
    fleet: Fleet, good: pl.DataFrame, channel: str, value: object, rule: str
) -> None:
    verdict = _judge(fleet, _with(good, 7, **{channel: value}))
    (found,) = verdict.set_aside.iter_rows(named=True)
    assert (found["channel"], found["rule"], found["row_number"]) == (channel, rule, 8)
    assert found["asset_id"] == good["asset_id"][7] and found["timestamp"] == good["timestamp"][7]
    assert verdict.accepted.height == good.height and verdict.rejected.is_empty()
    assert verdict.accepted[channel].null_count() == good[channel].null_count() + 1 - (
        channel == "curtailment_limit_kw"
    )


def test_a_broken_thermometer_does_not_cost_the_wind(fleet: Fleet) -> None:
    weather = weather_day(fleet, DAY, 1)
    broken = weather.with_columns(pl.lit(-273.2).alias("air_temperature_c"))
    verdict = judge_day("weather", DAY, {"w": broken}, fleet)
    assert verdict.accepted["wind_speed_ms"].equals(weather.sort("asset_id", "timestamp")["wind_speed_ms"])
    assert verdict.accepted["air_temperature_c"].null_count() == weather.height
    assert set(verdict.set_aside["original_value"]) == {"-273.2"}


def test_equal_duplicates_collapse_and_conflicting_ones_all_go(fleet: Fleet, good: pl.DataFrame) -> None:
    conflicting = good[5:6].with_columns(pl.col("active_power_kw") + 1)
    verdict = _judge(fleet, pl.concat([good, good[:3], conflicting]))
    assert verdict.rejected["rule"].to_list() == ["conflicting_key"] * 2
    assert verdict.accepted.height == good.height - 1
    counts = verdict.counts["part0"]
    assert (counts.rows_in, counts.rows_collapsed, counts.rows_quarantined) == (good.height + 4, 3, 2)


def test_parts_are_joined_and_a_conflict_costs_the_channel_alone(fleet: Fleet, good: pl.DataFrame) -> None:
    other = good[5:6].with_columns(pl.col("active_power_kw") + 1)
    forward, backward = _judge(fleet, good, other), _judge(fleet, other, good)
    assert forward.accepted.equals(backward.accepted)
    assert forward.rejected.is_empty() and backward.rejected.is_empty()
    key = good.row(5, named=True)
    found = forward.accepted.row(
        by_predicate=(pl.col("asset_id") == key["asset_id"]) & (pl.col("timestamp") == key["timestamp"]),
        named=True,
    )
    assert found == key | {"active_power_kw": None}
    assert forward.accepted["active_power_kw"].null_count() == good["active_power_kw"].null_count() + 1
    assert forward.set_aside["rule"].to_list() == ["conflicting_value"] * 2
    assert set(forward.set_aside["original_value"]) == {
        str(key["active_power_kw"]),
        str(key["active_power_kw"] + 1),
    }
    assert (forward.counts["part0"].rows_loaded, forward.counts["part1"].rows_collapsed) == (good.height, 1)


def test_parts_of_other_channels_complete_one_another(fleet: Fleet, good: pl.DataFrame) -> None:
    power = good.with_columns(pl.lit(None, pl.String).alias("operating_state"))
    states = good.with_columns(pl.lit(None, pl.Float64).alias("active_power_kw"))
    verdict = _judge(fleet, power, states)
    assert verdict.accepted.equals(_judge(fleet, good).accepted)
    assert verdict.set_aside.is_empty() and verdict.rejected.is_empty()
    assert verdict.counts["part1"].rows_collapsed == good.height


def test_an_impossible_value_of_one_part_conflicts_with_nothing(fleet: Fleet, good: pl.DataFrame) -> None:
    broken = good[5:6].with_columns(pl.lit(1e9).alias("active_power_kw"))
    verdict = _judge(fleet, good, broken)
    assert verdict.accepted.equals(_judge(fleet, good).accepted)
    assert verdict.set_aside["rule"].to_list() == ["above_range"]


def test_a_conflict_within_one_part_leaves_the_others_alone(fleet: Fleet, good: pl.DataFrame) -> None:
    torn = pl.concat([good[5:6], good[5:6].with_columns(pl.col("active_power_kw") + 1)])
    for parts in ((good, torn), (torn, good)):
        verdict = _judge(fleet, *parts)
        assert verdict.accepted.equals(_judge(fleet, good).accepted)
        assert verdict.rejected["rule"].to_list() == ["conflicting_key"] * 2


_NAMED = ("asset_id", "timestamp", "active_power_kw", "operating_state")


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["nordermarsch-w-01", "campo-claro-s-01", "nobody", None]),
            st.none()
            | st.integers(-2, 5).map(lambda i: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=i * 150)),
            st.none() | st.floats(allow_nan=True, allow_infinity=True),
            st.none() | st.sampled_from(["running", "asleep"]),
        ),
        max_size=12,
    ),
    cut=st.integers(0, 12),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_rows_in_are_loaded_collapsed_or_quarantined_for_any_input(
    fleet: Fleet, rows: list[tuple[object, ...]], cut: int
) -> None:
    named = pl.DataFrame(rows, schema={name: SCHEMA[name] for name in _NAMED}, orient="row")
    frame = named.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in SCHEMA.items() if name not in _NAMED
    ).select(SCHEMA.names())
    verdict = _judge(fleet, frame[:cut], frame[cut:])
    total = [sum(values) for values in zip(*(_counts(c) for c in verdict.counts.values()), strict=True)]
    assert total[0] == frame.height == sum(total[1:4])
    assert total[1] == verdict.accepted.height and total[3] == verdict.rejected.height
    assert not verdict.accepted.select("asset_id", "timestamp").is_duplicated().any()
    assert verdict.accepted.equals(_judge(fleet, frame[cut:], frame[:cut]).accepted)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop("operating_state"), "missing column(s) operating_state"),
        (lambda f: f.with_columns(pl.lit(1).alias("mood")), "unknown column(s) mood"),
        (lambda f: f.with_columns(pl.col("timestamp").dt.replace_time_zone(None)), "timestamp is Datetime"),
        (lambda f: f.with_columns(pl.col("timestamp").dt.date()), "timestamp is Date"),
        (lambda f: f.with_columns(pl.col("active_power_kw").cast(pl.String)), "active_power_kw is String"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_column_named(
    good: pl.DataFrame, tmp_path: Path, change: object, said: str
) -> None:
    path = tmp_path / "generation_2025-01-01.parquet"
    change(good).write_parquet(path)  # type: ignore[operator]
    assert said in str(_refusal(path))


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"timestamp,power\n1,2\n", b"PAR1" + bytes(2000) + b"PAR1"]
)
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "generation_2025-01-01.parquet"
    path.write_bytes(content)
    assert "cannot be read as Parquet" in str(_refusal(path))


def test_a_truncated_file_is_refused(good: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "generation_2025-01-01.parquet"
    good.write_parquet(path)
    path.write_bytes(path.read_bytes()[:-200])
    assert _refusal(path)


def test_too_many_rows_are_refused_by_the_footer(good: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "generation_2025-01-01.parquet"
    good.write_parquet(path)
    said = str(_refusal(path, max_rows=100))
    assert "1152 rows" in said and "RENEWABLE_MAX_ROWS_PER_FILE=100" in said


def test_links_are_not_followed(good: pl.DataFrame, tmp_path: Path) -> None:
    outside = tmp_path / "outside.parquet"
    good.write_parquet(outside)
    link = tmp_path / "generation_2025-01-01.parquet"
    link.symlink_to(outside)
    assert "symbolic link" in str(_refusal(link))


def test_a_linked_directory_and_a_strange_one_are_refused_by_name(good: pl.DataFrame, tmp_path: Path) -> None:
    raw, outside = tmp_path / "raw", tmp_path / "outside"
    for directory in (raw / "2025", outside):
        directory.mkdir(parents=True)
        good.write_parquet(directory / "generation_2025-01-01.parquet")
    (raw / "generation").symlink_to(outside)
    pending = find_pending(raw, {})
    assert pending.days == ()
    said = {path.name: str(refused_by_name(path, raw).refusal) for path in pending.misnamed}
    assert "symbolic link" in said["generation"]
    assert "put it into weather/ or generation/" in said["generation_2025-01-01.parquet"]


def test_a_pipe_in_a_files_place_is_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "generation_2025-01-01.parquet")
    assert "not a regular file" in str(_refusal(tmp_path / "generation_2025-01-01.parquet"))


def test_a_file_that_changes_after_its_inspection_is_left_for_the_next_look(
    good: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "generation_2025-01-01.parquet"
    good.write_parquet(path)
    seen = inspect_file(path, "generation", max_rows=10_000)
    good.head(5).write_parquet(path)
    with pytest.raises(FileInMotionError):
        read_rows(seen)


def test_no_broken_bytes_make_the_gate_raise(good: pl.DataFrame, tmp_path: Path) -> None:
    """Any file is read or refused; 40 files with flipped, cut and zeroed bytes."""
    path = tmp_path / "generation_2025-01-01.parquet"
    good.write_parquet(path)
    content = path.read_bytes()
    chance = random.Random(5)
    refused = 0
    for _ in range(40):
        broken = bytearray(content)
        at = chance.choice([chance.randrange(len(broken)), len(broken) - chance.randrange(1, 600)])
        match chance.randrange(3):
            case 0:
                broken[at] = chance.randrange(256)
            case 1:
                del broken[at:]
            case _:
                broken[at : at + 40] = bytes(len(broken[at : at + 40]))
        path.write_bytes(broken)
        refused += _refusal(path) is not None
    assert refused > 25


def test_removed_files_are_pending_with_their_day(good: pl.DataFrame, tmp_path: Path) -> None:
    ledger = {NAME: Fingerprint(1, 1, 1, "x"), "notes.txt": Fingerprint(1, 1, 1, "y")}
    pending = find_pending(tmp_path, ledger)
    assert [(unit.table, unit.day, unit.removed) for unit in pending.days] == [("generation", DAY, (NAME,))]
    assert pending.forgotten == ("notes.txt",)


def test_a_name_that_does_not_parse_is_refused_with_the_pattern(tmp_path: Path) -> None:
    path = tmp_path / "wind.parquet"
    path.write_bytes(b"x")
    assert "YYYY-MM-DD" in str(refused_by_name(path, tmp_path).refusal)


def test_pending_are_new_and_changed_files_whatever_their_times(good: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.parent.mkdir()
    good.write_parquet(path)
    ledger: dict[str, Fingerprint] = {}
    assert find_pending(tmp_path, ledger).files == [path]
    ledger[ledger_name(path, tmp_path)] = fingerprint(path)
    assert find_pending(tmp_path, ledger).files == []
    path.touch()
    assert find_pending(tmp_path, ledger).files == [], "a touched file has the same content"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert find_pending(tmp_path, ledger).files == [path], "same size and time, other content"


def test_hidden_and_temporary_files_are_left_for_later(tmp_path: Path) -> None:
    (tmp_path / "weather").mkdir()
    for name in (
        ".weather_2025-01-01.parquet.12.tmp",
        "weather_2025-01-01.parquet.tmp",
        "weather_2025-01-01.part",
    ):
        (tmp_path / "weather" / name).write_bytes(b"half")
    assert find_pending(tmp_path, {}).files_seen == 0


def _refusal(path: Path, max_rows: int = 10_000) -> str | None:
    seen = inspect_file(path, "generation", max_rows=max_rows)
    return seen.refusal or read_rows(seen)[1]


def _counts(counts: object) -> tuple[int, ...]:
    return (
        counts.rows_in,  # type: ignore[attr-defined]
        counts.rows_loaded,  # type: ignore[attr-defined]
        counts.rows_collapsed,  # type: ignore[attr-defined]
        counts.rows_quarantined,  # type: ignore[attr-defined]
    )
