"""Laws of a preview: it tells what an import would change, and changes nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml

from renewable.importers.asset_facts import AssetFacts
from renewable.importers.convert import import_files
from renewable.importers.mirror import Change
from renewable.importers.preview import Preview, preview

pytestmark = pytest.mark.unit

START = datetime(2024, 6, 1, tzinfo=UTC)
MAPPING = {
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
    assert found.changes == {"generation": Change(rows_added=1, rows_removed=1, values_changed=2)}
    assert any("the mapping changed" in line for line in found.files)
    assert "one.csv: would be converted anew, as delivery 1" in found.files


def test_a_preview_says_which_file_would_be_set_aside_and_does_not_remember_it(tmp_path: Path) -> None:
    mapping, raw, assets = write_mapping(tmp_path), tmp_path / "data" / "raw", registry()
    write_rows(tmp_path / "good.csv", [10.0, 20.0])
    (tmp_path / "bad.csv").write_text("other,header\n1,2\n")
    found = preview(mapping, assets, None, raw)
    assert any("bad.csv" in reason for reason in found.summary.refused)
    assert not raw.parent.exists()
