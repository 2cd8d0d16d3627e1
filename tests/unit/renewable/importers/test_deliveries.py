"""Laws of deliveries: an import adds to what is there, and the raw files are a function of what was delivered."""

import random
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from renewable.errors import MappingError, PipelineError
from renewable.importers import convert, convert_file, kept_rows, write_days
from renewable.importers.convert import fold_deliveries, forget_delivery, import_files
from renewable.importers.ledger import read_books, store_of
from renewable.importers.streams import Stream
from renewable.raw_files import raw_file_names

pytestmark = pytest.mark.unit

START = datetime(2024, 3, 31, 21, tzinfo=UTC)
HEADER = "time,unit,wind,total"
INTERVALS = {"T1": 30, "T2": 10}
Row = tuple[datetime, str, float | None, float | None]


def mapping_of(files: str = "inbox/*.csv", **changes: Any) -> dict[str, Any]:
    """Wind at the end of ten minutes, which T1 has by half hours, and a counter that is power afterwards."""
    return {
        "source": {"files": files},
        "timestamp": {
            "column": "time",
            "format": "%Y-%m-%d %H:%M",
            "zone": "UTC",
            "label": "end",
            "interval_minutes": 10,
        },
        "asset": {"column": "unit"},
        "weather": {"wind_speed_ms": {"column": "wind", "unit": "m/s"}},
        "generation": {"active_power_kw": {"column": "total", "unit": "kWh", "counter": True}},
    } | changes


class Plant:
    """A folder with an inbox, a mapping and raw files."""

    def __init__(self, directory: Path, mapping: dict[str, Any] | None = None, name: str = "mapping") -> None:
        self.directory, self.raw, self.name = directory, directory / "data" / "raw", name
        (directory / "inbox").mkdir(parents=True, exist_ok=True)
        self.map(mapping or mapping_of())

    def map(self, mapping: dict[str, Any]) -> None:
        self.mapping_path = self.directory / f"{self.name}.yaml"
        self.mapping_path.write_text(yaml.safe_dump(mapping), encoding="utf-8")

    def deliver(self, rows: Iterable[Row], name: str) -> None:
        cells = [[f"{at:%Y-%m-%d %H:%M}", unit, wind, total] for at, unit, wind, total in rows]
        lines = [",".join("" if cell is None else str(cell) for cell in row) for row in cells]
        (self.directory / "inbox" / name).write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")

    def rotate(self, rows: Iterable[Row], name: str) -> None:
        """Only the newest lies in the inbox."""
        for old in (self.directory / "inbox").iterdir():
            old.unlink()
        self.deliver(rows, name)
        self.run()

    def run(self, **options: Any) -> convert.ImportSummary:
        return import_files(self.mapping_path, self.raw, None, INTERVALS, **options)

    @property
    def files(self) -> dict[str, bytes]:
        return {name: (self.raw / name).read_bytes() for name in raw_file_names(self.raw)}

    def table(self, table: str = "weather") -> pl.DataFrame:
        return pl.concat(pl.read_parquet(path) for path in sorted((self.raw / table).iterdir()))


def readings(hours: int = 8, seed: int = 1) -> list[Row]:
    """Ten-minute rows of two turbines around a midnight of UTC, with holes in rows and cells."""
    drawn, rows = random.Random(seed), list[Row]()
    totals = {"T1": 100.0, "T2": 5_000.0}
    for step in range(hours * 6):
        for unit in totals:
            totals[unit] += drawn.randint(0, 300)
            if drawn.random() < 0.1:
                continue
            wind = None if drawn.random() < 0.1 else drawn.randint(0, 200) / 10
            total = None if drawn.random() < 0.1 else totals[unit]
            rows.append((START + timedelta(minutes=10 * step), unit, wind, total))
    return rows


def cut(rows: Sequence[Row], places: Iterable[int]) -> list[Sequence[Row]]:
    borders = [0, *sorted(place % len(rows) for place in places), len(rows)]
    return [rows[a:b] for a, b in pairwise(borders) if a < b]


