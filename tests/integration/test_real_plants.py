"""Detections on plants that nobody here made stay as good as they are."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from benchmarks.real_turbines import EXAMPLE, intervals_of

from renewable.settings import Settings

pytestmark = pytest.mark.integration
FIXTURES = Path(__file__).parents[1] / "fixtures" / "pv"
# The series lie in other years; their days are moved into the spring of the longest one, so that one build takes all.
FIRST_DAY = datetime(2012, 2, 20, tzinfo=UTC)
CLOCK_CHANGE = date(2012, 3, 11)
PLANTS = {
    "clock": "39.742,-105.18,1830,America/Phoenix,15,3.5,2010-01-01,,,,4,fixed,45,158,-0.4,12",
    "interpolated": "35,-106,1600,Etc/UTC,15,100,2010-01-01,,,,120,fixed,25,180,-0.4,12",
    "outliers": "35,-106,1600,Etc/UTC,15,100,2010-01-01,,,,120,fixed,25,180,-0.4,12",
    "pyranometer": "39.742,-105.18,1830,Etc/GMT+7,15,3.5,2010-01-01,,,,4,fixed,40,180,-0.4,12",
    "snow": "39.1,-77.2,130,Etc/GMT+5,15,70,2010-01-01,,,,75,fixed,20,180,-0.4,12",
    "snow_unseen": "39.1,-77.2,130,Etc/GMT+5,15,70,2010-01-01,,,,75,fixed,20,180,-0.4,12",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """All plants, each at a site of its own, through the whole chain."""
    folder = tmp_path_factory.mktemp("plants")
    header = (EXAMPLE / "assets.csv").read_text("utf-8").splitlines()[0]
    rows = [f"{name},{name},{name},{name},solar,{rest}" for name, rest in PLANTS.items()]
    (folder / "assets.csv").write_text("\n".join([header, *rows]) + "\n")
    (folder / "power_curves.csv").write_text("turbine_model,wind_speed_ms,power_kw\n")
    settings = Settings(data_dir=folder / "data", fleet_dir=folder)
    intervals_of(pl.concat(_readings(name) for name in PLANTS), settings)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def test_lines_between_two_readings_are_told_as_people_tell_them(built: duckdb.DuckDBPyConnection) -> None:
    """Among it zeros from a noon through the night to the next: longer than a night, and nobody measured the sun."""
    both = _flagged(built, "interpolated").with_columns(is_found=pl.col("flag") == "interpolated")
    true, found = both.filter("is_interpolated"), both.filter("is_found")
    assert found.filter("is_interpolated").height >= 0.95 * found.height
    assert true.filter("is_found").height >= 0.99 * true.height


def test_outliers_are_told_as_people_tell_them(built: duckdb.DuckDBPyConnection) -> None:
    """The gate has set aside what no inverter gives; who dips to 8 % of rated power once may have a cloud."""
    both = _flagged(built, "outliers").with_columns(is_found=pl.col("flag").is_in(["above_rated", "missing"]))
    true, found = both.filter("is_outlier"), both.filter("is_found")
    assert found.filter("is_outlier").height == found.height
    assert true.filter("is_found").height >= 5 / 6 * true.height


def test_hidden_summer_time_is_seen_in_the_sun(built: duckdb.DuckDBPyConnection) -> None:
    """Two weeks tell, of which more than half have to lie behind the change."""
    clock = built.sql(
        "select date_local, readings_clock_shift, change from marts.mart_data_quality_daily"
        " where asset_id = 'clock' and channel = 'active_power_kw' order by date_local"
    ).pl()
    before = clock.filter(pl.col("date_local") < CLOCK_CHANGE)
    after = clock.filter(pl.col("date_local") >= CLOCK_CHANGE + timedelta(days=9))
    assert before["readings_clock_shift"].sum() == 0
    assert after.height >= 14 and (after["readings_clock_shift"] > 0).all()
    assert after["change"].median() == pytest.approx(60, abs=15)


def test_nothing_of_a_day_on_which_a_pyranometer_gave_what_no_sun_gives_looks_right(
    built: duckdb.DuckDBPyConnection,
) -> None:
    """For a week it gave up to 5,600 W/m², by night too; 193 readings between lie in the range of any pyranometer."""
    came = _readings("pyranometer").with_columns(
        date_local=pl.col("timestamp").dt.offset_by("-7h").dt.date(),
        is_impossible=pl.col("poa_irradiance_wm2") > 2000.0,
    )
    wrong = came.filter(pl.col("date_local") < _moved(7))
    assert wrong.filter(~pl.col("is_impossible")).height > 190, "the gate alone would leave them"
    days = built.sql(
        "select date_local, insolation_kwh_m2, expected_energy_kwh, performance_ratio, readings_present,"
        " readings_out_of_range, readings_missing, readings_expected"
        " from marts.mart_asset_daily inner join marts.mart_data_quality_daily using (asset_id, date_local)"
        " where asset_id = 'pyranometer' and channel = 'poa_irradiance_wm2' order by date_local"
    ).pl()
    bad = days.filter(pl.col("date_local").is_between(_moved(0), _moved(6)))
    for figure in ("insolation_kwh_m2", "expected_energy_kwh", "performance_ratio"):
        assert bad[figure].null_count() == bad.height == 7, figure
    assert bad["readings_present"].sum() == 0
    assert bad["readings_out_of_range"].sum() == wrong["poa_irradiance_wm2"].count()
    assert bad.filter(
        pl.col("readings_out_of_range") + pl.col("readings_missing") != pl.col("readings_expected")
    ).is_empty()
    good = days.filter(pl.col("date_local").is_between(_moved(7), _moved(11)))
    assert good["readings_out_of_range"].sum() == 0 and good["insolation_kwh_m2"].min() > 4.0
    assert (good["expected_energy_kwh"] > 0).all()


def test_snow_is_told_where_a_gauge_tells_that_it_fell(built: duckdb.DuckDBPyConnection) -> None:
    rows = built.sql(
        "select asset_id, date_local, event_kind, interval_hours from intermediate.int_interval_performance"
        " where asset_id like 'snow%' and poa_irradiance_wm2 >= 50 and active_power_kw is not null"
    ).pl()
    covered = rows.filter(pl.col("date_local").is_between(_moved(2), _moved(4)))
    gauged, blind = (covered.filter(pl.col("asset_id") == name) for name in ("snow", "snow_unseen"))
    assert gauged.filter(pl.col("event_kind") == "snow").height >= 0.9 * gauged.height
    assert blind.filter(pl.col("event_kind") == "snow").is_empty()
    clear = rows.filter(pl.col("asset_id") == "snow", pl.col("date_local") < _moved(2))
    assert clear.filter(pl.col("event_kind") == "snow").is_empty()
    told = dict(
        built.sql(
            "select asset_id, any_value(untold_kinds) from marts.mart_asset_daily"
            f" where asset_id like 'snow%' and date_local = date '{_moved(3)}' group by asset_id"
        ).fetchall()
    )
    assert told == {"snow": None, "snow_unseen": "snow"}, "who cannot see snow says so"


def _readings(name: str) -> pl.DataFrame:
    channels = {
        "asset_id": pl.lit(name),
        "ghi_wm2": pl.lit(None, pl.Float64),
        "operating_state": pl.lit(None, pl.String),
    }
    if name == "clock":
        rows = pl.read_parquet(FIXTURES / "hidden-summer-time-2012.parquet")
    elif name == "pyranometer":
        rows = pl.read_parquet(FIXTURES / "pyranometer-2023-07.parquet")
        rows = rows.with_columns(_shifted("timestamp").dt.offset_by("7h"))
    elif name in ("interpolated", "outliers"):
        rows = _labelled(name).with_columns(active_power_kw=100.0 * pl.col("value")).drop("value", "^is_.*$")
    else:
        rows = pl.read_parquet(FIXTURES / "snow-2022-01.parquet")
        rows = rows.with_columns(_shifted("timestamp").dt.offset_by("5h"))
        local = rows["timestamp"].dt.offset_by("-5h")
        falling = (local.dt.date().is_in([_moved(2), _moved(3)])) & (local.dt.hour() < 9)
        if name == "snow":
            rows = rows.with_columns(precipitation_mm=pl.when(falling).then(0.2).otherwise(0.0))
    return pl.concat([rows.with_columns(**channels), _SHAPE], how="diagonal").select(_SHAPE.columns)


def _labelled(name: str) -> pl.DataFrame:
    (path,) = FIXTURES.glob(f"{name}-*.parquet")
    return pl.read_parquet(path).with_columns(_shifted("timestamp"))


def _shifted(column: str) -> pl.Expr:
    """Instants of a series whose first day becomes FIRST_DAY."""
    wall = pl.col(column).dt.replace_time_zone("UTC")
    return (wall - wall.min().dt.truncate("1d") + pl.lit(FIRST_DAY)).alias(column)


def _moved(day: int) -> date:
    return FIRST_DAY.date() + timedelta(days=day)


def _flagged(built: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    flags = built.sql(
        "select timestamp_utc as timestamp, active_power_kw_flag as flag"
        f" from intermediate.int_interval_performance where asset_id = '{name}'"
    ).pl()
    both = _labelled(name).join(flags, on="timestamp", how="left")
    assert both["flag"].is_not_null().any()
    return both


_SHAPE = pl.DataFrame(
    schema={
        "asset_id": pl.String,
        "timestamp": pl.Datetime("us", "UTC"),
        "active_power_kw": pl.Float64,
        "curtailment_limit_kw": pl.Float64,
        "operating_state": pl.String,
        "poa_irradiance_wm2": pl.Float64,
        "ghi_wm2": pl.Float64,
        "module_temperature_c": pl.Float64,
        "air_temperature_c": pl.Float64,
        "precipitation_mm": pl.Float64,
    }
)
