"""Thresholds of a fleet: one strict reader, the narrowest row counts, and what a setting changes."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from renewable.errors import FleetError
from renewable.fleet import Fleet, asset_facts, load_fleet, registry_files
from renewable.thresholds import THRESHOLDS_SCHEMA
from renewable.transform.books import Books, BuiltDay, registry_version
from renewable.transform.staleness import Stale, Versions, find_stale
from renewable.vocabulary import thresholds
from tests.conftest import SEEDS

pytestmark = pytest.mark.unit
HEADER = "asset_id,site_id,threshold,value,note"
FLEET = load_fleet(SEEDS)
WIND, PLANT = (FLEET.technology(name).row(0, named=True) for name in ("wind", "solar"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("assets.csv", "power_curves.csv"):
        (tmp_path / name).write_bytes((SEEDS / name).read_bytes())
    return tmp_path


def _set(place: Path, *rows: str, header: str = HEADER) -> Fleet:
    (place / "thresholds.csv").write_text("\n".join([header, *rows]) + "\n")
    return load_fleet(place)


def _faults(place: Path, *rows: str, header: str = HEADER) -> list[str]:
    with pytest.raises(FleetError) as raised:
        _set(place, *rows, header=header)
    return [line.removeprefix("  - ") for line in str(raised.value).splitlines() if line.startswith("  - ")]


def _of(fleet: Fleet, threshold: str) -> dict[str, float]:
    rows = fleet.thresholds.filter(pl.col("threshold") == threshold)
    return dict(rows.select("asset_id", "value").iter_rows())


def test_a_file_that_is_absent_or_has_a_header_alone_sets_nothing(place: Path) -> None:
    absent = load_fleet(place)
    header = _set(place)
    for fleet in (absent, header):
        assert fleet.thresholds.equals(pl.DataFrame(schema=THRESHOLDS_SCHEMA))
    assert registry_files(absent) == registry_files(header)
    assert asset_facts(absent) == asset_facts(header)


def test_of_the_rows_about_an_asset_the_narrowest_counts_in_whatever_order_they_stand(place: Path) -> None:
    rows = [
        f"{WIND['asset_id']},,standing_power_ratio,0.03,heaters",
        f",{WIND['site_id']},standing_power_ratio,0.02,",
        ",,standing_power_ratio,0.01,",
    ]
    for order in (rows, rows[::-1]):
        found = _of(_set(place, *order), "standing_power_ratio")
        assert found.keys() == set(FLEET.asset_ids)
        for asset_id, site_id in FLEET.assets.select("asset_id", "site_id").iter_rows():
            own = 0.03 if asset_id == WIND["asset_id"] else 0.02 if site_id == WIND["site_id"] else 0.01
            assert found[asset_id] == own


def test_a_threshold_of_one_technology_is_set_for_its_assets_alone(place: Path) -> None:
    fleet = _set(place, ",,icing_temperature_c,-1,", ",,snow_temperature_c,0.5,")
    assert _of(fleet, "icing_temperature_c").keys() == set(FLEET.technology("wind")["asset_id"])
    assert _of(fleet, "snow_temperature_c").keys() == set(FLEET.technology("solar")["asset_id"])


def test_columns_that_name_nothing_may_be_missing(place: Path) -> None:
    fleet = _set(place, "stop_expected_ratio,0.1", header="threshold,value")
    assert set(_of(fleet, "stop_expected_ratio").values()) == {0.1}


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        (",,standing_power,0.01,", "threshold", "did you mean standing_power_ratio?"),
        (",,standing_power,0.01,", "threshold", "known are high_wind_hysteresis_ms"),
        (",,,0.01,", "threshold", "is empty"),
        (",,standing_power_ratio,,", "value", "is empty"),
        (",,standing_power_ratio,much,", "value", "'much' is not a Float64"),
        (",,standing_power_ratio,0.051,", "value", "0.051 lies outside of 0 to 0.05"),
        (",,icing_temperature_c,-10.5,", "value", "lies outside of -10 to 3 (icing_temperature_c, degC)"),
        ("nobody,,standing_power_ratio,0.01,", "asset_id", "'nobody' is not known"),
        (f"{WIND['asset_id']}x,,standing_power_ratio,0.01,", "asset_id", f"did you mean {WIND['asset_id']}"),
        (",nowhere,standing_power_ratio,0.01,", "site_id", "'nowhere' is not known"),
        (
            f"{WIND['asset_id']},{WIND['site_id']},standing_power_ratio,0.01,",
            "asset_id, site_id",
            "names an asset and a site",
        ),
        (
            f"{PLANT['asset_id']},,icing_temperature_c,0,",
            "threshold",
            "icing_temperature_c is none of solar",
        ),
    ],
)
def test_a_fault_names_file_row_and_column_and_what_may_stand_there(
    place: Path, row: str, column: str, said: str
) -> None:
    found = _faults(place, ",,limit_tolerance_ratio,0.05,", row)
    assert [fault for fault in found if f"thresholds.csv, row 3, {column}: " in fault and said in fault], (
        found
    )
    assert len(found) == 1


def test_what_is_set_twice_is_a_fault_whatever_the_values(place: Path) -> None:
    (found,) = _faults(place, ",,snow_temperature_c,0,", ",,snow_temperature_c,0.5,")
    assert "row 3: sets the same as row 2" in found


def test_a_bound_above_its_upper_one_is_a_fault_with_both_rows_or_beside_the_default(place: Path) -> None:
    (beside_default,) = _faults(place, ",,wash_rain_least_mm,7,")
    assert "row 2, value" in beside_default and "7, which lies above wash_rain_most_mm 6" in beside_default
    (both,) = _faults(place, f",{PLANT['site_id']},wash_rain_most_mm,2,", ",,wash_rain_least_mm,3,")
    assert "row 3 and row 2, value" in both
    assert not _set(place, ",,wash_rain_least_mm,7,", ",,wash_rain_most_mm,7,").thresholds.is_empty()


def test_names_of_assets_are_not_judged_beside_a_registry_with_faults(place: Path) -> None:
    assets = (place / "assets.csv").read_text().replace("Europe/Berlin", "Berlin")
    (place / "assets.csv").write_text(assets)
    found = _faults(place, "nobody,,standing_power_ratio,0.01,", ",,standing,0.01,")
    assert not any("thresholds.csv, row 2" in fault for fault in found)
    assert any("thresholds.csv, row 3, threshold" in fault for fault in found)


def test_dbt_reads_a_row_an_asset_and_threshold_that_is_set(place: Path) -> None:
    fleet = _set(place, f"{WIND['asset_id']},,standing_power_ratio,0.02,heaters")
    text = registry_files(fleet)["asset_thresholds.csv"]
    assert text == f"asset_id,threshold,value\n{WIND['asset_id']},standing_power_ratio,0.02\n"


def _stale(before: Fleet, after: Fleet, days: Iterable[date]) -> list[Stale]:
    """What the registry makes stale of days that were built with the fleet `before`."""
    then = asset_facts(before)
    version = registry_version(then)
    books = Books(days=dict.fromkeys(days, BuiltDay("b1", "models", version)), registries={version: then})
    found = find_stale(books.files, books, Versions("models", "tests", asset_facts(after)))
    return [stale for stale in found if stale.why == "registry"]


def test_a_change_makes_all_days_of_the_assets_that_it_touches_stale_and_no_others(place: Path) -> None:
    days = [date(2025, 1, number) for number in (1, 2, 3)]
    before = load_fleet(place)
    after = _set(place, f",{WIND['site_id']},high_wind_margin_ms,2,storms", ",,snow_temperature_c,1,as ever")
    found = _stale(before, after, days)
    of_site = FLEET.assets.filter(pl.col("site_id") == WIND["site_id"], pl.col("technology") == "wind")
    # What is set as it is by default changes no figure.
    assert {stale.asset_id for stale in found} == set(of_site["asset_id"])
    assert all(stale.window.days == days for stale in found)
    assert {stale.detail for stale in found} == {"high_wind_margin_ms None → 2.0"}
    assert _stale(after, before, days) and not _stale(after, after, days)


def test_a_level_that_an_asset_would_learn_is_set_even_where_it_is_the_default(place: Path) -> None:
    (learnt,) = [threshold for threshold in thresholds() if threshold.is_learnt]
    fleet = _set(place, f"{WIND['asset_id']},,{learnt.threshold},{learnt.wind},")
    assert learnt.threshold in asset_facts(fleet)[WIND["asset_id"]]