def test_a_rotating_inbox_gives_the_raw_files_of_one_file(tmp_path: Path) -> None:
    """One example of the law that tests/integration/renewable/importers holds for many."""
    rows = readings()
    whole, rotating = Plant(tmp_path / "whole"), Plant(tmp_path / "rotating")
    whole.deliver(rows, "all.csv")
    whole.run()
    for number, part in enumerate(cut(rows, [20, 41])):
        rotating.rotate(part, f"{number}.csv")
    assert whole.files and whole.files == rotating.files


def test_what_an_overlap_changes_is_counted_and_said(tmp_path: Path) -> None:
    plant, rows = Plant(tmp_path), readings()
    plant.rotate(rows, "first.csv")
    met = [row for row in rows if row[1] == "T2" and row[2] is not None][:3]
    new: Row = (START + timedelta(days=3), "T2", 5.0, None)
    plant.deliver([*((at, unit, 99.0, None) for at, unit, _, _ in met), new], "second.csv")
    summary = plant.run()
    assert summary.values_changed == 3
    assert "3 values of before are others now" in summary.sentence


def test_a_content_is_imported_once_whatever_its_name(tmp_path: Path) -> None:
    plant, rows = Plant(tmp_path), readings()
    plant.rotate(rows, "a.csv")
    files = plant.files
    assert plant.run().source_files == 0
    plant.deliver(rows, "b.csv")
    summary = plant.run()
    assert (summary.source_files, summary.files_written, plant.files) == (0, 0, files)
    again = plant.run(again=True)
    assert (again.source_files, plant.files) == (1, files)
    assert len(read_books(store_of(plant.raw)).deliveries) == 1


def test_forgetting_a_delivery_brings_back_what_lay_below(tmp_path: Path) -> None:
    plant, rows = Plant(tmp_path), readings()
    plant.rotate(rows, "first.csv")
    before = plant.files
    plant.rotate([(at, unit, 1.5, 1.0) for at, unit, _, _ in readings(12)], "second.csv")
    assert plant.files != before
    forget_delivery(plant.raw, "second.csv", INTERVALS)
    assert plant.files == before
    # It still lies in the inbox, and that is no fault.
    said = list[str]()
    left = import_files(plant.mapping_path, plant.raw, None, INTERVALS, report=said.append)
    assert (left.source_files, left.refused) == (0, ())
    assert "left alone, as they were forgotten" in said[0] and "second.csv" in said[0]
    assert plant.files == before
    plant.run(again=True)
    assert plant.files != before
    with pytest.raises(MappingError, match=r"third\.csv: no delivery of this name"):
        forget_delivery(plant.raw, "third.csv")


