"""Laws of a preview: it tells what an import would change, and changes nothing."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from renewable.fleet import load_assets
from renewable.importers.asset_facts import AssetFacts
from renewable.importers.convert import import_files
from renewable.importers.evidence import STAMPS_SCHEMA, Evidence
from renewable.importers.mapping import load_mapping
from renewable.importers.overlay import Change
from renewable.importers.preview import Preview, preview
from renewable.importers.suspicious_names import nearly
from renewable.importers.suspicious_stamps import open_order, suspicious_stamps

pytestmark = pytest.mark.unit

START = datetime(2024, 6, 1, tzinfo=UTC)
MAPPING: dict[str, Any] = {
    "source": {"files": "*.csv"},
    "timestamp": {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": "UTC", "interval_minutes": 60},
    "asset": {"column": "a"},
    "generation": {"active_power_kw": {"column": "p", "unit": "kW"}},
}


def registry(**changed: object) -> pl.DataFrame:
    row = {
        "asset_id": "wt1",
        "site_id": "s",
        "technology": "wind",
        "latitude_deg": 48.0,
        "longitude_deg": 10.0,
        "elevation_m": 100.0,
        "timezone": "UTC",
        "interval_minutes": 60,
        "interval_offset_minutes": 0,
        "rated_power_kw": 100.0,
        "mounting": None,
        "tilt_deg": None,
        "azimuth_deg": None,
    }
    return pl.DataFrame([row | changed])


def write_mapping(place: Path, content: dict[str, object] = MAPPING) -> Path:
    path = place / "mapping.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def write_rows(path: Path, powers: list[object], first: datetime = START, asset: str = "wt1") -> None:
    lines = [f"{first + n * timedelta(hours=1):%Y-%m-%d %H:%M},{asset},{p}" for n, p in enumerate(powers)]
    path.write_text("\n".join(["t,a,p", *lines]) + "\n")


def files_of(place: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in place.rglob("*") if path.is_file()}


def said(found: Preview, words: str) -> list[str]:
    return [each for each in found.suspicions if words in each]


def test_a_preview_tells_what_would_be_added_and_changed_and_leaves_the_store_as_it_was(
    tmp_path: Path,
) -> None:
    mapping, raw, assets = write_mapping(tmp_path), tmp_path / "data" / "raw", registry()
    write_rows(tmp_path / "one.csv", [10.0, 20.0, "", 40.0])
    import_files(mapping, raw, None, AssetFacts.of_registry(assets))
    write_rows(tmp_path / "two.csv", [10.0, 21.0, 30.0, "", 50.0])
    before = files_of(tmp_path)
    found = preview(mapping, assets, None, raw)
    assert files_of(tmp_path) == before
    assert found.changes == {"generation": Change(rows_added=1, values_added=1, values_changed=1)}
    assert found.files == ("one.csv: was imported before, as delivery 1",)
    import_files(mapping, raw, None, AssetFacts.of_registry(assets))
    assert preview(mapping, assets, None, raw).changes == {}


def test_a_preview_tells_what_a_changed_mapping_would_change_and_remove(tmp_path: Path) -> None:
    mapping, raw, assets = write_mapping(tmp_path), tmp_path / "data" / "raw", registry()
    write_rows(tmp_path / "one.csv", [10.0, 20.0, 30.0])
    import_files(mapping, raw, None, AssetFacts.of_registry(assets))
    write_mapping(tmp_path, MAPPING | {"timestamp": {**MAPPING["timestamp"], "label": "end"}})
    found = preview(mapping, assets, None, raw)
    assert found.changes == {
        "generation": Change(rows_added=1, rows_removed=1, values_changed=2, values_of_removed_rows=1)
    }
    assert any("the mapping changed" in line for line in found.files)
    assert "one.csv: would be converted anew, as delivery 1" in found.files


def test_a_preview_says_which_file_would_be_set_aside_and_does_not_remember_it(tmp_path: Path) -> None:
    mapping, raw, assets = write_mapping(tmp_path), tmp_path / "data" / "raw", registry()
    write_rows(tmp_path / "good.csv", [10.0, 20.0])
    (tmp_path / "bad.csv").write_text("other,header\n1,2\n")
    found = preview(mapping, assets, None, raw)
    assert any("bad.csv" in reason for reason in found.summary.refused)
    assert not raw.parent.exists()


def test_values_that_another_mapping_has_otherwise_are_told(tmp_path: Path) -> None:
    raw, assets = tmp_path / "data" / "raw", registry()
    write_rows(tmp_path / "one.csv", [10.0, 20.0, "", 40.0])
    import_files(write_mapping(tmp_path), raw, None, AssetFacts.of_registry(assets))
    other = tmp_path / "other"
    other.mkdir()
    write_rows(other / "two.csv", [10.0, 21.0, 30.0, ""])
    mapping = write_mapping(other).rename(other / "second.yaml")
    found = preview(mapping, assets, None, raw)
    (told,) = said(found, "another mapping's rows")
    assert told.startswith("1 values of generation.active_power_kw") and "line" in told
    assert found.changes["generation"] == Change(rows_added=4)


def test_two_sources_of_one_channel_are_previewed(tmp_path: Path) -> None:
    write_rows(tmp_path / "one.csv", [10.0, 20.0])
    write_rows(tmp_path / "two.csv", [30.0], START + timedelta(hours=2))
    source = MAPPING["source"]
    assert isinstance(source, dict)
    second = {key: MAPPING[key] for key in ("timestamp", "asset", "generation")}
    both = MAPPING | {
        "source": source | {"files": "one.csv"},
        "also": [second | {"source": source | {"files": "two.csv"}}],
    }
    found = preview(write_mapping(tmp_path, both), registry(), None, tmp_path / "raw")
    assert found.changes["generation"] == Change(rows_added=3)


def test_a_ledger_whose_import_died_is_mirrored_as_it_was_before(tmp_path: Path) -> None:
    mapping, raw, assets = write_mapping(tmp_path), tmp_path / "data" / "raw", registry()
    write_rows(tmp_path / "one.csv", [10.0, 20.0])
    import_files(mapping, raw, None, AssetFacts.of_registry(assets))
    store = raw.parent / "deliveries"
    # What a process that dies leaves: a ledger half changed, and the journal that takes it back.
    with closing(sqlite3.connect(store / "ledger.sqlite", isolation_level=None)) as dying:
        dying.execute("pragma cache_size = 1")
        dying.execute("begin immediate")
        dying.execute("delete from delivery")
        dying.executemany("insert into due values ('m', 'generation', ?)", [(f"{n}",) for n in range(5000)])
        left = {path.name: path.read_bytes() for path in store.glob("ledger.sqlite*")}
        dying.execute("rollback")
    assert "ledger.sqlite-journal" in left
    for name, content in left.items():
        (store / name).write_bytes(content)
    before = files_of(tmp_path)
    assert preview(mapping, assets, None, raw).files == ("one.csv: was imported before, as delivery 1",)
    assert files_of(tmp_path) == before


def test_a_name_that_is_nearly_of_the_registry_is_asked_for(tmp_path: Path) -> None:
    mapping = write_mapping(tmp_path)
    write_rows(tmp_path / "one.csv", [1.0, 2.0], asset="WTG01")
    found = preview(mapping, registry(asset_id="WTG-1"))
    (told,) = said(found, "WTG01")
    assert "did you mean WTG-1" in told and "asset.rename, line 1 of mapping.yaml" in told
    assert not said(found, "without a row")


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("WTG01", "WTG-01", True),
        ("wtg 1", "WTG-01", True),
        ("T-10", "T-01", False),
        ("1-12", "11-2", False),
        ("A1", "A2", False),
        ("A", "B", False),
    ],
)
def test_names_are_near_that_differ_in_case_marks_and_zeros_alone(name: str, known: str, near: bool) -> None:
    assert nearly(name, [known]) == ([known] if near else [])


def seen(
    place: Path, stamps: list[datetime], form: str, now: datetime | None = None, **stamp: object
) -> Evidence:
    """Stamps as an import has read them by a format, of one asset."""
    mapping = write_mapping(place, MAPPING | {"timestamp": {**MAPPING["timestamp"], "format": form, **stamp}})
    rows = pl.DataFrame({"timestamp": stamps}, schema={"timestamp": STAMPS_SCHEMA["timestamp"]})
    found = rows.select(
        pl.lit(0, pl.Int64).alias("part"),
        pl.lit("wt1").alias("asset_id"),
        pl.lit("wt1").alias("name"),
        "timestamp",
    )
    return Evidence(
        load_mapping(mapping), mapping, {}, found, registry(), now or datetime(2030, 1, 1, tzinfo=UTC)
    )


def hours(days: list[datetime]) -> list[datetime]:
    return [day + n * timedelta(hours=1) for day in days for n in range(24)]


def test_days_read_as_months_are_told_with_the_line_of_the_format(tmp_path: Path) -> None:
    exchanged = hours([datetime(2024, month, 6, tzinfo=UTC) for month in range(1, 13)])
    (told,) = suspicious_stamps(seen(tmp_path, exchanged, "%d/%m/%Y %H:%M"))
    assert "2024-06-01 to 2024-06-12" in told and "timestamp.format, line" in told
    right = seen(tmp_path, hours([START + timedelta(days=n) for n in range(12)]), "%m/%d/%Y %H:%M")
    assert not list(suspicious_stamps(right)) and not list(open_order(right))


def test_the_order_of_days_is_that_of_the_clock_of_the_stamps(tmp_path: Path) -> None:
    local = [stamp + timedelta(hours=8) for stamp in hours([datetime(2024, 6, 12, tzinfo=UTC)])]
    (asked,) = open_order(seen(tmp_path, local, "%m/%d/%Y %H:%M", zone="-08:00"))
    assert "read as 2024-06-12, and would be 2024-12-06" in asked


def test_a_single_day_that_may_be_read_both_ways_is_a_question(tmp_path: Path) -> None:
    day = hours([datetime(2024, 6, 7, tzinfo=UTC)])
    (asked,) = open_order(seen(tmp_path, day, "%d/%m/%Y %H:%M"))
    assert "2024-06-07" in asked and "2024-07-06" in asked and "timestamp.format, line" in asked
    assert not list(open_order(seen(tmp_path, day, "%Y-%m-%d %H:%M")))
    # The other way round it would be tomorrow's.
    assert not list(open_order(seen(tmp_path, day, "%d/%m/%Y %H:%M", now=datetime(2024, 6, 8, tzinfo=UTC))))


def test_days_of_one_number_in_many_months_are_doubted(tmp_path: Path) -> None:
    days = hours([datetime(2024, month, 25, tzinfo=UTC) for month in (1, 2, 3, 4)])
    (told,) = suspicious_stamps(seen(tmp_path, days, "%Y-%m-%d %H:%M"))
    assert told.startswith("all days are the 25. of 4 months")


def test_stamps_in_the_future_are_told(tmp_path: Path) -> None:
    stamps = hours([START])[:2]
    (told,) = suspicious_stamps(seen(tmp_path, stamps, "%Y-%m-%d %H:%M", now=START - timedelta(hours=2)))
    assert told.startswith("2 stamps lie in the future") and "timestamp.zone, line" in told
    assert not list(suspicious_stamps(seen(tmp_path, stamps, "%Y-%m-%d %H:%M", now=START)))


def test_an_interval_that_stamps_do_not_keep_is_told(tmp_path: Path) -> None:
    stamps = hours([START])
    assert not list(suspicious_stamps(seen(tmp_path, stamps, "%Y-%m-%d %H:%M")))
    (told,) = suspicious_stamps(seen(tmp_path, stamps, "%Y-%m-%d %H:%M", interval_minutes=30))
    assert "every 60 minutes" in told and "states 30 minutes" in told and "timestamp.interval_minutes" in told
    half = [START + timedelta(minutes=30 * n) for n in range(24)]
    (told,) = suspicious_stamps(seen(tmp_path, half, "%Y-%m-%d %H:%M", interval_minutes=None))
    assert "every 30 minutes" in told and "registry" in told


@pytest.mark.parametrize("name", ["la_haute_borne", "nrel_rsf_ii", "wide_format"])
def test_the_examples_raise_no_suspicion(name: str) -> None:
    place = Path(__file__).parents[4] / "examples" / name
    assert not preview(place / "mapping.yaml", load_assets(place)).suspicions
