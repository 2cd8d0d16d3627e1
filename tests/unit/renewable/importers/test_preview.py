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
from renewable.importers.suspicious_names import nearly

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


def of_days(place: Path, days: list[datetime], form: str) -> None:
    stamps = [day + n * timedelta(hours=1) for day in days for n in range(24)]
    lines = [f"{stamp:{form}},wt1,{n % 7}" for n, stamp in enumerate(stamps)]
    (place / "days.csv").write_text("\n".join(["t,a,p", *lines]) + "\n")


def reading(form: str, **stamp: object) -> dict[str, object]:
    return MAPPING | {"timestamp": {**MAPPING["timestamp"], "format": form, **stamp}}


def test_days_read_as_months_are_told_with_the_line_of_the_format(tmp_path: Path) -> None:
    of_days(tmp_path, [START + timedelta(days=n) for n in range(12)], "%m/%d/%Y %H:%M")
    wrong = preview(write_mapping(tmp_path, reading("%d/%m/%Y %H:%M")), registry())
    (told,) = said(wrong, "exchanged")
    assert "2024-06-01 to 2024-06-12" in told and "timestamp.format, line" in told
    right = preview(write_mapping(tmp_path, reading("%m/%d/%Y %H:%M")), registry())
    assert not said(right, "exchanged") and not right.questions


def test_a_single_day_that_may_be_read_both_ways_is_a_question(tmp_path: Path) -> None:
    of_days(tmp_path, [datetime(2024, 6, 7)], "%d/%m/%Y %H:%M")
    (asked,) = preview(write_mapping(tmp_path, reading("%d/%m/%Y %H:%M")), registry()).questions
    assert "2024-06-07" in asked and "2024-07-06" in asked
    of_days(tmp_path, [datetime(2024, 6, 7)], "%Y-%m-%d %H:%M")
    assert not preview(write_mapping(tmp_path), registry()).questions


def test_days_of_one_number_in_many_months_are_doubted(tmp_path: Path) -> None:
    of_days(tmp_path, [datetime(2024, month, 25) for month in (1, 2, 3, 4)], "%Y-%m-%d %H:%M")
    assert said(preview(write_mapping(tmp_path), registry()), "all days are the 25. of 4 months")


def test_stamps_in_the_future_are_told(tmp_path: Path) -> None:
    write_rows(tmp_path / "one.csv", [1.0, 2.0])
    mapping = write_mapping(tmp_path)
    (told,) = said(preview(mapping, registry(), now=START - timedelta(hours=2)), "in the future")
    assert "2 stamps" in told
    assert not said(preview(mapping, registry(), now=START), "in the future")


def test_an_interval_that_stamps_do_not_keep_is_told(tmp_path: Path) -> None:
    write_rows(tmp_path / "one.csv", [float(n) for n in range(24)])
    right = preview(write_mapping(tmp_path), registry())
    assert not said(right, "follow one another")
    (told,) = said(
        preview(write_mapping(tmp_path, reading("%Y-%m-%d %H:%M", interval_minutes=30)), registry()),
        "follow one another",
    )
    assert "every 60 minutes" in told and "states 30 minutes" in told and "timestamp.interval_minutes" in told