def test_forgetting_all_leaves_no_raw_file(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.rotate(readings(), "only.csv")
    assert plant.files
    summary = forget_delivery(plant.raw, "only.csv", INTERVALS)
    assert plant.files == {} and summary.files_removed == 4


def test_a_changed_mapping_converts_anew_what_is_there_and_names_what_is_gone(tmp_path: Path) -> None:
    plant, rows = Plant(tmp_path), readings()
    plant.rotate(rows[:40], "gone.csv")
    plant.rotate(rows[40:], "there.csv")
    plant.map(mapping_of(weather={"wind_speed_ms": {"column": "wind", "unit": "km/h"}}))
    said: list[str] = []
    plant.run(report=said.append)
    assert any("there.csv" in line and "converted anew" in line for line in said)
    assert any("gone.csv" in line and "are gone" in line for line in said)
    found = plant.table().filter(pl.col("asset_id") == "T2").drop_nulls("wind_speed_ms")
    for at, unit, wind, _ in rows:
        if unit == "T2" and wind is not None:
            value = found.filter(pl.col("timestamp") == at - timedelta(minutes=10))["wind_speed_ms"].item()
            new = rows.index((at, unit, wind, _)) >= 40
            assert value == pytest.approx(wind * 5 / 18 if new else wind, rel=1e-12)
    again = list[str]()
    plant.run(report=again.append)
    assert not [line for line in again if "anew" in line]


def test_day_files_that_were_there_before_the_ledger_are_the_first_delivery(tmp_path: Path) -> None:
    rows = readings()
    plant = Plant(tmp_path)
    plant.rotate(rows[:60], "before.csv")
    taken = plant.files
    for left in sorted(store_of(plant.raw).rglob("*"), reverse=True):
        left.unlink() if left.is_file() else left.rmdir()
    plant.rotate([(at, unit, 3.0, None) for at, unit, _, _ in rows[50:70]], "after.csv")
    kinds = [each.kind for each in read_books(store_of(plant.raw)).deliveries]
    assert kinds == ["taken_over", "file"]
    forget_delivery(plant.raw, "after.csv", INTERVALS)
    assert plant.files == taken


def test_day_files_that_somebody_changed_or_removed_are_made_again(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.rotate(readings(), "a.csv")
    files = plant.files
    first, second, *_ = sorted(files)
    (plant.raw / first).unlink()
    (plant.raw / second).write_bytes(b"cut off")
    assert plant.run().files_written == 2
    assert plant.files == files
    pl.DataFrame({"other": [1]}).write_parquet(plant.raw / first)
    assert plant.run().files_written == 1
    assert plant.files == files


def test_a_file_that_cannot_be_imported_is_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    plant, rows = Plant(tmp_path), readings()
    plant.deliver(rows, "good.csv")
    (tmp_path / "inbox" / "bad.csv").write_text("time,unit\n2024-01-01 00:00,T1\n")
    summary = plant.run()
    assert summary.source_files == 1 and plant.files
    assert len(summary.refused) == 1 and "bad.csv" in summary.refused[0]
    assert [each.file for each in read_books(store_of(plant.raw)).refused] == ["inbox/bad.csv"]
    assert plant.run().refused == summary.refused
    plant.deliver(rows, "bad.csv")
    assert plant.run().refused == ()


def test_mappings_of_one_fleet_write_parts_of_their_own(tmp_path: Path) -> None:
    first = Plant(tmp_path, mapping_of("inbox/a*.csv"), "site a")
    second = Plant(tmp_path, mapping_of("inbox/b*.csv"), "site-b")
    first.deliver(readings(seed=1), "a.csv")
    first.deliver(readings(seed=2), "b.csv")
    first.run()
    alone = first.files
    second.run()
    assert {name: content for name, content in first.files.items() if name in alone} == alone
    assert len(first.files) == 2 * len(alone)
    alike = Plant(tmp_path, mapping_of("inbox/a*.csv"), "site-a")
    alike.run()
    assert len(first.files) == 3 * len(alone), "names that differ in a blank alone are two"
    other = tmp_path / "elsewhere" / "site-b.yaml"
    other.parent.mkdir()
    other.write_text(second.mapping_path.read_text())
    with pytest.raises(PipelineError, match="rename one of them"):
        import_files(other, first.raw)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("at", range(1, 8))
def test_an_import_that_dies_anywhere_is_made_up_for_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    rows = readings()
    clean, plant = Plant(tmp_path / "clean"), Plant(tmp_path / "killed")
    for each in (clean, plant):
        each.deliver(rows[:70], "1.csv")
        each.deliver(rows[60:], "2.csv")
    clean.run()
    steps = iter(range(1, 100))

    def dying(module: Any, name: str) -> Any:
        real = getattr(module, name)

        def step(*args: Any, **options: Any) -> Any:
            if next(steps) == at:
                raise Killed
            return real(*args, **options)

        return step

    with monkeypatch.context() as patch:
        for module, name in (
            (convert_file, "_kept"),
            (convert, "_enter"),
            (write_days, "write_parquet_atomic"),
        ):
            patch.setattr(module, name, dying(module, name))
        with pytest.raises(Killed):
            plant.run()
    plant.run()
    assert plant.files == clean.files
    assert not list(store_of(plant.raw).glob(".import-*"))
    assert len(list((store_of(plant.raw) / "rows").iterdir())) == 2


def test_a_delivery_may_replace_all_of_its_range(tmp_path: Path) -> None:
    rows = [(START + timedelta(minutes=10 * step), "T2", float(step), None) for step in range(12)]
    plant = Plant(tmp_path, mapping_of(on_overlap="replace_range", generation={}))
    plant.rotate(rows, "first.csv")
    plant.rotate([(rows[2][0], "T2", 50.0, None), (rows[6][0], "T2", None, None)], "second.csv")
    found = dict(plant.table().select("timestamp", "wind_speed_ms").rows())
    expected = {at: wind for at, _, wind, _ in [*rows[:2], *rows[7:]]} | {rows[2][0]: 50.0, rows[6][0]: None}
    assert found == {at - timedelta(minutes=10): wind for at, wind in expected.items()}
    forget_delivery(plant.raw, "second.csv", INTERVALS)
    assert plant.table()["wind_speed_ms"].to_list() == [float(step) for step in range(12)]


def test_a_delivery_that_would_change_a_value_may_be_refused(tmp_path: Path) -> None:
    rows = [(START + timedelta(minutes=10 * step), "T2", float(step), None) for step in range(12)]
    plant = Plant(tmp_path, mapping_of(on_overlap="refuse", generation={}))
    plant.rotate(rows[:8], "first.csv")
    before = plant.files
    plant.deliver([(rows[2][0], "T2", 50.0, None)], "other.csv")
    plant.deliver(rows[4:], "same.csv")
    summary = plant.run()
    assert summary.source_files == 1 and len(summary.refused) == 1
    assert "other.csv: 1 value(s) differ" in summary.refused[0]
    assert plant.table()["wind_speed_ms"].to_list() == [float(step) for step in range(12)]
    assert plant.files != before


def test_old_deliveries_become_one_and_nothing_else_changes(tmp_path: Path) -> None:
    rows, plant = readings(), Plant(tmp_path)
    for number, part in enumerate(cut(rows, [20, 40, 60])):
        plant.rotate(part, f"{number}.csv")
    plant.rotate(rows[30:50], "again.csv")
    files = plant.files
    middle = read_books(store_of(plant.raw)).deliveries[3].imported_at
    assert fold_deliveries(plant.raw, middle) == 3
    books = read_books(store_of(plant.raw))
    assert [each.kind for each in books.deliveries] == ["base", "file", "file"]
    assert len(list((store_of(plant.raw) / "rows").iterdir())) == 3
    # All days are made again from what is kept.
    shutil.rmtree(plant.raw)
    plant.deliver(cut(rows, [20, 40, 60])[0], "0.csv")
    assert plant.run().source_files == 0
    assert plant.files == files
    with pytest.raises(MappingError, match="kept together"):
        forget_delivery(plant.raw, books.deliveries[0].content.file)
    plant.rotate([(rows[0][0], "T2", 77.0, None)], "late.csv")
    assert 77.0 in plant.table()["wind_speed_ms"].to_list()


CHISINAU = mapping_of(
    timestamp={
        "column": "time",
        "format": "%Y-%m-%d %H:%M",
        "zone": "Europe/Chisinau",
        "ambiguous_hour": "in_order",
        "interval_minutes": 30,
    },
    generation={},
)
# 27 October 2024: 02:00 to 03:00 comes twice, from 23:00 UTC on and from 00:00 UTC on.
AUTUMN: list[Row] = [
    (datetime(2024, 10, 27, hour, minute), "T2", float(number), None)
    for number, (hour, minute) in enumerate(
        [(1, 0), (1, 30), (2, 0), (2, 30), (2, 0), (2, 30), (3, 0), (3, 30)]
    )
]


@pytest.mark.parametrize("cuts", [[], [4], [2, 6]])
def test_the_two_hours_of_autumn_may_come_in_two_files_and_lie_on_two_days(
    tmp_path: Path, cuts: list[int]
) -> None:
    plant = Plant(tmp_path, CHISINAU)
    for number, part in enumerate(cut(AUTUMN, cuts)):
        plant.rotate(part, f"{number}.csv")
    first = datetime(2024, 10, 26, 22, tzinfo=UTC)
    expected = [(first + timedelta(minutes=30 * step), float(step)) for step in range(8)]
    assert plant.table().select("timestamp", "wind_speed_ms").rows() == expected
    # The same hours once more are no third ones.
    plant.rotate([(at, unit, (wind or 0.0) + 10, None) for at, unit, wind, _ in AUTUMN], "again.csv")
    assert plant.table()["wind_speed_ms"].to_list() == [10.0 + step for step in range(8)]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_part_of_the_night_that_comes_again_changes_its_own_stamps_alone(
    tmp_path: Path, newest_first: bool
) -> None:
    way = -1 if newest_first else 1
    for first, last in combinations(range(9), 2):
        # A part within the two hours tells neither which one it is nor which way it runs.
        if first > 1 and last < 7 and (first, last) != (2, 6):
            continue
        plant = Plant(tmp_path / f"{first}-{last}", CHISINAU)
        plant.rotate(AUTUMN[::way], "whole.csv")
        part = [(at, unit, (wind or 0.0) + 10, None) for at, unit, wind, _ in AUTUMN[first:last]]
        plant.rotate(part[::way], "part.csv")
        expected = [step + 10.0 * (first <= step < last) for step in range(8)]
        assert plant.table()["wind_speed_ms"].to_list() == expected, (first, last)


@pytest.mark.parametrize("cuts", [[4], [1, 4], [4, 7], [3, 6]])
def test_parts_of_the_night_may_come_in_any_order_where_each_tells_its_hour(
    tmp_path: Path, cuts: list[int]
) -> None:
    plant = Plant(tmp_path, CHISINAU)
    for number, part in enumerate(reversed(list(cut(AUTUMN, cuts)))):
        plant.rotate(part, f"{number}.csv")
    assert plant.table()["wind_speed_ms"].to_list() == [float(step) for step in range(8)]


def test_one_half_of_the_hour_corrected_leaves_the_other_half(tmp_path: Path) -> None:
    plant = Plant(tmp_path, CHISINAU)
    for number, part in enumerate(
        [*cut(AUTUMN, [2, 4, 6]), [(at, u, (w or 0.0) + 10, None) for at, u, w, _ in AUTUMN[2:4]]]
    ):
        plant.rotate(part, f"{number}.csv")
    assert plant.table()["wind_speed_ms"].to_list() == [0.0, 1.0, 12.0, 13.0, 4.0, 5.0, 6.0, 7.0]


def test_where_half_of_the_hour_is_missing_nothing_tells_which(tmp_path: Path) -> None:
    plant = Plant(tmp_path, CHISINAU)
    plant.rotate([*AUTUMN[:4], *AUTUMN[6:]], "gap.csv")
    assert plant.table()["wind_speed_ms"].to_list() == [0.0, 1.0, 6.0, 7.0]


def test_the_second_hour_alone_is_told_by_the_row_after_it(tmp_path: Path) -> None:
    plant = Plant(tmp_path, CHISINAU)
    plant.rotate(AUTUMN[4:], "second.csv")
    assert plant.table()["timestamp"].to_list()[0] == datetime(2024, 10, 27, 0, tzinfo=UTC)


def test_files_of_one_import_count_in_the_order_of_their_first_stamp(tmp_path: Path) -> None:
    plant = Plant(tmp_path, mapping_of(generation={}))
    steps = [START + timedelta(minutes=10 * step) for step in range(4)]
    plant.deliver([(at, "T2", 1.0, None) for at in steps[1:]], "a later.csv")
    plant.deliver([(at, "T2", 2.0, None) for at in steps], "b earlier.csv")
    plant.run()
    assert plant.table()["wind_speed_ms"].to_list() == [2.0, 1.0, 1.0, 1.0]


def test_a_delivery_that_replaces_its_range_erases_the_days_that_it_skips(tmp_path: Path) -> None:
    days = [START + timedelta(days=step) for step in range(6)]
    plant = Plant(tmp_path, mapping_of(on_overlap="replace_range", generation={}))
    plant.rotate([(at, "T2", 1.0, None) for at in days], "first.csv")
    plant.rotate([(days[0], "T2", 2.0, None), (days[4], "T2", 2.0, None)], "second.csv")
    assert plant.table()["wind_speed_ms"].to_list() == [2.0, 2.0, 1.0]
    assert len(plant.files) == 3
    # What is erased in day files of before is in no row, so these deliveries cannot become one.
    shutil.rmtree(store_of(plant.raw))
    plant.rotate([(days[0], "T2", 3.0, None)], "third.csv")
    plant.rotate([(days[4], "T2", 3.0, None)], "fourth.csv")
    assert fold_deliveries(plant.raw, datetime.now(UTC) + timedelta(days=1)) == 0


def test_the_reading_before_a_gap_is_the_nearest_of_all_deliveries(tmp_path: Path) -> None:
    power = {"active_power_kw": {"column": "total", "unit": "kWh", "counter": {"resets": "never"}}}
    readings_at = {day: START + timedelta(days=day) for day in (0, 5, 10, 20)}
    rows: dict[int, Row] = {day: (at, "T2", None, 24.0 * day**2) for day, at in readings_at.items()}
    whole, parts = (
        Plant(tmp_path / name, mapping_of(weather={}, generation=power)) for name in ("whole", "parts")
    )
    whole.rotate(list(rows.values()), "all.csv")
    for number, days in enumerate(((0, 20), (5,), (10,))):
        parts.rotate([rows[day] for day in days], f"{number}.csv")
    assert whole.files and whole.files == parts.files


def test_what_does_not_fit_the_memory_comes_out_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, spilled = Plant(tmp_path / "plain"), Plant(tmp_path / "spilled")
    plain.rotate(readings(), "a.csv")
    monkeypatch.setattr(kept_rows, "_HELD_ROWS", 10)
    spills: list[int] = []
    real = kept_rows.Collected._spill
    monkeypatch.setattr(kept_rows.Collected, "_spill", lambda self: (spills.append(1), real(self))[1])
    spilled.rotate(readings(), "a.csv")
    assert spills and plain.files == spilled.files


def test_a_kept_file_has_each_row_once_however_often_the_memory_was_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_rows, "_HELD_ROWS", 10)
    monkeypatch.setattr(kept_rows, "_GROUP_ROWS", 12)
    collected, streams = (
        kept_rows.Collected(tmp_path),
        [Stream(0, "weather", "rows"), Stream(1, "generation", "rows")],
    )
    for number in range(40):
        frame = pl.DataFrame(
            {"asset_id": "T2", "name": "t", "value": number},
            schema={"asset_id": pl.String, "name": pl.String, "value": pl.Int64},
        )
        days = pl.DataFrame({"timestamp": [START + timedelta(days=day) for day in range(number % 3, 3)]})
        collected.add(streams[number % 2], frame.join(days, how="cross"))
    counted, spans = collected.write(tmp_path / "kept.parquet")
    wanted = {
        (table, START.date() + timedelta(days=day)): [
            number for number in range(40) if number % 2 == part and number % 3 <= day
        ]
        for part, table in enumerate(("weather", "generation"))
        for day in range(3)
    }
    kept = kept_rows.KeptDays()
    read = {
        (stream.table, day): rows["value"].to_list()
        for _, day in wanted
        for table in ("weather", "generation")
        for stream, rows in kept.of(tmp_path / "kept.parquet", collected.columns, table, day).items()
    }
    assert read == wanted
    assert counted == {key: len(values) for key, values in wanted.items()}
    assert {span.stream for span in spans} == {str(stream) for stream in streams}


def test_a_file_that_changes_while_it_is_read_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, real = Plant(tmp_path), convert_file.part_batches
    plant.deliver(readings(), "a.csv")

    def meanwhile(path: Path, part: Any) -> Any:
        yield from real(path, part)
        plant.deliver(readings(9), "a.csv")

    with monkeypatch.context() as patch:
        patch.setattr(convert_file, "part_batches", meanwhile)
        with pytest.raises(MappingError, match="it changed while it was read"):
            plant.run()
    assert plant.files == {}
    assert plant.run().source_files == 1


def test_files_in_the_making_of_an_import_that_died_are_removed(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    left = plant.raw / "weather" / ".weather_2024-04-01.parquet.99.tmp"
    others = left.with_name(".weather_2024-04-01__north.parquet.99.tmp")
    left.parent.mkdir(parents=True)
    for path in (left, others):
        path.write_bytes(b"half a file")
    plant.rotate(readings(), "a.csv")
    assert not left.exists() and others.exists(), "another mapping may be at it"
