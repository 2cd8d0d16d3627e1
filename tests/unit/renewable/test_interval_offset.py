"""Laws of intervals that start some minutes after the full hour, as hours of a zone of half an hour do in UTC."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from loaders.gate import judge_day
from loaders.screen import spotless_days
from loaders.verdicts import GateRegistry, named_assets
from mock_data.generate import generate
from renewable.contract import polars_schema
from renewable.data_calendar import Edge
from renewable.errors import FleetError, RenewableError
from renewable.fleet import Fleet, asset_facts, load_fleet
from renewable.importers.asset_facts import AssetFacts
from renewable.importers.convert import import_files
from renewable.importers.notes import Notes
from renewable.importers.together import resampled
from renewable.operations.explain import interval_start
from renewable.windows import Window
from tests.conftest import SEEDS

pytestmark = pytest.mark.unit
DAY = date(2025, 1, 1)
MIDNIGHT = datetime(2025, 1, 1, tzinfo=UTC)
NAME = "demo"


def registry(place: Path, offset: str, minutes: int = 60) -> Path:
    """A registry of one asset, with the column or (offset "none") without."""
    header, row, *_ = (SEEDS / "assets.csv").read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True)) | {"asset_id": NAME}
    cells["interval_minutes"] = str(minutes)
    if offset != "none":
        cells["interval_offset_minutes"] = offset
    (place / "assets.csv").write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n")
    (place / "power_curves.csv").write_text((SEEDS / "power_curves.csv").read_text())
    return place


@pytest.fixture
def half_past(tmp_path: Path) -> Fleet:
    return load_fleet(registry(tmp_path, "30"))


def generation(stamps: list[datetime]) -> pl.DataFrame:
    schema = polars_schema("generation")
    rows = pl.DataFrame(
        {"asset_id": NAME, "timestamp": stamps}, {"asset_id": pl.String, "timestamp": schema["timestamp"]}
    )
    return rows.with_columns(
        pl.lit(None, dtype).alias(n) for n, dtype in schema.items() if n not in rows.columns
    ).select(schema.names())


def test_an_offset_that_is_absent_empty_or_zero_changes_nothing(tmp_path: Path) -> None:
    fleets = [load_fleet(registry(tmp_path, offset)) for offset in ("none", "", "0")]
    facts = [asset_facts(fleet) for fleet in fleets]
    versions = [
        GateRegistry(fleet.assets_at_most).version("weather", named_assets([NAME])) for fleet in fleets
    ]
    assert facts[0] == facts[1] == facts[2]
    assert len(set(versions)) == 1
    other = load_fleet(registry(tmp_path, "30"))
    assert asset_facts(other) != facts[0]
    assert GateRegistry(other.assets_at_most).version("weather", named_assets([NAME])) != versions[0]


@pytest.mark.parametrize(("offset", "minutes"), [("60", 60), ("30", 30), ("-5", 60), ("7.5", 60)])
def test_an_offset_that_is_no_part_of_an_interval_is_a_fault(
    tmp_path: Path, offset: str, minutes: int
) -> None:
    with pytest.raises(FleetError, match=r"interval_offset_minutes|offset_below_interval"):
        load_fleet(registry(tmp_path, offset, minutes))


def test_the_gate_takes_stamps_of_the_offset_grid_and_no_others(half_past: Fleet) -> None:
    on_grid = [MIDNIGHT + timedelta(minutes=30 + 60 * hour) for hour in range(24)]
    rows = generation([*on_grid, MIDNIGHT, MIDNIGHT + timedelta(minutes=45)])
    verdict = judge_day("generation", DAY, {"part": rows}, half_past)
    assert verdict.accepted["timestamp"].to_list() == on_grid
    assert verdict.rejected["rule"].to_list() == ["off_grid", "off_grid"]


@pytest.mark.parametrize(("minute", "spotless"), [(30, True), (0, False), (31, False)])
def test_the_quick_look_knows_the_offset_grid(
    tmp_path: Path, half_past: Fleet, minute: int, spotless: bool
) -> None:
    path = tmp_path / "generation_2025-01-01.parquet"
    generation([MIDNIGHT + timedelta(hours=3, minutes=minute)]).write_parquet(path)
    assert bool(spotless_days("generation", {DAY: [path]}, half_past)) == spotless


@pytest.mark.parametrize(
    ("last_start", "grids", "cut"),
    [
        (timedelta(hours=23, minutes=30), [(60, 30)], False),
        (timedelta(hours=22, minutes=30), [(60, 30)], True),
        (timedelta(hours=23), [(60, 0)], False),
        # The last interval at half past ends after midnight, which the data of the others do not tell.
        (timedelta(hours=23), [(60, 0), (60, 30)], True),
    ],
)
def test_a_day_is_whole_once_its_last_interval_after_the_offset_is_there(
    last_start: timedelta, grids: list[tuple[int, int]], cut: bool
) -> None:
    edge = Edge(MIDNIGHT + last_start, MIDNIGHT + last_start + timedelta(hours=1))
    assert edge.is_cut(grids) == cut


@pytest.mark.parametrize(
    ("at", "start"),
    [("10:29", "09:30"), ("10:30", "10:30"), ("00:10", "23:30")],
)
def test_an_instant_is_explained_by_the_interval_that_holds_it(at: str, start: str) -> None:
    hour, minute = map(int, at.split(":"))
    assert f"{interval_start(MIDNIGHT.replace(hour=hour, minute=minute), 60, 30):%H:%M}" == start


def test_quarters_are_brought_to_the_hours_of_the_asset() -> None:
    stamps = [MIDNIGHT + timedelta(minutes=30 + 15 * step) for step in range(8)]
    rows = pl.DataFrame(
        {"asset_id": NAME, "timestamp": stamps, "active_power_kw": [1.0, 1, 1, 1, 3, 3, 3, 3]}
    )
    found = resampled(rows, 15 * 60, {NAME: 60}, Notes(), {NAME: 30})
    assert found.rows() == [
        (NAME, MIDNIGHT + timedelta(minutes=30), 1.0),
        (NAME, MIDNIGHT + timedelta(minutes=90), 3.0),
    ]


def test_the_simulator_refuses_a_grid_that_it_does_not_have(tmp_path: Path, half_past: Fleet) -> None:
    with pytest.raises(RenewableError, match="interval_offset_minutes"):
        generate(half_past, Window.of_day(DAY), data_dir=tmp_path, seed=1)


def test_quarters_of_a_local_clock_become_the_hours_of_that_clock(tmp_path: Path) -> None:
    rows = "".join(f"2025-06-09 {q // 4:02}:{q % 4 * 15:02},{q // 4}\n" for q in range(96))
    (tmp_path / "export.csv").write_text(f"t,P\n{rows}")
    (tmp_path / "mapping.yaml").write_text(
        "source: {files: export.csv}\n"
        "timestamp: {column: t, format: '%Y-%m-%d %H:%M', zone: Australia/Adelaide, interval_minutes: 15}\n"
        f"asset: {{constant: {NAME}}}\n"
        "generation:\n  active_power_kw: {column: P, unit: kW}\n"
    )
    facts = AssetFacts(intervals={NAME: 60}, phases={NAME: 30})
    import_files(tmp_path / "mapping.yaml", tmp_path / "raw", None, facts)
    found = pl.read_parquet(tmp_path / "raw" / "generation" / "*.parquet").sort("timestamp")
    first = datetime(2025, 6, 8, 14, 30, tzinfo=UTC)
    assert found.select("timestamp", "active_power_kw").rows() == [
        (first + timedelta(hours=hour), float(hour)) for hour in range(24)
    ]
