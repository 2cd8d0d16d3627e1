"""The real example through the chain, against plain sums over its CSV."""

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from loaders.quarantine import read_quarantine
from loaders.summary import LoadSummary
from renewable.atomic_write import write_parquet_atomic
from renewable.fleet import load_fleet
from renewable.importers.convert import import_files
from renewable.places import CHECKOUT as REPO
from renewable.published.publish import publish
from renewable.settings import Settings
from renewable.transform.build import transform
from tests.integration.oracle import expected_marts
from tests.integration.warehouse_tables import interval_labels

pytestmark = pytest.mark.integration
EXAMPLE = REPO / "examples" / "la_haute_borne"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, LoadSummary]:
    data_dir = tmp_path_factory.mktemp("la_haute_borne")
    settings = Settings(
        data_dir=data_dir, fleet_dir=EXAMPLE, input="mapping", mapping=EXAMPLE / "mapping.yaml"
    )
    import_files(EXAMPLE / "mapping.yaml", settings.raw_dir)
    summary = ingest(settings)
    transform(settings)
    publish(settings)
    return settings, summary


@pytest.fixture(scope="module")
def source_rows() -> list[dict[str, str]]:
    (path,) = EXAMPLE.glob("*.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_energy_of_each_turbine_equals_the_plain_sum_over_the_csv(
    chain: tuple[Settings, LoadSummary], source_rows: list[dict[str, str]]
) -> None:
    expected_kwh: dict[str, float] = defaultdict(float)
    for row in source_rows:
        expected_kwh[row["Wind_turbine_name"]] += float(row["P_avg"] or 0) / 6
    daily = pl.read_parquet(chain[0].published_dir / "mart_asset_daily.parquet")
    found = dict(daily.group_by("asset_id").agg(pl.col("energy_kwh").sum()).iter_rows())
    assert found.keys() == expected_kwh.keys() and len(found) == 4
    for turbine, energy_kwh in expected_kwh.items():
        assert found[turbine] == pytest.approx(energy_kwh, rel=1e-9)


def test_the_pairs_of_the_clock_change_are_recovered_and_nothing_is_quarantined(
    chain: tuple[Settings, LoadSummary], source_rows: list[dict[str, str]]
) -> None:
    settings, summary = chain
    keys = [(row["Wind_turbine_name"], row["Date_time"][:19]) for row in source_rows]
    assert len(keys) - len(set(keys)) == 24
    assert read_quarantine(settings.quarantine_dir).rows == {}
    assert summary.rows_loaded == summary.rows_in == 2 * len(source_rows)


def test_the_day_of_the_clock_change_has_23_hours_and_all_of_them(
    chain: tuple[Settings, LoadSummary],
) -> None:
    daily = pl.read_parquet(chain[0].published_dir / "mart_asset_daily.parquet")
    day = daily.filter(pl.col("date_local") == pl.date(2014, 3, 30))
    assert day["intervals_expected"].to_list() == [23 * 6] * 4
    assert day["intervals_observed"].to_list() == [23 * 6] * 4


def test_the_turbines_perform_about_as_the_rest_of_their_year(chain: tuple[Settings, LoadSummary]) -> None:
    daily = pl.read_parquet(chain[0].published_dir / "mart_asset_daily.parquet")
    ratio = daily["energy_kwh"].sum() / daily["expected_energy_kwh"].sum()
    assert 0.85 < ratio < 1.1
    assert Path(chain[0].published_dir / "mart_power_curve.parquet").exists()


def test_every_mart_of_the_real_turbines_equals_the_oracle(
    chain: tuple[Settings, LoadSummary], tmp_path: Path
) -> None:
    settings = chain[0]
    for path in settings.raw_dir.rglob("*.parquet"):
        kept = pl.read_parquet(path).unique(["asset_id", "timestamp"], keep="none")
        write_parquet_atomic(kept, tmp_path / path.relative_to(settings.raw_dir))
    theirs = expected_marts(tmp_path, load_fleet(EXAMPLE), interval_labels(settings))
    for mart, frame in theirs.items():
        ours = pl.read_parquet(settings.published_dir / f"{mart}.parquet").drop("build_id")
        keys = [
            name for name in ours.columns if ours[name].dtype in (pl.String, pl.Date) and name != "evidence"
        ] + [name for name in ("wind_speed_bin_ms",) if name in ours.columns]
        left = ours.select(frame.columns).sort(keys)
        right = frame.cast(dict(left.schema)).sort(keys)
        assert left.height == right.height > 0, mart
        for name, kind in left.schema.items():
            assert left[name].is_null().equals(right[name].is_null()), (mart, name)
            if kind == pl.Float64:
                beyond = ((left[name] - right[name]).abs() > 1e-9 * right[name].abs() + 1e-9).sum()
                assert beyond == 0, (mart, name, beyond)
            else:
                assert left[name].equals(right[name]), (mart, name)
