"""The published marts against the oracle, on days with holes around a clock change."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from renewable.atomic_write import write_parquet_atomic
from renewable.fleet import Fleet, load_fleet, registry_files
from renewable.published.publish import publish
from renewable.published.ratios import ratios_by
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.warehouse import connect
from renewable.windows import Window
from tests.conftest import SEEDS
from tests.integration.oracle import Told, expected_marts
from tests.integration.warehouse_tables import interval_labels

pytestmark = pytest.mark.integration
WINDOW = Window(date(2025, 10, 25), date(2025, 11, 3))


def _utc(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2025, 10, day, hour, minute, tzinfo=UTC)


MINUTES = {
    "campo-claro-s-01": 15,
    "campo-claro-s-02": 30,
    "mesa-dorada-s-01": 15,
    "nordermarsch-w-01": 5,
    "nordermarsch-w-02": 30,
    "prairie-ridge-w-02": 10,
}
SILENT, SILENT_LOCAL_DAY = "campo-claro-s-02", date(2025, 10, 28)
LATE, LATE_FROM = "nordermarsch-w-02", date(2025, 10, 28)
# Across the night the clock goes back in Europe; beside silence, holes and what is found; overlapping; without wind.
EVENTS_CSV = """\
asset_id,site_id,technology,start,end,clock,kind,note
,nordermarsch,wind,2025-10-26 01:00,2025-10-26 04:00,local,grid_outage,"line 4, north"
,prairie_ridge,,2025-10-28T20:00-05:00,2025-10-29T06:00Z,,curtailment,
campo-claro-s-02,,,2025-10-27 10:07,2025-10-27 13:00,utc,downtime,inverter
campo-claro-s-02,,,2025-10-27 13:00,2025-10-27 14:00,utc,downtime,fan
mesa-dorada-s-01,,,2025-10-27 08:00,2025-10-27 13:00,local,planned_maintenance,
nordermarsch-w-01,,,2025-10-30T00:00Z,2025-10-30T06:00Z,,force_majeure,storm
nordermarsch-w-01,,,2025-10-30T03:00Z,2025-10-30T12:00Z,,operator_order,
"""
BAD_READINGS_CSV = """\
asset_id,channel,from,to,clock,note
nordermarsch-w-01,wind_speed_ms,2025-10-26 02:30,2025-10-26 03:30,utc,iced
campo-claro-s-01,active_power_kw,2025-10-29 09:00,2025-10-29 15:00,local,meter
prairie-ridge-w-02,*,2025-10-31T00:00Z,2025-10-31T06:00Z,,logger
"""
REPORTED = [
    Told("nordermarsch-w-01", _utc(25, 23), _utc(26, 3), "grid_outage", "line 4, north"),
    Told("nordermarsch-w-02", _utc(25, 23), _utc(26, 3), "grid_outage", "line 4, north"),
    Told("prairie-ridge-w-02", _utc(29, 1), _utc(29, 6), "curtailment"),
    Told("campo-claro-s-02", _utc(27, 10, 7), _utc(27, 13), "downtime", "inverter"),
    Told("campo-claro-s-02", _utc(27, 13), _utc(27, 14), "downtime", "fan"),
    Told("mesa-dorada-s-01", _utc(27, 15), _utc(27, 20), "planned_maintenance"),
    Told("nordermarsch-w-01", _utc(30), _utc(30, 6), "force_majeure", "storm"),
    Told("nordermarsch-w-01", _utc(30, 3), _utc(30, 12), "operator_order"),
]
BAD = [
    Told("nordermarsch-w-01", _utc(26, 2, 30), _utc(26, 3, 30), "wind_speed_ms"),
    Told("campo-claro-s-01", _utc(29, 8), _utc(29, 14), "active_power_kw"),
    Told("prairie-ridge-w-02", _utc(31), _utc(31, 6), "*"),
]
# Since when an asset is another one: other capacity, losses, curve.
CHANGED = {"nordermarsch-w-01": date(2025, 10, 30), "campo-claro-s-01": date(2025, 10, 29)}
OTHER_MODEL = "V90/2000"
KEYS = {
    "mart_asset_daily": ["asset_id", "date_local"],
    "mart_fleet_daily": ["group_level", "group_name", "date_local"],
    "mart_power_curve": ["asset_id", "month_local", "wind_speed_bin_ms"],
    "mart_losses_daily": ["asset_id", "date_local", "loss_category"],
    "mart_asset_monthly": ["asset_id", "month_local"],
    "mart_data_quality_daily": ["asset_id", "date_local", "channel"],
    "mart_events": ["event_id"],
}


@pytest.fixture(scope="module")
def mixed_fleet() -> Fleet:
    """Intervals of 5 to 30 minutes, two zones with two assets each; one commissioned in the middle, two changed."""
    whole = load_fleet(SEEDS)
    commissioned = pl.when(pl.col("asset_id") == LATE).then(LATE_FROM).otherwise("commissioned_on")
    assets = whole.assets.filter(pl.col("asset_id").is_in(list(MINUTES))).with_columns(
        pl.col("asset_id").replace_strict(MINUTES).alias("interval_minutes"),
        commissioned.alias("commissioned_on"),
    )
    changed = assets.filter(pl.col("asset_id").is_in(list(CHANGED))).with_columns(
        valid_from=pl.col("asset_id").replace_strict(CHANGED),
        rated_power_kw=pl.col("rated_power_kw") * 0.8,
        dc_capacity_kw=pl.col("dc_capacity_kw") * 1.1,
        system_loss_pct=pl.col("system_loss_pct") + 3,
        turbine_model=pl.when(pl.col("technology") == "wind").then(pl.lit(OTHER_MODEL)),
    )
    before = pl.col("asset_id").is_in(list(CHANGED))
    latest = pl.concat([assets.filter(~before), changed]).sort("asset_id")
    return Fleet(latest, whole.power_curves, assets.filter(before))


@pytest.fixture(scope="module")
def chain(mixed_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    fleet_dir = tmp_path_factory.mktemp("mixed")
    for name, text in registry_files(mixed_fleet).items():
        (fleet_dir / name).write_text(text)
    (fleet_dir / "events.csv").write_text(EVENTS_CSV)
    (fleet_dir / "bad_readings.csv").write_text(BAD_READINGS_CSV)
    settings = Settings(data_dir=tmp_path_factory.mktemp("marts"), fleet_dir=fleet_dir)
    for number, day in enumerate(WINDOW.days):
        weather = weather_day(mixed_fleet, day, 9)
        generation = _with_counters(generation_day(mixed_fleet, day, 9))
        holes = {"weather": _holed(weather, number), "generation": _holed(generation, number + 7)}
        if number in (2, 3):  # the whole of its local day between them
            holes = {t: f.filter(pl.col("asset_id") != SILENT) for t, f in holes.items()}
        for table, frame in holes.items():
            write_parquet_atomic(_broken(frame), RawFileName(table, day).path_under(settings.raw_dir))  # type: ignore[arg-type]
    loaded = ingest(settings)
    assert loaded.rows_quarantined == 0 and loaded.values_set_aside > 0
    transform(settings)
    publish(settings)
    return settings


@pytest.fixture(scope="module")
def oracle(chain: Settings, mixed_fleet: Fleet) -> dict[str, pl.DataFrame]:
    return expected_marts(chain.raw_dir, mixed_fleet, interval_labels(chain), REPORTED, BAD)


def _with_counters(generation: pl.DataFrame) -> pl.DataFrame:
    """Counters that tell energy over gaps, on intervals with power and without."""
    row = pl.int_range(pl.len())
    return generation.with_columns(gap_energy_kwh=pl.when(row % 53 == 7).then(7.25 + row))


def _holed(frame: pl.DataFrame, salt: int) -> pl.DataFrame:
    """Rows and single values taken away by a fixed pattern, a different one for each column and day."""
    row = pl.int_range(pl.len())
    values = [name for name in frame.columns if name not in ("asset_id", "timestamp")]
    holed = frame.with_columns(
        pl.when((row * 7 + salt * 5 + number * 11) % 13 > 1).then(pl.col(name)).alias(name)
        for number, name in enumerate(values)
    )
    return holed.filter((row * 3 + salt) % 17 > 1)


def _broken(frame: pl.DataFrame) -> pl.DataFrame:
    """Values outside their range, which the gate sets aside without losing their rows."""
    wrong = {
        "wind_speed_ms": -3.0,
        "air_temperature_c": 99.0,
        "air_pressure_hpa": 12.0,
        "relative_humidity_pct": 180.0,
        "poa_irradiance_wm2": 9000.0,
        "active_power_kw": 1e6,
        "operating_state": "asleep",
    }
    row = pl.int_range(pl.len())
    return frame.with_columns(
        pl.when((row + 7 * number) % 97 == 0).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for number, (name, value) in enumerate(wrong.items())
        if name in frame.columns
    )


@pytest.mark.parametrize("mart", sorted(KEYS))
def test_every_column_of_the_mart_equals_the_oracle(
    mart: str, chain: Settings, oracle: dict[str, pl.DataFrame]
) -> None:
    ours = _published(chain, mart).drop("evidence", strict=False).sort(KEYS[mart])
    theirs = oracle[mart].sort(KEYS[mart])
    assert ours.columns == theirs.columns and ours.height == theirs.height > 0
    assert ours.select(KEYS[mart]).equals(theirs.select(KEYS[mart]).cast(ours.select(KEYS[mart]).schema))
    differing = {name: _difference(ours[name], theirs[name]) for name in ours.columns}
    assert not {name: found for name, found in differing.items() if found}


def _difference(left: pl.Series, right: pl.Series) -> str | None:
    right = right.cast(left.dtype)
    if left.dtype != pl.Float64:
        return None if left.equals(right) else f"{(left != right).sum()} rows differ"
    if not left.is_null().equals(right.is_null()):
        return f"nulls differ in {(left.is_null() != right.is_null()).sum()} rows"
    # A spread of a few equal powers is 0 within the rounding of their mean.
    beyond = ((left - right).abs() > 1e-9 * right.abs() + 1e-9).sum()
    return f"{beyond} rows beyond the tolerance" if beyond else None


def test_the_day_the_clock_goes_back_has_25_hours(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily")
    hours = daily.filter(pl.col("date_local") == pl.date(2025, 10, 26)).select("asset_id", "expected_hours")
    found = dict(hours.iter_rows())
    assert found["nordermarsch-w-01"] == found["campo-claro-s-01"] == 25
    assert found["mesa-dorada-s-01"] == found["prairie-ridge-w-02"] == 24
    later = daily.filter(
        (pl.col("date_local") == pl.date(2025, 11, 2)) & (pl.col("asset_id") == "prairie-ridge-w-02")
    )
    # Of its 25 hours 19 lie within the UTC days that were loaded.
    assert later.select("expected_hours", "is_partial").rows() == [(19, True)]


def test_missing_hours_do_not_read_as_zero_production(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").filter(pl.col("intervals_observed") > 0)
    mean_kw = daily["energy_kwh"] / daily["observed_hours"]
    assert ((mean_kw / daily["rated_power_kw"] - daily["capacity_factor"]).abs() < 1e-12).all()
    assert (daily.filter(~pl.col("is_partial"))["data_coverage_ratio"] < 1).all()


def test_a_silent_asset_has_a_row_on_the_days_of_its_neighbours(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").filter(
        (pl.col("asset_id") == SILENT) & (pl.col("date_local") == SILENT_LOCAL_DAY)
    )
    assert daily.select("intervals_expected", "intervals_observed").rows() == [(48, 0)]
    assert daily.select("energy_kwh", "capacity_factor").rows() == [(None, None)]
    # What it might have given is known from the plant beside it, and counts as unmeasured.
    losses = _published(chain, "mart_losses_daily").filter(
        (pl.col("asset_id") == SILENT)
        & (pl.col("date_local") == SILENT_LOCAL_DAY)
        & (pl.col("lost_kwh") != 0)
    )
    assert losses["loss_category"].to_list() == ["unmeasured"]
    assert losses["lost_kwh"].item() == pytest.approx(daily["expected_energy_kwh"].item(), abs=1e-6)


def test_losses_add_up_to_the_gap_on_every_day(chain: Settings) -> None:
    sums = (
        _published(chain, "mart_losses_daily")
        .group_by("asset_id", "date_local")
        .agg(pl.col("lost_kwh").sum())
    )
    days = _published(chain, "mart_asset_daily").join(sums, on=["asset_id", "date_local"], how="left")
    came = pl.col("energy_kwh").fill_null(0) + pl.col("gap_energy_kwh").fill_null(0)
    gap = pl.col("expected_energy_kwh").fill_null(0) - came
    assert days["gap_energy_kwh"].sum() > 1000
    assert days.filter((gap - pl.col("lost_kwh")).abs() > 1e-6).is_empty()
    assert days["lost_kwh"].null_count() == 0


def test_an_asset_has_no_days_before_it_is_commissioned(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").filter(pl.col("asset_id") == LATE)
    assert daily["date_local"].min() == LATE_FROM


def test_a_change_of_the_registry_counts_from_its_local_day_on(chain: Settings, mixed_fleet: Fleet) -> None:
    daily = _published(chain, "mart_asset_daily")
    for name, since in CHANGED.items():
        rows = daily.filter(pl.col("asset_id") == name)
        (first,) = mixed_fleet.earlier.filter(pl.col("asset_id") == name)["rated_power_kw"]
        expected = [first if day < since else first * 0.8 for day in rows["date_local"]]
        assert rows["rated_power_kw"].to_list() == expected


def test_the_fleet_is_the_sum_of_its_assets(chain: Settings) -> None:
    summed = ["intervals_expected", "intervals_observed", "energy_kwh", "expected_energy_kwh"]
    assets = (
        _published(chain, "mart_asset_daily")
        .group_by("date_local")
        .agg(pl.len().alias("assets"), pl.col(summed).sum())
        .sort("date_local")
    )
    fleet = _published(chain, "mart_fleet_daily").filter(pl.col("group_level") == "fleet").sort("date_local")
    assert fleet["date_local"].equals(assets["date_local"]) and not fleet.is_empty()
    for name in ["assets", *summed]:
        # A sum over no known value is null in the mart and 0 in Polars.
        assert ((fleet[name].fill_null(0) - assets[name]).abs() <= 1e-9 * assets[name].abs()).all(), name


def test_a_bin_of_exactly_30_minutes_is_complete_whatever_the_interval(chain: Settings) -> None:
    minutes = pl.col("intervals") * pl.col("asset_id").replace_strict(MINUTES)
    curve = _published(chain, "mart_power_curve").with_columns(minutes.alias("minutes"))
    exact = curve.filter(pl.col("minutes") == 30)
    assert "nordermarsch-w-01" in exact["asset_id"]
    assert exact.filter(~pl.col("is_complete")).is_empty()
    assert curve.filter(pl.col("is_complete") != (pl.col("minutes") >= 30)).is_empty()


def test_tables_are_found_by_name_in_the_information_schema(chain: Settings) -> None:
    with connect(chain.warehouse_path, read_only=True) as connection:
        names = connection.execute("select table_name from information_schema.tables").fetchall()
    assert {"weather", "generation", "load_log", "stg_weather", "int_interval_performance", *KEYS} <= {
        n for (n,) in names
    }


def test_ratios_that_readers_take_over_other_days_are_those_of_the_marts(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").sample(fraction=1.0, shuffle=True, seed=3)
    by_month = daily.with_columns(month_local=pl.col("date_local").dt.truncate("1mo"))
    _assert_same_bits(ratios_by(by_month, "asset_id", "month_local"), _published(chain, "mart_asset_monthly"))
    fleet = _published(chain, "mart_fleet_daily")
    for level, keys in (("fleet", []), ("technology", ["technology"]), ("site", ["site_id"])):
        ours = ratios_by(daily, *keys, "date_local")
        theirs = fleet.filter(pl.col("group_level") == level)
        _assert_same_bits(ours, theirs.rename({"group_name": keys[0]}) if keys else theirs)


def _assert_same_bits(ours: pl.DataFrame, theirs: pl.DataFrame) -> None:
    shared = [name for name in ours.columns if name in theirs.columns]
    assert len(shared) > 12 and ours.height == theirs.height > 0
    ours, theirs = ours.select(shared).sort(shared[:2]), theirs.select(shared).sort(shared[:2])
    assert [name for name in shared if not ours[name].equals(theirs[name])] == []


def _published(settings: Settings, mart: str) -> pl.DataFrame:
    path: Path = settings.published_dir / f"{mart}.parquet"
    return pl.read_parquet(path).drop("build_id")


def test_what_is_reported_is_what_happened_whatever_is_found_and_adds_up(chain: Settings) -> None:
    events = _published(chain, "mart_events").filter(pl.col("source") == "reported")
    found = {(e["asset_id"], e["kind"]): e for e in events.iter_rows(named=True)}
    outage = found["nordermarsch-w-01", "grid_outage"]
    assert (outage["start_utc"], outage["end_utc"]) == (_utc(25, 23), _utc(26, 3)), "an hour came twice"
    assert outage["note"] == "line 4, north" and outage["duration_hours"] == 4
    # An interval belongs to what holds its middle: half past ten is the first of half an hour from 10:07 on whose does.
    stop = found["campo-claro-s-02", "downtime"]
    assert (stop["start_utc"], stop["end_utc"]) == (_utc(27, 10), _utc(27, 14))
    assert stop["is_estimated"] and stop["note"] == "fan; inverter", "nobody saw the power"
    assert found["nordermarsch-w-01", "force_majeure"]["end_utc"] == _utc(30, 6)
    assert found["nordermarsch-w-01", "operator_order"]["start_utc"] == _utc(30, 6), "the first by priority"
    assert ("nordermarsch-w-02", "grid_outage") not in found, "it was not commissioned yet"
    lost = _published(chain, "mart_losses_daily").filter(pl.col("loss_category") == "planned_maintenance")
    assert lost.select("asset_id", "date_local").rows() == [("mesa-dorada-s-01", date(2025, 10, 27))]


def test_time_of_an_outage_is_in_neither_availability_and_planned_work_is_unavailable(
    chain: Settings,
) -> None:
    daily = {
        (row["asset_id"], row["date_local"].day): row
        for row in _published(chain, "mart_asset_daily").iter_rows(named=True)
    }
    outage = daily["nordermarsch-w-01", 30]
    assert outage["available_hours"] + outage["unavailable_hours"] < outage["observed_hours"]
    assert outage["excluded_expected_energy_kwh"] > 0 == outage["unavailable_lost_kwh"]
    work = daily["mesa-dorada-s-01", 27]
    assert work["unavailable_hours"] > 2 and work["energy_availability_ratio"] < 0.95
    assert work["downtime_lost_kwh"] == 0 < work["unavailable_lost_kwh"]


def test_readings_that_are_set_aside_are_counted_and_kept_and_used_nowhere(chain: Settings) -> None:
    quality = _published(chain, "mart_data_quality_daily")
    sums = quality.group_by("asset_id").agg(pl.col("readings_set_aside").sum()).filter(pl.last() > 0)
    assert set(sums["asset_id"]) == {"nordermarsch-w-01", "campo-claro-s-01", "prairie-ridge-w-02"}
    all_of = pl.col("readings_present") + pl.col("readings_missing") + pl.col("readings_set_aside")
    assert quality.filter(pl.col("readings_expected") != all_of).is_empty()
    with connect(chain.warehouse_path, read_only=True) as connection:
        kept = connection.execute(
            "select count(*), count(*) filter (where cast(raw.active_power_kw as varchar) = aside.reading),"
            " count(used.active_power_kw)"
            " from intermediate.int_set_aside_readings as aside"
            " join raw.generation as raw on raw.asset_id = aside.asset_id and raw.timestamp = aside.timestamp_utc"
            " join intermediate.int_intervals as used"
            " on used.asset_id = aside.asset_id and used.timestamp_utc = aside.timestamp_utc"
            " where aside.channel = 'active_power_kw'"
        ).fetchone()
    assert kept is not None and kept[0] == kept[1] > 0 == kept[2]
